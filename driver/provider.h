/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A provider: one open file of /dev/paes, its slots, and what its broker
 * works on.  It knows neither keys nor the crypto API; what it carries are
 * requests with an owner who is told of their end.
 */
#ifndef PAES_PROVIDER_H
#define PAES_PROVIDER_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>

#include "ring.h"
#include "work.h"

struct paes_provider;
struct paes_request;
struct task_struct;

/**
 * struct paes_request_ops - what a request's owner is told
 * @fill:	write the request's data into the reserved slot; may be NULL
 * @done:	the broker answered: @cqe's status and length are checked. The
 *		request is the owner's again, and so is the slot, which it must
 *		issue again or release.
 * @lost:	the provider went away; the request is the owner's again. There
 *		is no slot to release.
 *
 * Process context with at most @taking held.  BH is enabled, except for @done
 * of data; @fill runs where the request is issued.
 */
struct paes_request_ops {
	void (*fill)(struct paes_request *request, struct paes_area *area,
		     u32 slot);
	void (*done)(struct paes_request *request,
		     struct paes_provider *provider, u32 slot,
		     const struct paes_cqe *cqe);
	void (*lost)(struct paes_request *request,
		     struct paes_provider *provider);
};

/**
 * struct paes_request - one descriptor's worth of work
 * @node:	in a list of whoever owns the request
 * @ops:	the owner's
 * @token:	session token to go with it, the owner's memory; NULL for none. See
 *		paes_provider_set_token().
 * @desc:	what is sent; tag, generation, offset and token are the provider's
 */
struct paes_request {
	struct list_head node;
	const struct paes_request_ops *ops;
	const u8 *token;
	struct paes_desc desc;
};

/**
 * struct paes_slot - a place for one outstanding request
 * @request:	while issued: owned by the broker; NULL while free or reserved
 * @since:	jiffies when it was issued
 * @generation:	raised at each issue; a completion must name it
 */
struct paes_slot {
	struct paes_request *request;
	unsigned long since;
	u32 generation;
};

/**
 * struct paes_provider - see above
 * @refs:	the file, @work and @watch while queued, sessions
 * @registered:	in the registry; paes_sessions_lock
 * @sessions:	keys at this provider; paes_sessions_lock
 * @number:	for logs and traces
 * @pid:	of whoever set it up, in the initial namespace
 * @broker:	that task; with a reference
 * @name:	given by the broker, printable
 * @kek_ids:	written once by SERVE before it is registered
 * @kek_count:	likewise
 * @area:	shared pages; sq side under @lock, cq side under @taking
 * @wait:	the broker, in PAES_IOC_ENTER
 * @work:	takes completions with @taking; after death, gives the requests back
 * @watch:	looks for requests that the broker doesn't answer
 * @idle:	called when slots may have become free; process context
 * @gone:	called once by @work after death, before requests are lost
 * @taking:	who takes completions: @work, or the broker in PAES_IOC_ENTER;
 *		outside of all spinlocks
 * @lock:	protects what follows; innermost, BH
 * @dead:	no slot is given out, no descriptor pushed; set once
 * @reaped:	@work gave everything back
 * @depth:	number of slots
 * @free_count:	entries of @free_slots
 * @issued:	slots with a request
 * @free_slots:	stack of slot numbers
 * @slots:	@depth slots
 * @control:	requests waiting for a slot before all others
 * @served:	requests answered; statistics
 */
struct paes_provider {
	refcount_t refs;
	struct list_head registered;
	struct list_head sessions;
	u32 number;
	pid_t pid;
	struct task_struct *broker;
	char name[PAES_NAME_SIZE];
	u8 (*kek_ids)[PAES_ID_SIZE];
	u32 kek_count;
	struct paes_area area;
	wait_queue_head_t wait;
	struct work_struct work;
	struct delayed_work watch;
	void (*idle)(struct paes_provider *provider);
	void (*gone)(struct paes_provider *provider);
	struct mutex taking;	/* completions, the cq side of @area */

	spinlock_t lock;	/* the rest; innermost */
	bool dead;
	bool reaped;
	u32 depth;
	u32 free_count;
	u32 issued;
	u16 *free_slots;
	struct paes_slot *slots;
	struct list_head control;
	unsigned long served;
};

struct paes_provider *paes_provider_new(struct paes_setup *setup);
void paes_provider_get(struct paes_provider *provider);
void paes_provider_put(struct paes_provider *provider);
void paes_provider_kill(struct paes_provider *provider);
bool paes_provider_serves(const struct paes_provider *provider,
			  const u8 *kek_id);

u32 paes_provider_load(const struct paes_provider *provider);
bool paes_provider_computes(const struct paes_provider *provider);
int paes_provider_reserve(struct paes_provider *provider, u32 *slot);
void paes_provider_release(struct paes_provider *provider, u32 slot);
void paes_provider_set_token(struct paes_provider *provider, u8 *token,
			     const u8 *value);
bool paes_provider_issue(struct paes_provider *provider, u32 slot,
			 struct paes_request *request);
void paes_provider_control(struct paes_provider *provider,
			   struct paes_request *request);

void paes_provider_kick(struct paes_provider *provider);
int paes_provider_wait(struct paes_provider *provider, u32 sq_head,
		       u32 timeout_ms);

#endif
