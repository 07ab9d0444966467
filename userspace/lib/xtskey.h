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
	bool resident;			/* token objects, with these CKA_IDs: */
	unsigned char id1[PAES_ID_SIZE];
	unsigned char id2[PAES_ID_SIZE];
};

/* `bits` is 128 or 256.  K1 == K2 is -EKEYREJECTED. */
int xtskey_generate(struct xtskey *key, struct token *token, unsigned int bits);

/* `clear` is K1 then K2, 2 * bits / 8 bytes, as dm-crypt orders them. */
int xtskey_import(struct xtskey *key, struct token *token,
		  const unsigned char *clear, unsigned int bits);

/* The same as objects that stay in the token until xtskey_destroy(). */
int xtskey_generate_resident(struct xtskey *key, struct token *token,
			     unsigned int bits);
int xtskey_import_resident(struct xtskey *key, struct token *token,
			   const unsigned char *clear, unsigned int bits);

/*
 * Makes the blob of a generated or imported key for one recipient.  A resident
 * key isn't wrapped, but named.
 */
int xtskey_seal(const struct xtskey *key, struct token *token,
		const unsigned char kek[PAES_ID_SIZE], unsigned int bits,
		unsigned int flags, struct paes_blob *blob);

/*
 * Adds a recipient to a blob whose key this is: -EKEYREJECTED if it isn't,
 * -EEXIST when it has that KEK already, -ENOSPC when there is no place left.
 * On error the blob stays as it is.
 */
int xtskey_add_recipient(const struct xtskey *key, struct token *token,
			 const unsigned char kek[PAES_ID_SIZE],
			 struct paes_blob *blob);

/*
 * A generated or imported key in another token, too, as one of its session:
 * the same key, or -EKEYREJECTED.
 */
int xtskey_move(const struct xtskey *key, struct token *from, struct token *to,
		struct xtskey *moved);

/*
 * Opens a blob: checks its form (-EINVAL), finds the recipient whose KEK the
 * token has (-ENOKEY), checks the MAC before anything else is used, unwraps
 * both keys or finds them in the token (-ENOKEY), and has each encrypt the
 * known block: a key that isn't the blob's is -EKEYREJECTED.
 *
 * A resident key may be open several times: all share the token's objects.
 */
int xtskey_open(struct xtskey *key, struct token *token,
		const struct paes_blob *blob);

/*
 * Finds the blob's resident key as it is, to destroy it: what opening it checks
 * up to the MAC, and nothing of the objects.  One half may be missing.  -EINVAL
 * if it's wrapped and not resident, -EBUSY if it's wrapped for another KEK, too:
 * it wouldn't be gone.
 */
int xtskey_find_resident(struct xtskey *key, struct token *token,
			 const struct paes_blob *blob);

/* The same for xtskey_move(): -EPERM where the KEK doesn't allow that. */
int xtskey_open_movable(struct xtskey *key, struct token *token,
			const struct paes_blob *blob);

/*
 * Takes a recipient out of a blob: -ENOENT when it hasn't got it, -EBUSY if
 * it's the only one.
 */
int xtskey_remove_recipient(struct paes_blob *blob,
			    const unsigned char kek[PAES_ID_SIZE]);

/* Forgets both keys; those of the session are destroyed in the token. */
void xtskey_close(struct xtskey *key, struct token *token);

/* Resident ones, too: whatever is encrypted under them is lost. */
int xtskey_destroy(struct xtskey *key, struct token *token);

#endif
