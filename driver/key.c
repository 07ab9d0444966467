// SPDX-License-Identifier: GPL-2.0
/* The key object: made of a blob that was checked, wiped when it goes away. */

#include <linux/slab.h>

#include "key.h"
#include "work.h"

static atomic_t paes_key_numbers;

void paes_key_get(struct paes_key *key)
{
	refcount_inc(&key->refs);
}

/**
 * paes_key_put() - drop a reference
 * @key:	wiped and freed with the last one
 *
 * Any context but hard interrupts.
 */
void paes_key_put(struct paes_key *key)
{
	if (!refcount_dec_and_test(&key->refs))
		return;
	kfree_sensitive(key);
	paes_work_put();
}

/**
 * paes_key_new() - a key that is open nowhere yet
 * @bytes:	a blob that passed paes_blob_check(); copied
 * @hold:	runs while requests wait without a provider
 * @answer:	runs when requests were encrypted
 *
 * Return: one reference, or NULL.
 */
struct paes_key *paes_key_new(const u8 *bytes, work_func_t hold,
			      work_func_t answer)
{
	struct paes_key *key = kzalloc(sizeof(*key), GFP_NOIO);

	if (!key)
		return NULL;
	paes_work_get();
	refcount_set(&key->refs, 1);
	INIT_LIST_HEAD(&key->registered);
	key->number = atomic_inc_return(&paes_key_numbers);
	memcpy(&key->blob, bytes, sizeof(key->blob));
	key->recipients = paes_blob_recipients(&key->blob);
	init_waitqueue_head(&key->settled);
	INIT_DELAYED_WORK(&key->hold, hold);
	INIT_WORK(&key->answer, answer);
	spin_lock_init(&key->lock);
	INIT_LIST_HEAD(&key->sessions);
	INIT_LIST_HEAD(&key->pending);
	INIT_LIST_HEAD(&key->backlog);
	INIT_LIST_HEAD(&key->answered);
	return key;
}
