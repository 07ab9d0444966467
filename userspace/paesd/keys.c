// SPDX-License-Identifier: GPL-2.0
#include "keys.h"
#include "log.h"

#include <errno.h>
#include <string.h>

/* The place of `number`, or where it would have to go. */
static unsigned int keys_place(const struct keys *keys, uint32_t number)
{
	unsigned int low = 0, high = keys->count;

	while (low < high) {
		unsigned int middle = low + (high - low) / 2;

		if (keys->entries[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool keys_has(const struct keys *keys, unsigned int place,
		     uint32_t number)
{
	return place < keys->count && keys->entries[place].number == number;
}

static void keys_insert(struct keys *keys, const struct keys_entry *entry)
{
	unsigned int place = keys_place(keys, entry->number);

	memmove(&keys->entries[place + 1], &keys->entries[place],
		(keys->count - place) * sizeof(*entry));
	keys->entries[place] = *entry;
	keys->count++;
}

/* In the token, or as revoked. */
static int entry_open(struct keys *keys, struct keys_entry *entry)
{
	entry->revoked = revoked_has(&keys->revoked, entry->blob.key_id);
	if (entry->revoked)
		return -EKEYREVOKED;
	return xtskey_open(&entry->key, keys->token, &entry->blob);
}

int keys_open(struct keys *keys, uint32_t number, const struct paes_blob *blob,
	      uint8_t token[PAES_TOKEN_SIZE])
{
	struct keys_entry entry = { .number = number, .blob = *blob };
	int error;

	keys_close(keys, number);
	if (keys->count == KEYS_MAX) {
		log_error("%u keys are open, which is all that one worker can hold: key %u is left to other providers",
			  KEYS_MAX, number);
		return -ENOSPC;
	}
	keys_look_at_clock(keys);
	error = session_start(&entry.session, &keys->rotation, keys->now);
	if (!error)
		error = entry_open(keys, &entry);
	if (!error || error == -EKEYREVOKED) {
		memcpy(token, entry.session.token, PAES_TOKEN_SIZE);
		keys_insert(keys, &entry);
	}
	secret_wipe(&entry, sizeof(entry));
	return error;
}

/* Destroys the key in the token. */
static void entry_shut(struct keys *keys, struct keys_entry *entry)
{
	if (entry->revoked)
		return;
	engine_forget(keys->engine, &entry->key);
	xtskey_close(&entry->key, keys->token);
}

static void keys_remove(struct keys *keys, unsigned int place)
{
	struct keys_entry *entry = &keys->entries[place];

	entry_shut(keys, entry);
	keys->count--;
	memmove(entry, entry + 1, (keys->count - place) * sizeof(*entry));
	secret_wipe(&keys->entries[keys->count], sizeof(*entry));
}

void keys_close(struct keys *keys, uint32_t number)
{
	unsigned int place = keys_place(keys, number);

	if (keys_has(keys, place, number))
		keys_remove(keys, place);
}

void keys_close_all(struct keys *keys)
{
	while (keys->count)
		keys_remove(keys, keys->count - 1);
}

/* In the log as often as it doubles: no more lines than a number has bits. */
static int keys_refuse(struct keys *keys, uint32_t number)
{
	keys->stale++;
	if (!(keys->stale & (keys->stale - 1)))
		log_warning("key %u: a request with a session token that is dead, or none of this key's: refused, as were %lu before it; expected the one that the module was given last",
			    number, keys->stale - 1);
	return -ESTALE;
}

int keys_find(struct keys *keys, uint32_t number,
	      const uint8_t token[PAES_TOKEN_SIZE],
	      const struct xtskey **key)
{
	unsigned int place = keys_place(keys, number);
	struct keys_entry *entry = &keys->entries[place];

	if (!keys_has(keys, place, number) ||
	    !session_admits(&entry->session, token, &keys->rotation, keys->now))
		return keys_refuse(keys, number);
	if (entry->revoked)
		return -EKEYREVOKED;
	keys->due |= session_is_due(&entry->session, keys->now);
	*key = &entry->key;
	return 0;
}

const uint8_t *keys_rotate(struct keys *keys, const struct xtskey *key)
{
	size_t at = (size_t)((const unsigned char *)key -
			     (const unsigned char *)keys->entries);
	struct keys_entry *entry = &keys->entries[at / sizeof(*entry)];

	if (!session_is_due(&entry->session, keys->now) ||
	    !session_rotate(&entry->session))
		return NULL;
	return entry->session.next;
}

void keys_look_at_clock(struct keys *keys)
{
	struct timespec coarse;

	if (!keys->rotation.seconds)
		return;
	clock_gettime(CLOCK_MONOTONIC_COARSE, &coarse);
	if (coarse.tv_sec == keys->second)
		return;
	keys->second = coarse.tv_sec;
	keys->now = session_now();
}

const struct xtskey *keys_any(const struct keys *keys)
{
	for (unsigned int i = 0; i < keys->count; i++)
		if (!keys->entries[i].revoked)
			return &keys->entries[i].key;
	return NULL;
}

/* 1 when it was closed, 0 when nothing more was to be done, or -errno. */
static int entry_heed(struct keys *keys, struct keys_entry *entry)
{
	bool revoke = revoked_has(&keys->revoked, entry->blob.key_id);
	int error;

	if (revoke == entry->revoked)
		return 0;
	if (revoke) {
		entry_shut(keys, entry);
		entry->revoked = true;
		log_info("key %u: revoked", entry->number);
		return 1;
	}
	error = entry_open(keys, entry);
	entry->revoked = error != 0;
	if (error)
		log_error("key %u: allowed, but it can't be opened again: %s",
			  entry->number, strerror(-error));
	else
		log_info("key %u: allowed", entry->number);
	return error;
}

int keys_heed(struct keys *keys)
{
	int closed = 0, error = 0;

	for (unsigned int i = 0; i < keys->count; i++) {
		int done = entry_heed(keys, &keys->entries[i]);

		if (done > 0)
			closed++;
		else if (done)
			error = done;
	}
	return error ? error : closed;
}

static bool half_works(struct token *token, token_key half,
		       const unsigned char known[PAES_AES_BLOCK])
{
	unsigned char answer[PAES_AES_BLOCK] = { 0 };

	return token_encrypt(token, half, PAES_KNOWN_BLOCK, answer,
			     sizeof(answer)) == 0 &&
	       paes_blob_equal(answer, known, sizeof(answer));
}

bool keys_works(const struct keys *keys, const struct xtskey *key)
{
	return half_works(keys->token, key->k1, key->known1) &&
	       half_works(keys->token, key->k2, key->known2);
}
