/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tweaks made before they are needed.  Who reads or writes in sequence, one
 * sector at a time, then pays one token call a sector instead of two.
 *
 * A trail is where requests of a key went.  One that a request continues gets
 * a window: the tweaks of what would come next, made by the token call that
 * the request needs anyway.  Requests all over the disk leave trails that
 * nothing continues, and nothing is made for them.
 *
 * A window is used only under the key it was made for: the handle of K2, and
 * the known block under it, since tokens give a handle out again.
 */
#ifndef PAES_TWEAKS_H
#define PAES_TWEAKS_H

#include "xtskey.h"

#include <stdint.h>

enum {
	TWEAKS_AHEAD	= 64,	/* units of a window */
	TWEAKS_GAP	= 8,	/* a trail goes on that far ahead: others serve, too */
	TWEAKS_TRAILS	= 4,	/* of a set: what goes on under a key at a time */
	TWEAKS_SETS	= 128,
	TWEAKS_WINDOWS	= 128,
	TWEAKS_ASK_MAX	= TWEAKS_TRAILS * TWEAKS_AHEAD * PAES_AES_BLOCK,
};

/* The tweak value of a unit. */
struct tweaks_place {
	uint64_t low;
	uint64_t high;
};

struct tweaks_window {
	uint8_t tweaks[TWEAKS_AHEAD][PAES_AES_BLOCK];
	struct tweaks_place first;
	uint64_t step;
	bool made;
	struct tweaks_trail *trail;	/* whose; NULL: not used */
};

struct tweaks_trail {
	token_key key;			/* K2; TOKEN_NO_KEY: not used */
	uint8_t known[PAES_AES_BLOCK];	/* under it */
	struct tweaks_place last;	/* unit seen */
	uint64_t step;			/* from a request to the next */
	uint64_t used;			/* when, by tweaks->uses */
	bool wants;			/* a window, by the next call */
	bool asked;			/* for it, in this call */
	struct tweaks_window *window;	/* or NULL */
};

struct tweaks {
	struct secret *memory;		/* that all this is in */
	uint64_t uses;
	struct tweaks_trail trails[TWEAKS_SETS][TWEAKS_TRAILS];
	struct tweaks_window windows[TWEAKS_WINDOWS];
};

/* What requests in sequence need: the tweaks of `units` from `iv` on. */
struct tweaks_span {
	const struct xtskey *key;
	const uint8_t *iv;
	uint32_t units;
	uint32_t stride;	/* from unit to unit, and to the next request's */
};

struct tweaks *tweaks_new(void);	/* NULL with errno set */
void tweaks_free(struct tweaks *tweaks);	/* NULL is fine */

/* Copies all of them, or says that not all are here. */
bool tweaks_get(struct tweaks *tweaks, const struct tweaks_span *span,
		uint8_t *out);

/* All of a small batch, whether or not its tweaks were here. */
void tweaks_note(struct tweaks *tweaks, const struct tweaks_span *span);

/*
 * Writes the tweak values that the key's next token call should carry as well,
 * to TWEAKS_ASK_MAX bytes, and returns how many.  When the call went well,
 * tweaks_put() takes what came of them.
 */
size_t tweaks_ask(struct tweaks *tweaks, const struct xtskey *key, uint8_t *ivs);
void tweaks_put(struct tweaks *tweaks, const struct xtskey *key,
		const uint8_t *made);

/* Wipes all that was made for a key. */
void tweaks_forget(struct tweaks *tweaks, const struct xtskey *key);

#endif
