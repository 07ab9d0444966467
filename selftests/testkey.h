/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Wrapped keys of the test broker.  To the module they are as good as any;
 * inside they are the keys in the clear, eight zero bytes behind each, and
 * the MAC's key is no secret.  So the tests know what the disk must hold.
 */
#ifndef PAES_TEST_TESTKEY_H
#define PAES_TEST_TESTKEY_H

#include <stdint.h>
#include <linux/paes_blob.h>

struct testkey {
	unsigned int bits;
	uint8_t key[64];		/* K1 then K2 */
	uint8_t kek_id[PAES_ID_SIZE];
	union {
		uint8_t bytes[PAES_BLOB_SIZE];
		struct paes_blob blob;
	};
};

/* A random key under the KEK of that id; a new random id where NULL. */
void testkey_make(struct testkey *k, unsigned int bits, const uint8_t *kek_id);

/* Wraps k->key under k->kek_id. */
void testkey_wrap(struct testkey *k);

/* Makes the MACs right again after the blob was changed. */
void testkey_seal(struct paes_blob *blob);

/*
 * What the broker does with a blob: 0 and the key, -ENOKEY when no recipient
 * has that KEK id, -EKEYREJECTED.
 */
int testkey_unwrap(const struct paes_blob *blob, const uint8_t *kek_id,
		   uint8_t *key, unsigned int *bits);

#endif
