// SPDX-License-Identifier: GPL-2.0
/* How a key gets from one token into another and is in the clear in neither. */
#include "token_internal.h"

#include "log.h"

#include <errno.h>

enum {
	RSA_BITS	= 3072,
	RSA_BYTES	= RSA_BITS / 8,
	EXPONENT_MAX	= 8,
};

/* The best one first.  OAEP asks little of its hash: SHA-1 is good enough. */
static const struct {
	CK_MECHANISM_TYPE hash;
	CK_RSA_PKCS_MGF_TYPE mgf;
} oaeps[] = {
	{ CKM_SHA256, CKG_MGF1_SHA256 },
	{ CKM_SHA_1, CKG_MGF1_SHA1 },
};

enum { OAEPS = sizeof(oaeps) / sizeof(*oaeps) };

static const CK_KEY_TYPE rsa = CKK_RSA;

static int need(struct token *token, CK_MECHANISM_TYPE type, const char *name)
{
	CK_MECHANISM_INFO info;
	CK_RV rv = token->module->C_GetMechanismInfo(token->slot, type, &info);

	if (rv == CKR_OK)
		return 0;
	log_error("token \"%s\": it lacks %s (%s): a key goes from token to token only under an RSA key of the one that gets it, by CKM_RSA_PKCS_KEY_PAIR_GEN there and CKM_RSA_PKCS_OAEP in both; without these it takes the makers' own means of backup",
		  token->label, name, token_ckr_name(rv));
	return -EOPNOTSUPP;
}

static int need_mechanisms(struct token *from, struct token *to)
{
	int error = need(to, CKM_RSA_PKCS_KEY_PAIR_GEN,
			 "CKM_RSA_PKCS_KEY_PAIR_GEN");

	if (!error)
		error = need(to, CKM_RSA_PKCS_OAEP, "CKM_RSA_PKCS_OAEP");
	return error ? error : need(from, CKM_RSA_PKCS_OAEP, "CKM_RSA_PKCS_OAEP");
}

/* Both halves are the session's; the private one can do nothing but unwrap. */
static int make_pair(struct token *to, CK_OBJECT_HANDLE *public,
		     CK_OBJECT_HANDLE *private)
{
	CK_MECHANISM mechanism = { .mechanism = CKM_RSA_PKCS_KEY_PAIR_GEN };
	static const CK_BYTE exponent[] = { 1, 0, 1 };
	static const CK_ULONG bits = RSA_BITS;
	struct token_template open = { .count = 0 }, closed = { .count = 0 };
	CK_RV rv;

	token_template_bool(&open, CKA_TOKEN, false);
	token_template_bool(&open, CKA_PRIVATE, false);
	token_template_bool(&open, CKA_WRAP, true);
	token_template_add(&open, CKA_MODULUS_BITS, &bits, sizeof(bits));
	token_template_add(&open, CKA_PUBLIC_EXPONENT, exponent, sizeof(exponent));
	token_template_bool(&closed, CKA_TOKEN, false);
	token_template_bool(&closed, CKA_PRIVATE, true);
	token_template_bool(&closed, CKA_SENSITIVE, true);
	token_template_bool(&closed, CKA_EXTRACTABLE, false);
	token_template_bool(&closed, CKA_DECRYPT, false);
	token_template_bool(&closed, CKA_SIGN, false);
	token_template_bool(&closed, CKA_UNWRAP, true);
	rv = to->module->C_GenerateKeyPair(to->session, &mechanism,
					   open.attributes, open.count,
					   closed.attributes, closed.count,
					   public, private);
	return rv == CKR_OK ? 0 :
	       token_fail(to, "C_GenerateKeyPair (RSA, to receive keys)", rv);
}

/* Its numbers, as `to` has them, for `from`. */
static int copy_public(struct token *to, CK_OBJECT_HANDLE public,
		       struct token *from, CK_OBJECT_HANDLE *copy)
{
	static const CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
	unsigned char modulus[RSA_BYTES], exponent[EXPONENT_MAX];
	struct token_template template = { .count = 0 };
	CK_ATTRIBUTE read[] = {
		{ CKA_MODULUS, modulus, sizeof(modulus) },
		{ CKA_PUBLIC_EXPONENT, exponent, sizeof(exponent) },
	};
	CK_RV rv = to->module->C_GetAttributeValue(to->session, public, read, 2);

	if (rv == CKR_OK && read[0].ulValueLen != RSA_BYTES)
		rv = CKR_KEY_SIZE_RANGE;
	if (rv != CKR_OK)
		return token_fail(to, "C_GetAttributeValue (RSA public key)", rv);
	token_template_add(&template, CKA_CLASS, &class, sizeof(class));
	token_template_add(&template, CKA_KEY_TYPE, &rsa, sizeof(rsa));
	token_template_bool(&template, CKA_TOKEN, false);
	token_template_bool(&template, CKA_PRIVATE, false);
	token_template_bool(&template, CKA_WRAP, true);
	token_template_add(&template, CKA_MODULUS, modulus, read[0].ulValueLen);
	token_template_add(&template, CKA_PUBLIC_EXPONENT, exponent,
			   read[1].ulValueLen);
	rv = from->module->C_CreateObject(from->session, template.attributes,
					  template.count, copy);
	return rv == CKR_OK ? 0 :
	       token_fail(from, "C_CreateObject (RSA public key)", rv);
}

int token_passage_open(struct token_passage *passage, struct token *from,
		       struct token *to)
{
	CK_OBJECT_HANDLE public;
	int error = need_mechanisms(from, to);

	*passage = (struct token_passage){ .from = from, .to = to };
	if (error)
		return error;
	error = make_pair(to, &public, &passage->unwraps);
	if (error)
		return error;
	error = copy_public(to, public, from, &passage->wraps);
	to->module->C_DestroyObject(to->session, public);
	if (error)
		token_passage_close(passage);
	return error;
}

static void destroy(struct token *token, CK_OBJECT_HANDLE key)
{
	if (key != CK_INVALID_HANDLE)
		token->module->C_DestroyObject(token->session, key);
}

void token_passage_close(struct token_passage *passage)
{
	destroy(passage->to, passage->unwraps);
	destroy(passage->from, passage->wraps);
	*passage = (struct token_passage){ .from = NULL };
}

static CK_RV carry(const struct token_passage *passage, CK_MECHANISM *oaep,
		   CK_OBJECT_HANDLE key, CK_SESSION_HANDLE session,
		   const struct token_template *template,
		   CK_OBJECT_HANDLE *carried, const char **what)
{
	struct token *from = passage->from, *to = passage->to;
	unsigned char wrapped[RSA_BYTES];
	CK_ULONG size = sizeof(wrapped);
	CK_RV rv;

	*what = "C_WrapKey (CKM_RSA_PKCS_OAEP)";
	rv = from->module->C_WrapKey(from->session, oaep, passage->wraps, key,
				     wrapped, &size);
	if (rv != CKR_OK)
		return rv;
	*what = "C_UnwrapKey (CKM_RSA_PKCS_OAEP)";
	return to->module->C_UnwrapKey(session, oaep, passage->unwraps, wrapped,
				       size, (CK_ATTRIBUTE *)template->attributes,
				       template->count, carried);
}

CK_RV token_passage_carry(const struct token_passage *passage,
			  CK_OBJECT_HANDLE key, CK_SESSION_HANDLE session,
			  const struct token_template *template,
			  CK_OBJECT_HANDLE *carried, const char **what)
{
	CK_RV rv = CKR_MECHANISM_INVALID;

	for (int i = 0; i < OAEPS && rv != CKR_OK; i++) {
		CK_RSA_PKCS_OAEP_PARAMS parameters = {
			.hashAlg = oaeps[i].hash,
			.mgf = oaeps[i].mgf,
			.source = CKZ_DATA_SPECIFIED,
		};
		CK_MECHANISM oaep = {
			CKM_RSA_PKCS_OAEP, &parameters, sizeof(parameters),
		};

		rv = carry(passage, &oaep, key, session, template, carried, what);
	}
	return rv;
}

int token_move_key(struct token *from, token_key key, struct token *to,
		   token_key *moved)
{
	struct token_template template = { .count = 0 };
	struct token_passage passage;
	const char *what;
	int error = token_passage_open(&passage, from, to);
	CK_RV rv;

	*moved = TOKEN_NO_KEY;
	if (error)
		return error;
	token_template_session(&template, true);
	rv = token_passage_carry(&passage, key, to->session, &template, moved,
				 &what);
	token_passage_close(&passage);
	if (rv == CKR_OK)
		return 0;
	*moved = TOKEN_NO_KEY;
	return token_fail(to, what, rv);
}
