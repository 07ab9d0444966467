// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <openssl/evp.h>

#include "reference.h"

struct reference {
	EVP_CIPHER_CTX *xts[2];		/* decrypt, encrypt */
	EVP_CIPHER_CTX *k2[2];		/* ECB under K2, likewise */
};

static void must(int ok, const char *what)
{
	if (ok == 1)
		return;
	fprintf(stderr, "# OpenSSL: %s failed\n", what);
	abort();
}

static EVP_CIPHER_CTX *new_ctx(const EVP_CIPHER *cipher, const uint8_t *key,
			       bool encrypt)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

	must(ctx != NULL, "EVP_CIPHER_CTX_new");
	must(EVP_CipherInit_ex(ctx, cipher, NULL, key, NULL, encrypt),
	     "EVP_CipherInit_ex");
	EVP_CIPHER_CTX_set_padding(ctx, 0);
	return ctx;
}

struct reference *reference_new(const uint8_t *key, unsigned int bits)
{
	const EVP_CIPHER *xts = bits == 128 ? EVP_aes_128_xts() : EVP_aes_256_xts();
	const EVP_CIPHER *ecb = bits == 128 ? EVP_aes_128_ecb() : EVP_aes_256_ecb();
	struct reference *ref = calloc(1, sizeof(*ref));
	int encrypt;

	must(ref != NULL, "calloc");
	for (encrypt = 0; encrypt <= 1; encrypt++) {
		ref->xts[encrypt] = new_ctx(xts, key, encrypt);
		ref->k2[encrypt] = new_ctx(ecb, key + bits / 8, encrypt);
	}
	return ref;
}

void reference_free(struct reference *ref)
{
	int encrypt;

	for (encrypt = 0; ref && encrypt <= 1; encrypt++) {
		EVP_CIPHER_CTX_free(ref->xts[encrypt]);
		EVP_CIPHER_CTX_free(ref->k2[encrypt]);
	}
	free(ref);
}

void reference_unit(struct reference *ref, bool encrypt, const uint8_t *iv,
		    uint8_t *data, size_t length)
{
	int done = 0;

	must(EVP_CipherInit_ex(ref->xts[encrypt], NULL, NULL, NULL, iv, encrypt),
	     "setting the tweak");
	must(EVP_CipherUpdate(ref->xts[encrypt], data, &done, data, length),
	     "XTS");
	must(done == (int)length, "XTS of the whole unit");
}

/* Multiplies by alpha in GF(2^128), as IEEE 1619 section 5.2 has it. */
static void times_alpha(uint8_t *tweak)
{
	int carry = 0, out, i;

	for (i = 0; i < 16; i++) {
		out = tweak[i] >> 7;
		tweak[i] = tweak[i] << 1 | carry;
		carry = out;
	}
	if (carry)
		tweak[0] ^= 0x87;
}

static void k2_block(struct reference *ref, bool encrypt, uint8_t *block)
{
	int done;

	must(EVP_CipherUpdate(ref->k2[encrypt], block, &done, block, 16), "ECB");
}

/*
 * OpenSSL has no way in at the middle of a unit: so it is given the tweak
 * value that encrypts to the tweak which the piece begins with.
 */
void reference_piece(struct reference *ref, bool encrypt, const uint8_t *iv,
		     unsigned int first_block, uint8_t *data, size_t length)
{
	uint8_t tweak[16];

	memcpy(tweak, iv, sizeof(tweak));
	k2_block(ref, true, tweak);
	while (first_block--)
		times_alpha(tweak);
	k2_block(ref, false, tweak);
	reference_unit(ref, encrypt, tweak, data, length);
}

static void count_up(uint8_t *iv)
{
	int i = 0;

	while (i < 16 && !++iv[i])
		i++;
}

void reference_units(struct reference *ref, bool encrypt, const uint8_t *iv,
		     size_t unit, uint8_t *data, size_t length)
{
	uint8_t tweak[16];

	memcpy(tweak, iv, sizeof(tweak));
	for (; length >= unit; data += unit, length -= unit) {
		reference_unit(ref, encrypt, tweak, data, unit);
		count_up(tweak);
	}
}

void reference_disk(const uint8_t *key, unsigned int bits, uint8_t *data,
		    size_t length)
{
	struct reference *ref = reference_new(key, bits);
	uint8_t iv[16] = {};

	reference_units(ref, true, iv, 512, data, length);
	reference_free(ref);
}

void reference_known(const uint8_t *key, unsigned int bits, const uint8_t *in,
		     uint8_t *out)
{
	EVP_CIPHER_CTX *ctx = new_ctx(bits == 128 ? EVP_aes_128_ecb() :
				      EVP_aes_256_ecb(), key, true);
	int done;

	must(EVP_CipherUpdate(ctx, out, &done, in, 16), "ECB");
	EVP_CIPHER_CTX_free(ctx);
}

void reference_iv(uint8_t *iv, uint64_t sector)
{
	int i;

	memset(iv, 0, 16);
	for (i = 0; i < 8; i++)
		iv[i] = sector >> 8 * i;
}

void reference_random(void *bytes, size_t length)
{
	uint8_t *p = bytes;
	ssize_t n;

	for (; length; p += n, length -= n) {
		n = getrandom(p, length > 256 ? 256 : length, 0);
		if (n < 0)
			abort();
	}
}
