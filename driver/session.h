/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A key at a provider: opened there, its session token, closed again.  And the
 * registry of all keys and providers, which says who belongs together.
 */
#ifndef PAES_SESSION_H
#define PAES_SESSION_H

#include "key.h"
#include "provider.h"

/* Who may do what with a session; changes under the key's lock only. */
enum paes_session_state {
	PAES_SESSION_OPENING,	/* OPEN is with the provider */
	PAES_SESSION_OPEN,	/* requests may use the token */
	PAES_SESSION_REFUSED,	/* OPEN was answered with an error */
	PAES_SESSION_CLOSING,	/* CLOSE is with the provider */
	PAES_SESSION_GONE,	/* out of both lists */
};

/**
 * struct paes_session - see above
 * @refs:	the two lists together, the control request while underway
 * @key:	holds a reference
 * @provider:	holds a reference
 * @by_key:	in key->sessions; key lock
 * @by_provider: in provider->sessions; registry lock
 * @state:	key lock
 * @error:	the answer, when refused; key lock
 * @token:	the broker's handle, when open; key lock
 * @control:	OPEN, then CLOSE
 */
struct paes_session {
	refcount_t refs;
	struct paes_key *key;
	struct paes_provider *provider;
	struct list_head by_key;
	struct list_head by_provider;
	enum paes_session_state state;
	int error;
	u8 token[PAES_TOKEN_SIZE];
	struct paes_request control;
};

int paes_registry_add_key(struct paes_key *key, gfp_t gfp);
int paes_registry_add_provider(struct paes_provider *provider);
void paes_registry_remove_provider(struct paes_provider *provider);
bool paes_registry_has_providers(void);
struct paes_key *paes_registry_waiting_key(struct paes_provider *provider);

void paes_sessions_close(struct paes_key *key);
bool paes_sessions_settled(struct paes_key *key);
int paes_sessions_outcome(struct paes_key *key);
bool paes_sessions_any_open(struct paes_key *key);
struct paes_provider *paes_sessions_reserve(struct paes_key *key, u32 *slot,
					    u8 token[PAES_TOKEN_SIZE]);

struct seq_file;
void paes_registry_show_keys(struct seq_file *file);
void paes_registry_show_providers(struct seq_file *file);

#endif
