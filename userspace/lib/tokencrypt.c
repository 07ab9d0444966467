// SPDX-License-Identifier: GPL-2.0
/* AES-ECB encryption, in one call or by an operation that stays open. */
#include "token_internal.h"

#include "log.h"

#include <stdint.h>
#include <string.h>

static CK_RV start_encrypt(struct token *token, CK_SESSION_HANDLE session,
			   token_key key)
{
	CK_MECHANISM mechanism = { .mechanism = CKM_AES_ECB };

	return token->module->C_EncryptInit(session, &mechanism, key);
}

int token_encrypt(struct token *token, token_key key, const void *in, void *out,
		  size_t size)
{
	CK_ULONG done = size;
	CK_RV rv = start_encrypt(token, token->session, key);

	if (rv != CKR_OK)
		return token_fail(token, "C_EncryptInit (CKM_AES_ECB)", rv);
	rv = token->module->C_Encrypt(token->session, (void *)in, size, out, &done);
	if (rv != CKR_OK)
		return token_fail(token, "C_Encrypt", rv);
	return token_check_length(token, "C_Encrypt", done, size);
}

/*
 * Streams: C_EncryptInit costs as much as 16 KiB of AES, or a round trip, so
 * an operation is kept open for each busy key, in a session of its own.  There
 * is none for decryption: SoftHSM keeps every byte given to C_DecryptUpdate
 * (see tokendecrypt.c).
 */

enum {
	IDLE_USES	= 4 * TOKEN_STREAMS,	/* of others; then a stream may go */
};

static struct token_stream **bucket_of(struct token *token, token_key key)
{
	uint64_t mixed = (uint64_t)key * 0x9e3779b97f4a7c15;

	return &token->buckets[(mixed >> 32) % TOKEN_BUCKETS];
}

/* What points to the key's stream, or to NULL. */
static struct token_stream **find_stream(struct token *token, token_key key)
{
	struct token_stream **at = bucket_of(token, key);

	while (*at && (*at)->key != key)
		at = &(*at)->next;
	return at;
}

static void add_stream(struct token *token, struct token_stream *stream)
{
	struct token_stream **bucket = bucket_of(token, stream->key);

	stream->next = *bucket;
	*bucket = stream;
	token->open_streams++;
}

static void close_stream(struct token *token, struct token_stream *stream)
{
	if (stream->session == CK_INVALID_HANDLE)
		return;
	*find_stream(token, stream->key) = stream->next;
	token->open_streams--;
	token->module->C_CloseSession(stream->session);
	token->no_session = false;
	stream->session = CK_INVALID_HANDLE;
}

void token_end_stream(struct token *token, token_key key)
{
	struct token_stream *stream = *find_stream(token, key);

	if (stream)
		close_stream(token, stream);
}

void token_end_streams(struct token *token)
{
	for (int i = 0; i < TOKEN_STREAMS; i++)
		close_stream(token, &token->streams[i]);
}

static struct token_stream *oldest_stream(struct token *token)
{
	struct token_stream *oldest = NULL;

	for (int i = 0; i < TOKEN_STREAMS; i++) {
		struct token_stream *stream = &token->streams[i];

		if (stream->session != CK_INVALID_HANDLE &&
		    (!oldest || stream->used < oldest->used))
			oldest = stream;
	}
	return oldest;
}

/*
 * Keys that take a stream from each other pay more than for a call without
 * one, so only those that nobody uses have to go.
 */
static void close_idle_stream(struct token *token)
{
	struct token_stream *oldest;

	if (token->uses < token->look_again)
		return;
	oldest = oldest_stream(token);
	if (oldest && token->uses - oldest->used > IDLE_USES)
		close_stream(token, oldest);
	else
		token->look_again = token->uses + TOKEN_STREAMS;
}

/* One that isn't used, or NULL. */
static struct token_stream *spare_stream(struct token *token)
{
	if (token->open_streams == TOKEN_STREAMS || token->no_session)
		close_idle_stream(token);
	if (token->no_session)
		return NULL;
	for (int i = 0; i < TOKEN_STREAMS; i++)
		if (token->streams[i].session == CK_INVALID_HANDLE)
			return &token->streams[i];
	return NULL;
}

static void give_up_streams(struct token *token)
{
	if (!token->no_streams)
		log_debug("token \"%s\": keeps no operation open, so each call begins one",
			  token->label);
	token->no_streams = true;
}

/*
 * A token may hold blocks back until the operation ends: tried before data is
 * given to it, twice, since the first answer could come late by one.
 */
static bool streams_rightly(struct token *token, struct token_stream *stream)
{
	unsigned char block[PAES_AES_BLOCK] = { 0 }, right[PAES_AES_BLOCK];
	bool rightly = true;

	if (token_encrypt(token, stream->key, block, right, sizeof(block)))
		return false;
	for (int i = 0; rightly && i < 2; i++) {
		CK_ULONG done = sizeof(block);
		CK_RV rv;

		memset(block, 0, sizeof(block));
		rv = token->module->C_EncryptUpdate(stream->session, block,
						    sizeof(block), block, &done);
		rightly = rv == CKR_OK && done == sizeof(block) &&
			  paes_blob_equal(block, right, sizeof(block));
	}
	if (!rightly)
		give_up_streams(token);
	return rightly;
}

/* Tokens have so many sessions; it goes on with those that it got. */
static void stop_at_sessions(struct token *token)
{
	if (!token->open_streams) {
		give_up_streams(token);
		return;
	}
	log_debug("token \"%s\": keeps no more than %u operations open",
		  token->label, token->open_streams);
	token->no_session = true;
}

/* NULL where the token can't: then each call is an operation of its own. */
static struct token_stream *open_stream(struct token *token, token_key key)
{
	struct token_stream *stream = spare_stream(token);
	CK_RV rv;

	if (!stream)
		return NULL;
	rv = token->module->C_OpenSession(token->slot, CKF_SERIAL_SESSION,
					  NULL, NULL, &stream->session);
	if (rv != CKR_OK) {
		stream->session = CK_INVALID_HANDLE;
		stop_at_sessions(token);
		return NULL;
	}
	stream->key = key;
	add_stream(token, stream);
	if (start_encrypt(token, stream->session, key) == CKR_OK &&
	    streams_rightly(token, stream))
		return stream;
	close_stream(token, stream);
	return NULL;
}

static struct token_stream *get_stream(struct token *token, token_key key)
{
	struct token_stream *stream;

	if (token->no_streams)
		return NULL;
	token->uses++;
	stream = *find_stream(token, key);
	if (!stream)
		stream = open_stream(token, key);
	if (stream)
		stream->used = token->uses;
	return stream;
}

static int encrypt_stream(struct token *token, token_key key, const void *in,
			  void *out, size_t size)
{
	struct token_stream *stream = get_stream(token, key);
	CK_ULONG done = size;
	int error;
	CK_RV rv;

	if (!stream)
		return token_encrypt(token, key, in, out, size);
	rv = token->module->C_EncryptUpdate(stream->session, (void *)in, size,
					    out, &done);
	if (rv != CKR_OK)
		error = token_fail(token, "C_EncryptUpdate", rv);
	else
		error = token_check_length(token, "C_EncryptUpdate", done, size);
	/* Whatever state it is in now: the next call begins anew. */
	if (error)
		close_stream(token, stream);
	return error;
}

int token_encrypt_stream(struct token *token, token_key key, const void *in,
			 void *out, size_t size)
{
	uint64_t start = token_begin_call();
	int error = encrypt_stream(token, key, in, out, size);

	token_count_call(start);
	return error;
}
