/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What paesd leaves to the program that takes its place (SIGHUP): the same
 * process, so that its workers stay its children and serve on meanwhile.
 *
 * It is JSON in memory whose descriptor is named by --adopt:
 *
 *	{ "version": 1,
 *	  "workers": [ { "token": URI, "pid": 123 }, ... ],
 *	  "pins": [ { "token": URI, "socket": 7 }, ... ],
 *	  "refused": [ { "token": URI, "socket": 8 }, ... ],
 *	  "lock": 9 }
 *
 * "refused" are PINs that their tokens refused, "lock" is that of the revoked
 * keys (revoked.h), which must not be free for a moment: `paes revoke` would
 * think that there is no paesd.  Both may be missing.
 *
 * A PIN is never in it, but in a socket's buffer, which isn't swapped out.
 */
#ifndef PAESD_HANDOVER_H
#define PAESD_HANDOVER_H

#include "secret.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <sys/types.h>

struct handover {
	struct json_object *root;
};

/* NULL when there is no memory. */
struct handover *handover_new(void);

/* Closes what nobody took: a PIN's socket holds the PIN.  NULL is fine. */
void handover_free(struct handover *handover);

/* What to leave; 0 or -errno.  `uri` and `pin` are copied; was it refused? */
int handover_add_worker(struct handover *handover, const char *uri, pid_t pid);
int handover_add_pin(struct handover *handover, const char *uri,
		     const struct secret *pin, bool refused);
int handover_add_lock(struct handover *handover, int lock);	/* a copy */

/*
 * The descriptor to name in --adopt; it, and those in it, survive exec.  Or
 * -errno.
 */
int handover_write(const struct handover *handover);

/*
 * Reads and closes `fd`.  NULL after logging when it isn't what a predecessor
 * leaves.
 */
struct handover *handover_read(int fd);

/* Calls `each` for all workers that were left. */
void handover_each_worker(const struct handover *handover,
			  void (*each)(void *context, const char *uri, pid_t pid),
			  void *context);

/*
 * The PIN that was left for a token, once; or the one that it refused.  NULL
 * when there is none.
 */
struct secret *handover_take_pin(struct handover *handover, const char *uri,
				 bool refused);

/* The lock that was left, once, or -1. */
int handover_take_lock(struct handover *handover);

static inline void cleanup_handover(struct handover **handover)
{
	handover_free(*handover);
}

#endif
