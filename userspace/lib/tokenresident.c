// SPDX-License-Identifier: GPL-2.0
/* AES keys that stay in the token: how they come, are found again, and go. */
#include "token_internal.h"


static const CK_KEY_TYPE aes = CKK_AES;

static void describe(struct token_template *template, const unsigned char *id,
		     bool restricted)
{
	static const CK_MECHANISM_TYPE ecb_only[] = { CKM_AES_ECB };

	token_template_object(template, &aes, TOKEN_KEY_LABEL, id);
	token_template_bool(template, CKA_ENCRYPT, true);
	token_template_bool(template, CKA_DECRYPT, true);
	token_template_bool(template, CKA_WRAP, false);
	token_template_bool(template, CKA_UNWRAP, false);
	if (!restricted)
		return;
	token_template_add(template, CKA_ALLOWED_MECHANISMS, ecb_only,
			   sizeof(ecb_only));
	token_template_bool(template, CKA_MODIFIABLE, false);
}

static CK_RV generate(struct token *token, CK_SESSION_HANDLE session,
		      struct token_template *template, CK_ULONG size)
{
	CK_MECHANISM mechanism = { .mechanism = CKM_AES_KEY_GEN };
	CK_OBJECT_HANDLE key;

	token_template_add(template, CKA_VALUE_LEN, &size, sizeof(size));
	return token->module->C_GenerateKey(session, &mechanism,
					    template->attributes,
					    template->count, &key);
}

static CK_RV create(struct token *token, CK_SESSION_HANDLE session,
		    struct token_template *template, const unsigned char *clear,
		    unsigned int size)
{
	CK_OBJECT_HANDLE key;

	token_template_add(template, CKA_VALUE, clear, size);
	return token->module->C_CreateObject(session, template->attributes,
					     template->count, &key);
}

static CK_RV make(struct token *token, CK_SESSION_HANDLE session,
		  const unsigned char *id, const unsigned char *clear,
		  unsigned int size, bool restricted)
{
	struct token_template template = { .count = 0 };

	describe(&template, id, restricted);
	return clear ? create(token, session, &template, clear, size) :
		       generate(token, session, &template, size);
}

/* With its restrictions where the token takes them, else without. */
static int make_object(struct token *token, const unsigned char *id,
		       const unsigned char *clear, unsigned int size)
{
	CK_SESSION_HANDLE session;
	int error = token_open_writable(token, &session);
	CK_RV rv;

	if (error)
		return error;
	rv = make(token, session, id, clear, size, true);
	if (token_is_template_error(rv))
		rv = make(token, session, id, clear, size, false);
	token->module->C_CloseSession(session);
	if (rv == CKR_OK)
		return 0;
	return token_fail(token, clear ? "C_CreateObject (resident AES key)" :
					 "C_GenerateKey (resident AES key)", rv);
}

int token_find_resident(struct token *token, const unsigned char id[PAES_ID_SIZE],
			token_key *key)
{
	int error;

	*key = TOKEN_NO_KEY;
	error = token_find(token, TOKEN_KEY_LABEL, CKK_AES, id, key);
	if (error)
		*key = TOKEN_NO_KEY;
	return error;
}

int token_open_resident(struct token *token, const unsigned char id[PAES_ID_SIZE],
			unsigned int size, token_key *key)
{
	int error = token_find_resident(token, id, key);

	if (!error)
		error = token_check_key(token, *key, size);
	if (error)
		*key = TOKEN_NO_KEY;
	return error;
}

int token_make_resident(struct token *token, const unsigned char id[PAES_ID_SIZE],
			const unsigned char *clear, unsigned int size,
			token_key *key)
{
	int error = make_object(token, id, clear, size);
	token_key unfit;

	*key = TOKEN_NO_KEY;
	if (error)
		return error;
	/* As it will be found whenever it's opened. */
	error = token_open_resident(token, id, size, key);
	if (error && !token_find_resident(token, id, &unfit))
		token_destroy_resident(token, unfit);
	return error;
}

int token_destroy_resident(struct token *token, token_key key)
{
	CK_SESSION_HANDLE session;
	int error = token_open_writable(token, &session);
	CK_RV rv;

	if (error)
		return error;
	token_forget_key(token, key);
	rv = token->module->C_DestroyObject(session, key);
	token->module->C_CloseSession(session);
	return rv == CKR_OK ? 0 :
	       token_fail(token, "C_DestroyObject (resident AES key)", rv);
}
