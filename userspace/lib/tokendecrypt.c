// SPDX-License-Identifier: GPL-2.0
/*
 * AES-ECB decryption, at once or in the quicker of two ways.
 *
 * At once: C_Decrypt.  Or begun and dropped: C_DecryptUpdate in a session that
 * is then closed, with the operation still open.  All data is there by then,
 * and what a token does at the end of an operation is left out: SoftHSM copies
 * all that was given to it once more, byte by byte, which is two thirds of the
 * time of a large call.  Where a session is a round trip to an HSM, it's the
 * slower way.  So the first calls take turns, and the times decide.
 */
#include "token_internal.h"

#include "log.h"

#include <errno.h>
#include <string.h>
#include <time.h>

enum {
	TRIAL_CALLS	= 16,	/* of both ways together */
	TRIAL_SIZE	= 32768, /* bytes; in smaller calls there is little to gain */
};

static CK_RV start_decrypt(struct token *token, CK_SESSION_HANDLE session,
			   token_key key)
{
	CK_MECHANISM mechanism = { .mechanism = CKM_AES_ECB };

	return token->module->C_DecryptInit(session, &mechanism, key);
}

int token_decrypt(struct token *token, token_key key, const void *in, void *out,
		  size_t size)
{
	CK_ULONG done = size;
	CK_RV rv = start_decrypt(token, token->session, key);

	if (rv != CKR_OK)
		return token_fail(token, "C_DecryptInit (CKM_AES_ECB)", rv);
	rv = token->module->C_Decrypt(token->session, (void *)in, size, out, &done);
	if (rv != CKR_OK)
		return token_fail(token, "C_Decrypt", rv);
	return token_check_length(token, "C_Decrypt", done, size);
}

static int decrypt_in(struct token *token, CK_SESSION_HANDLE session,
		      token_key key, const void *in, void *out, size_t size)
{
	CK_ULONG done = size;
	CK_RV rv = start_decrypt(token, session, key);

	if (rv != CKR_OK)
		return token_fail(token, "C_DecryptInit (CKM_AES_ECB)", rv);
	rv = token->module->C_DecryptUpdate(session, (void *)in, size, out, &done);
	if (rv != CKR_OK)
		return token_fail(token, "C_DecryptUpdate", rv);
	return token_check_length(token, "C_DecryptUpdate", done, size);
}

static int decrypt_and_drop(struct token *token, token_key key, const void *in,
			    void *out, size_t size)
{
	CK_SESSION_HANDLE session;
	CK_RV rv = token->module->C_OpenSession(token->slot, CKF_SERIAL_SESSION,
						NULL, NULL, &session);
	int error;

	/* The token has no session to spare. */
	if (rv != CKR_OK)
		return token_decrypt(token, key, in, out, size);
	error = decrypt_in(token, session, key, in, out, size);
	token->module->C_CloseSession(session);
	return error;
}

typedef int decrypt_way(struct token *token, token_key key, const void *in,
			void *out, size_t size);

static decrypt_way *const ways[TOKEN_WAYS] = {
	[TOKEN_AT_ONCE] = token_decrypt,
	[TOKEN_AND_DROP] = decrypt_and_drop,
};

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/*
 * A token may hold a block back until the operation ends, or not know
 * C_DecryptUpdate at all: tried before data is given to it.
 */
static bool drops_rightly(struct token *token, token_key key)
{
	unsigned char block[PAES_AES_BLOCK] = { 0 };
	unsigned char right[PAES_AES_BLOCK], found[PAES_AES_BLOCK];
	CK_SESSION_HANDLE session;
	CK_ULONG done = sizeof(found);
	CK_RV rv;

	if (token_decrypt(token, key, block, right, sizeof(block)))
		return false;
	rv = token->module->C_OpenSession(token->slot, CKF_SERIAL_SESSION,
					  NULL, NULL, &session);
	if (rv != CKR_OK)
		return false;
	rv = start_decrypt(token, session, key);
	if (rv == CKR_OK)
		rv = token->module->C_DecryptUpdate(session, block, sizeof(block),
						    found, &done);
	token->module->C_CloseSession(session);
	return rv == CKR_OK && done == sizeof(found) &&
	       paes_blob_equal(found, right, sizeof(right));
}

void token_begin_trial(struct token *token)
{
	token->trial = (struct token_trial){
		.least = { UINT64_MAX, UINT64_MAX },
	};
}

void token_end_trial(struct token *token, enum token_way way)
{
	token->trial.calls = TRIAL_CALLS;
	token->trial.way = way;
	log_debug("token \"%s\": decrypts %s", token->label,
		  way == TOKEN_AND_DROP ?
		  "in sessions that are closed behind each call" :
		  "by C_Decrypt");
}

static enum token_way quicker_way(const struct token_trial *trial)
{
	uint64_t at_once = trial->least[TOKEN_AT_ONCE];

	/* What differs by less is chance. */
	return trial->least[TOKEN_AND_DROP] < at_once - at_once / 10 ?
	       TOKEN_AND_DROP : TOKEN_AT_ONCE;
}

/* One call of the trial; only those of one size can be compared. */
static int decrypt_timed(struct token *token, token_key key, const void *in,
			 void *out, size_t size)
{
	struct token_trial *trial = &token->trial;
	enum token_way way = trial->calls % TOKEN_WAYS;
	uint64_t start = now(), taken;
	int error = ways[way](token, key, in, out, size);

	taken = now() - start;
	if (!error && taken < trial->least[way])
		trial->least[way] = taken;
	if (++trial->calls == TRIAL_CALLS)
		token_end_trial(token, quicker_way(trial));
	return error;
}

int token_decrypt_quick(struct token *token, token_key key, const void *in,
			void *out, size_t size)
{
	struct token_trial *trial = &token->trial;

	if (!trial->size && size >= TRIAL_SIZE) {
		trial->size = size;
		if (!drops_rightly(token, key))
			token_end_trial(token, TOKEN_AT_ONCE);
	}
	if (size == trial->size && trial->calls < TRIAL_CALLS)
		return decrypt_timed(token, key, in, out, size);
	return ways[trial->way](token, key, in, out, size);
}
