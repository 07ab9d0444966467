// SPDX-License-Identifier: GPL-2.0
/* AES keys of the session: how they come and go. */
#include "token_internal.h"

#include "log.h"

#include <errno.h>

int token_generate_key(struct token *token, unsigned int size, token_key *key)
{
	CK_MECHANISM mechanism = { .mechanism = CKM_AES_KEY_GEN };
	struct token_template template = { .count = 0 };
	CK_ULONG bytes = size;
	CK_RV rv;

	token_template_session(&template, true);
	token_template_add(&template, CKA_VALUE_LEN, &bytes, sizeof(bytes));
	rv = token->module->C_GenerateKey(token->session, &mechanism,
					  template.attributes, template.count,
					  key);
	return rv == CKR_OK ? 0 :
	       token_fail(token, "C_GenerateKey (CKM_AES_KEY_GEN)", rv);
}

int token_import_key(struct token *token, const unsigned char *clear,
		     unsigned int size, token_key *key)
{
	struct token_template template = { .count = 0 };
	CK_RV rv;

	token_template_session(&template, true);
	token_template_add(&template, CKA_VALUE, clear, size);
	rv = token->module->C_CreateObject(token->session, template.attributes,
					   template.count, key);
	return rv == CKR_OK ? 0 : token_fail(token, "C_CreateObject (AES key)", rv);
}

void token_forget_key(struct token *token, token_key key)
{
	token_end_stream(token, key);
	token_leave_place(token, key);
}

int token_destroy_key(struct token *token, token_key key)
{
	CK_RV rv;

	token_forget_key(token, key);
	rv = token->module->C_DestroyObject(token->session, key);

	return rv == CKR_OK ? 0 : token_fail(token, "C_DestroyObject", rv);
}

CK_RV token_wrap_as(struct token *token, CK_OBJECT_HANDLE kek,
		    CK_OBJECT_HANDLE key, unsigned char *wrapped,
		    size_t wrapped_size)
{
	CK_MECHANISM mechanism = { .mechanism = CKM_AES_KEY_WRAP };
	CK_ULONG size = wrapped_size;
	CK_RV rv = token->module->C_WrapKey(token->session, &mechanism, kek, key,
					    wrapped, &size);

	if (rv == CKR_OK && size != wrapped_size)
		return CKR_WRAPPED_KEY_LEN_RANGE;
	return rv;
}

CK_RV token_unwrap_as(struct token *token, CK_OBJECT_HANDLE kek,
		      const unsigned char *wrapped, size_t wrapped_size,
		      struct token_template *template, CK_OBJECT_HANDLE *key)
{
	CK_MECHANISM mechanism = { .mechanism = CKM_AES_KEY_WRAP };

	return token->module->C_UnwrapKey(token->session, &mechanism, kek,
					  (unsigned char *)wrapped, wrapped_size,
					  template->attributes, template->count,
					  key);
}

static int find_kek(struct token *token, const unsigned char id[PAES_ID_SIZE],
		    CK_OBJECT_HANDLE *kek)
{
	int error = token_find(token, TOKEN_KEK_LABEL, CKK_AES, id, kek);

	if (error == -ENOENT)
		log_error("token \"%s\": the key that wraps (KEK) is not there",
			  token->label);
	return error;
}

int token_wrap_key(struct token *token, const unsigned char kek[PAES_ID_SIZE],
		   token_key key, unsigned char *wrapped, unsigned int size)
{
	CK_OBJECT_HANDLE handle;
	int error = find_kek(token, kek, &handle);
	CK_RV rv;

	if (error)
		return error;
	rv = token_wrap_as(token, handle, key, wrapped, size + 8);
	return rv == CKR_OK ? 0 :
	       token_fail(token, "C_WrapKey (CKM_AES_KEY_WRAP)", rv);
}

/* The token's own trouble, as opposed to a wrapped key that it won't have. */
static bool is_trouble(CK_RV rv)
{
	switch (rv) {
	case CKR_HOST_MEMORY:
	case CKR_DEVICE_ERROR:
	case CKR_DEVICE_MEMORY:
	case CKR_DEVICE_REMOVED:
	case CKR_TOKEN_NOT_PRESENT:
	case CKR_SESSION_CLOSED:
	case CKR_SESSION_HANDLE_INVALID:
	case CKR_USER_NOT_LOGGED_IN:
	case CKR_CRYPTOKI_NOT_INITIALIZED:
	case CKR_OPERATION_ACTIVE:
	case CKR_MECHANISM_INVALID:
	case CKR_FUNCTION_NOT_SUPPORTED:
		return true;
	default:
		return false;
	}
}

/* Some tokens ignore what the unwrap template says of these two. */
static bool is_hardened(struct token *token, CK_OBJECT_HANDLE key)
{
	CK_BBOOL sensitive = CK_FALSE, extractable = CK_TRUE;
	CK_ATTRIBUTE read[] = {
		{ CKA_SENSITIVE, &sensitive, sizeof(sensitive) },
		{ CKA_EXTRACTABLE, &extractable, sizeof(extractable) },
	};
	CK_RV rv = token->module->C_GetAttributeValue(token->session, key, read, 2);

	return rv == CKR_OK && sensitive == CK_TRUE && extractable == CK_FALSE;
}

void token_harden(struct token *token, CK_OBJECT_HANDLE key)
{
	struct token_template template = { .count = 0 };

	if (is_hardened(token, key))
		return;
	token_template_bool(&template, CKA_SENSITIVE, true);
	token_template_bool(&template, CKA_EXTRACTABLE, false);
	token->module->C_SetAttributeValue(token->session, key,
					   template.attributes, template.count);
}

/* The attributes may lie: only a refused read shows that the key is safe. */
bool token_key_is_readable(struct token *token, CK_OBJECT_HANDLE key)
{
	unsigned char value[64];
	CK_ATTRIBUTE read = { CKA_VALUE, value, sizeof(value) };
	CK_RV rv = token->module->C_GetAttributeValue(token->session, key, &read, 1);

	secret_wipe(value, sizeof(value));
	return rv == CKR_OK || rv == CKR_BUFFER_TOO_SMALL;
}

/* NSS takes any length; a token that won't tell the length is taken at its word. */
static bool has_size(struct token *token, CK_OBJECT_HANDLE key, CK_ULONG size)
{
	CK_ULONG found = 0;
	CK_ATTRIBUTE read = { CKA_VALUE_LEN, &found, sizeof(found) };
	CK_RV rv = token->module->C_GetAttributeValue(token->session, key, &read, 1);

	return rv != CKR_OK || !found || found == size;
}

const char *token_key_exposure(struct token *token, CK_OBJECT_HANDLE key)
{
	if (!is_hardened(token, key))
		return "the token doesn't keep the key sensitive and unextractable";
	if (token_key_is_readable(token, key))
		return "the token lets the key be read";
	return NULL;
}

int token_check_key(struct token *token, CK_OBJECT_HANDLE key, unsigned int size)
{
	const char *fault = NULL, *hint = "";

	if (!has_size(token, key, size)) {
		fault = "the key has another length than was asked for";
	} else if (!token->allow_readable) {
		fault = token_key_exposure(token, key);
		hint = " (\"paes token\" tells more; --allow-readable-keys, \"allow-readable-keys\" in the configuration, has it used all the same)";
	}
	if (!fault)
		return 0;
	log_error("token \"%s\": %s: refusing to use it%s", token->label,
		  fault, hint);
	return -EKEYREJECTED;
}

static int check_unwrapped(struct token *token, CK_OBJECT_HANDLE key,
			   unsigned int size)
{
	int error;

	token_harden(token, key);
	error = token_check_key(token, key, size);
	if (error)
		token_destroy_key(token, key);
	return error;
}

int token_unwrap_key(struct token *token, const unsigned char kek[PAES_ID_SIZE],
		     const unsigned char *wrapped, unsigned int size,
		     token_key *key)
{
	struct token_template template = { .count = 0 };
	CK_OBJECT_HANDLE handle;
	int error = find_kek(token, kek, &handle);
	CK_RV rv;

	*key = TOKEN_NO_KEY;
	if (error)
		return error;
	token_template_session(&template, false);
	rv = token_unwrap_as(token, handle, wrapped, size + 8, &template, key);
	if (rv == CKR_OK)
		error = check_unwrapped(token, *key, size);
	else
		error = token_fail(token, "C_UnwrapKey (CKM_AES_KEY_WRAP)", rv);
	if (error)
		*key = TOKEN_NO_KEY;
	return rv == CKR_OK || is_trouble(rv) ? error : -EKEYREJECTED;
}

static int refuse_to_move(struct token *token, CK_RV rv)
{
	log_error("token \"%s\": its KEK lets no key go to another token, as it should (%s): a key is wrapped for several tokens when it's made (paes generate --recipient) or if it's there in the clear (--key-file); else make a new one and copy the data",
		  token->label, token_ckr_name(rv));
	return -EPERM;
}

int token_unwrap_movable(struct token *token, const unsigned char kek[PAES_ID_SIZE],
			 const unsigned char *wrapped, unsigned int size,
			 token_key *key)
{
	struct token_template template = { .count = 0 };
	CK_OBJECT_HANDLE handle;
	int error = find_kek(token, kek, &handle);
	CK_RV rv;

	*key = TOKEN_NO_KEY;
	if (error)
		return error;
	token_template_session(&template, true);
	rv = token_unwrap_as(token, handle, wrapped, size + 8, &template, key);
	if (rv == CKR_OK)
		return 0;
	*key = TOKEN_NO_KEY;
	if (token_is_template_error(rv))
		return refuse_to_move(token, rv);
	return token_fail(token, "C_UnwrapKey (CKM_AES_KEY_WRAP, to move it)", rv);
}
