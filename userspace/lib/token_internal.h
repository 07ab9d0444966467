/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of the token layer share, and nobody else sees.
 */
#ifndef PAES_TOKEN_INTERNAL_H
#define PAES_TOKEN_INTERNAL_H

#include "token.h"

#include <p11-kit/p11-kit.h>
#include <p11-kit/pkcs11.h>
#include <stdint.h>

#define TOKEN_KEK_LABEL		"paes-kek"
#define TOKEN_AUTH_LABEL	"paes-auth"
#define TOKEN_KEY_LABEL		"paes-key"

enum {
	TOKEN_STREAMS	= 256,
	TOKEN_BUCKETS	= 256,
};

/* An encryption that stays open: see tokencrypt.c. */
struct token_stream {
	CK_SESSION_HANDLE session;	/* CK_INVALID_HANDLE: not used */
	CK_OBJECT_HANDLE key;
	unsigned long used;		/* when, by token->uses */
	struct token_stream *next;	/* in the bucket */
};

/* The ways of decryption: see tokendecrypt.c. */
enum token_way {
	TOKEN_AT_ONCE,
	TOKEN_AND_DROP,
};

enum { TOKEN_PLACES = 8 };

/* A key that was decrypted with, and the next operation if it's begun. */
struct token_place {
	CK_OBJECT_HANDLE key;		/* TOKEN_NO_KEY: not used */
	CK_SESSION_HANDLE session;	/* CK_INVALID_HANDLE: not begun */
	unsigned long used;		/* when, by token->uses */
};

/* Of calls, and what is known of their ways: see tokentrial.c. */
enum token_size {
	TOKEN_SMALL,
	TOKEN_LARGE,
	TOKEN_SIZES,
};

struct token_trial {
	enum token_way way;		/* for all calls but those compared */
	unsigned int pairs;		/* compared so far */
	int lead;			/* of these, more for TOKEN_AND_DROP */
	size_t size;			/* bytes of a pair's first call; or 0 */
	uint64_t at_once;		/* ns that it took */
};

/* Of a call, and what is known of them: see tokenchunk.c. */
enum token_amount {
	TOKEN_USUAL,
	TOKEN_OTHER,
	TOKEN_AMOUNTS,
};

struct token_chunks {
	size_t sizes[TOKEN_AMOUNTS];	/* bytes */
	size_t turn;			/* bytes at most of one that is compared */
	unsigned int worth;		/* 64ths that TOKEN_OTHER has to spare */
	enum token_amount way;		/* once enough turns are compared */
	unsigned int turns;		/* compared so far */
	uint64_t best[TOKEN_AMOUNTS];	/* ns for TOKEN_CHUNK bytes, of these */
};

struct token {
	CK_FUNCTION_LIST *module;	/* the one with the slot */
	bool initialised;		/* by this one: ended with it */
	CK_FUNCTION_LIST **configured;	/* p11-kit's list, NULL with module-path */
	CK_SLOT_ID slot;
	CK_SESSION_HANDLE session;	/* CK_INVALID_HANDLE: none */
	char *label;
	bool allow_readable;		/* keys that were unwrapped */
	struct token_stream streams[TOKEN_STREAMS];
	struct token_stream *buckets[TOKEN_BUCKETS];	/* by key */
	unsigned int open_streams;
	unsigned long uses;
	unsigned long look_again;	/* for an idle stream, when uses are that */
	bool no_session;		/* for another stream */
	bool no_streams;
	bool drop_tried;		/* whether it's done rightly */
	struct token_trial trials[TOKEN_SIZES];
	struct token_place places[TOKEN_PLACES];
	struct token_chunks chunks[2];	/* to decrypt, to encrypt */
	bool much_tried;		/* whether TOKEN_CHUNK_MAX is decrypted */
};

/* "CKR_PIN_INCORRECT"; in hexadecimal where the name isn't known. */
const char *token_ckr_name(CK_RV rv);

/* Its place in figures.errors. */
unsigned int token_ckr_place(CK_RV rv);

/* Nanoseconds of some clock. */
uint64_t token_clock(void);

/* A call with data begins: when, or 0 if it isn't timed; and is done. */
uint64_t token_begin_call(void);
void token_count_call(uint64_t since);

/* Logs what was tried and the CKR_ name; returns the errno that fits, negative. */
int token_fail(const struct token *token, const char *what, CK_RV rv);

/* A token may answer CKR_OK and less than everything: -EIO, logged. */
int token_check_length(const struct token *token, const char *what,
		       CK_ULONG found, size_t expected);

/* Which way of decryption is the quicker one: to be found out anew, or known. */
void token_begin_trials(struct token *token);
void token_end_trials(struct token *token, enum token_way way);

/*
 * For calls of `size` bytes; until it's over, each call is timed, in ns.  The
 * first of a pair is made at once; the second, of a size with which the pair
 * goes on, is begun and dropped: so long to begin it, so long for the rest, which
 * is UINT64_MAX when it failed.
 */
struct token_trial *token_trial_of(struct token *token, size_t size);
bool token_trial_is_over(const struct token_trial *trial);
void token_trial_begin(struct token_trial *trial, size_t size, uint64_t taken);
bool token_trial_goes_on(const struct token_trial *trial, size_t size);
void token_trial_end(const struct token *token, struct token_trial *trial,
		     uint64_t begin, uint64_t rest);

/* How many bytes a call should take: to be found out anew, or known. */
void token_begin_chunks(struct token *token);
void token_end_chunks(struct token *token, bool encrypt, enum token_amount way);

/* Does it decrypt `size` bytes in one call, and rightly?  Logs nothing. */
bool token_decrypts_much(struct token *token, token_key key, size_t size);

/* How the next turn that is compared is taken; and that it took so long, in ns. */
enum token_amount token_chunks_next(const struct token_chunks *chunks);
void token_chunks_took(struct token *token, bool encrypt, size_t size,
		       uint64_t ns);

/*
 * A template in the making: `attributes` has room for whoever fills it.  The
 * values stay the caller's.
 */
struct token_template {
	CK_ATTRIBUTE attributes[24];
	CK_ULONG count;
};

void token_template_add(struct token_template *template, CK_ATTRIBUTE_TYPE type,
			const void *value, size_t size);
void token_template_bool(struct token_template *template, CK_ATTRIBUTE_TYPE type,
			 bool value);
void token_template_class(struct token_template *template,
			  const CK_KEY_TYPE *type);

/* An AES key of the session that does ECB. */
void token_template_session(struct token_template *template, bool extractable);

/* A secret key that stays in the token and can't be read. */
void token_template_object(struct token_template *template,
			   const CK_KEY_TYPE *type, const char *label,
			   const unsigned char *id);

/* The token doesn't take an attribute: it may take the key without. */
bool token_is_template_error(CK_RV rv);

/* A session that may write, for the caller to close. */
int token_open_writable(struct token *token, CK_SESSION_HANDLE *session);

CK_RV token_find_objects(struct token *token, struct token_template *template,
			 CK_OBJECT_HANDLE *found, CK_ULONG max, CK_ULONG *count);

/* The one token object with this label, type and id; -ENOENT without a log line. */
int token_find(struct token *token, const char *label, CK_KEY_TYPE type,
	       const unsigned char id[PAES_ID_SIZE], CK_OBJECT_HANDLE *key);

/*
 * An object of a KEK that is given up is destroyed, or said to be left: it must
 * not pass for a good one.
 */
void token_give_up(struct token *token, CK_SESSION_HANDLE session,
		   CK_OBJECT_HANDLE object, const char *label,
		   const unsigned char id[PAES_ID_SIZE]);
void token_say_left(const struct token *token, const char *label,
		    const unsigned char id[PAES_ID_SIZE], const char *why);

/* Asks anew for a key that is sensitive and unextractable, where it isn't. */
void token_harden(struct token *token, CK_OBJECT_HANDLE key);

/*
 * Says why a key isn't to be used: it has another size, isn't sensitive and
 * unextractable, or can be read all the same.  -EKEYREJECTED, logged.
 */
int token_check_key(struct token *token, CK_OBJECT_HANDLE key, unsigned int size);

/* Of one key, as it goes away; of all, with the token. */
void token_end_stream(struct token *token, token_key key);
void token_end_streams(struct token *token);
void token_leave_place(struct token *token, token_key key);
void token_leave_places(struct token *token);

/* Why a key isn't safe in the token; or NULL. */
const char *token_key_exposure(struct token *token, CK_OBJECT_HANDLE key);
bool token_key_is_readable(struct token *token, CK_OBJECT_HANDLE key);

/* As token_unwrap_key(), under the KEK's handle and with the caller's template. */
CK_RV token_unwrap_as(struct token *token, CK_OBJECT_HANDLE kek,
		      const unsigned char *wrapped, size_t wrapped_size,
		      struct token_template *template, CK_OBJECT_HANDLE *key);
CK_RV token_wrap_as(struct token *token, CK_OBJECT_HANDLE kek,
		    CK_OBJECT_HANDLE key, unsigned char *wrapped,
		    size_t wrapped_size);

/*
 * What the objects of a KEK are: without what only some ways of making them
 * take (CKA_VALUE_LEN).  `unwrap` is part of the KEK's, and NULL of one that wraps
 * nothing; restricted is as far as there are attributes for it.
 */
void token_describe_kek(struct token_template *template,
			struct token_template *unwrap, const unsigned char *id,
			bool restricted);
void token_describe_auth(struct token_template *template,
			 struct token_template *unwrap, const unsigned char *id,
			 bool restricted);

/* Does the token heed the restrictions of this KEK?  Only a try tells. */
int token_probe_kek(struct token *token, CK_OBJECT_HANDLE kek, bool *enforced);

/*
 * A way for keys from one token to another: an RSA key pair of the other's
 * session, whose public half is in both.
 */
struct token_passage {
	struct token *from, *to;
	CK_OBJECT_HANDLE wraps;		/* the public key, in `from` */
	CK_OBJECT_HANDLE unwraps;	/* the private key, in `to` */
};

int token_passage_open(struct token_passage *passage, struct token *from,
		       struct token *to);
void token_passage_close(struct token_passage *passage);

/*
 * `key` of `from` becomes in `to`, by a session of that, what the template says.
 * `what` is the call that the answer is from.
 */
CK_RV token_passage_carry(const struct token_passage *passage,
			  CK_OBJECT_HANDLE key, CK_SESSION_HANDLE session,
			  const struct token_template *template,
			  CK_OBJECT_HANDLE *carried, const char **what);

#endif
