/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The keys that the module has open with this worker: its number for each,
 * the session token that it has to show, the objects in the token.
 *
 * A pointer to a struct xtskey holds until the next open or close.
 */
#ifndef PAESD_KEYS_H
#define PAESD_KEYS_H

#include "engine.h"

#include <linux/paes.h>
#include <stdint.h>

enum {
	KEYS_MAX = 1024,
};

struct keys_entry {
	uint32_t number;
	uint8_t session[PAES_TOKEN_SIZE];
	struct xtskey key;
};

/* Sorted by number: found by halving, and no hash to go wrong. */
struct keys {
	struct token *token;
	struct engine *engine;		/* told before a key is closed */
	unsigned int count;
	struct keys_entry entries[KEYS_MAX];
};

/*
 * Opens `blob` as `number` and gives out its session token.  A key that has
 * the number already is closed first, whatever comes of the new one: the
 * module means the old one no more.  Returns as xtskey_open(), -ENOSPC when
 * the table is full, or -EIO when the system has no random bytes.
 */
int keys_open(struct keys *keys, uint32_t number, const struct paes_blob *blob,
	      uint8_t session[PAES_TOKEN_SIZE]);

/* Destroys the key in the token and wipes its entry; unknown ones are fine. */
void keys_close(struct keys *keys, uint32_t number);
void keys_close_all(struct keys *keys);

/* NULL when the number is not open or the session token is another one's. */
const struct xtskey *keys_find(const struct keys *keys, uint32_t number,
			       const uint8_t session[PAES_TOKEN_SIZE]);

/* Does the token still give the known answer under both halves of the key? */
bool keys_works(const struct keys *keys, const struct xtskey *key);

#endif
