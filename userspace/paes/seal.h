/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The common end of "generate" and "import": a key in the token becomes a
 * wrapped key in a file.
 */
#ifndef PAES_SEAL_H
#define PAES_SEAL_H

#include "options.h"
#include "xtskey.h"

/*
 * Seals `key`, has the token open the result as a disk would, writes it and
 * prints how it is used.  0 or -errno after logging.
 */
int seal_key(const struct xtskey *key, struct token *token,
	     const unsigned char kek[PAES_ID_SIZE], unsigned int bits,
	     unsigned int flags, const struct seal_options *options, bool json);

#endif
