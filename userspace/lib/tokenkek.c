// SPDX-License-Identifier: GPL-2.0
/* Token objects: the key that wraps (KEK) and the authenticator beside it. */
#include "token_internal.h"

#include "log.h"

#include <errno.h>
#include <string.h>

enum { KEK_SIZE = 32, AUTH_SIZE = 32, MECHANISMS_MAX = 1024 };

static const CK_KEY_TYPE aes = CKK_AES;
static const CK_KEY_TYPE generic = CKK_GENERIC_SECRET;

int token_has_kek(struct token *token, const unsigned char id[PAES_ID_SIZE])
{
	CK_OBJECT_HANDLE kek;
	int error = token_find(token, TOKEN_KEK_LABEL, CKK_AES, id, &kek);

	return error == -ENOENT ? 0 : error ? error : 1;
}

static bool read_id(struct token *token, CK_OBJECT_HANDLE key,
		    unsigned char id[PAES_ID_SIZE])
{
	CK_ATTRIBUTE read = { CKA_ID, id, PAES_ID_SIZE };
	CK_RV rv = token->module->C_GetAttributeValue(token->session, key, &read, 1);

	if (rv == CKR_OK && read.ulValueLen == PAES_ID_SIZE)
		return true;
	log_warning("token \"%s\": a key \"%s\" has no CKA_ID of %d bytes (%s), skipped",
		    token->label, TOKEN_KEK_LABEL, PAES_ID_SIZE,
		    token_ckr_name(rv));
	return false;
}

int token_list_keks(struct token *token, unsigned char ids[][PAES_ID_SIZE],
		    unsigned int max)
{
	struct token_template template = { .count = 0 };
	CK_OBJECT_HANDLE found[256];
	unsigned char id[PAES_ID_SIZE];
	unsigned int listed = 0;
	CK_ULONG count;
	CK_RV rv;

	token_template_class(&template, &aes);
	token_template_bool(&template, CKA_TOKEN, true);
	token_template_add(&template, CKA_LABEL, TOKEN_KEK_LABEL,
			   strlen(TOKEN_KEK_LABEL));
	rv = token_find_objects(token, &template, found, 256, &count);
	if (rv != CKR_OK)
		return token_fail(token, "C_FindObjects", rv);
	for (CK_ULONG i = 0; i < count; i++) {
		if (!read_id(token, found[i], id))
			continue;
		if (listed < max)
			memcpy(ids[listed], id, PAES_ID_SIZE);
		listed++;
	}
	return (int)listed;
}

/* Some know more of a mechanism than they let be used: SoftHSM's configuration. */
static bool is_listed(struct token *token, CK_MECHANISM_TYPE type)
{
	CK_MECHANISM_TYPE list[MECHANISMS_MAX];
	CK_ULONG count = MECHANISMS_MAX;
	CK_RV rv = token->module->C_GetMechanismList(token->slot, list, &count);

	if (rv != CKR_OK)
		return rv == CKR_BUFFER_TOO_SMALL;
	for (CK_ULONG i = 0; i < count; i++)
		if (list[i] == type)
			return true;
	return false;
}

bool token_wraps(struct token *token)
{
	const CK_FLAGS both = CKF_WRAP | CKF_UNWRAP;
	CK_MECHANISM_INFO info = { .flags = 0 };
	CK_RV rv = token->module->C_GetMechanismInfo(token->slot,
						     CKM_AES_KEY_WRAP, &info);

	return rv == CKR_OK && (info.flags & both) == both &&
	       is_listed(token, CKM_AES_KEY_WRAP);
}

/*
 * What the KEK lets a wrapped key become: a session key that can't be read.
 * CKA_PRIVATE is left to the caller.
 */
static void restrict_kek(struct token_template *template,
			 struct token_template *unwrap)
{
	static const CK_MECHANISM_TYPE wrap_only[] = { CKM_AES_KEY_WRAP };

	token_template_bool(unwrap, CKA_SENSITIVE, true);
	token_template_bool(unwrap, CKA_EXTRACTABLE, false);
	token_template_bool(unwrap, CKA_TOKEN, false);
	token_template_add(template, CKA_UNWRAP_TEMPLATE, unwrap->attributes,
			   unwrap->count * sizeof(CK_ATTRIBUTE));
	token_template_add(template, CKA_ALLOWED_MECHANISMS, wrap_only,
			   sizeof(wrap_only));
}

static CK_RV generate(struct token *token, CK_SESSION_HANDLE session,
		      CK_MECHANISM_TYPE type, struct token_template *template,
		      CK_OBJECT_HANDLE *key)
{
	CK_MECHANISM mechanism = { .mechanism = type };

	return token->module->C_GenerateKey(session, &mechanism,
					    template->attributes,
					    template->count, key);
}

void token_describe_kek(struct token_template *template,
			struct token_template *unwrap, const unsigned char *id,
			bool restricted)
{
	token_template_object(template, &aes, TOKEN_KEK_LABEL, id);
	token_template_bool(template, CKA_WRAP, unwrap);
	token_template_bool(template, CKA_UNWRAP, unwrap);
	token_template_bool(template, CKA_ENCRYPT, false);
	token_template_bool(template, CKA_DECRYPT, false);
	/* p11-kit's remoting breaks on the template within a template. */
	if (restricted && unwrap)
		restrict_kek(template, unwrap);
	/* The last: what is unwrapped takes nothing after it in SoftHSM. */
	if (restricted)
		token_template_bool(template, CKA_MODIFIABLE, false);
}

/* It unwraps nothing. */
void token_describe_auth(struct token_template *template,
			 struct token_template *unwrap, const unsigned char *id,
			 bool restricted)
{
	static const CK_MECHANISM_TYPE hmac_only[] = { CKM_SHA256_HMAC };

	(void)unwrap;
	token_template_object(template, &generic, TOKEN_AUTH_LABEL, id);
	token_template_bool(template, CKA_SIGN, true);
	token_template_bool(template, CKA_VERIFY, true);
	if (!restricted)
		return;
	token_template_add(template, CKA_ALLOWED_MECHANISMS, hmac_only,
			   sizeof(hmac_only));
	token_template_bool(template, CKA_MODIFIABLE, false);
}

static CK_RV make_kek(struct token *token, CK_SESSION_HANDLE session,
		      const unsigned char *id, bool restricted,
		      CK_OBJECT_HANDLE *kek)
{
	struct token_template template = { .count = 0 };
	struct token_template unwrap = { .count = 0 };
	const CK_ULONG size = KEK_SIZE;

	token_describe_kek(&template, token_wraps(token) ? &unwrap : NULL, id,
			   restricted);
	token_template_add(&template, CKA_VALUE_LEN, &size, sizeof(size));
	return generate(token, session, CKM_AES_KEY_GEN, &template, kek);
}

static CK_RV make_auth(struct token *token, CK_SESSION_HANDLE session,
		       const unsigned char *id, bool restricted,
		       CK_OBJECT_HANDLE *auth)
{
	struct token_template template = { .count = 0 };
	const CK_ULONG size = AUTH_SIZE;

	token_describe_auth(&template, NULL, id, restricted);
	token_template_add(&template, CKA_VALUE_LEN, &size, sizeof(size));
	return generate(token, session, CKM_GENERIC_SECRET_KEY_GEN, &template,
			auth);
}

typedef CK_RV make_key(struct token *token, CK_SESSION_HANDLE session,
		       const unsigned char *id, bool restricted,
		       CK_OBJECT_HANDLE *key);

/* With its restrictions where the token takes them, else without. */
static int make_with(make_key *make, const char *what, struct token *token,
		     CK_SESSION_HANDLE session, const unsigned char *id,
		     CK_OBJECT_HANDLE *key)
{
	CK_RV rv = make(token, session, id, true, key);

	if (token_is_template_error(rv))
		rv = make(token, session, id, false, key);
	return rv == CKR_OK ? 0 : token_fail(token, what, rv);
}

/* Tries what an attacker with the PIN would: unwrap a blob as a readable key. */
static bool unwraps_readable(struct token *token, CK_OBJECT_HANDLE kek,
			     const unsigned char *wrapped, size_t size)
{
	struct token_template template = { .count = 0 };
	CK_OBJECT_HANDLE key;
	CK_RV rv;

	token_template_class(&template, &aes);
	token_template_bool(&template, CKA_TOKEN, false);
	token_template_bool(&template, CKA_PRIVATE, false);
	token_template_bool(&template, CKA_SENSITIVE, false);
	token_template_bool(&template, CKA_EXTRACTABLE, true);
	rv = token_unwrap_as(token, kek, wrapped, size, &template, &key);
	if (rv != CKR_OK)
		return false;
	token_destroy_key(token, key);
	return true;
}

static bool does_ecb(struct token *token, CK_OBJECT_HANDLE kek)
{
	CK_MECHANISM mechanism = { .mechanism = CKM_AES_ECB };
	unsigned char block[PAES_AES_BLOCK] = { 0 };
	CK_ULONG size = sizeof(block);

	if (token->module->C_DecryptInit(token->session, &mechanism, kek) != CKR_OK)
		return false;
	/* Ends the operation as well. */
	token->module->C_Decrypt(token->session, block, size, block, &size);
	return true;
}

static int probe_wrapping(struct token *token, CK_OBJECT_HANDLE kek, bool *enforced)
{
	unsigned char wrapped[PAES_WRAPPED_MAX];
	token_key key;
	int error = token_generate_key(token, sizeof(wrapped) - 8, &key);
	CK_RV rv;

	if (error)
		return error;
	rv = token_wrap_as(token, kek, key, wrapped, sizeof(wrapped));
	token_destroy_key(token, key);
	if (rv != CKR_OK)
		return token_fail(token, "C_WrapKey (CKM_AES_KEY_WRAP) with the new KEK", rv);
	*enforced = !unwraps_readable(token, kek, wrapped, sizeof(wrapped)) &&
		    !does_ecb(token, kek);
	return 0;
}

/* A token may take the attributes and not heed them. */
int token_probe_kek(struct token *token, CK_OBJECT_HANDLE kek, bool *enforced)
{
	if (token_wraps(token))
		return probe_wrapping(token, kek, enforced);
	*enforced = !does_ecb(token, kek);
	return 0;
}

/*
 * Both or neither; the authenticator first, should the power go in between: a
 * KEK without one would only be in the way.
 */
static int create_pair(struct token *token, CK_SESSION_HANDLE session,
		       const unsigned char *id, bool *enforced)
{
	CK_OBJECT_HANDLE kek = CK_INVALID_HANDLE, auth = CK_INVALID_HANDLE;
	int error;

	error = make_with(make_auth, "C_GenerateKey (authenticator)", token,
			  session, id, &auth);
	if (!error)
		error = make_with(make_kek, "C_GenerateKey (KEK)", token,
				  session, id, &kek);
	if (!error)
		error = token_probe_kek(token, kek, enforced);
	if (!error)
		return 0;
	if (kek != CK_INVALID_HANDLE)
		token_give_up(token, session, kek, TOKEN_KEK_LABEL, id);
	if (auth != CK_INVALID_HANDLE)
		token_give_up(token, session, auth, TOKEN_AUTH_LABEL, id);
	return error;
}

int token_create_kek(struct token *token, const unsigned char id[PAES_ID_SIZE],
		     bool *enforced)
{
	CK_SESSION_HANDLE session;
	int error = token_open_writable(token, &session);

	if (error)
		return error;
	error = create_pair(token, session, id, enforced);
	token->module->C_CloseSession(session);
	return error;
}

int token_mac(struct token *token, const unsigned char kek[PAES_ID_SIZE],
	      const void *data, size_t size, unsigned char mac[PAES_MAC_SIZE])
{
	CK_MECHANISM mechanism = { .mechanism = CKM_SHA256_HMAC };
	CK_ULONG length = PAES_MAC_SIZE;
	CK_OBJECT_HANDLE auth;
	int error = token_find(token, TOKEN_AUTH_LABEL, CKK_GENERIC_SECRET, kek,
			       &auth);
	CK_RV rv;

	if (error == -ENOENT)
		log_error("token \"%s\": the KEK's authenticator \"%s\" is not there",
			  token->label, TOKEN_AUTH_LABEL);
	if (error)
		return error;
	rv = token->module->C_SignInit(token->session, &mechanism, auth);
	if (rv != CKR_OK)
		return token_fail(token, "C_SignInit (CKM_SHA256_HMAC)", rv);
	rv = token->module->C_Sign(token->session, (void *)data, size, mac, &length);
	if (rv == CKR_OK && length != PAES_MAC_SIZE)
		rv = CKR_SIGNATURE_LEN_RANGE;
	return rv == CKR_OK ? 0 : token_fail(token, "C_Sign (CKM_SHA256_HMAC)", rv);
}

int token_check_mac(struct token *token, const unsigned char kek[PAES_ID_SIZE],
		    const void *data, size_t size,
		    const unsigned char mac[PAES_MAC_SIZE])
{
	unsigned char right[PAES_MAC_SIZE];
	int error = token_mac(token, kek, data, size, right);

	if (!error && !paes_blob_equal(right, mac, PAES_MAC_SIZE)) {
		log_error("token \"%s\": the MAC is wrong: the data was changed, or was made under another key",
			  token->label);
		error = -EKEYREJECTED;
	}
	secret_wipe(right, sizeof(right));
	return error;
}
