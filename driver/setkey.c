// SPDX-License-Identifier: GPL-2.0
/* setkey: check the blob, find somebody who can use it, wait for the answer. */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/jiffies.h>
#include <linux/module.h>

#include "queue.h"
#include "registry.h"
#include "session.h"
#include "setkey.h"
#include "stats.h"

static unsigned int setkey_timeout_ms = 10000;
module_param(setkey_timeout_ms, uint, 0644);
MODULE_PARM_DESC(setkey_timeout_ms,
		 "how long setting a key waits for a provider of its KEK, in ms");

static const char *paes_setkey_fault(enum paes_blob_fault fault)
{
	switch (fault) {
	case PAES_BLOB_BAD_LENGTH:
		return "length";
	case PAES_BLOB_BAD_MAGIC:
		return "magic";
	case PAES_BLOB_BAD_VERSION:
		return "version";
	default:
		return "a field";
	}
}

/* What people do wrong most: cryptsetup made a "key" of random bytes. */
static int paes_setkey_malformed(enum paes_blob_fault fault, unsigned int length)
{
	if (fault == PAES_BLOB_SAME_KEYS) {
		pr_warn_ratelimited("wrapped key refused: its two halves are the same key, which makes XTS weak\n");
		return -EKEYREJECTED;
	}
	pr_warn_ratelimited("not a wrapped key (%u bytes, wrong %s): if 'cryptsetup luksFormat' ran without --volume-key-file, it made a random key that no HSM knows; make a wrapped key with 'paes generate' and format again with --volume-key-file BLOB --key-size %u; 'paes inspect BLOB' tells what is wrong with a file\n",
			    length, paes_setkey_fault(fault), PAES_BLOB_SIZE * 8);
	return -EINVAL;
}

static void paes_setkey_log_unserved(const struct paes_key *key)
{
	unsigned int i;

	if (!paes_registry_has_providers())
		pr_warn("key %u: nobody serves %s: start paesd\n", key->number,
			PAES_DEVICE);
	for (i = 0; i < key->recipients; i++)
		pr_warn("key %u: no provider has its KEK %*phN: is the token there, and named in paesd's configuration?\n",
			key->number, PAES_ID_SIZE,
			key->blob.recipient[i].kek_id);
}

/* Waits until the key is open somewhere or surely nowhere. */
static int paes_setkey_wait(struct paes_key *key)
{
	long left;
	int err;

	left = wait_event_killable_timeout(key->settled,
					   paes_sessions_settled(key),
					   msecs_to_jiffies(setkey_timeout_ms));
	if (left < 0)
		return -EINTR;
	err = paes_sessions_outcome(key);
	if (!err && paes_sessions_revoked(key))
		err = -EKEYREVOKED;
	if (err == -ENOKEY)
		paes_setkey_log_unserved(key);
	else if (err == -ETIMEDOUT)
		pr_warn("key %u: a provider of its KEK did not answer within %u ms\n",
			key->number, setkey_timeout_ms);
	return err;
}

static int paes_setkey_register(struct paes_key *key)
{
	int err = paes_registry_add_key(key, GFP_NOIO);

	return err ?: paes_setkey_wait(key);
}

/**
 * paes_setkey_open() - take a wrapped key into use
 * @bytes:	hostile; copied
 * @length:	of @bytes
 *
 * Waits, at most setkey_timeout_ms and killable, until a provider opened it.
 *
 * Return: the key, to be closed with paes_setkey_close(); or an ERR_PTR():
 * -EINVAL not a wrapped key; -EKEYREJECTED refused by the HSM, or K1 == K2;
 * -EKEYREVOKED closed by an administrator; -ENOKEY nobody has its KEK;
 * -ETIMEDOUT no answer; -EIO HSM trouble; -ENOMEM; -EINTR.
 */
struct paes_key *paes_setkey_open(const u8 *bytes, unsigned int length)
{
	enum paes_blob_fault fault = paes_blob_check(bytes, length);
	struct paes_key *key;
	int err;

	if (fault) {
		paes_stat_inc(PAES_STAT_REJECTED);
		return ERR_PTR(paes_setkey_malformed(fault, length));
	}
	key = paes_key_new(bytes, paes_queue_hold, paes_queue_answer);
	if (!key)
		return ERR_PTR(-ENOMEM);
	err = paes_setkey_register(key);
	if (err) {
		paes_stat_inc(PAES_STAT_REJECTED);
		paes_setkey_close(key);
		return ERR_PTR(err);
	}
	paes_stat_inc(PAES_STAT_OPENED);
	return key;
}

/**
 * paes_setkey_close() - the tfm is done with a key
 * @key:	NULL is fine; waiting requests fail with -ENOKEY
 *
 * Doesn't wait for providers.  Process context.
 */
void paes_setkey_close(struct paes_key *key)
{
	if (!key)
		return;
	spin_lock_bh(&key->lock);
	key->closed = true;
	spin_unlock_bh(&key->lock);
	paes_queue_fail(key, -ENOKEY);
	paes_registry_remove_key(key);
	paes_sessions_close(key);
	paes_key_put(key);
}
