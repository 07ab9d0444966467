// SPDX-License-Identifier: GPL-2.0
/*
 * A session's life:
 *
 *	opening -> open -> closing -> gone
 *	opening -> refused -> gone
 *
 * Open is also what was answered with -EKEYREVOKED: requests are sent and
 * refused, until the broker is told that they are allowed.
 *
 * and from each to gone when the provider dies.  A key that is closed while
 * OPEN is underway gets its CLOSE when that is answered.
 *
 * Locks: paes_sessions_lock, then a key's, then a provider's; all BH.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpumask.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "session.h"
#include "stats.h"

enum {
	PAES_SESSION_RUN	= 8,	/* requests */
	PAES_SESSION_CALL	= 32,	/* what paesd gives a token at once */
};

DEFINE_SPINLOCK(paes_sessions_lock);

/**
 * paes_session_free() - after the last reference
 * @session:	wiped and freed
 */
void paes_session_free(struct paes_session *session)
{
	paes_provider_put(session->provider);
	paes_key_put(session->key);
	kfree_sensitive(session);
}

/**
 * paes_session_remove() - take a session out of both lists
 * @session:	held by the caller; nothing happens the second time
 *
 * Process context.
 */
void paes_session_remove(struct paes_session *session)
{
	bool listed;

	spin_lock_bh(&paes_sessions_lock);
	listed = !list_empty(&session->by_provider);
	if (listed) {
		list_del_init(&session->by_provider);
		spin_lock(&session->key->lock);
		list_del_init(&session->by_key);
		session->state = PAES_SESSION_GONE;
		spin_unlock(&session->key->lock);
	}
	spin_unlock_bh(&paes_sessions_lock);
	if (!listed)
		return;
	wake_up_all(&session->key->settled);
	paes_session_put(session);
}

static void paes_session_send(struct paes_session *session, enum paes_op op)
{
	struct paes_desc *desc = &session->control.desc;

	memset(desc, 0, sizeof(*desc));
	desc->op = op;
	desc->key = session->key->number;
	desc->length = op == PAES_OP_OPEN ? PAES_BLOB_SIZE : 0;
	session->control.token = op == PAES_OP_CLOSE ? session->token : NULL;
	paes_session_get(session);
	paes_provider_control(session->provider, &session->control);
}

static struct paes_session *paes_session_of(struct paes_request *request)
{
	return container_of(request, struct paes_session, control);
}

static void paes_session_fill(struct paes_request *request,
			      struct paes_area *area, u32 slot)
{
	struct paes_session *session = paes_session_of(request);

	if (request->desc.op == PAES_OP_OPEN)
		paes_area_write(area, slot, &session->key->blob,
				PAES_BLOB_SIZE);
}

/*
 * The state after OPEN was answered; the key may be closed by now, or as soon as
 * the lock is dropped: then the session is closed by who closes the key.
 */
static enum paes_session_state
paes_session_opened(struct paes_session *session, const struct paes_cqe *cqe)
{
	struct paes_key *key = session->key;
	enum paes_session_state state = PAES_SESSION_OPEN;

	spin_lock_bh(&key->lock);
	paes_provider_set_token(session->provider, session->token, cqe->token);
	session->error = cqe->status;
	if (cqe->status && cqe->status != -EKEYREVOKED)
		state = PAES_SESSION_REFUSED;
	else if (key->closed)
		state = PAES_SESSION_CLOSING;
	session->state = state;
	spin_unlock_bh(&key->lock);
	wake_up_all(&key->settled);
	return state;
}

static void paes_session_log_refusal(const struct paes_session *session, s32 status)
{
	const struct paes_key *key = session->key;
	const struct paes_provider *provider = session->provider;

	if (status == -EKEYREVOKED)
		pr_warn_ratelimited("key %u: provider %u (%s) says that it is revoked; 'paes allow %*phN' undoes that\n",
				    key->number, provider->number, provider->name,
				    PAES_ID_SIZE, key->blob.key_id);
	else if (status == -EKEYREJECTED)
		pr_warn_ratelimited("key %u: the HSM of provider %u (%s) refuses this wrapped key: it was changed, or its halves don't belong together; 'paes verify' tells more\n",
				    key->number, provider->number, provider->name);
	else
		pr_warn_ratelimited("key %u: provider %u (%s) could not open it: error %d; see its log\n",
				    key->number, provider->number, provider->name,
				    status);
}

static void paes_session_open_done(struct paes_session *session,
				   const struct paes_cqe *cqe)
{
	/* Whoever sets the key is woken after it: the reason is there to be read. */
	if (cqe->status)
		paes_session_log_refusal(session, cqe->status);
	switch (paes_session_opened(session, cqe)) {
	case PAES_SESSION_OPEN:
		/* What waits for it is fed by the provider's work, after this. */
		break;
	case PAES_SESSION_CLOSING:
		paes_session_send(session, PAES_OP_CLOSE);
		break;
	default:
		if (READ_ONCE(session->key->closed))
			paes_session_remove(session);
	}
}

static void paes_session_done(struct paes_request *request,
			      struct paes_provider *provider, u32 slot,
			      const struct paes_cqe *cqe)
{
	struct paes_session *session = paes_session_of(request);

	paes_provider_release(provider, slot);
	if (request->desc.op == PAES_OP_OPEN)
		paes_session_open_done(session, cqe);
	else
		paes_session_remove(session);
	paes_session_put(session);
}

static void paes_session_lost(struct paes_request *request,
			      struct paes_provider *provider)
{
	struct paes_session *session = paes_session_of(request);

	paes_session_remove(session);
	paes_session_put(session);
}

static const struct paes_request_ops paes_session_ops = {
	.fill = paes_session_fill,
	.done = paes_session_done,
	.lost = paes_session_lost,
};

/**
 * paes_session_change_token() - the broker gave the next session token
 * @session:	open
 * @token:	from the next descriptor on it is the one, and that tells the broker
 */
void paes_session_change_token(struct paes_session *session, const u8 *token)
{
	paes_provider_set_token(session->provider, session->token, token);
	paes_stat_inc(PAES_STAT_ROTATED);
}

/**
 * paes_session_new() - a session that is nobody's yet
 * @gfp:	for its memory
 *
 * Return: one reference, for the lists that it will be in; kfree() it if it
 * won't; or NULL.
 */
struct paes_session *paes_session_new(gfp_t gfp)
{
	struct paes_session *session = kzalloc(sizeof(*session), gfp);

	if (!session)
		return NULL;
	refcount_set(&session->refs, 1);
	INIT_LIST_HEAD(&session->by_key);
	INIT_LIST_HEAD(&session->by_provider);
	INIT_LIST_HEAD(&session->control.node);
	session->control.ops = &paes_session_ops;
	return session;
}

static bool paes_key_routes_to(const struct paes_key *key,
			       const struct paes_provider *provider)
{
	unsigned int i;

	for (i = 0; i < key->recipients; i++)
		if (paes_provider_serves(provider,
					 key->blob.recipient[i].kek_id))
			return true;
	return false;
}

/**
 * paes_session_lacks() - could these two have a session, and have none?
 * @key:	not closed
 * @provider:	after SERVE
 *
 * The caller holds paes_sessions_lock.
 */
bool paes_session_lacks(const struct paes_key *key,
			const struct paes_provider *provider)
{
	const struct paes_session *session;

	if (READ_ONCE(provider->dead) || !paes_key_routes_to(key, provider))
		return false;
	list_for_each_entry(session, &provider->sessions, by_provider)
		if (session->key == key)
			return false;
	return true;
}

/**
 * paes_session_attach() - bring key and provider together
 * @session:	new; holds both from here
 * @key:	not closed
 * @provider:	not dead
 *
 * The caller holds paes_sessions_lock and, having dropped it, calls
 * paes_session_open(), until when it has a reference: the provider may die.
 */
void paes_session_attach(struct paes_session *session, struct paes_key *key,
			 struct paes_provider *provider)
{
	paes_session_get(session);
	session->key = key;
	session->provider = provider;
	session->state = PAES_SESSION_OPENING;
	paes_key_get(key);
	paes_provider_get(provider);
	list_add_tail(&session->by_provider, &provider->sessions);
	spin_lock(&key->lock);
	list_add_tail(&session->by_key, &key->sessions);
	spin_unlock(&key->lock);
}

/**
 * paes_session_open() - send OPEN
 * @session:	just attached; may be gone afterwards
 *
 * Process context.
 */
void paes_session_open(struct paes_session *session)
{
	paes_session_send(session, PAES_OP_OPEN);
	paes_session_put(session);
}

/**
 * paes_session_first() - any session of a provider
 * @provider:	whose sessions are to end
 *
 * Return: with a reference for the caller, or NULL.
 */
struct paes_session *paes_session_first(struct paes_provider *provider)
{
	struct paes_session *session;

	spin_lock_bh(&paes_sessions_lock);
	session = list_first_entry_or_null(&provider->sessions,
					   struct paes_session, by_provider);
	if (session)
		paes_session_get(session);
	spin_unlock_bh(&paes_sessions_lock);
	return session;
}

/**
 * paes_session_waiting_key() - whose turn is it at a provider?
 * @provider:	with free slots
 *
 * Keys take turns: the one returned goes to the end of the line.
 *
 * Return: a key with waiting requests, with a reference, or NULL.
 */
struct paes_key *paes_session_waiting_key(struct paes_provider *provider)
{
	struct paes_session *session;
	struct paes_key *key = NULL;

	spin_lock_bh(&paes_sessions_lock);
	list_for_each_entry(session, &provider->sessions, by_provider) {
		/*
		 * Lockless: submitters enqueue first and look for a slot then,
		 * the provider's lock orders that against slots freed before.
		 */
		if (!READ_ONCE(session->key->pending_count) ||
		    READ_ONCE(session->state) != PAES_SESSION_OPEN)
			continue;
		key = session->key;
		paes_key_get(key);
		list_move_tail(&session->by_provider, &provider->sessions);
		break;
	}
	spin_unlock_bh(&paes_sessions_lock);
	return key;
}

/* The next session to be closed, in state CLOSING, or REFUSED, referenced. */
static struct paes_session *paes_session_to_close(struct paes_key *key)
{
	struct paes_session *session, *found = NULL;

	spin_lock_bh(&key->lock);
	list_for_each_entry(session, &key->sessions, by_key) {
		if (session->state != PAES_SESSION_OPEN &&
		    session->state != PAES_SESSION_REFUSED)
			continue;
		if (session->state == PAES_SESSION_OPEN)
			session->state = PAES_SESSION_CLOSING;
		paes_session_get(session);
		found = session;
		break;
	}
	spin_unlock_bh(&key->lock);
	return found;
}

/**
 * paes_sessions_close() - end all sessions of a key
 * @key:	marked closed and not registered any more
 *
 * Doesn't wait: an OPEN underway is followed by its CLOSE when it is answered.
 * Process context.
 */
void paes_sessions_close(struct paes_key *key)
{
	struct paes_session *session;

	while ((session = paes_session_to_close(key))) {
		if (session->state == PAES_SESSION_CLOSING)
			paes_session_send(session, PAES_OP_CLOSE);
		else
			paes_session_remove(session);
		paes_session_put(session);
	}
}

/* Key lock held. */
static bool paes_session_any(const struct paes_key *key,
			     enum paes_session_state state)
{
	const struct paes_session *session;

	list_for_each_entry(session, &key->sessions, by_key)
		if (session->state == state)
			return true;
	return false;
}

/* Key lock held: did any provider answer OPEN with this error? */
static bool paes_session_refused_with(const struct paes_key *key, int error)
{
	const struct paes_session *session;

	list_for_each_entry(session, &key->sessions, by_key)
		if (session->state == PAES_SESSION_REFUSED &&
		    session->error == error)
			return true;
	return false;
}

/**
 * paes_sessions_any_open() - can requests of this key be issued somewhere?
 * @key:	its lock is taken
 */
bool paes_sessions_any_open(struct paes_key *key)
{
	return paes_sessions_count(key);
}

/**
 * paes_sessions_outcome() - what setkey would be told now
 * @key:	its lock is taken
 *
 * Return: 0 when it is open somewhere; -EKEYREJECTED when an HSM refused it;
 * -ETIMEDOUT while an answer is awaited; -EIO when only trouble was answered;
 * -ENOKEY when nobody serves it.
 */
int paes_sessions_outcome(struct paes_key *key)
{
	int outcome = -ENOKEY;

	spin_lock_bh(&key->lock);
	if (paes_session_any(key, PAES_SESSION_OPEN))
		outcome = 0;
	else if (paes_session_any(key, PAES_SESSION_OPENING))
		outcome = -ETIMEDOUT;
	else if (paes_session_refused_with(key, -EKEYREJECTED))
		outcome = -EKEYREJECTED;
	else if (paes_session_refused_with(key, -EIO))
		outcome = -EIO;
	spin_unlock_bh(&key->lock);
	return outcome;
}

/**
 * paes_sessions_revoked() - did a provider open a key as revoked?
 * @key:	its lock is taken
 *
 * Only of use to who has just set it: it may have been allowed since.
 */
bool paes_sessions_revoked(struct paes_key *key)
{
	const struct paes_session *session;
	bool revoked = false;

	spin_lock_bh(&key->lock);
	list_for_each_entry(session, &key->sessions, by_key)
		if (session->state == PAES_SESSION_OPEN &&
		    session->error == -EKEYREVOKED)
			revoked = true;
	spin_unlock_bh(&key->lock);
	return revoked;
}

/**
 * paes_sessions_settled() - is waiting for providers of no more use?
 * @key:	its lock is taken
 */
bool paes_sessions_settled(struct paes_key *key)
{
	int outcome = paes_sessions_outcome(key);

	return !outcome || outcome == -EKEYREJECTED;
}

/**
 * struct paes_choice - the least busy of a key's sessions
 * @session:	NULL when there is none
 * @runs:	how many runs its provider is busy with
 */
struct paes_choice {
	struct paes_session *session;
	u32 runs;
};

static void paes_choice_offer(struct paes_choice *choice,
			      struct paes_session *session, u32 run)
{
	u32 runs = paes_provider_load(session->provider) / run;

	if (choice->session && runs >= choice->runs)
		return;
	choice->session = session;
	choice->runs = runs;
}

/*
 * Key lock held: where the next run of requests goes.  A provider that is busy
 * with less than a run takes some more as part of its next batch, which costs
 * less than to wake another one; beyond that the load is spread.  Half of the
 * processors are for those who submit and who are told: when brokers compute
 * on the other half, which is all that some tokens do, another one would only
 * be in their way, and a token call's worth goes to one.
 * Among equals it is the one that was fed last, moved to the front for that.
 */
static struct paes_session *paes_session_best(struct paes_key *key)
{
	struct paes_choice spread = {}, keep = {};
	struct paes_session *session, *best;
	unsigned int computing = 0;

	list_for_each_entry(session, &key->sessions, by_key) {
		if (session->state != PAES_SESSION_OPEN)
			continue;
		computing += paes_provider_computes(session->provider);
		paes_choice_offer(&spread, session, PAES_SESSION_RUN);
		paes_choice_offer(&keep, session, PAES_SESSION_CALL);
	}
	best = 2 * computing < num_online_cpus() ? spread.session : keep.session;
	if (best)
		list_move(&best->by_key, &key->sessions);
	return best;
}

/* Key lock held: where the next request goes, as long as there is room. */
static struct paes_session *paes_session_next(struct paes_key *key)
{
	if (key->run && !list_empty(&key->sessions)) {
		key->run--;
		return list_first_entry(&key->sessions, struct paes_session,
					by_key);
	}
	key->run = PAES_SESSION_RUN - 1;
	return paes_session_best(key);
}

/* Key lock held. */
static bool paes_session_reserve(struct paes_session *session, u32 *slot)
{
	if (session->state != PAES_SESSION_OPEN ||
	    paes_provider_reserve(session->provider, slot))
		return false;
	refcount_add(2, &session->refs);
	return true;
}

/**
 * paes_sessions_reserve() - a slot at one of a key's providers
 * @key:	its lock is held by the caller
 * @slot:	the slot, reserved
 *
 * "None" is said only after each provider was asked under its own lock: who
 * frees a slot afterwards will see the request that the caller leaves waiting.
 *
 * Return: the session there, or NULL when none has a free slot.  It has two
 * references, which keep the provider alive: the request's, and the caller's.
 */
struct paes_session *paes_sessions_reserve(struct paes_key *key, u32 *slot)
{
	struct paes_session *session = paes_session_next(key);

	if (session && paes_session_reserve(session, slot))
		return session;
	key->run = 0;
	list_for_each_entry(session, &key->sessions, by_key)
		if (paes_session_reserve(session, slot))
			return session;
	return NULL;
}

/**
 * paes_sessions_count() - at how many providers is a key open?
 * @key:	its lock is taken
 */
unsigned int paes_sessions_count(struct paes_key *key)
{
	struct paes_session *session;
	unsigned int count = 0;

	spin_lock_bh(&key->lock);
	list_for_each_entry(session, &key->sessions, by_key)
		count += session->state == PAES_SESSION_OPEN;
	spin_unlock_bh(&key->lock);
	return count;
}
