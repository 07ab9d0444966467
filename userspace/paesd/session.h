/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A session token: what the module has to show with each request under a key,
 * and what becomes of it (linux/paes.h, section 4).
 *
 *	token -- rotated: next is sent --> both count -- next is shown --> it is
 *	the token, and the one before is dead
 *
 * Nobody keeps a dead one: it is as good as any 16 bytes.
 */
#ifndef PAESD_SESSION_H
#define PAESD_SESSION_H

#include "config.h"

#include <linux/paes.h>
#include <linux/paes_blob.h>
#include <stdint.h>

struct session {
	uint8_t token[PAES_TOKEN_SIZE];
	uint8_t next[PAES_TOKEN_SIZE];
	bool offered;			/* `next` was sent and not shown yet */
	uint64_t left;			/* requests until it is time for `next` */
	uint64_t until;			/* session_now() when it is, too */
};

/*
 * The module has the next one, if that is what it shows: it needs the old one no
 * more.
 */
bool session_advance(struct session *session,
		     const uint8_t shown[PAES_TOKEN_SIZE],
		     const struct rotation *rotation, uint64_t now);

/* Seconds of a clock that goes on while the machine sleeps. */
uint64_t session_now(void);

/* Makes the first token: 0, or -EIO after logging. */
int session_start(struct session *session, const struct rotation *rotation,
		  uint64_t now);

/* Is this a token that counts?  Constant time for each of the two. */
static inline bool session_admits(struct session *session,
				  const uint8_t shown[PAES_TOKEN_SIZE],
				  const struct rotation *rotation, uint64_t now)
{
	if (!paes_blob_equal(session->token, shown, PAES_TOKEN_SIZE) &&
	    !session_advance(session, shown, rotation, now))
		return false;
	session->left -= session->left > 0;
	return true;
}

/* Is it time for another token? */
static inline bool session_is_due(const struct session *session, uint64_t now)
{
	return (!session->left || now >= session->until) && !session->offered;
}

/*
 * Makes session->next, to be sent with the next successful answer.  False when
 * the system has no random bytes: it is tried again.
 */
bool session_rotate(struct session *session);

#endif
