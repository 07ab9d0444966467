/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The keys that the module has open with this worker: its number for each,
 * its session, the objects in the token.
 *
 * A revoked key isn't in the token, but keeps its number and session token:
 * whoever uses it is told so, and when it is allowed, the wrapped key, which is
 * kept for that, is opened again.
 *
 * A pointer to a struct xtskey holds until the next open, close or heed.
 */
#ifndef PAESD_KEYS_H
#define PAESD_KEYS_H

#include "engine.h"
#include "revoked.h"
#include "session.h"

#include <time.h>

enum {
	KEYS_MAX = 1024,
};

struct keys_entry {
	uint32_t number;
	struct session session;
	bool revoked;			/* then `key` is nothing */
	struct xtskey key;
	struct paes_blob blob;
};

/* Sorted by number: found by halving, and no hash to go wrong. */
struct keys {
	struct token *token;
	struct engine *engine;		/* told before a key is closed */
	struct revoked revoked;
	struct rotation rotation;
	uint64_t now;			/* see keys_look_at_clock() */
	time_t second;			/* in which it was looked at */
	bool due;			/* some session may be: keys_rotate() */
	unsigned long stale;		/* requests refused for their token */
	unsigned int count;
	struct keys_entry entries[KEYS_MAX];
};

/*
 * Opens `blob` as `number` and gives out its session token.  A key that has
 * the number already is closed first, whatever comes of the new one: the
 * module means the old one no more.  Returns as xtskey_open(), -ENOSPC when
 * the table is full, or -EIO when the system has no random bytes; or
 * -EKEYREVOKED: then it has a place in the table and a session token.
 */
int keys_open(struct keys *keys, uint32_t number, const struct paes_blob *blob,
	      uint8_t token[PAES_TOKEN_SIZE]);

/* Destroys the key in the token and wipes its entry; unknown ones are fine. */
void keys_close(struct keys *keys, uint32_t number);
void keys_close_all(struct keys *keys);

/*
 * 0; -EKEYREVOKED; or -ESTALE when the number is not open or the session token
 * is another one's, or dead.
 */
int keys_find(struct keys *keys, uint32_t number,
	      const uint8_t token[PAES_TOKEN_SIZE],
	      const struct xtskey **key);

/*
 * The next session token of a key in the table, to go with a successful answer,
 * when it is time for one; or NULL.
 */
const uint8_t *keys_rotate(struct keys *keys, const struct xtskey *key);

/*
 * What is "now" until it is called again, once a batch and after a pause.
 * Sessions are in no hurry: the clock that goes on while the machine sleeps is a
 * system call here and there, and is read once in a second of one that never is.
 */
void keys_look_at_clock(struct keys *keys);

/* One that is open in the token, or NULL. */
const struct xtskey *keys_any(const struct keys *keys);

/*
 * After a change of keys->revoked: closes what is in it, opens again what no
 * longer is.  The number of keys closed; or -errno when a key can't be opened
 * again, as xtskey_open().
 */
int keys_heed(struct keys *keys);

/* Does the token still give the known answer under both halves of the key? */
bool keys_works(const struct keys *keys, const struct xtskey *key);

#endif
