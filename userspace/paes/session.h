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

/* What --token, --pin-file and --config come to. */
int session_config(struct config *config, const struct token_options *options);

/* Gets the PIN and logs in. */
int session_open(struct token **token, const struct config_token *from);

/* The first token of session_config(). */
int session_open_first(struct token **token, const struct token_options *options);

/* The KEK with id `hex`, or with NULL the only one there is. */
int session_choose_kek(struct token *token, const char *hex,
		       unsigned char id[PAES_ID_SIZE]);

#endif
