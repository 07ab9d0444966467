/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A wrapped key in use by one tfm.  The blob is opaque but for its bounds and
 * the KEK ids that route it.
 */
#ifndef PAES_KEY_H
#define PAES_KEY_H

#include <linux/list.h>
#include <linux/paes_blob.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "tally.h"

/**
 * struct paes_key - see above
 * @refs:	the tfm, each request, each session, @hold and @answer while queued
 * @registered:	in the registry; paes_sessions_lock
 * @number:	names the key to providers and in logs; never used twice
 * @blob:	never changes, wiped when freed
 * @recipients:	used ones in @blob
 * @settled:	woken when a session changes state
 * @hold:	fails requests that found no provider for too long
 * @holding:	@hold found none the last time; only @hold looks at it
 * @held_since:	jiffies when that began; likewise
 * @answer:	tells the owners of @answered
 * @tally:	of its requests
 * @lock:	protects what follows and the state of @sessions; outside of a
 *		provider's lock, inside paes_sessions_lock; BH
 * @closed:	no request is taken any more
 * @sessions:	this key at its providers
 * @run:	how many more requests the first of them gets in a row
 * @pending:	requests waiting for a slot, oldest first
 * @pending_count: of @pending
 * @backlog:	requests whose callers were told -EBUSY
 * @answered:	encrypted requests whose owners aren't told yet
 */
struct paes_key {
	refcount_t refs;
	struct list_head registered;
	u32 number;
	struct paes_blob blob;
	unsigned int recipients;
	wait_queue_head_t settled;
	struct delayed_work hold;
	bool holding;
	unsigned long held_since;
	struct work_struct answer;
	struct paes_tally tally;

	spinlock_t lock;	/* the rest, and the state of sessions */
	bool closed;
	struct list_head sessions;
	unsigned int run;
	struct list_head pending;
	unsigned int pending_count;
	struct list_head backlog;
	struct list_head answered;
};

struct paes_key *paes_key_new(const u8 *bytes, work_func_t hold,
			      work_func_t answer);
void paes_key_get(struct paes_key *key);
void paes_key_put(struct paes_key *key);

#endif
