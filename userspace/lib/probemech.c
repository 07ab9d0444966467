// SPDX-License-Identifier: GPL-2.0
/* Which mechanisms a token offers, and which of them do what their name says. */
#include "probe_internal.h"

#include <stdio.h>
#include <string.h>

enum { BLOCKS = 4, SIZE = BLOCKS * PAES_AES_BLOCK };

/* FIPS 197, C.3 */
static const unsigned char aes_key[32] = {
	0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07,
	0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f,
	0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17,
	0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f,
};

static const unsigned char aes_clear[PAES_AES_BLOCK] = {
	0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
	0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff,
};

static const unsigned char aes_answer[PAES_AES_BLOCK] = {
	0x8e, 0xa2, 0xb7, 0xca, 0x51, 0x67, 0x45, 0xbf,
	0xea, 0xfc, 0x49, 0x90, 0x4b, 0x49, 0x60, 0x89,
};

/* IEEE 1619, vector 2 */
static const unsigned char xts_key[32] = {
	0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11,
	0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11,
	0x22, 0x22, 0x22, 0x22, 0x22, 0x22, 0x22, 0x22,
	0x22, 0x22, 0x22, 0x22, 0x22, 0x22, 0x22, 0x22,
};

static const unsigned char xts_iv[PAES_AES_BLOCK] = {
	0x33, 0x33, 0x33, 0x33, 0x33,
};

static const unsigned char xts_answer[32] = {
	0xc4, 0x54, 0x18, 0x5e, 0x6a, 0x16, 0x93, 0x6e,
	0x39, 0x33, 0x40, 0x38, 0xac, 0xef, 0x83, 0x8b,
	0xfb, 0x18, 0x6f, 0xff, 0x74, 0x80, 0xad, 0xc4,
	0x28, 0x93, 0x82, 0xec, 0xd6, 0xd3, 0x94, 0xf0,
};

/* RFC 4868, AUTH256-1 */
static const unsigned char hmac_answer[PAES_MAC_SIZE] = {
	0x19, 0x8a, 0x60, 0x7e, 0xb4, 0x4b, 0xfb, 0xc6,
	0x99, 0x03, 0xa0, 0xf1, 0xcf, 0x2b, 0xbd, 0xc5,
	0xba, 0x0a, 0xa3, 0xf3, 0xd9, 0xae, 0x3c, 0x1c,
	0x7a, 0x3b, 0x16, 0x96, 0xa0, 0xb6, 0x8c, 0xf7,
};

static const unsigned char no_iv[PAES_AES_BLOCK];

static void cannot(struct probing *p, enum probe_mechanism mechanism,
		   enum probe_answer answer, const char *what, CK_RV rv)
{
	p->probe->mechanisms[mechanism].works = answer;
	snprintf(p->probe->mechanisms[mechanism].why, PROBE_WHY, "%s: %s", what,
		 token_ckr_name(rv));
}

/* `rv` is of the last call; only if that is CKR_OK there is something right. */
static void judge(struct probing *p, enum probe_mechanism mechanism,
		  const char *what, CK_RV rv, bool right)
{
	if (rv != CKR_OK) {
		cannot(p, mechanism, PROBE_NO, what, rv);
		return;
	}
	p->probe->mechanisms[mechanism].works = right ? PROBE_YES : PROBE_NO;
	if (!right)
		snprintf(p->probe->mechanisms[mechanism].why, PROBE_WHY,
			 "%s: a wrong answer", what);
}

struct cipher {
	CK_MECHANISM_TYPE type;
	const unsigned char *iv;
	CK_OBJECT_HANDLE key;
};

/* There and back; false also where that went wrong without an error. */
static bool returns(struct probing *p, const struct cipher *cipher,
		    const unsigned char *in, unsigned char *out, CK_ULONG size,
		    CK_RV *rv)
{
	unsigned char back[SIZE] = { 0 };

	*rv = probe_encrypt(p, cipher->type, cipher->iv, cipher->key, in, out,
			    size);
	if (*rv == CKR_OK)
		*rv = probe_decrypt(p, cipher->type, cipher->iv, cipher->key,
				    out, back, size);
	return *rv == CKR_OK && paes_blob_equal(back, in, size);
}

static bool same_blocks(const unsigned char *data, int a, int b)
{
	return paes_blob_equal(data + a * PAES_AES_BLOCK,
			       data + b * PAES_AES_BLOCK, PAES_AES_BLOCK);
}

static bool is_known(const struct probe_key *key, const unsigned char *out,
		     const unsigned char *answer, size_t size)
{
	return !key->known || paes_blob_equal(out, answer, size);
}

/* Block by block: what is the same stays the same, wherever it is. */
static void try_ecb(struct probing *p, const struct probe_key *key)
{
	struct cipher ecb = { .type = CKM_AES_ECB, .key = key->handle };
	unsigned char in[SIZE], out[SIZE] = { 0 };
	bool right;
	CK_RV rv;

	for (int i = 0; i < BLOCKS; i++)
		memcpy(in + i * PAES_AES_BLOCK, aes_clear, PAES_AES_BLOCK);
	in[2 * PAES_AES_BLOCK] ^= 1;
	right = returns(p, &ecb, in, out, SIZE, &rv) &&
		same_blocks(out, 0, 1) && same_blocks(out, 0, 3) &&
		!same_blocks(out, 0, 2) &&
		!paes_blob_equal(in, out, PAES_AES_BLOCK) &&
		is_known(key, out, aes_answer, PAES_AES_BLOCK);
	judge(p, PROBE_ECB, "C_Encrypt, C_Decrypt", rv, right);
}

/* Each block depends on the one before it. */
static void try_cbc(struct probing *p, const struct probe_key *key)
{
	struct cipher cbc = {
		.type = CKM_AES_CBC, .iv = no_iv, .key = key->handle
	};
	unsigned char in[SIZE], out[SIZE] = { 0 };
	bool right;
	CK_RV rv;

	for (int i = 0; i < BLOCKS; i++)
		memcpy(in + i * PAES_AES_BLOCK, aes_clear, PAES_AES_BLOCK);
	right = returns(p, &cbc, in, out, SIZE, &rv) &&
		!same_blocks(out, 0, 1) && !same_blocks(out, 1, 2) &&
		is_known(key, out, aes_answer, PAES_AES_BLOCK);
	judge(p, PROBE_CBC, "C_Encrypt, C_Decrypt", rv, right);
}

static void try_aes(struct probing *p)
{
	struct probe_key key;
	CK_RV rv = probe_bring_key(p, CKK_AES, aes_key, sizeof(aes_key), &key);

	if (rv != CKR_OK) {
		cannot(p, PROBE_ECB, PROBE_UNTRIED, "no key for it", rv);
		cannot(p, PROBE_CBC, PROBE_UNTRIED, "no key for it", rv);
		return;
	}
	try_ecb(p, &key);
	try_cbc(p, &key);
}

/* Most tokens don't know it: nothing is made for one that says so. */
static void try_xts(struct probing *p)
{
	struct cipher xts = { .type = CKM_AES_XTS, .iv = xts_iv };
	unsigned char in[2 * PAES_AES_BLOCK], out[2 * PAES_AES_BLOCK] = { 0 };
	struct probe_key key;
	bool right;
	CK_RV rv;

	if (!p->probe->mechanisms[PROBE_XTS].offered)
		return;
	rv = probe_bring_key(p, CKK_AES_XTS, xts_key, sizeof(xts_key), &key);
	if (rv != CKR_OK) {
		cannot(p, PROBE_XTS, PROBE_UNTRIED, "no key for it", rv);
		return;
	}
	xts.key = key.handle;
	memset(in, 0x44, sizeof(in));
	right = returns(p, &xts, in, out, sizeof(in), &rv) &&
		!same_blocks(out, 0, 1) &&
		is_known(&key, out, xts_answer, sizeof(out));
	judge(p, PROBE_XTS, "C_Encrypt, C_Decrypt", rv, right);
}

static CK_RV sign(struct probing *p, CK_OBJECT_HANDLE key, const char *data,
		  unsigned char mac[PAES_MAC_SIZE])
{
	CK_MECHANISM mechanism = { .mechanism = CKM_SHA256_HMAC };
	CK_ULONG size = PAES_MAC_SIZE;
	CK_RV rv = p->token->module->C_SignInit(p->token->session, &mechanism,
						key);

	if (rv == CKR_OK)
		rv = p->token->module->C_Sign(p->token->session,
					      (CK_BYTE *)data, strlen(data),
					      mac, &size);
	return rv == CKR_OK && size != PAES_MAC_SIZE ? CKR_SIGNATURE_LEN_RANGE : rv;
}

static void try_hmac(struct probing *p)
{
	unsigned char value[32], mac[2][PAES_MAC_SIZE] = { 0 };
	struct probe_key key;
	CK_RV rv;

	memset(value, 0x0b, sizeof(value));
	rv = probe_bring_key(p, CKK_GENERIC_SECRET, value, sizeof(value), &key);
	if (rv != CKR_OK) {
		cannot(p, PROBE_HMAC, PROBE_UNTRIED, "no key for it", rv);
		return;
	}
	rv = sign(p, key.handle, "Hi there", mac[1]);
	if (rv == CKR_OK)
		rv = sign(p, key.handle, "Hi There", mac[0]);
	judge(p, PROBE_HMAC, "C_Sign", rv,
	      !paes_blob_equal(mac[0], mac[1], PAES_MAC_SIZE) &&
	      is_known(&key, mac[0], hmac_answer, PAES_MAC_SIZE));
}

/* What was wrapped has to come back as the key that it was. */
static bool is_same_key(struct probing *p, CK_OBJECT_HANDLE a, CK_OBJECT_HANDLE b)
{
	bool ecb = p->probe->mechanisms[PROBE_ECB].works == PROBE_YES;
	CK_MECHANISM_TYPE type = ecb ? CKM_AES_ECB : CKM_AES_CBC;
	const unsigned char *iv = ecb ? NULL : no_iv;
	unsigned char out[2][PAES_AES_BLOCK] = { 0 };

	return probe_encrypt(p, type, iv, a, aes_clear, out[0],
			     PAES_AES_BLOCK) == CKR_OK &&
	       probe_encrypt(p, type, iv, b, aes_clear, out[1],
			     PAES_AES_BLOCK) == CKR_OK &&
	       paes_blob_equal(out[0], out[1], PAES_AES_BLOCK);
}

static void try_wrapped(struct probing *p, CK_OBJECT_HANDLE kek,
			CK_OBJECT_HANDLE key)
{
	unsigned char wrapped[PROBE_WRAPPED];
	CK_OBJECT_HANDLE back;
	CK_RV rv = token_wrap_as(p->token, kek, key, wrapped, sizeof(wrapped));

	if (rv != CKR_OK) {
		judge(p, PROBE_WRAP, "C_WrapKey", rv, false);
		return;
	}
	rv = probe_unwrap(p, kek, wrapped, false, &back);
	judge(p, PROBE_WRAP, "C_UnwrapKey", rv,
	      rv == CKR_OK && is_same_key(p, key, back));
}

static void try_wrap(struct probing *p)
{
	struct token_template extractable = { .count = 0 };
	CK_OBJECT_HANDLE kek, key;
	CK_RV rv;

	token_template_bool(&extractable, CKA_EXTRACTABLE, true);
	rv = probe_make_key(p, &extractable, &key);
	if (rv == CKR_OK)
		rv = probe_make_kek(p, NULL, &kek);
	if (rv == CKR_OK)
		try_wrapped(p, kek, key);
	else
		cannot(p, PROBE_WRAP, PROBE_UNTRIED, "no key for it", rv);
}

static const struct {
	CK_MECHANISM_TYPE type;
	CK_FLAGS flags;
} offers[PROBE_MECHANISMS] = {
	[PROBE_XTS] = { CKM_AES_XTS, CKF_ENCRYPT | CKF_DECRYPT },
	[PROBE_ECB] = { CKM_AES_ECB, CKF_ENCRYPT | CKF_DECRYPT },
	[PROBE_CBC] = { CKM_AES_CBC, CKF_ENCRYPT | CKF_DECRYPT },
	[PROBE_WRAP] = { CKM_AES_KEY_WRAP, CKF_WRAP | CKF_UNWRAP },
	[PROBE_HMAC] = { CKM_SHA256_HMAC, CKF_SIGN },
};

static bool is_offered(struct token *token, int mechanism)
{
	CK_FLAGS flags = offers[mechanism].flags;
	CK_MECHANISM_INFO info = { 0 };

	return token->module->C_GetMechanismInfo(token->slot,
						 offers[mechanism].type,
						 &info) == CKR_OK &&
	       (info.flags & flags) == flags;
}

void probe_mechanisms(struct probing *p)
{
	for (int i = 0; i < PROBE_MECHANISMS; i++)
		p->probe->mechanisms[i].offered = is_offered(p->token, i);
	try_aes(p);
	try_xts(p);
	try_hmac(p);
	try_wrap(p);
}
