// SPDX-License-Identifier: GPL-2.0
/*
 * One KEK in several tokens.  The first makes it as a key of its session, which
 * may be wrapped; each token, the first one too, gets it from there as an
 * object that may not.  So nothing that can be taken out outlives the session.
 */
#include "token_internal.h"

#include "log.h"

#include <errno.h>

enum { KEY_SIZE = 32 };

/* What it's for is said where it arrives. */
struct source {
	token_key kek;
	token_key auth;
};

static int make_source(struct source *source, struct token *token)
{
	int error = token_generate_key(token, KEY_SIZE, &source->kek);

	return error ? error : token_generate_key(token, KEY_SIZE, &source->auth);
}

static void destroy_source(const struct source *source, struct token *token)
{
	if (source->kek != TOKEN_NO_KEY)
		token_destroy_key(token, source->kek);
	if (source->auth != TOKEN_NO_KEY)
		token_destroy_key(token, source->auth);
}

typedef void description(struct token_template *template,
		      struct token_template *unwrap, const unsigned char *id,
		      bool restricted);

static CK_RV receive_as(const struct token_passage *passage, token_key key,
			CK_SESSION_HANDLE session, description *describe,
			const unsigned char *id, bool restricted,
			CK_OBJECT_HANDLE *object, const char **what)
{
	struct token_template template = { .count = 0 };
	struct token_template unwrap = { .count = 0 };

	describe(&template, &unwrap, id, restricted);
	return token_passage_carry(passage, key, session, &template, object, what);
}

/* With its restrictions where the token takes them, else without. */
static int receive(const struct token_passage *passage, token_key key,
		   CK_SESSION_HANDLE session, description *describe,
		   const unsigned char *id, CK_OBJECT_HANDLE *object)
{
	struct token *to = passage->to;
	const char *what;
	CK_RV rv = receive_as(passage, key, session, describe, id, true, object,
			      &what);

	/* The latter is NSS's word for a token object with attributes it lacks. */
	if (token_is_template_error(rv) || rv == CKR_GENERAL_ERROR)
		rv = receive_as(passage, key, session, describe, id, false,
				object, &what);
	if (rv != CKR_OK)
		return token_fail(to, what, rv);
	return token_check_key(to, *object, KEY_SIZE);
}

/* The authenticator first: a KEK without one would only be in the way. */
static int receive_pair(const struct token_passage *passage,
			const struct source *source, const unsigned char *id,
			bool *enforced)
{
	struct token *to = passage->to;
	CK_OBJECT_HANDLE kek, auth;
	CK_SESSION_HANDLE session;
	int error = token_open_writable(to, &session);

	if (error)
		return error;
	error = receive(passage, source->auth, session,
				token_describe_auth, id, &auth);
	if (!error)
		error = receive(passage, source->kek, session,
				token_describe_kek, id, &kek);
	if (!error)
		error = token_probe_kek(to, kek, enforced);
	to->module->C_CloseSession(session);
	return error;
}

/* A KEK that wraps nothing is but a name. */
static int refuse_unwrapping(struct token *token)
{
	if (token_wraps(token))
		return 0;
	log_error("token \"%s\" doesn't wrap keys (CKM_AES_KEY_WRAP), so there is nothing that a replica could do: give it a KEK of its own, by \"paes init\" alone",
		  token->label);
	return -EOPNOTSUPP;
}

/* Two URIs may name one token. */
static int refuse_twice(struct token *to, const unsigned char *id)
{
	int found = token_has_kek(to, id);

	if (found <= 0)
		return found;
	log_error("token \"%s\" is named twice: name another one for each replica",
		  to->label);
	return -EEXIST;
}

static int bring(const struct source *source, struct token *from,
		 struct token *to, const unsigned char *id, bool *enforced)
{
	struct token_passage passage;
	int error = refuse_unwrapping(to);

	if (!error)
		error = refuse_twice(to, id);
	if (!error)
		error = token_passage_open(&passage, from, to);
	if (error)
		return error;
	error = receive_pair(&passage, source, id, enforced);
	token_passage_close(&passage);
	return error;
}

static int known_block(struct token *token, token_key key,
		       unsigned char known[PAES_AES_BLOCK])
{
	return token_encrypt(token, key, PAES_KNOWN_BLOCK, known, PAES_AES_BLOCK);
}

/* A key made in `token`, as its KEK wraps it. */
static int wrap_new_key(struct token *token, const unsigned char *id,
			unsigned char wrapped[PAES_WRAPPED_MAX],
			unsigned char known[PAES_AES_BLOCK])
{
	token_key key;
	int error = token_generate_key(token, KEY_SIZE, &key);

	if (error)
		return error;
	error = known_block(token, key, known);
	if (!error)
		error = token_wrap_key(token, id, key, wrapped, KEY_SIZE);
	token_destroy_key(token, key);
	return error;
}

static int open_wrapped(struct token *token, const unsigned char *id,
			const unsigned char wrapped[PAES_WRAPPED_MAX],
			unsigned char known[PAES_AES_BLOCK])
{
	token_key key;
	int error = token_unwrap_key(token, id, wrapped, KEY_SIZE, &key);

	if (error)
		return error;
	error = known_block(token, key, known);
	token_destroy_key(token, key);
	return error;
}

static int say_other(struct token *token, const char *what)
{
	log_error("token \"%s\": the %s that it received isn't the one that was sent: it can't be a replica",
		  token->label, what);
	return -EIO;
}

/* What one wraps, the other opens. */
static int compare_keks(struct token *one, struct token *other,
			const unsigned char *id)
{
	unsigned char wrapped[PAES_WRAPPED_MAX];
	unsigned char known[PAES_AES_BLOCK], found[PAES_AES_BLOCK];
	int error = wrap_new_key(one, id, wrapped, known);

	if (error)
		return error;
	error = open_wrapped(other, id, wrapped, found);
	if (error == -EKEYREJECTED ||
	    (!error && !paes_blob_equal(known, found, sizeof(known))))
		return say_other(other, "KEK");
	return error;
}

static int compare_auths(struct token *one, struct token *other,
			 const unsigned char *id)
{
	unsigned char message[PAES_MAC_SIZE], mac[PAES_MAC_SIZE];
	int error = token_random(one, message, sizeof(message));

	if (!error)
		error = token_mac(one, id, message, sizeof(message), mac);
	if (!error)
		error = token_check_mac(other, id, message, sizeof(message), mac);
	return error == -EKEYREJECTED ? say_other(other, "authenticator") : error;
}

static int compare(struct token *one, struct token *other,
		   const unsigned char *id)
{
	int error = compare_keks(one, other, id);

	return error ? error : compare_auths(one, other, id);
}

/* What isn't there needs no session to be removed. */
static void remove_object(struct token *token, const char *label,
			  CK_KEY_TYPE type, const unsigned char *id)
{
	CK_SESSION_HANDLE session;
	CK_OBJECT_HANDLE found;
	int error = token_find(token, label, type, id, &found);

	if (error == -ENOENT)
		return;
	if (!error)
		error = token_open_writable(token, &session);
	if (error) {
		token_say_left(token, label, id, "see above");
		return;
	}
	token_give_up(token, session, found, label, id);
	token->module->C_CloseSession(session);
}

static void remove_pair(struct token *token, const unsigned char *id)
{
	remove_object(token, TOKEN_KEK_LABEL, CKK_AES, id);
	remove_object(token, TOKEN_AUTH_LABEL, CKK_GENERIC_SECRET, id);
}

int token_create_kek_in(struct token *const tokens[], unsigned int count,
			const unsigned char id[PAES_ID_SIZE], bool enforced[])
{
	struct source source = { TOKEN_NO_KEY, TOKEN_NO_KEY };
	int error = make_source(&source, tokens[0]);

	for (unsigned int i = 0; !error && i < count; i++)
		error = bring(&source, tokens[0], tokens[i], id, &enforced[i]);
	for (unsigned int i = 1; !error && i < count; i++)
		error = compare(tokens[0], tokens[i], id);
	destroy_source(&source, tokens[0]);
	for (unsigned int i = 0; error && i < count; i++)
		remove_pair(tokens[i], id);
	return error;
}
