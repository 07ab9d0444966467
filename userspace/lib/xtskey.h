/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An AES-XTS key in a token: the pair K1, K2, and its way into and out of a
 * wrapped key (linux/paes_blob.h).  Returns as token.h.
 */
#ifndef PAES_XTSKEY_H
#define PAES_XTSKEY_H

#include "token.h"

struct xtskey {
	token_key k1;			/* data */
	token_key k2;			/* tweak */
	unsigned char known1[PAES_AES_BLOCK];	/* PAES_KNOWN_BLOCK under K1 */
	unsigned char known2[PAES_AES_BLOCK];	/* and under K2 */
};

/* `bits` is 128 or 256.  K1 == K2 is -EKEYREJECTED. */
int xtskey_generate(struct xtskey *key, struct token *token, unsigned int bits);

/* `clear` is K1 then K2, 2 * bits / 8 bytes, as dm-crypt orders them. */
int xtskey_import(struct xtskey *key, struct token *token,
		  const unsigned char *clear, unsigned int bits);

/* Makes the blob of a generated or imported key for one recipient. */
int xtskey_seal(const struct xtskey *key, struct token *token,
		const unsigned char kek[PAES_ID_SIZE], unsigned int bits,
		unsigned int flags, struct paes_blob *blob);

/*
 * Opens a blob: checks its form (-EINVAL), finds the recipient whose KEK the
 * token has (-ENOKEY), checks the MAC before anything else is used, unwraps
 * both keys, and has each encrypt the known block: a key that isn't the
 * blob's is -EKEYREJECTED.
 */
int xtskey_open(struct xtskey *key, struct token *token,
		const struct paes_blob *blob);

/* Destroys both keys in the token and forgets the known blocks. */
void xtskey_close(struct xtskey *key, struct token *token);

#endif
