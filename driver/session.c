// SPDX-License-Identifier: GPL-2.0
/*
 * Sessions come from two sides: a new key is opened at every provider of its
 * KEKs, a new provider gets every key that it can serve.  Both add one session
 * at a time under the registry lock, where they see who is still without one,
 * and allocate outside of it.
 *
 * Locks: registry, then key, then provider; all BH.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/seq_file.h>
#include <linux/slab.h>

#include "queue.h"
#include "session.h"
#include "stats.h"

static DEFINE_SPINLOCK(paes_registry_lock);
static LIST_HEAD(paes_keys);
static LIST_HEAD(paes_providers);

static void paes_session_put(struct paes_session *session)
{
	if (!refcount_dec_and_test(&session->refs))
		return;
	paes_provider_put(session->provider);
	paes_key_put(session->key);
	kfree_sensitive(session);
}

/* Takes a session out of both lists, once. Process context. */
static void paes_session_remove(struct paes_session *session)
{
	bool listed;

	spin_lock_bh(&paes_registry_lock);
	listed = !list_empty(&session->by_provider);
	if (listed) {
		list_del_init(&session->by_provider);
		spin_lock(&session->key->lock);
		list_del_init(&session->by_key);
		session->state = PAES_SESSION_GONE;
		spin_unlock(&session->key->lock);
	}
	spin_unlock_bh(&paes_registry_lock);
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
	if (op == PAES_OP_CLOSE)
		memcpy(desc->token, session->token, sizeof(desc->token));
	refcount_inc(&session->refs);
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

/* The state after OPEN was answered; the key may be closed by now. */
static enum paes_session_state
paes_session_opened(struct paes_session *session, const struct paes_cqe *cqe)
{
	struct paes_key *key = session->key;

	spin_lock_bh(&key->lock);
	memcpy(session->token, cqe->token, sizeof(session->token));
	session->error = cqe->status;
	if (cqe->status)
		session->state = PAES_SESSION_REFUSED;
	else if (key->closed)
		session->state = PAES_SESSION_CLOSING;
	else
		session->state = PAES_SESSION_OPEN;
	spin_unlock_bh(&key->lock);
	wake_up_all(&key->settled);
	return session->state;
}

static void paes_session_log_refusal(const struct paes_session *session)
{
	const struct paes_provider *provider = session->provider;

	if (session->error == -EKEYREJECTED)
		pr_warn_ratelimited("key %u: the HSM of provider %u (%s) refuses this wrapped key: it was changed, or its halves don't belong together; 'paes verify' tells more\n",
				    session->key->number, provider->number,
				    provider->name);
	else
		pr_warn_ratelimited("key %u: provider %u (%s) could not open it: error %d; see its log\n",
				    session->key->number, provider->number,
				    provider->name, session->error);
}

static void paes_session_open_done(struct paes_session *session,
				   const struct paes_cqe *cqe)
{
	switch (paes_session_opened(session, cqe)) {
	case PAES_SESSION_OPEN:
		paes_queue_feed(session->key);
		break;
	case PAES_SESSION_CLOSING:
		paes_session_send(session, PAES_OP_CLOSE);
		break;
	default:
		paes_session_log_refusal(session);
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

static struct paes_session *paes_session_alloc(gfp_t gfp)
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

/* Registry lock held: could these two have a session, and have none? */
static bool paes_session_lacks(const struct paes_key *key,
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

/* Registry lock held. */
static void paes_session_attach(struct paes_session *session,
				struct paes_key *key,
				struct paes_provider *provider)
{
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

/* Attaches @session to @key at the first provider without it. */
static bool paes_session_attach_key(struct paes_session *session,
				    struct paes_key *key)
{
	struct paes_provider *provider;
	bool attached = false;

	spin_lock_bh(&paes_registry_lock);
	list_for_each_entry(provider, &paes_providers, registered) {
		if (!paes_session_lacks(key, provider))
			continue;
		paes_session_attach(session, key, provider);
		attached = true;
		break;
	}
	spin_unlock_bh(&paes_registry_lock);
	return attached;
}

/* Attaches @session to @provider for the first key without it. */
static bool paes_session_attach_provider(struct paes_session *session,
					 struct paes_provider *provider)
{
	struct paes_key *key;
	bool attached = false;

	spin_lock_bh(&paes_registry_lock);
	list_for_each_entry(key, &paes_keys, registered) {
		if (!paes_session_lacks(key, provider))
			continue;
		paes_session_attach(session, key, provider);
		attached = true;
		break;
	}
	spin_unlock_bh(&paes_registry_lock);
	return attached;
}

/*
 * Opens all that is to be opened for a key or a provider; a list that grows
 * meanwhile is followed.
 */
static int paes_sessions_open(struct paes_key *key,
			      struct paes_provider *provider, gfp_t gfp)
{
	struct paes_session *session;
	bool attached;

	for (;;) {
		session = paes_session_alloc(gfp);
		if (!session)
			return -ENOMEM;
		attached = key ? paes_session_attach_key(session, key) :
				 paes_session_attach_provider(session, provider);
		if (!attached)
			break;
		paes_session_send(session, PAES_OP_OPEN);
	}
	kfree(session);
	return 0;
}

/**
 * paes_registry_add_key() - make a key known and open it at its providers
 * @key:	not registered yet
 * @gfp:	for the sessions
 *
 * The caller waits for paes_sessions_settled() on key->settled.  On error the
 * key is registered all the same: close it.
 *
 * Return: 0 or -ENOMEM.  May sleep.
 */
int paes_registry_add_key(struct paes_key *key, gfp_t gfp)
{
	spin_lock_bh(&paes_registry_lock);
	list_add_tail(&key->registered, &paes_keys);
	spin_unlock_bh(&paes_registry_lock);
	return paes_sessions_open(key, NULL, gfp);
}

/**
 * paes_registry_add_provider() - make a provider known, open all its keys
 * @provider:	its kek_ids are set
 *
 * Return: 0, -ENOMEM, or -ESHUTDOWN when it broke already.  May sleep.
 */
int paes_registry_add_provider(struct paes_provider *provider)
{
	bool dead;

	spin_lock_bh(&paes_registry_lock);
	/* Death comes before removal: who isn't dead yet will be removed. */
	dead = READ_ONCE(provider->dead);
	if (!dead)
		list_add_tail(&provider->registered, &paes_providers);
	spin_unlock_bh(&paes_registry_lock);
	if (dead)
		return -ESHUTDOWN;
	return paes_sessions_open(NULL, provider, GFP_KERNEL);
}

/* A session of the provider for which no answer is awaited, with a reference. */
static struct paes_session *
paes_session_first(struct paes_provider *provider)
{
	struct paes_session *session;

	spin_lock_bh(&paes_registry_lock);
	session = list_first_entry_or_null(&provider->sessions,
					   struct paes_session, by_provider);
	if (session)
		refcount_inc(&session->refs);
	spin_unlock_bh(&paes_registry_lock);
	return session;
}

/**
 * paes_registry_remove_provider() - a provider died; its sessions end
 * @provider:	dead; its requests are given back after this
 *
 * Process context.
 */
void paes_registry_remove_provider(struct paes_provider *provider)
{
	struct paes_session *session;

	spin_lock_bh(&paes_registry_lock);
	list_del_init(&provider->registered);
	spin_unlock_bh(&paes_registry_lock);
	while ((session = paes_session_first(provider))) {
		paes_session_remove(session);
		/* Whatever waits for this provider goes elsewhere or is held. */
		paes_queue_feed(session->key);
		paes_session_put(session);
	}
}

/**
 * paes_registry_has_providers() - does anybody serve anything?
 */
bool paes_registry_has_providers(void)
{
	bool any;

	spin_lock_bh(&paes_registry_lock);
	any = !list_empty(&paes_providers);
	spin_unlock_bh(&paes_registry_lock);
	return any;
}

/**
 * paes_registry_waiting_key() - whose turn is it at a provider?
 * @provider:	with free slots
 *
 * Keys take turns: the one returned goes to the end of the line.
 *
 * Return: a key with waiting requests, with a reference, or NULL.
 */
struct paes_key *paes_registry_waiting_key(struct paes_provider *provider)
{
	struct paes_session *session;
	struct paes_key *key = NULL;

	spin_lock_bh(&paes_registry_lock);
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
	spin_unlock_bh(&paes_registry_lock);
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
		refcount_inc(&session->refs);
		found = session;
		break;
	}
	spin_unlock_bh(&key->lock);
	return found;
}

/**
 * paes_sessions_close() - end all sessions of a key
 * @key:	marked closed; it leaves the registry
 *
 * Doesn't wait: an OPEN underway is followed by its CLOSE when it is answered.
 * Process context.
 */
void paes_sessions_close(struct paes_key *key)
{
	struct paes_session *session;

	spin_lock_bh(&paes_registry_lock);
	list_del_init(&key->registered);
	spin_unlock_bh(&paes_registry_lock);
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
	bool open;

	spin_lock_bh(&key->lock);
	open = paes_session_any(key, PAES_SESSION_OPEN);
	spin_unlock_bh(&key->lock);
	return open;
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
 * paes_sessions_settled() - is waiting for providers of no more use?
 * @key:	its lock is taken
 */
bool paes_sessions_settled(struct paes_key *key)
{
	int outcome = paes_sessions_outcome(key);

	return !outcome || outcome == -EKEYREJECTED;
}

/* Key lock held: the open session whose provider has most free slots. */
static struct paes_session *paes_session_best(struct paes_key *key)
{
	struct paes_session *session, *best = NULL;
	u32 most = 0, count;

	list_for_each_entry(session, &key->sessions, by_key) {
		if (session->state != PAES_SESSION_OPEN)
			continue;
		count = READ_ONCE(session->provider->free_count);
		if (count > most) {
			most = count;
			best = session;
		}
	}
	return best;
}

/* Key lock held. */
static bool paes_session_reserve(struct paes_session *session, u32 *slot,
				 u8 token[PAES_TOKEN_SIZE])
{
	if (session->state != PAES_SESSION_OPEN ||
	    paes_provider_reserve(session->provider, slot))
		return false;
	memcpy(token, session->token, PAES_TOKEN_SIZE);
	return true;
}

/**
 * paes_sessions_reserve() - a slot at one of a key's providers
 * @key:	its lock is held by the caller
 * @slot:	the slot, reserved; it keeps the provider alive
 * @token:	the session token to use there
 *
 * "None" is said only after each provider was asked under its own lock: who
 * frees a slot afterwards will see the request that the caller leaves waiting.
 *
 * Return: the provider, or NULL when none has a free slot.
 */
struct paes_provider *paes_sessions_reserve(struct paes_key *key, u32 *slot,
					    u8 token[PAES_TOKEN_SIZE])
{
	struct paes_session *session = paes_session_best(key);

	if (session && paes_session_reserve(session, slot, token))
		return session->provider;
	list_for_each_entry(session, &key->sessions, by_key)
		if (paes_session_reserve(session, slot, token))
			return session->provider;
	return NULL;
}

static const char *paes_outcome_name(int outcome)
{
	switch (outcome) {
	case 0:
		return "open";
	case -ETIMEDOUT:
		return "opening";
	case -EKEYREJECTED:
		return "refused";
	case -EIO:
		return "trouble";
	}
	return "unserved";
}

static unsigned int paes_sessions_count(struct paes_key *key)
{
	struct paes_session *session;
	unsigned int count = 0;

	spin_lock_bh(&key->lock);
	list_for_each_entry(session, &key->sessions, by_key)
		count += session->state == PAES_SESSION_OPEN;
	spin_unlock_bh(&key->lock);
	return count;
}

static void paes_key_show(struct seq_file *file, struct paes_key *key)
{
	seq_printf(file, "%u %*phN %u %s %u %u\n", key->number, PAES_ID_SIZE,
		   key->blob.key_id, paes_blob_le16(&key->blob.key_bits),
		   paes_outcome_name(paes_sessions_outcome(key)),
		   READ_ONCE(key->pending_count), paes_sessions_count(key));
}

/**
 * paes_registry_show_keys() - a table of all keys
 * @file:	a header line, then a line a key
 */
void paes_registry_show_keys(struct seq_file *file)
{
	struct paes_key *key;

	seq_puts(file, "number key_id bits state queued providers\n");
	spin_lock_bh(&paes_registry_lock);
	list_for_each_entry(key, &paes_keys, registered)
		paes_key_show(file, key);
	spin_unlock_bh(&paes_registry_lock);
}

static void paes_provider_show(struct seq_file *file,
			       const struct paes_provider *provider)
{
	u32 i;

	seq_printf(file, "%u %s %d %s %u %u %lu", provider->number,
		   provider->name, provider->pid,
		   READ_ONCE(provider->dead) ? "dead" : "serving",
		   provider->depth, READ_ONCE(provider->issued),
		   READ_ONCE(provider->served));
	for (i = 0; i < provider->kek_count; i++)
		seq_printf(file, "%c%*phN", i ? ',' : ' ', PAES_ID_SIZE,
			   provider->kek_ids[i]);
	seq_putc(file, '\n');
}

/**
 * paes_registry_show_providers() - a table of all providers
 * @file:	a header line, then a line a provider
 */
void paes_registry_show_providers(struct seq_file *file)
{
	struct paes_provider *provider;

	seq_puts(file, "number name pid state depth in_flight served keks\n");
	spin_lock_bh(&paes_registry_lock);
	list_for_each_entry(provider, &paes_providers, registered)
		paes_provider_show(file, provider);
	spin_unlock_bh(&paes_registry_lock);
}
