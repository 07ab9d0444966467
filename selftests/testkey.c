// SPDX-License-Identifier: GPL-2.0
#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "reference.h"
#include "testkey.h"

static const char mac_key[] = "no secret at all";

static void compute_mac(const struct paes_blob *blob, unsigned int n,
			uint8_t *mac)
{
	uint8_t covered[PAES_BLOB_HEADER + PAES_BLOB_MAC_COVERS];
	unsigned int length = PAES_MAC_SIZE;

	memcpy(covered, blob, PAES_BLOB_HEADER);
	memcpy(covered + PAES_BLOB_HEADER, &blob->recipient[n],
	       PAES_BLOB_MAC_COVERS);
	HMAC(EVP_sha256(), mac_key, sizeof(mac_key), covered, sizeof(covered),
	     mac, &length);
}

void testkey_seal(struct paes_blob *blob)
{
	unsigned int n;

	for (n = 0; n < paes_blob_recipients(blob); n++)
		compute_mac(blob, n, blob->recipient[n].mac);
}

void testkey_wrap(struct testkey *k)
{
	struct paes_blob *blob = &k->blob;
	const uint8_t *known = (const uint8_t *)PAES_KNOWN_BLOCK;
	unsigned int size = k->bits / 8;

	memset(blob, 0, sizeof(*blob));
	memcpy(blob->magic, PAES_BLOB_MAGIC, sizeof(blob->magic));
	blob->version = htole16(PAES_BLOB_VERSION);
	blob->size = htole16(PAES_BLOB_SIZE);
	blob->cipher = PAES_CIPHER_AES_XTS;
	blob->key_bits = htole16(k->bits);
	blob->created = htole64(1700000000);
	reference_random(blob->key_id, sizeof(blob->key_id));
	reference_known(k->key, k->bits, known, blob->verify);
	reference_known(k->key + size, k->bits, known, blob->verify + 16);
	memcpy(blob->recipient[0].kek_id, k->kek_id, PAES_ID_SIZE);
	blob->recipient[0].wrap = PAES_WRAP_AES_KW;
	memcpy(blob->recipient[0].k1, k->key, size);
	memcpy(blob->recipient[0].k2, k->key + size, size);
	testkey_seal(blob);
}

void testkey_make(struct testkey *k, unsigned int bits, const uint8_t *kek_id)
{
	k->bits = bits;
	reference_random(k->key, bits / 4);
	if (kek_id)
		memmove(k->kek_id, kek_id, PAES_ID_SIZE);
	else
		reference_random(k->kek_id, PAES_ID_SIZE);
	testkey_wrap(k);
}

static bool has_zeroes_behind(const uint8_t *wrapped, unsigned int size)
{
	return paes_blob_all_zero(wrapped + size, PAES_WRAPPED_MAX - size);
}

int testkey_unwrap(const struct paes_blob *blob, const uint8_t *kek_id,
		   uint8_t *key, unsigned int *bits)
{
	const struct paes_blob_recipient *r = blob->recipient;
	unsigned int used = paes_blob_recipients(blob), n, size;
	uint8_t mac[PAES_MAC_SIZE];

	for (n = 0; n < used; n++)
		if (!memcmp(r[n].kek_id, kek_id, PAES_ID_SIZE))
			break;
	if (n == used)
		return -ENOKEY;
	*bits = paes_blob_le16(&blob->key_bits);
	size = *bits / 8;
	compute_mac(blob, n, mac);
	if (memcmp(mac, r[n].mac, sizeof(mac)) ||
	    !has_zeroes_behind(r[n].k1, size) ||
	    !has_zeroes_behind(r[n].k2, size) || !memcmp(r[n].k1, r[n].k2, size))
		return -EKEYREJECTED;
	memcpy(key, r[n].k1, size);
	memcpy(key + size, r[n].k2, size);
	return 0;
}
