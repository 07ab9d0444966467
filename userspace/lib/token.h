/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One PKCS#11 token with one logged-in session.  The only code that calls C_*.
 * It doesn't know what a disk or a blob is.
 *
 * Single-threaded by design, one struct token a process for all that serves:
 * token modules are slower and less safe with threads, and some end their
 * process on trouble.  Who needs several closes the first one last: it started
 * the module that they may share.
 *
 * Functions return 0 or a negative errno after logging what failed with the
 * CKR_ name:
 *   -EACCES	PIN refused (never tried again by this code: it locks tokens)
 *   -ENOENT	no such module, slot, token or key
 *   -ENOTUNIQ	the URI matches several slots
 *   -EKEYREJECTED	the HSM refuses the wrapped key or the MAC is wrong
 *   -EOPNOTSUPP the token lacks the mechanism
 *   -EIO	anything else the token said
 */
#ifndef PAES_TOKEN_H
#define PAES_TOKEN_H

#include "figures.h"
#include "secret.h"

#include <linux/paes_blob.h>
#include <stdbool.h>
#include <stddef.h>

struct token;

/* An object handle of the token's session; CK_OBJECT_HANDLE. */
typedef unsigned long token_key;

#define TOKEN_NO_KEY	0UL	/* CK_INVALID_HANDLE */

/*
 * Loads the module that the URI (RFC 7512) names by module-path, or all that
 * p11-kit has configured, finds the one slot it describes, logs in once.
 * `pin` stays the caller's and may be freed at once.  When nothing or too
 * much matches, the log lists what was looked for and what is there; that
 * nothing does takes 0.4 s, as a token may be hidden for a moment.
 */
int token_open(struct token **token, const char *uri, const struct secret *pin);
void token_close(struct token *token);		/* NULL is fine */

/* From here on, keys that the token leaves readable are used all the same. */
void token_allow_readable(struct token *token);

/*
 * What token_open() checks of a URI before anything else: 0 or -EINVAL, for
 * example for one that holds a PIN, which the message doesn't quote.
 */
int token_check_uri(const char *uri);

static inline void cleanup_token(struct token **token)
{
	token_close(*token);
}

/*
 * From here on what this process asks of tokens is counted there, also the
 * errors of token_open().  It stays the caller's.
 */
void token_watch(struct figures *figures);

/* The CKR_ name of a place in figures.errors, or "other"; NULL: not used. */
const char *token_error_name(unsigned int place);

/* The token's label, for messages; lives as long as the token. */
const char *token_label(const struct token *token);

int token_random(struct token *token, void *bytes, size_t size);

/*
 * KEKs: AES-256 keys labelled "paes-kek", CKA_ID = the KEK id.  Beside each a
 * generic secret "paes-auth" with the same CKA_ID for HMAC-SHA256.
 */

/* Number of KEKs found, at most `max` of them in `ids`; or -errno. */
int token_list_keks(struct token *token, unsigned char ids[][PAES_ID_SIZE],
		    unsigned int max);

/* 1 when the token has this KEK, 0 when it hasn't, or -errno. */
int token_has_kek(struct token *token, const unsigned char id[PAES_ID_SIZE]);

/* Whether keys can be wrapped here, or can only be resident. */
bool token_wraps(struct token *token);

/*
 * Makes KEK and authenticator as token objects, sensitive and not extractable;
 * the KEK with CKA_UNWRAP_TEMPLATE and CKA_ALLOWED_MECHANISMS where the token
 * takes them: *enforced says whether it did.  Where the token doesn't wrap, the
 * KEK is a name for it and can't be used for anything.
 */
int token_create_kek(struct token *token, const unsigned char id[PAES_ID_SIZE],
		     bool *enforced);

/*
 * The same KEK in each of `tokens`, of which the first makes it; it isn't in
 * the clear outside of them, nor can it be got out of them afterwards.  All
 * have it then, and are seen to have the same, or none has.
 */
int token_create_kek_in(struct token *const tokens[], unsigned int count,
			const unsigned char id[PAES_ID_SIZE], bool enforced[]);

/*
 * AES keys of the session, gone with it.  `size` is 16 or 32 bytes.
 * Generated and imported keys can be wrapped; unwrapped ones can do ECB only,
 * and are checked to be sensitive and not extractable: -EKEYREJECTED when the
 * token leaves them readable, and that isn't allowed.
 */
int token_generate_key(struct token *token, unsigned int size, token_key *key);
int token_import_key(struct token *token, const unsigned char *clear,
		     unsigned int size, token_key *key);
int token_destroy_key(struct token *token, token_key key);

/*
 * A generated or imported key as one of another token's session, without being
 * in the clear outside of the two.  The caller sees to it that it's the same.
 */
int token_move_key(struct token *from, token_key key, struct token *to,
		   token_key *moved);

/*
 * Resident keys: AES keys labelled "paes-key" that stay in the token, sensitive
 * and not extractable, named by their CKA_ID.  A name that finds none is
 * -ENOENT without a log line, one that finds several -ENOTUNIQ.
 */

/* `clear` is the key, or NULL for a new one.  All of it is done or nothing. */
int token_make_resident(struct token *token, const unsigned char id[PAES_ID_SIZE],
			const unsigned char *clear, unsigned int size,
			token_key *key);

/* With the checks of an unwrapped key. */
int token_open_resident(struct token *token, const unsigned char id[PAES_ID_SIZE],
			unsigned int size, token_key *key);

/* As it is, to destroy it. */
int token_find_resident(struct token *token, const unsigned char id[PAES_ID_SIZE],
			token_key *key);
int token_destroy_resident(struct token *token, token_key key);

/*
 * Operations kept open or begun ahead for this key are ended; it may be used
 * again, by whoever else has it open.
 */
void token_forget_key(struct token *token, token_key key);

/* CKM_AES_KEY_WRAP (RFC 3394): `wrapped` holds size + 8 bytes. */
int token_wrap_key(struct token *token, const unsigned char kek[PAES_ID_SIZE],
		   token_key key, unsigned char *wrapped, unsigned int size);
int token_unwrap_key(struct token *token, const unsigned char kek[PAES_ID_SIZE],
		     const unsigned char *wrapped, unsigned int size,
		     token_key *key);

/*
 * The same as a key that can be moved: -EPERM when the KEK allows of none, as
 * those of token_create_kek() where the token enforces that.
 */
int token_unwrap_movable(struct token *token, const unsigned char kek[PAES_ID_SIZE],
			 const unsigned char *wrapped, unsigned int size,
			 token_key *key);

/* HMAC-SHA256 by the authenticator beside `kek`; compared in constant time. */
int token_mac(struct token *token, const unsigned char kek[PAES_ID_SIZE],
	      const void *data, size_t size, unsigned char mac[PAES_MAC_SIZE]);
int token_check_mac(struct token *token, const unsigned char kek[PAES_ID_SIZE],
		    const void *data, size_t size,
		    const unsigned char mac[PAES_MAC_SIZE]);

/* AES-ECB over whole blocks in one call, in place or from `in` to `out`. */
int token_encrypt(struct token *token, token_key key, const void *in, void *out,
		  size_t size);
int token_decrypt(struct token *token, token_key key, const void *in, void *out,
		  size_t size);

/*
 * The same for a key that is busy: where the token can, by an operation that
 * stays open, which spares its start.  The caller must check what comes out,
 * since the token may have lost the key meanwhile.
 */
int token_encrypt_stream(struct token *token, token_key key, const void *in,
			 void *out, size_t size);

/* Bytes of one call, unless fewer or, to decrypt, more are quicker. */
enum { TOKEN_CHUNK = 131072, TOKEN_CHUNK_MAX = 2 * TOKEN_CHUNK };

/*
 * Much at a time, by calls of token_encrypt_stream() or token_decrypt_quick(): as
 * much as one call could take at most, TOKEN_CHUNK to encrypt, TOKEN_CHUNK_MAX to
 * decrypt.
 */
struct token_turn {
	bool encrypt;
	size_t size;	/* bytes of it all */
	size_t chunk;	/* bytes that each call should take */
	uint64_t since;	/* ns of some clock; 0: it isn't timed */
};

/*
 * With `key`, to be begun before the caller touches the data, and ended, when all
 * went well, behind the last touch: what is quickest in all is found out by the
 * first turns.
 */
struct token_turn token_begin_turn(struct token *token, token_key key,
				   bool encrypt, size_t size);
void token_end_turn(struct token *token, const struct token_turn *turn);

/*
 * The quicker of two ways of decryption, which the first calls find out.  The
 * caller must check what comes out.
 */
int token_decrypt_quick(struct token *token, token_key key, const void *in,
			void *out, size_t size);

/*
 * For when there is nothing else to do: begins one decryption ahead, until all
 * are for which that makes sense.
 */
bool token_is_prepared(struct token *token);
void token_prepare(struct token *token);

#endif
