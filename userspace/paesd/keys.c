// SPDX-License-Identifier: GPL-2.0
#include "keys.h"
#include "log.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

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

static int session_make(uint8_t session[PAES_TOKEN_SIZE])
{
	if (getrandom(session, PAES_TOKEN_SIZE, 0) == PAES_TOKEN_SIZE)
		return 0;
	log_error("no random bytes for a session token: %s", strerror(errno));
	return -EIO;
}

static void keys_insert(struct keys *keys, const struct keys_entry *entry)
{
	unsigned int place = keys_place(keys, entry->number);

	memmove(&keys->entries[place + 1], &keys->entries[place],
		(keys->count - place) * sizeof(*entry));
	keys->entries[place] = *entry;
	keys->count++;
}

int keys_open(struct keys *keys, uint32_t number, const struct paes_blob *blob,
	      uint8_t session[PAES_TOKEN_SIZE])
{
	struct keys_entry entry = { .number = number };
	int error;

	keys_close(keys, number);
	if (keys->count == KEYS_MAX) {
		log_error("%u keys are open, which is all that one worker can hold: key %u is left to other providers",
			  KEYS_MAX, number);
		return -ENOSPC;
	}
	error = session_make(entry.session);
	if (!error)
		error = xtskey_open(&entry.key, keys->token, blob);
	if (!error) {
		memcpy(session, entry.session, PAES_TOKEN_SIZE);
		keys_insert(keys, &entry);
	}
	secret_wipe(&entry, sizeof(entry));
	return error;
}

static void keys_remove(struct keys *keys, unsigned int place)
{
	struct keys_entry *entry = &keys->entries[place];

	engine_forget(keys->engine, &entry->key);
	xtskey_close(&entry->key, keys->token);
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

const struct xtskey *keys_find(const struct keys *keys, uint32_t number,
			       const uint8_t session[PAES_TOKEN_SIZE])
{
	unsigned int place = keys_place(keys, number);

	if (!keys_has(keys, place, number) ||
	    !paes_blob_equal(keys->entries[place].session, session,
			     PAES_TOKEN_SIZE))
		return NULL;
	return &keys->entries[place].key;
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
