/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The worker's loop: everything that is queued becomes one batch, whose parts
 * are answered as they are done.  OPEN and CLOSE keep their place among the
 * requests around them.  Requests under a revoked key are refused.
 *
 * When a request fails, it is tried once more, alone.  If that fails too, the
 * key's known block decides.  The token still answers it rightly: then it is
 * this request, and it is answered with -EIO.  It doesn't, or it gave a wrong
 * answer and called it a success: then session, token or key are lost, and the
 * worker leaves *without* answering.  The module
 * gives what was left unanswered to another provider, or to this worker's
 * successor with a session of its own, and counts how often it did so; an
 * answer of -EIO would have been an I/O error for somebody's file system.
 */
#ifndef PAESD_SERVE_H
#define PAESD_SERVE_H

#include "engine.h"
#include "keys.h"
#include "pulse.h"
#include "ring.h"
#include "spin.h"

enum {
	SERVE_TELL = 128,	/* requests: each telling may be a system call */
};

struct serve {
	struct token *token;
	struct ring *ring;
	struct engine *engine;
	struct pulse *pulse;
	struct spin spin;
	uint64_t busy_since;	/* on its clock: the end of the last pause */
	bool untold;		/* published, but the kernel isn't looking */
	unsigned int count;	/* of the batch */
	unsigned int done;	/* of those, how many the engine is done with */
	unsigned int told;	/* of those, how many the kernel knows of */
	int error;		/* of the ring, while the engine runs */
	struct ring_request taken[ENGINE_BATCH_MAX];
	struct engine_request run[ENGINE_BATCH_MAX];
	struct keys keys;
};

/* All that the loop needs, so that it allocates nothing; NULL with errno set. */
struct serve *serve_new(struct token *token, struct ring *ring,
			struct pulse *pulse);
void serve_free(struct serve *serve);

/*
 * Serves until ring_interrupt(): 0.  Else -EREMOTEIO when the token is lost
 * (see above), or -errno when the module is done with this provider.
 */
int serve_run(struct serve *serve);

/*
 * Between runs, after serve->keys.revoked changed.  The number of keys that
 * were closed, or -EREMOTEIO as above.
 */
int serve_heed(struct serve *serve);

static inline void cleanup_serve(struct serve **serve)
{
	serve_free(*serve);
}

#endif
