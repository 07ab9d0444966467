/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The mapping shared with the module (linux/paes.h), and its ioctls.  The only
 * code that touches shared memory, but for the data in place that ring_next()
 * hands out.
 */
#ifndef PAESD_RING_H
#define PAESD_RING_H

#include <linux/paes.h>
#include <linux/paes_blob.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	RING_WAIT_MS	= 10000,	/* the longest wait in one go */
};

struct ring {
	int fd;
	unsigned char *map;
	struct paes_setup setup;	/* as the kernel granted it, checked */
	uint32_t sq_head;		/* descriptors taken */
	uint32_t cq_tail;		/* answers written; published or not */
	struct paes_enter enter;
	volatile sig_atomic_t interrupted;
};

/* One request, copied out of the ring once and checked. */
struct ring_request {
	struct paes_desc desc;
	uint8_t *data;		/* desc.length bytes of the mapping */
	int fault;		/* 0, or the status to answer it with */
};

/* 0, or -errno after logging.  `name` shows in the module's logs. */
int ring_open(struct ring *ring, const char *device, const char *name);
int ring_serve(struct ring *ring, const unsigned char ids[][PAES_ID_SIZE],
	       unsigned int count);
void ring_close(struct ring *ring);

/* Has the kernel submitted something that wasn't taken yet? */
bool ring_pending(const struct ring *ring);

/* 1: `request` is filled; 0: nothing there; -EPROTO: sq_tail is impossible. */
int ring_next(struct ring *ring, struct ring_request *request);

/*
 * Writes one answer; `token` is the session token to go with it, or NULL.  Not
 * seen until published.
 */
void ring_answer(struct ring *ring, const struct ring_request *request,
		 int status, const uint8_t token[PAES_TOKEN_SIZE]);

/* Publishes all answers.  True: the kernel has to be told by ring_enter(). */
bool ring_publish(struct ring *ring);

/*
 * Tells the kernel of answers and, with `wait`, sleeps until there is more to
 * do, or RING_WAIT_MS are over.  0 when woken, also by a signal; -errno after
 * logging when the kernel is done with this provider.
 */
int ring_enter(struct ring *ring, bool wait);

/*
 * From a signal handler: ends the wait under way and makes all later ones
 * return at once, with no gap between testing for the signal and sleeping.
 */
void ring_interrupt(struct ring *ring);

/* Waits count again.  Before looking for what it was interrupted by. */
void ring_resume(struct ring *ring);

static inline void cleanup_ring(struct ring *ring)
{
	ring_close(ring);
}

#endif
