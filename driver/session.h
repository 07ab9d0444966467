/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A key at a provider: opened there, its session token, closed again.
 */
#ifndef PAES_SESSION_H
#define PAES_SESSION_H

#include <linux/string.h>

#include "key.h"
#include "provider.h"

/* Who may do what with a session; changes under the key's lock only. */
enum paes_session_state {
	PAES_SESSION_OPENING,	/* OPEN is with the provider */
	PAES_SESSION_OPEN,	/* requests may use the token; or revoked */
	PAES_SESSION_REFUSED,	/* OPEN was answered with an error */
	PAES_SESSION_CLOSING,	/* CLOSE is with the provider */
	PAES_SESSION_GONE,	/* out of both lists */
};

/**
 * struct paes_session - see above
 * @refs:	the two lists together, the control request while underway, each
 *		data request at the provider, or on its way there
 * @key:	holds a reference
 * @provider:	holds a reference
 * @by_key:	in key->sessions; key lock
 * @by_provider: in provider->sessions; paes_sessions_lock
 * @state:	key lock
 * @error:	the answer to OPEN, when refused or revoked; key lock
 * @token:	the broker's handle, when open; the provider's lock
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

extern spinlock_t paes_sessions_lock;

struct paes_session *paes_session_new(gfp_t gfp);
void paes_session_free(struct paes_session *session);
bool paes_session_lacks(const struct paes_key *key,
			const struct paes_provider *provider);
void paes_session_attach(struct paes_session *session, struct paes_key *key,
			 struct paes_provider *provider);
void paes_session_open(struct paes_session *session);
void paes_session_change_token(struct paes_session *session, const u8 *token);
void paes_session_remove(struct paes_session *session);
struct paes_session *paes_session_first(struct paes_provider *provider);
struct paes_key *paes_session_waiting_key(struct paes_provider *provider);

void paes_sessions_close(struct paes_key *key);
bool paes_sessions_settled(struct paes_key *key);
int paes_sessions_outcome(struct paes_key *key);
bool paes_sessions_revoked(struct paes_key *key);
bool paes_sessions_any_open(struct paes_key *key);
unsigned int paes_sessions_count(struct paes_key *key);
struct paes_session *paes_sessions_reserve(struct paes_key *key, u32 *slot);

static inline void paes_session_get(struct paes_session *session)
{
	refcount_inc(&session->refs);
}

/**
 * paes_session_put() - drop a reference
 * @session:	wiped and freed with the last one
 *
 * Any context but hard interrupts.
 */
static inline void paes_session_put(struct paes_session *session)
{
	if (refcount_dec_and_test(&session->refs))
		paes_session_free(session);
}

/**
 * paes_session_renew() - the broker may have given the next session token
 * @session:	one of whose requests was answered with success
 * @token:	that came with the answer; zeroes when there is none
 */
static inline void paes_session_renew(struct paes_session *session,
				      const u8 *token)
{
	static const u8 none[PAES_TOKEN_SIZE];

	if (memcmp(token, none, sizeof(none)))
		paes_session_change_token(session, token);
}

#endif
