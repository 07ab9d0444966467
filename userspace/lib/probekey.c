// SPDX-License-Identifier: GPL-2.0
/* The keys that a token is tried with: how they come, and that they go. */
#include "probe_internal.h"

#include "log.h"

#include <string.h>

static const CK_KEY_TYPE aes = CKK_AES;
static const CK_KEY_TYPE aes_xts = CKK_AES_XTS;
static const CK_KEY_TYPE generic = CKK_GENERIC_SECRET;

static CK_RV open_session(struct probing *p, CK_FLAGS flags,
			  CK_SESSION_HANDLE *session)
{
	return p->token->module->C_OpenSession(p->token->slot,
					       CKF_SERIAL_SESSION | flags, NULL,
					       NULL, session);
}

/*
 * For the time of the probe the token has another session: keys and operations
 * that are left in it go as it closes.  A token that has but one does with that.
 */
void probe_begin(struct probing *p)
{
	CK_SESSION_HANDLE own;

	p->usual = p->token->session;
	if (open_session(p, 0, &own) == CKR_OK)
		p->token->session = own;
	p->session = p->token->session;
}

static void keep(struct probing *p, CK_OBJECT_HANDLE key)
{
	if (p->count < PROBE_KEYS)
		p->keys[p->count++] = key;
}

static void destroy(struct probing *p, CK_OBJECT_HANDLE key)
{
	CK_RV rv = p->token->module->C_DestroyObject(p->session, key);

	/* One of a pair may have gone with the other, see try_pairs(). */
	if (rv == CKR_OK || rv == CKR_OBJECT_HANDLE_INVALID)
		return;
	p->probe->left = true;
	log_warning("token \"%s\": a key made to try it can't be destroyed: %s%s",
		    p->token->label, token_ckr_name(rv), p->writes ?
		    ": remove the objects labelled \"" PROBE_LABEL "\"" :
		    ": it goes with the session");
}

void probe_end(struct probing *p)
{
	while (p->count)
		destroy(p, p->keys[--p->count]);
	if (p->token->session != p->usual)
		p->token->module->C_CloseSession(p->token->session);
	p->token->session = p->usual;
	if (!p->writes)
		return;
	p->token->module->C_CloseSession(p->session);
	hold_end(&p->hold);
}

static CK_RV may_write(struct probing *p)
{
	CK_SESSION_HANDLE session;
	CK_RV rv;

	if (p->writes)
		return CKR_OK;
	rv = open_session(p, CKF_RW_SESSION, &session);
	if (rv != CKR_OK)
		return rv;
	/* Whoever ends the program by hand must not leave the objects there. */
	hold_begin(&p->hold);
	p->session = session;
	p->writes = true;
	return CKR_OK;
}

typedef CK_RV make_key(struct probing *p, CK_MECHANISM_TYPE type,
		       struct token_template *template, CK_OBJECT_HANDLE *key);

static CK_RV generate(struct probing *p, CK_MECHANISM_TYPE type,
		      struct token_template *template, CK_OBJECT_HANDLE *key)
{
	CK_MECHANISM mechanism = { .mechanism = type };

	return p->token->module->C_GenerateKey(p->session, &mechanism,
					       template->attributes,
					       template->count, key);
}

static CK_RV create(struct probing *p, CK_MECHANISM_TYPE type,
		    struct token_template *template, CK_OBJECT_HANDLE *key)
{
	(void)type;
	return p->token->module->C_CreateObject(p->session,
						template->attributes,
						template->count, key);
}

static CK_RV make_in_token(struct probing *p, make_key *how,
			   CK_MECHANISM_TYPE type,
			   const struct token_template *template,
			   CK_OBJECT_HANDLE *key)
{
	struct token_template mine = *template;
	CK_RV rv = may_write(p);

	token_template_bool(&mine, CKA_TOKEN, true);
	token_template_add(&mine, CKA_LABEL, PROBE_LABEL, strlen(PROBE_LABEL));
	return rv == CKR_OK ? how(p, type, &mine, key) : rv;
}

/* The session's where that can be, see above. */
static CK_RV make(struct probing *p, make_key *how, CK_MECHANISM_TYPE type,
		  const struct token_template *template, CK_OBJECT_HANDLE *key)
{
	struct token_template mine = *template;
	CK_RV rv, first;

	if (p->count == PROBE_KEYS)
		return CKR_HOST_MEMORY;
	token_template_bool(&mine, CKA_TOKEN, false);
	rv = first = how(p, type, &mine, key);
	if (rv != CKR_OK && p->flags & PROBE_TOKEN_OBJECTS)
		rv = make_in_token(p, how, type, template, key);
	if (rv != CKR_OK)
		return first;
	keep(p, *key);
	return CKR_OK;
}

static void add_all(struct token_template *template,
		    const struct token_template *more)
{
	for (CK_ULONG i = 0; more && i < more->count; i++)
		template->attributes[template->count++] = more->attributes[i];
}

static void secret_key(struct token_template *template, const CK_KEY_TYPE *type)
{
	token_template_class(template, type);
	token_template_bool(template, CKA_PRIVATE, false);
	token_template_bool(template, CKA_SENSITIVE, true);
}

static void add_uses(struct token_template *template, CK_KEY_TYPE type)
{
	bool signs = type == CKK_GENERIC_SECRET;

	token_template_bool(template, signs ? CKA_SIGN : CKA_ENCRYPT, true);
	token_template_bool(template, signs ? CKA_VERIFY : CKA_DECRYPT, true);
}

static CK_RV generate_aes(struct probing *p, struct token_template *template,
			  CK_OBJECT_HANDLE *key)
{
	static const CK_ULONG size = PROBE_KEY_SIZE;

	token_template_add(template, CKA_VALUE_LEN, &size, sizeof(size));
	return make(p, generate, CKM_AES_KEY_GEN, template, key);
}

CK_RV probe_make_key(struct probing *p, const struct token_template *more,
		     CK_OBJECT_HANDLE *key)
{
	struct token_template template = { .count = 0 };

	secret_key(&template, &aes);
	add_uses(&template, aes);
	add_all(&template, more);
	return generate_aes(p, &template, key);
}

CK_RV probe_make_kek(struct probing *p, const struct token_template *more,
		     CK_OBJECT_HANDLE *kek)
{
	struct token_template template = { .count = 0 };

	secret_key(&template, &aes);
	token_template_bool(&template, CKA_EXTRACTABLE, false);
	token_template_bool(&template, CKA_WRAP, true);
	token_template_bool(&template, CKA_UNWRAP, true);
	add_all(&template, more);
	return generate_aes(p, &template, kek);
}

/* A KEK and what stands for its authenticator, as token_create_kek() has them. */
CK_RV probe_make_pair(struct probing *p, const unsigned char id[PAES_ID_SIZE],
		      CK_OBJECT_HANDLE *kek)
{
	static const CK_ULONG size = PROBE_KEY_SIZE;
	struct token_template first = { .count = 0 }, second = { .count = 0 };
	CK_OBJECT_HANDLE auth;
	CK_RV rv;

	secret_key(&first, &aes);
	token_template_add(&first, CKA_VALUE_LEN, &size, sizeof(size));
	token_template_add(&first, CKA_ID, id, PAES_ID_SIZE);
	second = first;
	token_template_bool(&first, CKA_WRAP, true);
	second.attributes[1].pValue = (void *)&generic;
	add_uses(&second, generic);
	rv = make_in_token(p, generate, CKM_AES_KEY_GEN, &first, kek);
	if (rv != CKR_OK)
		return rv;
	keep(p, *kek);
	rv = make_in_token(p, generate, CKM_GENERIC_SECRET_KEY_GEN, &second,
			   &auth);
	if (rv == CKR_OK)
		keep(p, auth);
	return rv;
}

static const CK_KEY_TYPE *stored_type(CK_KEY_TYPE type)
{
	if (type == CKK_AES_XTS)
		return &aes_xts;
	return type == CKK_AES ? &aes : &generic;
}

static CK_MECHANISM_TYPE generator_of(CK_KEY_TYPE type)
{
	if (type == CKK_AES_XTS)
		return CKM_AES_XTS_KEY_GEN;
	return type == CKK_AES ? CKM_AES_KEY_GEN : CKM_GENERIC_SECRET_KEY_GEN;
}

CK_RV probe_bring_key(struct probing *p, CK_KEY_TYPE type,
		      const unsigned char *value, CK_ULONG size,
		      struct probe_key *key)
{
	struct token_template template = { .count = 0 }, brought;

	secret_key(&template, stored_type(type));
	token_template_bool(&template, CKA_EXTRACTABLE, false);
	add_uses(&template, type);
	brought = template;
	token_template_add(&brought, CKA_VALUE, value, size);
	key->known = make(p, create, 0, &brought, &key->handle) == CKR_OK;
	if (key->known)
		return CKR_OK;
	token_template_add(&template, CKA_VALUE_LEN, &size, sizeof(size));
	return make(p, generate, generator_of(type), &template, &key->handle);
}

static void set_mechanism(CK_MECHANISM *mechanism, CK_MECHANISM_TYPE type,
			  const unsigned char *iv)
{
	*mechanism = (CK_MECHANISM){
		.mechanism = type,
		.pParameter = (void *)iv,
		.ulParameterLen = iv ? PAES_AES_BLOCK : 0,
	};
}

/* PKCS#11 has the two ways alike. */
static CK_RV crypt_with(struct probing *p, CK_C_EncryptInit init,
			CK_C_Encrypt crypt, CK_MECHANISM_TYPE type,
			const unsigned char *iv, CK_OBJECT_HANDLE key,
			const unsigned char *in, unsigned char *out,
			CK_ULONG size)
{
	CK_MECHANISM mechanism;
	CK_ULONG done = size;
	CK_RV rv;

	set_mechanism(&mechanism, type, iv);
	rv = init(p->token->session, &mechanism, key);
	if (rv == CKR_OK)
		rv = crypt(p->token->session, (void *)in, size, out, &done);
	return rv == CKR_OK && done != size ? CKR_DATA_LEN_RANGE : rv;
}

CK_RV probe_encrypt(struct probing *p, CK_MECHANISM_TYPE type,
		    const unsigned char *iv, CK_OBJECT_HANDLE key,
		    const unsigned char *in, unsigned char *out, CK_ULONG size)
{
	CK_FUNCTION_LIST *module = p->token->module;

	return crypt_with(p, module->C_EncryptInit, module->C_Encrypt, type, iv,
			  key, in, out, size);
}

CK_RV probe_decrypt(struct probing *p, CK_MECHANISM_TYPE type,
		    const unsigned char *iv, CK_OBJECT_HANDLE key,
		    const unsigned char *in, unsigned char *out, CK_ULONG size)
{
	CK_FUNCTION_LIST *module = p->token->module;

	return crypt_with(p, module->C_DecryptInit, module->C_Decrypt, type, iv,
			  key, in, out, size);
}

CK_RV probe_unwrap(struct probing *p, CK_OBJECT_HANDLE kek,
		   const unsigned char wrapped[PROBE_WRAPPED], bool readable,
		   CK_OBJECT_HANDLE *key)
{
	struct token_template template = { .count = 0 };
	CK_RV rv;

	token_template_class(&template, &aes);
	token_template_bool(&template, CKA_TOKEN, false);
	token_template_bool(&template, CKA_PRIVATE, false);
	token_template_bool(&template, CKA_SENSITIVE, !readable);
	token_template_bool(&template, CKA_EXTRACTABLE, readable);
	token_template_bool(&template, CKA_ENCRYPT, true);
	token_template_bool(&template, CKA_DECRYPT, true);
	rv = token_unwrap_as(p->token, kek, wrapped, PROBE_WRAPPED, &template,
			     key);
	if (rv == CKR_OK)
		keep(p, *key);
	return rv;
}
