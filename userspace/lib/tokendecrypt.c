// SPDX-License-Identifier: GPL-2.0
/*
 * AES-ECB decryption, at once or in the quicker of two ways (tokentrial.c).
 *
 * At once: C_Decrypt.  Or begun and dropped: C_DecryptUpdate in a session that
 * is then closed, with the operation still open.  All data is there by then,
 * and what a token does at the end of an operation is left out: SoftHSM copies
 * all that was given to it once more, byte by byte, which is two thirds of the
 * time of a large call.  Where a session is a round trip to an HSM, it's the
 * slower way.
 *
 * What is begun and dropped can be begun ahead: a small read waits for the
 * beginning as long as for its data.  The keys used last have a place for that,
 * filled when there is nothing else to do.
 */
#include "token_internal.h"

#include "cleanup.h"
#include "log.h"

#include <string.h>

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

static struct token_place *find_place(struct token *token, token_key key)
{
	for (int i = 0; i < TOKEN_PLACES; i++)
		if (token->places[i].key == key)
			return &token->places[i];
	return NULL;
}

static void leave_place(struct token *token, struct token_place *place)
{
	if (place->session != CK_INVALID_HANDLE)
		token->module->C_CloseSession(place->session);
	*place = (struct token_place){ .session = CK_INVALID_HANDLE };
}

/* The key's place, or the one whose key wasn't used for longest. */
static struct token_place *take_place(struct token *token, token_key key)
{
	struct token_place *place = find_place(token, key);

	if (!place) {
		place = &token->places[0];
		for (int i = 1; i < TOKEN_PLACES; i++)
			if (token->places[i].used < place->used)
				place = &token->places[i];
		leave_place(token, place);
		place->key = key;
	}
	place->used = ++token->uses;
	return place;
}

static CK_RV begin(struct token *token, struct token_place *place)
{
	CK_RV rv = token->module->C_OpenSession(token->slot, CKF_SERIAL_SESSION,
						NULL, NULL, &place->session);

	if (rv == CKR_OK)
		return start_decrypt(token, place->session, place->key);
	place->session = CK_INVALID_HANDLE;
	return rv;
}

static void drop(struct token *token, struct token_place *place)
{
	token->module->C_CloseSession(place->session);
	place->session = CK_INVALID_HANDLE;
}

static int decrypt_in(struct token *token, struct token_place *place,
		      const void *in, void *out, size_t size)
{
	CK_ULONG done = size;
	CK_RV rv = token->module->C_DecryptUpdate(place->session, (void *)in,
						  size, out, &done);

	if (rv != CKR_OK)
		return token_fail(token, "C_DecryptUpdate", rv);
	return token_check_length(token, "C_DecryptUpdate", done, size);
}

/* In a place whose beginning was tried; `rv` is what came of that. */
static int decrypt_begun(struct token *token, struct token_place *place, CK_RV rv,
			 const void *in, void *out, size_t size)
{
	int error;

	/* The token has no session to spare. */
	if (place->session == CK_INVALID_HANDLE)
		return token_decrypt(token, place->key, in, out, size);
	if (rv == CKR_OK)
		error = decrypt_in(token, place, in, out, size);
	else
		error = token_fail(token, "C_DecryptInit (CKM_AES_ECB)", rv);
	drop(token, place);
	return error;
}

static int decrypt_and_drop(struct token *token, token_key key, const void *in,
			    void *out, size_t size)
{
	struct token_place *place = take_place(token, key);
	CK_RV rv = CKR_OK;

	if (place->session == CK_INVALID_HANDLE)
		rv = begin(token, place);
	return decrypt_begun(token, place, rv, in, out, size);
}

static struct token_place *unprepared_place(struct token *token)
{
	for (int i = 0; i < TOKEN_PLACES; i++)
		if (token->places[i].key != TOKEN_NO_KEY &&
		    token->places[i].session == CK_INVALID_HANDLE)
			return &token->places[i];
	return NULL;
}

bool token_is_prepared(struct token *token)
{
	return !unprepared_place(token);
}

/* What fails here will fail again, where somebody is told. */
void token_prepare(struct token *token)
{
	struct token_place *place = unprepared_place(token);

	if (place && begin(token, place) != CKR_OK)
		leave_place(token, place);
}

void token_leave_place(struct token *token, token_key key)
{
	struct token_place *place = find_place(token, key);

	if (place)
		leave_place(token, place);
}

void token_leave_places(struct token *token)
{
	for (int i = 0; i < TOKEN_PLACES; i++)
		leave_place(token, &token->places[i]);
}

/*
 * A token may hold a block back until the operation ends, or not know
 * C_DecryptUpdate at all: tried before data is given to it.
 */
static bool drops_rightly(struct token *token, token_key key)
{
	unsigned char block[PAES_AES_BLOCK] = { 0 };
	unsigned char right[PAES_AES_BLOCK], found[PAES_AES_BLOCK];
	struct token_place place = { .key = key };
	CK_ULONG done = sizeof(found);
	CK_RV rv;

	if (token_decrypt(token, key, block, right, sizeof(block)))
		return false;
	rv = begin(token, &place);
	if (rv == CKR_OK)
		rv = token->module->C_DecryptUpdate(place.session, block,
						    sizeof(block), found, &done);
	leave_place(token, &place);
	return rv == CKR_OK && done == sizeof(found) &&
	       paes_blob_equal(found, right, sizeof(right));
}

static CK_RV decrypt_zeros(struct token *token, CK_SESSION_HANDLE session,
			   unsigned char *zeros, size_t size)
{
	bool at_once = token->trials[TOKEN_LARGE].way == TOKEN_AT_ONCE;
	CK_ULONG done = size;
	CK_RV rv = at_once ?
		token->module->C_Decrypt(session, zeros, size, zeros, &done) :
		token->module->C_DecryptUpdate(session, zeros, size, zeros, &done);

	return rv == CKR_OK && done != size ? CKR_GENERAL_ERROR : rv;
}

/* Each block of the answer is the same, that of a small call. */
bool token_decrypts_much(struct token *token, token_key key, size_t size)
{
	unsigned char right[PAES_AES_BLOCK] = { 0 };
	struct token_place place = { .key = key };
	CLEANUP(free) unsigned char *zeros = calloc(1, size + PAES_AES_BLOCK);
	bool taken;

	if (!zeros || token_decrypt(token, key, right, right, sizeof(right)))
		return false;
	taken = begin(token, &place) == CKR_OK &&
		decrypt_zeros(token, place.session, zeros,
			      size + PAES_AES_BLOCK) == CKR_OK;
	leave_place(token, &place);
	return taken && paes_blob_equal(zeros, right, sizeof(right)) &&
	       !memcmp(zeros, zeros + PAES_AES_BLOCK, size);
}

/*
 * The calls of a trial leave no place: nothing is begun ahead for them.  Without
 * a session there is nothing to drop, and the pair is lost.
 */
static int drop_timed(struct token *token, struct token_trial *trial,
		      token_key key, const void *in, void *out, size_t size)
{
	struct token_place place = { .key = key };
	uint64_t start = token_clock(), begun;
	CK_RV rv = begin(token, &place);
	bool lost = place.session == CK_INVALID_HANDLE;
	int error;

	begun = token_clock();
	error = decrypt_begun(token, &place, rv, in, out, size);
	token_trial_end(token, trial, begun - start,
			lost || error ? UINT64_MAX : token_clock() - begun);
	return error;
}

static int decrypt_timed(struct token *token, struct token_trial *trial,
			 token_key key, const void *in, void *out, size_t size)
{
	uint64_t start = token_clock();
	int error = token_decrypt(token, key, in, out, size);

	if (!error)
		token_trial_begin(trial, size, token_clock() - start);
	return error;
}

static int decrypt_on_trial(struct token *token, struct token_trial *trial,
			    token_key key, const void *in, void *out, size_t size)
{
	if (!token->drop_tried && !drops_rightly(token, key))
		token_end_trials(token, TOKEN_AT_ONCE);
	token->drop_tried = true;
	if (token_trial_goes_on(trial, size))
		return drop_timed(token, trial, key, in, out, size);
	return decrypt_timed(token, trial, key, in, out, size);
}

static int decrypt_quick(struct token *token, token_key key, const void *in,
			 void *out, size_t size)
{
	struct token_trial *trial = token_trial_of(token, size);

	if (!token_trial_is_over(trial))
		return decrypt_on_trial(token, trial, key, in, out, size);
	if (trial->way == TOKEN_AND_DROP)
		return decrypt_and_drop(token, key, in, out, size);
	return token_decrypt(token, key, in, out, size);
}

int token_decrypt_quick(struct token *token, token_key key, const void *in,
			void *out, size_t size)
{
	uint64_t start = token_begin_call();
	int error = decrypt_quick(token, key, in, out, size);

	token_count_call(start);
	return error;
}
