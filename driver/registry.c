// SPDX-License-Identifier: GPL-2.0
/*
 * Sessions come from two sides: a new key is opened at every provider of its
 * KEKs, a new provider gets every key that it can serve.  Both add one session
 * at a time under the lock, where they see who is still without one, and
 * allocate outside of it.
 *
 * The lists of keys and providers are under paes_sessions_lock too: who is in
 * them and who has a session with whom must be seen together.
 */

#include <linux/seq_file.h>
#include <linux/slab.h>

#include "queue.h"
#include "registry.h"
#include "session.h"

static LIST_HEAD(paes_keys);
static LIST_HEAD(paes_providers);

/* Lock held: @only, or the first key, if it should be open at the provider. */
static struct paes_key *paes_registry_lacking(const struct paes_provider *provider,
					      struct paes_key *only)
{
	struct paes_key *key;

	if (only)
		return paes_session_lacks(only, provider) ? only : NULL;
	list_for_each_entry(key, &paes_keys, registered)
		if (paes_session_lacks(key, provider))
			return key;
	return NULL;
}

/* Makes @session one that is missing, of the key or the provider given. */
static bool paes_registry_attach(struct paes_session *session,
				 struct paes_key *only_key,
				 struct paes_provider *only_provider)
{
	struct paes_provider *provider;
	struct paes_key *key = NULL;

	spin_lock_bh(&paes_sessions_lock);
	list_for_each_entry(provider, &paes_providers, registered) {
		if (only_provider && provider != only_provider)
			continue;
		key = paes_registry_lacking(provider, only_key);
		if (key) {
			paes_session_attach(session, key, provider);
			break;
		}
	}
	spin_unlock_bh(&paes_sessions_lock);
	return key;
}

/*
 * Opens all that is to be opened for a key or a provider; a list that grows
 * meanwhile is followed.
 */
static int paes_registry_open(struct paes_key *key,
			      struct paes_provider *provider, gfp_t gfp)
{
	struct paes_session *session;

	for (;;) {
		session = paes_session_new(gfp);
		if (!session)
			return -ENOMEM;
		if (!paes_registry_attach(session, key, provider))
			break;
		paes_session_open(session);
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
	spin_lock_bh(&paes_sessions_lock);
	list_add_tail(&key->registered, &paes_keys);
	spin_unlock_bh(&paes_sessions_lock);
	return paes_registry_open(key, NULL, gfp);
}

/**
 * paes_registry_remove_key() - a key is closed
 * @key:	no session is added to it after this
 */
void paes_registry_remove_key(struct paes_key *key)
{
	spin_lock_bh(&paes_sessions_lock);
	list_del_init(&key->registered);
	spin_unlock_bh(&paes_sessions_lock);
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

	spin_lock_bh(&paes_sessions_lock);
	/* Death comes before removal: who isn't dead yet will be removed. */
	dead = READ_ONCE(provider->dead);
	if (!dead)
		list_add_tail(&provider->registered, &paes_providers);
	spin_unlock_bh(&paes_sessions_lock);
	if (dead)
		return -ESHUTDOWN;
	return paes_registry_open(NULL, provider, GFP_KERNEL);
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

	spin_lock_bh(&paes_sessions_lock);
	list_del_init(&provider->registered);
	spin_unlock_bh(&paes_sessions_lock);
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

	spin_lock_bh(&paes_sessions_lock);
	any = !list_empty(&paes_providers);
	spin_unlock_bh(&paes_sessions_lock);
	return any;
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

static void paes_key_show(struct seq_file *file, struct paes_key *key)
{
	unsigned int queued = READ_ONCE(key->pending_count);
	unsigned int providers = paes_sessions_count(key);

	seq_printf(file, "%u %*phN %u %s %u %lu %u %u %lu %ld ", key->number,
		   PAES_ID_SIZE, key->blob.key_id,
		   paes_blob_le16(&key->blob.key_bits),
		   paes_outcome_name(paes_sessions_outcome(key)), providers,
		   paes_queue_in_flight(key), providers ? queued : 0,
		   providers ? 0 : queued, READ_ONCE(key->tally.reissued),
		   atomic_long_read(&key->tally.failed));
	paes_tally_show(file, &key->tally);
	seq_putc(file, '\n');
}

/**
 * paes_registry_show_keys() - a table of all keys
 * @file:	a header line, then a line a key
 *
 * Its requests are in_flight with providers, queued for a slot there, or held
 * because it is open nowhere; latency is as paes_tally_show() has it.
 */
void paes_registry_show_keys(struct seq_file *file)
{
	struct paes_key *key;

	seq_puts(file, "number key_id bits state providers in_flight queued held reissued failed latency_us latency\n");
	spin_lock_bh(&paes_sessions_lock);
	list_for_each_entry(key, &paes_keys, registered)
		paes_key_show(file, key);
	spin_unlock_bh(&paes_sessions_lock);
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
	spin_lock_bh(&paes_sessions_lock);
	list_for_each_entry(provider, &paes_providers, registered)
		paes_provider_show(file, provider);
	spin_unlock_bh(&paes_sessions_lock);
}
