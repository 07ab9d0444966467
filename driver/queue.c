// SPDX-License-Identifier: GPL-2.0
/*
 * A data request's life, and who owns it:
 *
 *   backlog	the key: its caller was told -EBUSY and waits
 *   pending	the key: accepted, waits for a slot
 *   filling	whoever popped it and reserved a slot for it
 *   issued	the broker, see provider.c
 *   done	who takes completions: writes the destination, then completes it,
 *		or issues the next piece
 *   answered	the key: encrypted, and its caller, who may submit it to a disk
 *		and wait for that, is to be told by the key's own work
 *
 * A request that loses its provider goes back to pending, in front.  While no
 * provider has the key open, requests are held for at most hold_seconds.  One
 * that provider after provider dies with is given up after as long: it may be
 * what they die of.
 *
 * Only paes_queue_take_turn() moves requests out of pending to a provider:
 * whoever adds a request, frees a slot or opens a session sees to it.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <crypto/aes.h>
#include <crypto/internal/skcipher.h>
#include <linux/jiffies.h>
#include <linux/module.h>

#include "queue.h"
#include "session.h"
#include "stats.h"
#include "trace.h"

enum {
	/* A token call serves one key: a batch of many keys costs many calls. */
	PAES_QUEUE_RUN	= 16,	/* requests of one key before the next's turn */
};

unsigned int paes_queue_depth = 256;
module_param_named(queue_depth, paes_queue_depth, uint, 0644);
MODULE_PARM_DESC(queue_depth,
		 "requests that may wait in one key's queue before callers are told to; also the slots of a provider that asks for no number");

static unsigned int hold_seconds = 300;
module_param(hold_seconds, uint, 0644);
MODULE_PARM_DESC(hold_seconds,
		 "how long requests wait for a provider to come (back), in seconds; 0 fails them at once");

static struct paes_data *paes_data_of(struct paes_request *request)
{
	return container_of(request, struct paes_data, request);
}

/*
 * How much of the rest goes into the next slot.  Pieces but the last are whole
 * blocks, and the last one has at least one: ciphertext stealing takes two
 * blocks, so they must not be torn apart.
 */
static u32 paes_data_piece(u32 rest)
{
	if (rest <= PAES_SLOT_SIZE)
		return rest;
	if (rest - PAES_SLOT_SIZE < AES_BLOCK_SIZE)
		return PAES_SLOT_SIZE - AES_BLOCK_SIZE;
	return PAES_SLOT_SIZE;
}

/* Describes the next piece. */
static void paes_data_prepare(struct paes_data *data)
{
	struct paes_desc *desc = &data->request.desc;

	desc->length = paes_data_piece(data->owner->cryptlen - data->position);
	desc->unit_size = desc->length;
	desc->first_block = data->position / AES_BLOCK_SIZE;
}

static void paes_data_fill(struct paes_request *request,
			   struct paes_area *area, u32 slot)
{
	struct paes_data *data = paes_data_of(request);

	paes_area_copy_in(area, slot, data->owner->src, data->position,
			  request->desc.length);
}

static void paes_data_leave(struct paes_data *data)
{
	if (data->session)
		paes_session_put(data->session);
	data->session = NULL;
	memzero_explicit(data->request.desc.token, PAES_TOKEN_SIZE);
}

/* The last of a request: after the callback its memory is the caller's. */
static void paes_data_complete(struct paes_data *data, int error)
{
	struct paes_key *key = data->key;

	paes_stat_inc(error ? PAES_STAT_FAILED : PAES_STAT_COMPLETED);
	paes_tally_done(&key->tally, error, data->submitted);
	paes_data_leave(data);
	skcipher_request_complete(data->owner, error);
	paes_key_put(key);
}

/*
 * Decrypted data's owner doesn't sleep: all asynchronous ciphers complete with
 * BH disabled.  Encrypted data's may, so it must not be told by who takes
 * completions, on whom other keys depend.
 */
static void paes_data_answer(struct paes_data *data, int error)
{
	struct paes_key *key = data->key;
	bool first;

	data->error = error;
	paes_data_leave(data);
	spin_lock_bh(&key->lock);
	first = list_empty(&key->answered);
	if (first)
		paes_key_get(key);	/* the work's */
	list_add_tail(&data->request.node, &key->answered);
	spin_unlock_bh(&key->lock);
	/* Else the work is queued for the first, and hasn't taken the list yet. */
	if (first && !queue_work(paes_answer_wq, &key->answer))
		paes_key_put(key);
}

/* Back to the front of the line, after its provider died. */
static void paes_data_requeue(struct paes_data *data)
{
	struct paes_key *key = data->key;

	paes_stat_inc(PAES_STAT_REISSUED);
	trace_paes_reissue(key->number, &data->request.desc);
	paes_data_leave(data);
	spin_lock_bh(&key->lock);
	data->since = jiffies;
	key->tally.taken--;
	WRITE_ONCE(key->tally.reissued, key->tally.reissued + 1);
	list_add(&data->request.node, &key->pending);
	WRITE_ONCE(key->pending_count, key->pending_count + 1);
	spin_unlock_bh(&key->lock);
}

static unsigned long paes_hold_jiffies(void)
{
	return (unsigned long)READ_ONCE(hold_seconds) * HZ;
}

/* Lost once more: is it time to stop trying? */
static bool paes_data_is_hopeless(struct paes_data *data)
{
	if (!data->losses++)
		data->lost = jiffies;
	return data->losses > 1 &&
	       time_after_eq(jiffies, data->lost + paes_hold_jiffies());
}

static void paes_data_give_up(struct paes_data *data)
{
	pr_err_ratelimited("key %u: %u providers went away with a request in the last %u s: it fails; see paesd's log for what they die of\n",
			   data->key->number, data->losses,
			   jiffies_to_msecs(jiffies - data->lost) / 1000);
	paes_stat_inc(PAES_STAT_EXPIRED);
	paes_data_complete(data, -EIO);
}

static void paes_data_lost(struct paes_request *request,
			   struct paes_provider *provider)
{
	struct paes_data *data = paes_data_of(request);
	struct paes_key *key = data->key;

	if (paes_data_is_hopeless(data)) {
		paes_data_give_up(data);
		return;
	}
	/* Requeued, the request may be completed by others and drop its key. */
	paes_key_get(key);
	paes_data_requeue(data);
	if (paes_queue_feed(key))
		paes_stat_inc(PAES_STAT_HELD);
	paes_key_put(key);
}

/* Writes the answer; true when there is more of the request to do. */
static bool paes_data_accept(struct paes_data *data,
			     struct paes_provider *provider, u32 slot)
{
	u32 length = data->request.desc.length;

	paes_area_copy_out(&provider->area, slot, data->owner->dst,
			   data->position, length);
	data->position += length;
	data->losses = 0;
	return data->position < data->owner->cryptlen;
}

static void paes_data_log_revoked(const struct paes_key *key)
{
	paes_stat_inc(PAES_STAT_REVOKED);
	pr_err_ratelimited("key %u is revoked: its I/O fails; 'paes allow %*phN' undoes that\n",
			   key->number, PAES_ID_SIZE, key->blob.key_id);
}

static int paes_data_error(const struct paes_data *data,
			   const struct paes_provider *provider, s32 status)
{
	if (!status)
		return 0;
	if (status == -EKEYREVOKED) {
		paes_data_log_revoked(data->key);
		return -EIO;
	}
	if (status == -ESTALE)
		paes_stat_inc(PAES_STAT_STALE);
	pr_err_ratelimited("key %u: provider %u (%s) failed a request with error %d; see its log\n",
			   data->key->number, provider->number, provider->name,
			   status);
	return -EIO;
}

static void paes_data_done(struct paes_request *request,
			   struct paes_provider *provider, u32 slot,
			   const struct paes_cqe *cqe)
{
	struct paes_data *data = paes_data_of(request);
	int error = paes_data_error(data, provider, cqe->status);

	if (!error)
		paes_session_renew(data->session, cqe->token);
	if (!error && paes_data_accept(data, provider, slot)) {
		paes_data_prepare(data);
		if (!paes_provider_issue(provider, slot, request))
			paes_data_lost(request, provider);
		return;
	}
	paes_provider_release(provider, slot);
	if (request->desc.op == PAES_OP_DECRYPT)
		paes_data_complete(data, error);
	else
		paes_data_answer(data, error);
}

static const struct paes_request_ops paes_data_ops = {
	.fill = paes_data_fill,
	.done = paes_data_done,
	.lost = paes_data_lost,
};

/* The timer, while armed, holds the key. */
static void paes_queue_arm(struct paes_key *key, unsigned long delay)
{
	paes_key_get(key);
	if (!queue_delayed_work(paes_wq, &key->hold, delay))
		paes_key_put(key);
}

/* Key lock held. A depth of 0 would stop everything: it means 1. */
static bool paes_queue_has_room(const struct paes_key *key)
{
	return key->pending_count < max(READ_ONCE(paes_queue_depth), 1U);
}

/*
 * Key lock held.  Who waits in the backlog sleeps, and goes on to submit as
 * many as there is room for: it is woken when that is worth it.
 */
static bool paes_queue_is_low(const struct paes_key *key)
{
	return key->pending_count <= READ_ONCE(paes_queue_depth) / 2;
}

static void paes_queue_add_pending(struct paes_key *key, struct paes_data *data)
{
	list_add_tail(&data->request.node, &key->pending);
	WRITE_ONCE(key->pending_count, key->pending_count + 1);
}

static struct paes_data *paes_queue_take(struct paes_key *key,
					 struct paes_request *request)
{
	list_del_init(&request->node);
	WRITE_ONCE(key->pending_count, key->pending_count - 1);
	key->tally.taken++;
	return paes_data_of(request);
}

static struct paes_data *paes_queue_pop(struct paes_key *key)
{
	return paes_queue_take(key, list_first_entry(&key->pending,
						     struct paes_request,
						     node));
}

/*
 * Pending got shorter.  The caller who was told -EBUSY learns that
 * its request was accepted before anybody can complete it, so the request is
 * in no list meanwhile.
 */
static void paes_queue_promote(struct paes_key *key)
{
	struct paes_request *request;

	spin_lock_bh(&key->lock);
	request = list_first_entry_or_null(&key->backlog, struct paes_request,
					   node);
	if (request && paes_queue_is_low(key))
		list_del_init(&request->node);
	else
		request = NULL;
	spin_unlock_bh(&key->lock);
	if (!request)
		return;
	skcipher_request_complete(paes_data_of(request)->owner, -EINPROGRESS);
	spin_lock_bh(&key->lock);
	paes_queue_add_pending(key, paes_data_of(request));
	spin_unlock_bh(&key->lock);
}

/**
 * struct paes_turn - a request on its way from pending to a provider
 * @data:	popped; the owner's
 * @session:	where it goes; with a reference, since @data may be answered and
 *		gone, and its own with it, before the way is at its end
 * @slot:	reserved there
 * @backlogged:	somebody waits for the place in pending
 */
struct paes_turn {
	struct paes_data *data;
	struct paes_session *session;
	u32 slot;
	bool backlogged;
};

/* Key lock held: false when none waits or no provider has room. */
static bool paes_queue_take_turn(struct paes_key *key, struct paes_turn *turn)
{
	if (!key->pending_count)
		return false;
	turn->session = paes_sessions_reserve(key, &turn->slot);
	if (!turn->session)
		return false;
	turn->data = paes_queue_pop(key);
	turn->data->session = turn->session;
	turn->data->request.token = turn->session->token;
	turn->backlogged = !list_empty(&key->backlog);
	return true;
}

static void paes_queue_issue(struct paes_key *key, const struct paes_turn *turn)
{
	if (turn->backlogged)
		paes_queue_promote(key);
	if (!paes_provider_issue(turn->session->provider, turn->slot,
				 &turn->data->request))
		paes_data_requeue(turn->data);
	paes_session_put(turn->session);
}

/* Moves one request to a provider; false when none waits or none has room. */
static bool paes_queue_feed_one(struct paes_key *key)
{
	struct paes_turn turn;
	bool took;

	if (!READ_ONCE(key->pending_count))
		return false;
	spin_lock_bh(&key->lock);
	took = paes_queue_take_turn(key, &turn);
	spin_unlock_bh(&key->lock);
	if (took)
		paes_queue_issue(key, &turn);
	return took;
}

/* With no provider at all, starts the clock after which what waits fails. */
static bool paes_queue_hold_rest(struct paes_key *key)
{
	if (!READ_ONCE(key->pending_count) || paes_sessions_any_open(key))
		return false;
	paes_queue_arm(key, 0);
	return true;
}

/**
 * paes_queue_feed() - give waiting requests to providers that have room
 * @key:	held by the caller
 *
 * Any context but hard interrupts.
 *
 * Return: whether requests are held for want of a provider.
 */
bool paes_queue_feed(struct paes_key *key)
{
	while (paes_queue_feed_one(key))
		;
	return paes_queue_hold_rest(key);
}

static void paes_queue_feed_run(struct paes_key *key)
{
	unsigned int n;

	for (n = 0; n < PAES_QUEUE_RUN; n++)
		if (!paes_queue_feed_one(key))
			break;
	paes_queue_hold_rest(key);
}

/**
 * paes_queue_feed_provider() - a provider has free slots
 * @provider:	whose keys take turns
 *
 * A dead one's slots stay free for ever: nothing is fed then.
 */
void paes_queue_feed_provider(struct paes_provider *provider)
{
	struct paes_key *key;

	while (!READ_ONCE(provider->dead) && READ_ONCE(provider->free_count)) {
		key = paes_session_waiting_key(provider);
		if (!key)
			break;
		paes_queue_feed_run(key);
		paes_key_put(key);
	}
}

/* Key lock held: the request becomes the key's, or an error. */
static int paes_queue_accept(struct paes_key *key, struct paes_data *data)
{
	if (key->closed)
		return -ENOKEY;
	/* Nobody overtakes the backlog, or it could wait for ever. */
	if (paes_queue_has_room(key) && list_empty(&key->backlog)) {
		paes_queue_add_pending(key, data);
		return -EINPROGRESS;
	}
	if (!(data->owner->base.flags & CRYPTO_TFM_REQ_MAY_BACKLOG))
		return -ENOSPC;
	list_add_tail(&data->request.node, &key->backlog);
	return -EBUSY;
}

static void paes_data_init(struct paes_data *data, struct paes_key *key,
			   struct skcipher_request *owner, enum paes_op op)
{
	struct paes_desc *desc = &data->request.desc;

	*data = (struct paes_data){
		.request.ops = &paes_data_ops,
		.request.desc.op = op,
		.request.desc.key = key->number,
		.owner = owner,
		.key = key,
		.since = jiffies,
		.submitted = ktime_get(),
	};
	INIT_LIST_HEAD(&data->request.node);
	memcpy(desc->iv, owner->iv, sizeof(desc->iv));
	paes_data_prepare(data);
}

/**
 * paes_queue_submit() - take a request from the crypto API
 * @key:	held by the caller for the call
 * @owner:	of at least one AES block; its context is a struct paes_data
 * @op:		PAES_OP_ENCRYPT or PAES_OP_DECRYPT
 *
 * Never sleeps, never allocates.  Any context but hard interrupts.
 *
 * Return: -EINPROGRESS; -EBUSY in the backlog; -ENOSPC; -ENOKEY.
 */
int paes_queue_submit(struct paes_key *key, struct skcipher_request *owner,
		      enum paes_op op)
{
	struct paes_data *data = skcipher_request_ctx(owner);
	u32 length = owner->cryptlen;
	struct paes_turn turn;
	bool took;
	int ret;

	paes_data_init(data, key, owner, op);
	paes_key_get(key);	/* the request's */
	spin_lock_bh(&key->lock);
	ret = paes_queue_accept(key, data);
	took = paes_queue_take_turn(key, &turn);
	spin_unlock_bh(&key->lock);
	if (took)
		paes_queue_issue(key, &turn);
	/* From here on the request may be completed and gone. */
	if (ret != -EINPROGRESS && ret != -EBUSY) {
		paes_key_put(key);
		return ret;
	}
	paes_stat_inc(PAES_STAT_SUBMITTED);
	if (ret == -EBUSY)
		paes_stat_inc(PAES_STAT_BACKLOGGED);
	trace_paes_submit(key->number, op, length, ret);
	if (paes_queue_feed(key))
		paes_stat_inc(PAES_STAT_HELD);
	return ret;
}

/**
 * paes_queue_in_flight() - requests of a key that providers work on
 * @key:	its lock is taken
 */
unsigned long paes_queue_in_flight(struct paes_key *key)
{
	unsigned long finished = paes_tally_finished(&key->tally);
	unsigned long in_flight;

	/* What finishes meanwhile is counted as in flight, not as less than 0. */
	spin_lock_bh(&key->lock);
	in_flight = key->tally.taken - finished;
	spin_unlock_bh(&key->lock);
	return in_flight;
}

/* Have both it and its key been without a provider for too long? */
static bool paes_data_expired(const struct paes_key *key,
			      const struct paes_data *data)
{
	unsigned long hold = paes_hold_jiffies();

	return time_after_eq(jiffies, data->since + hold) &&
	       time_after_eq(jiffies, key->held_since + hold);
}

/* Pops a request that waited too long, or any when @all; NULL when none. */
static struct paes_data *paes_queue_pop_expired(struct paes_key *key, bool all)
{
	struct paes_request *request;
	struct paes_data *data = NULL;

	spin_lock_bh(&key->lock);
	list_for_each_entry(request, &key->pending, node) {
		if (!all && !paes_data_expired(key, paes_data_of(request)))
			continue;
		data = paes_queue_take(key, request);
		break;
	}
	spin_unlock_bh(&key->lock);
	return data;
}

/**
 * paes_queue_fail() - fail all that waits in a closed key
 * @key:	marked closed
 * @error:	for the callers
 */
void paes_queue_fail(struct paes_key *key, int error)
{
	struct paes_data *data;

	while ((data = paes_queue_pop_expired(key, true))) {
		paes_queue_promote(key);
		paes_data_complete(data, error);
	}
}

/* Fails what waited too long; false when nothing waits any more. */
static bool paes_queue_expire(struct paes_key *key)
{
	struct paes_data *data;

	while ((data = paes_queue_pop_expired(key, false))) {
		pr_err_ratelimited("key %u: no provider for %u s: I/O fails; start paesd, then the volume works again\n",
				   key->number, READ_ONCE(hold_seconds));
		paes_stat_inc(PAES_STAT_EXPIRED);
		paes_queue_promote(key);
		paes_data_complete(data, -EIO);
	}
	return READ_ONCE(key->pending_count);
}

/**
 * paes_queue_hold() - runs while requests wait without a provider
 * @work:	key->hold
 *
 * Looks once a second, so that a changed hold_seconds counts at once.
 */
void paes_queue_hold(struct work_struct *work)
{
	struct paes_key *key = container_of(to_delayed_work(work),
					    struct paes_key, hold);

	if (READ_ONCE(key->closed)) {
		/* What was in no list when it was closed: on its way from the backlog. */
		paes_queue_fail(key, -ENOKEY);
	} else if (paes_sessions_any_open(key)) {
		key->holding = false;
		paes_queue_feed(key);
	} else {
		if (!key->holding)
			key->held_since = jiffies;
		key->holding = paes_queue_expire(key);
		if (key->holding)
			paes_queue_arm(key, min_t(unsigned long, HZ,
						  paes_hold_jiffies()));
	}
	paes_key_put(key);
}

/**
 * paes_queue_answer() - tells the owners of what was encrypted
 * @work:	key->answer
 */
void paes_queue_answer(struct work_struct *work)
{
	struct paes_key *key = container_of(work, struct paes_key, answer);
	struct paes_data *data, *next;
	LIST_HEAD(answered);

	spin_lock_bh(&key->lock);
	list_splice_init(&key->answered, &answered);
	spin_unlock_bh(&key->lock);
	list_for_each_entry_safe(data, next, &answered, request.node) {
		paes_data_complete(data, data->error);
		cond_resched();
	}
	paes_key_put(key);
}
