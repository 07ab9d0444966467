// SPDX-License-Identifier: GPL-2.0
/*
 * Slots and who owns them:
 *
 *   free		on the stack
 *   reserved	whoever called paes_provider_reserve(), until issue or release
 *   issued	the broker, until its completion is accepted or it dies
 *
 * A completion makes an issued slot reserved again, for ops->done().  After
 * death no slot is given out any more: the broker may still write to them.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/nospec.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "provider.h"
#include "stats.h"
#include "trace.h"

enum {
	PAES_TAKE_HERE	= 16,	/* completions, at most, in a broker's call */
};

static unsigned int request_seconds = 90;
module_param(request_seconds, uint, 0644);
MODULE_PARM_DESC(request_seconds,
		 "how long a provider may work on a request before it loses all it has to others, in seconds; 0 for ever");

static atomic_t paes_provider_numbers;

static void paes_provider_free(struct paes_provider *provider)
{
	paes_area_free(&provider->area);
	kvfree(provider->slots);
	kvfree(provider->free_slots);
	kfree(provider->kek_ids);
	put_task_struct(provider->broker);
	kfree(provider);
	paes_work_put();
}

void paes_provider_get(struct paes_provider *provider)
{
	refcount_inc(&provider->refs);
}

/**
 * paes_provider_put() - drop a reference
 * @provider:	may be gone afterwards
 *
 * Any context but hard interrupts.
 */
void paes_provider_put(struct paes_provider *provider)
{
	if (refcount_dec_and_test(&provider->refs))
		paes_provider_free(provider);
}

static bool paes_status_known(s32 status)
{
	switch (status) {
	case 0:
	case -EIO:
	case -ENOKEY:
	case -EKEYREJECTED:
	case -EKEYREVOKED:
	case -ESTALE:
		return true;
	}
	return false;
}

static bool paes_answer_valid(const struct paes_request *request,
			      const struct paes_cqe *cqe)
{
	u32 expected = cqe->status ? 0 : request->desc.length;

	return paes_status_known(cqe->status) && cqe->length == expected;
}

/*
 * Lock held: the request that a completion rightly names, or NULL.
 */
static struct paes_request *
paes_provider_named(const struct paes_provider *provider,
		    const struct paes_cqe *cqe)
{
	const struct paes_slot *slot;

	if (cqe->tag >= provider->depth)
		return NULL;
	slot = &provider->slots[array_index_nospec(cqe->tag, provider->depth)];
	if (!slot->request || slot->generation != cqe->generation ||
	    !paes_answer_valid(slot->request, cqe))
		return NULL;
	return slot->request;
}

static bool paes_request_is_data(const struct paes_request *request)
{
	return request->desc.op == PAES_OP_ENCRYPT ||
	       request->desc.op == PAES_OP_DECRYPT;
}

/*
 * The same, its slot now reserved; -EAGAIN, and nothing changed, when only
 * data will do.
 */
static struct paes_request *paes_provider_match(struct paes_provider *provider,
						const struct paes_cqe *cqe,
						bool only_data)
{
	struct paes_request *request;

	spin_lock_bh(&provider->lock);
	request = paes_provider_named(provider, cqe);
	if (request && only_data && !paes_request_is_data(request)) {
		request = ERR_PTR(-EAGAIN);
	} else if (request) {
		provider->slots[cqe->tag].request = NULL;
		provider->issued--;
		provider->served++;
	}
	spin_unlock_bh(&provider->lock);
	return request;
}

/*
 * A broker that breaks the protocol is not asked again.  Called in its work, or
 * followed by that.
 */
static void paes_provider_break(struct paes_provider *provider,
				enum paes_stat stat, const char *why)
{
	bool lived;

	spin_lock_bh(&provider->lock);
	lived = !provider->dead;
	/* Counted before its broker is told. */
	if (lived)
		paes_stat_inc(stat);
	provider->dead = true;
	spin_unlock_bh(&provider->lock);
	if (!lived)
		return;
	wake_up(&provider->wait);
	pr_err_ratelimited("provider %u (%s, pid %d) broken: %s; its requests go elsewhere, restart it\n",
			   provider->number, provider->name, provider->pid, why);
}

/* False when there is no more to take: the provider broke, or see above. */
static bool paes_provider_take(struct paes_provider *provider, bool only_data)
{
	struct paes_request *request;
	struct paes_cqe cqe;

	paes_area_peek(&provider->area, &cqe);
	request = paes_provider_match(provider, &cqe, only_data);
	if (IS_ERR(request))
		return false;
	paes_area_advance(&provider->area);
	if (!request) {
		paes_provider_break(provider, PAES_STAT_INVALID,
				    "completion of nothing outstanding, or with a wrong status or length");
		return false;
	}
	trace_paes_complete(provider->number, cqe.tag, cqe.generation,
			    cqe.status);
	request->ops->done(request, provider, cqe.tag, &cqe);
	memzero_explicit(cqe.token, sizeof(cqe.token));
	return true;
}

/* What is posted; 0, and the provider is broken, when it can't be true. */
static u32 paes_provider_posted(struct paes_provider *provider)
{
	u32 posted = paes_area_posted(&provider->area);

	if (posted <= READ_ONCE(provider->issued))
		return posted;
	paes_provider_break(provider, PAES_STAT_INVALID,
			    "more completions than outstanding requests");
	return 0;
}

/* Takes what is posted; false when the provider broke or died meanwhile. */
static bool paes_provider_drain(struct paes_provider *provider)
{
	u32 posted = paes_provider_posted(provider);

	while (posted--)
		if (!paes_provider_take(provider, false))
			return false;
	return !READ_ONCE(provider->dead);
}

static struct paes_request *
paes_provider_pop_control(struct paes_provider *provider)
{
	struct paes_request *request;

	spin_lock_bh(&provider->lock);
	request = list_first_entry_or_null(&provider->control,
					   struct paes_request, node);
	if (request)
		list_del_init(&request->node);
	spin_unlock_bh(&provider->lock);
	return request;
}

/* Takes an issued slot's request away from a dead broker. */
static struct paes_request *
paes_provider_revoke(struct paes_provider *provider, u32 slot)
{
	struct paes_request *request;

	spin_lock_bh(&provider->lock);
	request = provider->slots[slot].request;
	if (request) {
		provider->slots[slot].request = NULL;
		provider->issued--;
	}
	spin_unlock_bh(&provider->lock);
	return request;
}

/* Gives everything back; runs once, in the work, after death. */
static void paes_provider_reap(struct paes_provider *provider)
{
	struct paes_request *request;
	u32 slot;

	if (provider->reaped)
		return;
	provider->reaped = true;
	provider->gone(provider);
	while ((request = paes_provider_pop_control(provider)))
		request->ops->lost(request, provider);
	for (slot = 0; slot < provider->depth; slot++) {
		request = paes_provider_revoke(provider, slot);
		if (request)
			request->ops->lost(request, provider);
	}
}

static void paes_provider_run_control(struct paes_provider *provider)
{
	struct paes_request *request;
	u32 slot;

	while (!list_empty_careful(&provider->control) &&
	       !paes_provider_reserve(provider, &slot)) {
		request = paes_provider_pop_control(provider);
		if (!request) {
			/* Others were quicker; meanwhile who found none waits. */
			paes_provider_release(provider, slot);
			provider->idle(provider);
		} else if (!paes_provider_issue(provider, slot, request)) {
			request->ops->lost(request, provider);
		}
	}
}

/* Slots became free. */
static void paes_provider_refill(struct paes_provider *provider)
{
	paes_provider_run_control(provider);
	provider->idle(provider);
}

/* Mutex held. */
static void paes_provider_complete(struct paes_provider *provider)
{
	do {
		paes_area_need_enter(&provider->area, false);
		while (!READ_ONCE(provider->dead) &&
		       paes_area_posted(&provider->area)) {
			if (!paes_provider_drain(provider))
				break;
			paes_provider_refill(provider);
			cond_resched();
		}
		paes_area_need_enter(&provider->area, true);
	} while (!READ_ONCE(provider->dead) &&
		 paes_area_posted(&provider->area));
}

static void paes_provider_work(struct work_struct *work)
{
	struct paes_provider *provider =
		container_of(work, struct paes_provider, work);

	mutex_lock(&provider->taking);
	paes_provider_complete(provider);
	if (READ_ONCE(provider->dead))
		paes_provider_reap(provider);
	mutex_unlock(&provider->taking);
	paes_provider_put(provider);
}

static void paes_provider_queue_work(struct paes_provider *provider)
{
	paes_provider_get(provider);
	if (!queue_work(paes_wq, &provider->work))
		paes_provider_put(provider);
}

/*
 * Called after each issue.  If it is armed already it runs later, takes the
 * lock that the issue was under, and sees the request.
 */
static void paes_provider_arm_watch(struct paes_provider *provider)
{
	if (delayed_work_pending(&provider->watch))
		return;
	paes_provider_get(provider);
	if (!queue_delayed_work(paes_wq, &provider->watch, HZ))
		paes_provider_put(provider);
}

static bool paes_slot_overdue(const struct paes_slot *slot,
			      unsigned long patience)
{
	return slot->request && patience &&
	       time_after(jiffies, slot->since + patience);
}

static bool paes_provider_overdue(struct paes_provider *provider)
{
	unsigned long patience = READ_ONCE(request_seconds) * (unsigned long)HZ;
	bool overdue = false;
	u32 i;

	spin_lock_bh(&provider->lock);
	for (i = 0; i < provider->depth && !overdue; i++)
		overdue = paes_slot_overdue(&provider->slots[i], patience);
	spin_unlock_bh(&provider->lock);
	return overdue;
}

/* Once a second while requests are with the broker. */
static void paes_provider_watch(struct work_struct *work)
{
	struct paes_provider *provider =
		container_of(to_delayed_work(work), struct paes_provider, watch);

	if (paes_provider_overdue(provider)) {
		paes_provider_break(provider, PAES_STAT_OVERDUE,
				    "no answer within request_seconds");
		paes_provider_queue_work(provider);
	} else if (READ_ONCE(provider->issued)) {
		paes_provider_arm_watch(provider);
	}
	paes_provider_put(provider);
}

static int paes_provider_alloc_slots(struct paes_provider *provider, u32 depth)
{
	u32 i;

	provider->slots = kvcalloc(depth, sizeof(*provider->slots), GFP_KERNEL);
	provider->free_slots = kvmalloc_array(depth,
					      sizeof(*provider->free_slots),
					      GFP_KERNEL);
	if (!provider->slots || !provider->free_slots)
		return -ENOMEM;
	provider->depth = depth;
	/* Slot 0 on top: a lightly loaded provider stays in few cache lines. */
	for (i = 0; i < depth; i++)
		provider->free_slots[i] = depth - 1 - i;
	provider->free_count = depth;
	return 0;
}

/**
 * paes_provider_new() - a provider with its slots and shared pages
 * @setup:	depth and name are checked by the caller; the layout is filled in
 *
 * The caller sets @idle and @gone before any request can come.
 *
 * Return: the provider with one reference, or an ERR_PTR().  May sleep.
 */
struct paes_provider *paes_provider_new(struct paes_setup *setup)
{
	struct paes_provider *provider;
	int err;

	provider = kzalloc(sizeof(*provider), GFP_KERNEL);
	if (!provider)
		return ERR_PTR(-ENOMEM);
	paes_work_get();
	refcount_set(&provider->refs, 1);
	INIT_LIST_HEAD(&provider->registered);
	INIT_LIST_HEAD(&provider->sessions);
	INIT_LIST_HEAD(&provider->control);
	init_waitqueue_head(&provider->wait);
	INIT_WORK(&provider->work, paes_provider_work);
	INIT_DELAYED_WORK(&provider->watch, paes_provider_watch);
	mutex_init(&provider->taking);
	spin_lock_init(&provider->lock);
	provider->number = atomic_inc_return(&paes_provider_numbers);
	provider->pid = task_tgid_nr(current);
	provider->broker = get_task_struct(current);
	memcpy(provider->name, setup->name, sizeof(provider->name));
	err = paes_provider_alloc_slots(provider, setup->depth);
	if (!err)
		err = paes_area_init(&provider->area, setup->depth, setup);
	if (err) {
		paes_provider_free(provider);
		return ERR_PTR(err);
	}
	return provider;
}

/**
 * paes_provider_kill() - the broker closed its file
 * @provider:	whose requests are given back, soon, by its work
 */
void paes_provider_kill(struct paes_provider *provider)
{
	spin_lock_bh(&provider->lock);
	provider->dead = true;
	spin_unlock_bh(&provider->lock);
	wake_up(&provider->wait);
	paes_provider_queue_work(provider);
}

/**
 * paes_provider_serves() - has this provider the KEK?
 * @provider:	after SERVE
 * @kek_id:	PAES_ID_SIZE bytes
 */
bool paes_provider_serves(const struct paes_provider *provider,
			  const u8 *kek_id)
{
	u32 i;

	for (i = 0; i < provider->kek_count; i++)
		if (!memcmp(provider->kek_ids[i], kek_id, PAES_ID_SIZE))
			return true;
	return false;
}

/**
 * paes_provider_load() - how many of a provider's slots are in use
 * @provider:	held by the caller
 *
 * Lockless: a hint.
 *
 * Return: that number, or U32_MAX when none is free.
 */
u32 paes_provider_load(const struct paes_provider *provider)
{
	u32 free = READ_ONCE(provider->free_count);

	return free ? provider->depth - free : U32_MAX;
}

/**
 * paes_provider_computes() - does a provider's broker want a processor?
 * @provider:	held by the caller
 *
 * A broker that sleeps though it has requests waits for its token, which is
 * elsewhere.  One that was woken for a request is not asleep, though it may take
 * another processor's interrupt until it runs.  Lockless: a hint.
 */
bool paes_provider_computes(const struct paes_provider *provider)
{
	unsigned int state = READ_ONCE(provider->broker->__state);

	return READ_ONCE(provider->issued) &&
	       (state == TASK_RUNNING || state == TASK_WAKING);
}

/**
 * paes_provider_reserve() - take a free slot
 * @provider:	held by the caller until the slot is released
 * @slot:	the slot, to be given to issue or release
 *
 * Takes the provider's lock.
 *
 * Return: 0, or -EBUSY when there is none or the provider is dead.
 */
int paes_provider_reserve(struct paes_provider *provider, u32 *slot)
{
	int err = -EBUSY;

	spin_lock_bh(&provider->lock);
	if (!provider->dead && provider->free_count) {
		WRITE_ONCE(provider->free_count, provider->free_count - 1);
		*slot = provider->free_slots[provider->free_count];
		err = 0;
	}
	spin_unlock_bh(&provider->lock);
	return err;
}

/**
 * paes_provider_release() - give a reserved slot back
 * @provider:	whose slot it is
 * @slot:	reserved by the caller
 *
 * Takes the provider's lock.  Whoever releases slots sees to it that waiting
 * requests are looked at afterwards.
 */
void paes_provider_release(struct paes_provider *provider, u32 slot)
{
	spin_lock_bh(&provider->lock);
	provider->free_slots[provider->free_count] = slot;
	WRITE_ONCE(provider->free_count, provider->free_count + 1);
	spin_unlock_bh(&provider->lock);
}

/**
 * paes_provider_set_token() - change the session token of requests to come
 * @provider:	that gave it
 * @token:	what they point to; PAES_TOKEN_SIZE bytes
 * @value:	copied there
 *
 * Takes the provider's lock, as he who pushes a request does: all descriptors
 * in the ring before this have the old token, all after it the new one.
 */
void paes_provider_set_token(struct paes_provider *provider, u8 *token,
			     const u8 *value)
{
	spin_lock_bh(&provider->lock);
	memcpy(token, value, PAES_TOKEN_SIZE);
	spin_unlock_bh(&provider->lock);
}

/* Under the provider's lock. The broker owns the request from here. */
static void paes_provider_push(struct paes_provider *provider, u32 slot,
			       struct paes_request *request)
{
	struct paes_slot *s = &provider->slots[slot];

	s->request = request;
	s->since = jiffies;
	provider->issued++;
	request->desc.tag = slot;
	request->desc.generation = ++s->generation;
	request->desc.offset = slot * PAES_SLOT_SIZE;
	if (request->token)
		memcpy(request->desc.token, request->token, PAES_TOKEN_SIZE);
	paes_area_push(&provider->area, &request->desc);
}

/**
 * paes_provider_issue() - fill a reserved slot and hand it to the broker
 * @provider:	whose slot it is; held by the caller, not by way of @request
 * @slot:	reserved by the caller
 * @request:	owned by the caller
 *
 * Takes the provider's lock.  Any context but hard interrupts.  The request
 * may be answered, and freed, before this returns.
 *
 * Return: true; or false when the provider died: the slot is released, the
 * request still the caller's.
 */
bool paes_provider_issue(struct paes_provider *provider, u32 slot,
			 struct paes_request *request)
{
	bool dead;

	if (request->ops->fill)
		request->ops->fill(request, &provider->area, slot);
	spin_lock_bh(&provider->lock);
	dead = provider->dead;
	if (!dead) {
		/* Before the push: afterwards the request may be gone. */
		trace_paes_issue(provider->number, slot, &request->desc);
		paes_provider_push(provider, slot, request);
	}
	spin_unlock_bh(&provider->lock);
	if (dead) {
		paes_provider_release(provider, slot);
		return false;
	}
	paes_stat_inc(PAES_STAT_ISSUED);
	paes_provider_arm_watch(provider);
	/* Orders the push before the look at the queue: wait_event()'s pair. */
	if (wq_has_sleeper(&provider->wait))
		wake_up(&provider->wait);
	return true;
}

/**
 * paes_provider_control() - issue a request before all waiting ones
 * @provider:	held by the caller
 * @request:	owned by the provider from here, until done() or lost()
 *
 * Never fails: on a dead provider lost() is called at once.  Process context.
 */
void paes_provider_control(struct paes_provider *provider,
			   struct paes_request *request)
{
	bool dead;

	spin_lock_bh(&provider->lock);
	dead = provider->dead;
	if (!dead)
		list_add_tail(&request->node, &provider->control);
	spin_unlock_bh(&provider->lock);
	if (dead)
		request->ops->lost(request, provider);
	else
		paes_provider_run_control(provider);
}

/*
 * Mutex held: takes a few completions on the broker's own time.  Only of data,
 * with BH disabled: that is how all asynchronous ciphers complete.
 */
static void paes_provider_take_here(struct paes_provider *provider)
{
	u32 posted = paes_provider_posted(provider);

	local_bh_disable();
	while (posted-- && !READ_ONCE(provider->dead))
		if (!paes_provider_take(provider, true))
			break;
	local_bh_enable();
	paes_provider_refill(provider);
}

/**
 * paes_provider_kick() - the broker says that it posted completions
 * @provider:	whose broker calls
 *
 * Few are taken here, which saves the change to another process that a single
 * read would be waiting for; many are left to the work, which runs beside the
 * broker.
 */
void paes_provider_kick(struct paes_provider *provider)
{
	u32 posted = paes_area_posted(&provider->area);

	if (posted && posted <= PAES_TAKE_HERE &&
	    mutex_trylock(&provider->taking)) {
		paes_provider_take_here(provider);
		mutex_unlock(&provider->taking);
	}
	if (READ_ONCE(provider->dead) || paes_area_posted(&provider->area))
		paes_provider_queue_work(provider);
}

static bool paes_provider_awake(const struct paes_provider *provider,
				u32 sq_head)
{
	return READ_ONCE(provider->dead) ||
	       !paes_area_idle(&provider->area, sq_head);
}

/**
 * paes_provider_wait() - sleep until there is work for the broker
 * @provider:	whose broker this is
 * @sq_head:	descriptors that it has taken
 * @timeout_ms:	0 for none
 *
 * Return: 0; -ESHUTDOWN when the provider is dead; -EINTR; -ETIME.
 */
int paes_provider_wait(struct paes_provider *provider, u32 sq_head,
		       u32 timeout_ms)
{
	long timeout = timeout_ms ? msecs_to_jiffies(timeout_ms) :
				    MAX_SCHEDULE_TIMEOUT;
	long left;

	left = wait_event_interruptible_timeout(provider->wait,
						paes_provider_awake(provider, sq_head),
						timeout);
	if (READ_ONCE(provider->dead))
		return -ESHUTDOWN;
	if (left < 0)
		return -EINTR;
	return left ? 0 : -ETIME;
}
