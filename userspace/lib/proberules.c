// SPDX-License-Identifier: GPL-2.0
/*
 * Which rules a token keeps: those that it is given with a key, and those that
 * paes counts on for its own sake.
 */
#include "probe_internal.h"

#include "engine.h"

#include <string.h>

static const unsigned char clear[PAES_AES_BLOCK] = "sixteen bytes...";
static const unsigned char no_iv[PAES_AES_BLOCK];

static void answer(struct probing *p, enum probe_rule rule, bool kept)
{
	p->probe->rules[rule] = kept ? PROBE_YES : PROBE_NO;
}

static bool does_ecb(struct probing *p, CK_OBJECT_HANDLE key)
{
	unsigned char out[PAES_AES_BLOCK];

	return probe_encrypt(p, CKM_AES_ECB, NULL, key, clear, out,
			     sizeof(out)) == CKR_OK;
}

static bool does_cbc(struct probing *p, CK_OBJECT_HANDLE key)
{
	unsigned char out[PAES_AES_BLOCK];

	return probe_encrypt(p, CKM_AES_CBC, no_iv, key, clear, out,
			     sizeof(out)) == CKR_OK;
}

/* What the standard calls attributes that can't be changed back. */
static bool stays(struct probing *p, CK_OBJECT_HANDLE key,
		  CK_ATTRIBUTE_TYPE type, CK_BBOOL safe)
{
	CK_BBOOL value = !safe;
	CK_ATTRIBUTE attribute = { type, &value, sizeof(value) };
	CK_FUNCTION_LIST *module = p->token->module;

	module->C_SetAttributeValue(p->session, key, &attribute, 1);
	return module->C_GetAttributeValue(p->session, key, &attribute, 1) ==
	       CKR_OK && value == safe;
}

static bool stays_safe(struct probing *p, CK_OBJECT_HANDLE key)
{
	bool sensitive = stays(p, key, CKA_SENSITIVE, CK_TRUE);
	bool kept_in = stays(p, key, CKA_EXTRACTABLE, CK_FALSE);

	return sensitive && kept_in && !token_key_is_readable(p->token, key);
}

static CK_RV make_kept_in(struct probing *p, CK_OBJECT_HANDLE *key)
{
	struct token_template template = { .count = 0 };

	token_template_bool(&template, CKA_EXTRACTABLE, false);
	return probe_make_key(p, &template, key);
}

static CK_RV make_extractable(struct probing *p, CK_OBJECT_HANDLE *key)
{
	struct token_template template = { .count = 0 };

	token_template_bool(&template, CKA_EXTRACTABLE, true);
	return probe_make_key(p, &template, key);
}

/* Those that are to be wrapped are sensitive, too, though extractable. */
static void try_generated(struct probing *p)
{
	CK_OBJECT_HANDLE kept_in, extractable;

	if (make_kept_in(p, &kept_in) != CKR_OK)
		return;
	answer(p, PROBE_GENERATED_SECRET,
	       !token_key_is_readable(p->token, kept_in) &&
	       (make_extractable(p, &extractable) != CKR_OK ||
		!token_key_is_readable(p->token, extractable)));
	answer(p, PROBE_SENSITIVE_STAYS, stays_safe(p, kept_in));
}

static void try_extractable(struct probing *p, CK_OBJECT_HANDLE kek)
{
	unsigned char wrapped[PROBE_WRAPPED];
	CK_OBJECT_HANDLE kept_in;

	if (make_kept_in(p, &kept_in) == CKR_OK)
		answer(p, PROBE_EXTRACTABLE,
		       token_wrap_as(p->token, kek, kept_in, wrapped,
				     sizeof(wrapped)) != CKR_OK);
}

static void try_unwrapped(struct probing *p, CK_OBJECT_HANDLE kek,
			  unsigned char wrapped[PROBE_WRAPPED])
{
	CK_OBJECT_HANDLE key;

	if (probe_unwrap(p, kek, wrapped, false, &key) == CKR_OK) {
		token_harden(p->token, key);
		answer(p, PROBE_UNWRAPPED_SECRET,
		       !token_key_exposure(p->token, key));
	}
	if (!(p->flags & PROBE_CHANGED_KEY))
		return;
	wrapped[PROBE_WRAPPED / 2] ^= 1;
	answer(p, PROBE_CHANGED_REFUSED,
	       probe_unwrap(p, kek, wrapped, false, &key) != CKR_OK);
}

/* As token_create_kek() restricts the real one. */
static CK_RV make_restricted_kek(struct probing *p, CK_OBJECT_HANDLE *kek)
{
	struct token_template unwrap = { .count = 0 }, template = { .count = 0 };

	token_template_bool(&unwrap, CKA_SENSITIVE, true);
	token_template_bool(&unwrap, CKA_EXTRACTABLE, false);
	token_template_bool(&unwrap, CKA_TOKEN, false);
	token_template_add(&template, CKA_UNWRAP_TEMPLATE, unwrap.attributes,
			   unwrap.count * sizeof(CK_ATTRIBUTE));
	return probe_make_kek(p, &template, kek);
}

/* What an attacker with the PIN would do. */
static bool unwraps_readable(struct probing *p, CK_OBJECT_HANDLE kek,
			     const unsigned char wrapped[PROBE_WRAPPED])
{
	CK_OBJECT_HANDLE key;

	return probe_unwrap(p, kek, wrapped, true, &key) == CKR_OK &&
	       token_key_is_readable(p->token, key);
}

/* Heeding it means, too, that what it allows goes on. */
static void try_unwrap_template(struct probing *p, CK_OBJECT_HANDLE key)
{
	unsigned char wrapped[PROBE_WRAPPED];
	CK_OBJECT_HANDLE kek, back;

	answer(p, PROBE_UNWRAP_TEMPLATE,
	       make_restricted_kek(p, &kek) == CKR_OK &&
	       token_wrap_as(p->token, kek, key, wrapped,
			     sizeof(wrapped)) == CKR_OK &&
	       probe_unwrap(p, kek, wrapped, false, &back) == CKR_OK &&
	       !unwraps_readable(p, kek, wrapped));
}

/*
 * KEK and authenticator are token objects with one CKA_ID.  NSS's database makes
 * one key of that, the second.
 */
static void try_pairs(struct probing *p, CK_OBJECT_HANDLE key)
{
	unsigned char id[PAES_ID_SIZE], wrapped[PROBE_WRAPPED];
	CK_OBJECT_HANDLE kek;

	if (!(p->flags & PROBE_TOKEN_OBJECTS) ||
	    token_random(p->token, id, sizeof(id)))
		return;
	answer(p, PROBE_PAIRS,
	       probe_make_pair(p, id, &kek) == CKR_OK &&
	       token_wrap_as(p->token, kek, key, wrapped,
			     sizeof(wrapped)) == CKR_OK);
}

static void try_wrapping(struct probing *p)
{
	unsigned char wrapped[PROBE_WRAPPED];
	CK_OBJECT_HANDLE kek, key;

	if (p->probe->mechanisms[PROBE_WRAP].works != PROBE_YES ||
	    make_extractable(p, &key) != CKR_OK ||
	    probe_make_kek(p, NULL, &kek) != CKR_OK ||
	    token_wrap_as(p->token, kek, key, wrapped, sizeof(wrapped)) != CKR_OK)
		return;
	try_unwrapped(p, kek, wrapped);
	try_extractable(p, kek);
	try_unwrap_template(p, key);
	try_pairs(p, key);
}

/* With a key for ECB only; nothing is learnt where CBC never works. */
static void try_allowed_mechanisms(struct probing *p)
{
	static const CK_MECHANISM_TYPE ecb_only[] = { CKM_AES_ECB };
	struct token_template template = { .count = 0 };
	CK_OBJECT_HANDLE key;

	if (p->probe->mechanisms[PROBE_CBC].works != PROBE_YES)
		return;
	token_template_bool(&template, CKA_EXTRACTABLE, false);
	token_template_add(&template, CKA_ALLOWED_MECHANISMS, ecb_only,
			   sizeof(ecb_only));
	answer(p, PROBE_ALLOWED_MECHANISMS,
	       probe_make_key(p, &template, &key) == CKR_OK &&
	       does_ecb(p, key) && !does_cbc(p, key));
}

static bool update(struct probing *p, CK_SESSION_HANDLE session,
		   const unsigned char *in, CK_ULONG size, unsigned char *out)
{
	CK_ULONG done = size;

	return p->token->module->C_EncryptUpdate(session, (void *)in, size, out,
						 &done) == CKR_OK &&
	       done == size;
}

/* In pieces, each of them whole and at once: what is late once stays late. */
static bool streams(struct probing *p, CK_SESSION_HANDLE session,
		    CK_OBJECT_HANDLE key)
{
	CK_MECHANISM mechanism = { .mechanism = CKM_AES_ECB };
	unsigned char in[64 * PAES_AES_BLOCK], right[sizeof(in)];
	unsigned char out[sizeof(in)] = { 0 };
	const CK_ULONG first = PAES_AES_BLOCK, last = 3 * PAES_AES_BLOCK;
	const CK_ULONG middle = sizeof(in) - first - last;

	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (unsigned char)(i / PAES_AES_BLOCK);
	return probe_encrypt(p, CKM_AES_ECB, NULL, key, in, right,
			     sizeof(in)) == CKR_OK &&
	       p->token->module->C_EncryptInit(session, &mechanism, key) ==
	       CKR_OK && update(p, session, in, first, out) &&
	       update(p, session, in + first, middle, out + first) &&
	       update(p, session, in + first + middle, last,
		      out + first + middle) &&
	       paes_blob_equal(out, right, sizeof(out));
}

/* In a session of its own, closed with the operation open, as paes does it. */
static void try_streams(struct probing *p, CK_OBJECT_HANDLE key)
{
	CK_FUNCTION_LIST *module = p->token->module;
	CK_SESSION_HANDLE session;

	if (module->C_OpenSession(p->token->slot, CKF_SERIAL_SESSION, NULL,
				  NULL, &session) != CKR_OK) {
		answer(p, PROBE_STREAMS, false);
		return;
	}
	answer(p, PROBE_STREAMS, streams(p, session, key));
	module->C_CloseSession(session);
}

/* Zeroes: each block of the answer is the same. */
static void try_large_call(struct probing *p, CK_OBJECT_HANDLE key)
{
	const size_t size = TOKEN_CHUNK + PAES_AES_BLOCK;
	CLEANUP(free) unsigned char *data = calloc(2, size);
	unsigned char *out = data + size;

	if (!data)
		return;
	answer(p, PROBE_LARGE_CALLS,
	       probe_encrypt(p, CKM_AES_ECB, NULL, key, data, out, size) ==
	       CKR_OK &&
	       !memcmp(out, out + PAES_AES_BLOCK, size - PAES_AES_BLOCK) &&
	       probe_decrypt(p, CKM_AES_ECB, NULL, key, out, out, size) ==
	       CKR_OK && !memcmp(out, data, size));
}

static void try_calls(struct probing *p)
{
	CK_OBJECT_HANDLE key;

	if (p->probe->mechanisms[PROBE_ECB].works != PROBE_YES ||
	    make_kept_in(p, &key) != CKR_OK)
		return;
	try_streams(p, key);
	try_large_call(p, key);
}

void probe_rules(struct probing *p)
{
	try_generated(p);
	try_wrapping(p);
	try_allowed_mechanisms(p);
	try_calls(p);
}
