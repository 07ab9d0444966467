/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The token that the command line or the configuration names, opened; and the
 * choice among its KEKs.  All log what is wrong.
 */
#ifndef PAES_SESSION_H
#define PAES_SESSION_H

#include "config.h"
#include "options.h"
#include "token.h"

enum { SESSION_KEKS_MAX = 64 };

/* What --token, --pin-file, --config and --allow-readable-keys come to. */
int session_config(struct config *config, const struct token_options *options);

/* The PIN, once the URI was seen to be one; NULL after logging. */
struct secret *session_pin(const struct config_token *from);

/* Logs in; or gets the PIN and logs in. */
int session_open_with(struct token **token, const struct config_token *from,
		      const struct secret *pin);
int session_open(struct token **token, const struct config_token *from);

/*
 * Reads a wrapped key, checks its form, and opens the first configured token
 * that has a KEK of it, and of a resident key at least one of its objects.
 */
int session_open_having(struct token **token, const struct token_options *options,
			struct paes_blob *blob, const char *path);

/* Tokens that are needed at once. */
struct session_tokens {
	unsigned int count;
	struct token *tokens[1 + PEERS_MAX];
};

/*
 * The first token of session_config() and the peers, in this order; if `become`
 * isn't NULL, after becoming `user` by it (see user.h): for what leaves something
 * in the token.
 */
int session_open_all(struct session_tokens *all,
		     const struct token_options *options,
		     const struct peer_options *peers,
		     int (*become)(const char *name), const char *user);

static inline void cleanup_session_tokens(struct session_tokens *all)
{
	while (all->count)
		token_close(all->tokens[--all->count]);
}

/* The KEK with id `hex`, or with NULL the only one there is. */
int session_choose_kek(struct token *token, const char *hex,
		       unsigned char id[PAES_ID_SIZE]);

#endif
