/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Options that several subcommands have in common, as argp(3) children.
 */
#ifndef PAES_OPTIONS_H
#define PAES_OPTIONS_H

#include <argp.h>
#include <stdbool.h>

/* Which token, and how the result is printed. */
struct token_options {
	const char *token;	/* NULL: the configuration file's */
	const char *pin_file;	/* NULL: the configuration file's, see pin.h */
	const char *config;
	bool json;
	bool allow_readable;	/* or the configuration does */
};

/*
 * For the parsers, of what is none of their own: no argument at all; or the one
 * argument BLOB, a wrapped key's file, which must be there.
 */
error_t options_no_argument(int key, const char *value, struct argp_state *state);
error_t options_blob(int key, char *value, struct argp_state *state,
		     const char **blob);

/* Further tokens of the same command, in the order in which they were named. */
enum { PEERS_MAX = 7 };

struct peer {
	const char *token;
	const char *pin_file;	/* NULL: the configuration's for this URI */
	const char *kek;	/* hexadecimal; NULL: the only one there is */
};

struct peer_options {
	unsigned int count;
	struct peer peers[PEERS_MAX];
};

/* For the parsers: one more; the last one, for what belongs to it. */
void peer_options_add(struct peer_options *peers, const char *token,
		      unsigned int max, struct argp_state *state);
struct peer *peer_options_last(struct peer_options *peers,
			       struct argp_state *state);

/* Where a wrapped key goes, and under which KEK. */
struct seal_options {
	const char *output;
	const char *kek;	/* hexadecimal; NULL: the only one there is */
	bool force;
	bool resident;
	struct peer_options recipients;
	const char *user;	/* whose objects a resident key's are: see user.h */
};

/* Their input is the struct; set before argp_parse() by the defaults. */
extern const struct argp token_options_argp;
extern const struct argp seal_options_argp;
extern const struct argp recipient_options_argp;	/* struct peer_options */

#define TOKEN_OPTIONS_DEFAULTS { .config = CONFIG_PATH }

#endif
