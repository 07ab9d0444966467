/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The common end of "generate" and "import": a key in the token becomes a
 * wrapped key in a file.
 */
#ifndef PAES_SEAL_H
#define PAES_SEAL_H

#include "options.h"
#include "session.h"
#include "xtskey.h"

/*
 * Where the key is to be made, and the further recipients: as the user whose a
 * resident one will be.
 */
int seal_open_tokens(struct session_tokens *all, const struct token_options *from,
		     const struct seal_options *options);

/* Has the token open it as a disk would. */
int seal_try(struct token *token, const struct paes_blob *blob);

/*
 * Adds a recipient: `key`, of a session of `from`, goes to one of `to`, and
 * under its KEK `hex`, or with NULL the only one there is.  Then it's tried.
 */
int seal_for(const struct xtskey *key, struct token *from, struct token *to,
	     const char *hex, struct paes_blob *blob);

/*
 * Seals `key` of the first token for all, has each open the result as a disk
 * would, writes it and prints how it is used.  The key is closed, and a resident
 * one that didn't get into a file is destroyed again.  0 or -errno after logging.
 */
int seal_key(struct xtskey *key, const struct session_tokens *all,
	     const unsigned char kek[PAES_ID_SIZE], unsigned int bits,
	     unsigned int flags, const struct seal_options *options, bool json);

#endif
