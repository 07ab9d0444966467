// SPDX-License-Identifier: GPL-2.0
/* Keys into blobs and back, and every blob that must be refused. */
#include "support.h"

#include "blob.h"
#include "xtskey.h"

#include <errno.h>
#include <string.h>

static struct token *token;
static unsigned char kek[PAES_ID_SIZE];
static bool resident;	/* the kind that a test is run for */

static int start(void **state)
{
	if (support_enter_token(state))
		return -1;
	if (!support_softhsm())
		return 0;
	token = support_open();
	support_kek(token, kek);
	return 0;
}

static int stop(void **state)
{
	token_close(token);
	return support_leave(state);
}

static int wrapped_kind(void **state)
{
	(void)state;
	resident = false;
	return 0;
}

static int resident_kind(void **state)
{
	(void)state;
	resident = true;
	return 0;
}

static int generate(struct xtskey *key, unsigned int bits)
{
	return resident ? xtskey_generate_resident(key, token, bits) :
			  xtskey_generate(key, token, bits);
}

static int import(struct xtskey *key, const unsigned char *clear, unsigned int bits)
{
	return resident ? xtskey_import_resident(key, token, clear, bits) :
			  xtskey_import(key, token, clear, bits);
}

static void make_blob(struct paes_blob *blob, unsigned int bits)
{
	struct xtskey key;

	assert_int_equal(generate(&key, bits), 0);
	assert_int_equal(xtskey_seal(&key, token, kek, bits, 0, blob), 0);
	xtskey_close(&key, token);
}

static void check_round_trip(unsigned int bits)
{
	struct xtskey key, back;
	struct paes_blob blob;

	assert_int_equal(generate(&key, bits), 0);
	assert_memory_not_equal(key.known1, key.known2, 16);
	assert_int_equal(xtskey_seal(&key, token, kek, bits, 0, &blob), 0);
	assert_int_equal(paes_blob_check(&blob, sizeof(blob)), PAES_BLOB_OK);
	assert_int_equal(paes_blob_le16(&blob.key_bits), bits);
	assert_int_equal(blob.recipient[0].wrap,
			 resident ? PAES_WRAP_RESIDENT : PAES_WRAP_AES_KW);
	assert_int_equal(xtskey_open(&back, token, &blob), 0);
	assert_memory_equal(key.known1, back.known1, 16);
	assert_memory_equal(key.known2, back.known2, 16);
	xtskey_close(&key, token);
	xtskey_close(&back, token);
	assert_int_equal(back.k1, TOKEN_NO_KEY);
}

static void test_round_trip(void **state)
{
	(void)state;
	support_need_softhsm();
	check_round_trip(128);
	check_round_trip(256);
}

static void test_import(void **state)
{
	struct xtskey key, back;
	struct paes_blob blob;
	unsigned char clear[64];

	(void)state;
	support_need_softhsm();
	support_random(clear, sizeof(clear));
	assert_int_equal(import(&key, clear, 256), 0);
	assert_int_equal(xtskey_seal(&key, token, kek, 256, PAES_BLOB_F_IMPORTED, &blob), 0);
	assert_int_equal(paes_blob_le32(&blob.flags), PAES_BLOB_F_IMPORTED);
	assert_int_equal(xtskey_open(&back, token, &blob), 0);
	assert_memory_equal(key.known1, back.known1, 16);
	xtskey_close(&key, token);
	xtskey_close(&back, token);
}

static void test_bits(void **state)
{
	unsigned char clear[64] = { 1 };
	struct xtskey key;

	(void)state;
	support_need_softhsm();
	support_capture();
	assert_int_equal(generate(&key, 192), -EINVAL);
	assert_int_equal(import(&key, clear, 512), -EINVAL);
	support_assert_holds(support_captured(), "expected 128 or 256");
}

static void test_same_halves(void **state)
{
	struct xtskey key;
	unsigned char clear[64];

	(void)state;
	support_need_softhsm();
	memset(clear, 7, sizeof(clear));
	support_capture();
	assert_int_equal(import(&key, clear, 256), -EKEYREJECTED);
	assert_int_equal(import(&key, clear, 128), -EKEYREJECTED);
	support_assert_holds(support_captured(), "K1 == K2");
	assert_int_equal(key.k1, TOKEN_NO_KEY);
}

/* Each single bit of a blob, wherever it is. */
static void check_every_bit(unsigned int bits)
{
	unsigned int refused[3] = { 0 };
	struct paes_blob blob;
	struct xtskey key;

	make_blob(&blob, bits);
	support_capture();
	for (unsigned int bit = 0; bit < sizeof(blob) * 8; bit++) {
		unsigned char *byte = (unsigned char *)&blob + bit / 8;
		int error;

		*byte ^= (unsigned char)(1 << bit % 8);
		error = xtskey_open(&key, token, &blob);
		*byte ^= (unsigned char)(1 << bit % 8);
		if (error != -EINVAL && error != -EKEYREJECTED && error != -ENOKEY)
			print_error("bit %u of byte %u: %d\n", bit % 8, bit / 8, error);
		assert_true(error == -EINVAL || error == -EKEYREJECTED || error == -ENOKEY);
		refused[0] += error == -EINVAL;
		refused[1] += error == -EKEYREJECTED;
		refused[2] += error == -ENOKEY;
	}
	support_captured();
	/* The KEK id leads elsewhere; wrapped keys, ids and MACs are authenticated. */
	assert_int_equal(refused[2], PAES_ID_SIZE * 8);
	assert_true(refused[1] >= (2 * paes_blob_wrapped_size(&blob, blob.recipient) +
				   PAES_MAC_SIZE) * 8);
	assert_true(refused[0] > 0);
	assert_int_equal(xtskey_open(&key, token, &blob), 0);
	xtskey_close(&key, token);
}

static void test_every_bit_128(void **state)
{
	(void)state;
	support_need_softhsm();
	check_every_bit(128);
}

static void test_every_bit_256(void **state)
{
	(void)state;
	support_need_softhsm();
	check_every_bit(256);
}

static void refuse(const struct paes_blob *blob, int error)
{
	struct xtskey key;

	support_capture();
	assert_int_equal(xtskey_open(&key, token, blob), error);
	support_captured();
	assert_int_equal(key.k1, TOKEN_NO_KEY);
	assert_int_equal(key.k2, TOKEN_NO_KEY);
}

/* Both genuine, glued together. */
static void test_mixed_halves(void **state)
{
	struct paes_blob a, b, mixed;

	(void)state;
	support_need_softhsm();
	make_blob(&a, 256);
	make_blob(&b, 256);
	mixed = a;
	memcpy(mixed.recipient[0].k2, b.recipient[0].k2, PAES_WRAPPED_MAX);
	refuse(&mixed, -EKEYREJECTED);
	mixed = a;
	memcpy(mixed.recipient[0].k1, a.recipient[0].k2, PAES_WRAPPED_MAX);
	memcpy(mixed.recipient[0].k2, a.recipient[0].k1, PAES_WRAPPED_MAX);
	refuse(&mixed, -EKEYREJECTED);
	mixed = a;
	mixed.recipient[0] = b.recipient[0];
	refuse(&mixed, -EKEYREJECTED);
	mixed = a;
	memcpy(mixed.recipient[0].mac, b.recipient[0].mac, PAES_MAC_SIZE);
	refuse(&mixed, -EKEYREJECTED);
}

static void sign_again(struct paes_blob *blob)
{
	unsigned char message[PAES_BLOB_HEADER + PAES_BLOB_MAC_COVERS];

	memcpy(message, blob, PAES_BLOB_HEADER);
	memcpy(message + PAES_BLOB_HEADER, &blob->recipient[0], PAES_BLOB_MAC_COVERS);
	assert_int_equal(token_mac(token, kek, message, sizeof(message),
				   blob->recipient[0].mac), 0);
}

/* With a MAC that is right: what the known block is for. */
static void test_other_keys_signed(void **state)
{
	struct paes_blob a, b;

	(void)state;
	support_need_softhsm();
	make_blob(&a, 256);
	make_blob(&b, 256);
	memcpy(a.recipient[0].k2, b.recipient[0].k2, PAES_WRAPPED_MAX);
	sign_again(&a);
	refuse(&a, -EKEYREJECTED);
}

/* K1 wrapped twice is seen from the form; so is a verify field of equal halves. */
static void test_same_halves_signed(void **state)
{
	struct paes_blob blob;

	(void)state;
	support_need_softhsm();
	make_blob(&blob, 128);
	memcpy(blob.recipient[0].k2, blob.recipient[0].k1, PAES_WRAPPED_MAX);
	sign_again(&blob);
	refuse(&blob, -EINVAL);
	make_blob(&blob, 128);
	memcpy(blob.verify + 16, blob.verify, 16);
	sign_again(&blob);
	refuse(&blob, -EINVAL);
}

/* A second recipient in front, whose HSM is elsewhere. */
static void test_second_recipient(void **state)
{
	struct paes_blob blob;
	struct xtskey key;

	(void)state;
	support_need_softhsm();
	make_blob(&blob, 256);
	blob.recipient[1] = blob.recipient[0];
	memset(blob.recipient[0].kek_id, 0xee, PAES_ID_SIZE);
	assert_int_equal(xtskey_open(&key, token, &blob), 0);
	xtskey_close(&key, token);
}

static void test_random_bytes(void **state)
{
	struct paes_blob blob;

	(void)state;
	support_need_softhsm();
	for (int i = 0; i < 100; i++) {
		support_random(&blob, sizeof(blob));
		refuse(&blob, -EINVAL);
	}
}

#define WRAPPED(name) \
	{ #name, name, wrapped_kind, NULL, NULL }
#define RESIDENT(name) \
	{ #name " (resident)", name, resident_kind, NULL, NULL }

int main(void)
{
	const struct CMUnitTest tests[] = {
		WRAPPED(test_round_trip),
		WRAPPED(test_import),
		WRAPPED(test_bits),
		WRAPPED(test_same_halves),
		WRAPPED(test_every_bit_128),
		WRAPPED(test_every_bit_256),
		WRAPPED(test_mixed_halves),
		WRAPPED(test_other_keys_signed),
		WRAPPED(test_same_halves_signed),
		WRAPPED(test_second_recipient),
		WRAPPED(test_random_bytes),
		RESIDENT(test_round_trip),
		RESIDENT(test_import),
		RESIDENT(test_bits),
		RESIDENT(test_same_halves),
		RESIDENT(test_every_bit_128),
		RESIDENT(test_every_bit_256),
		RESIDENT(test_mixed_halves),
		RESIDENT(test_other_keys_signed),
		RESIDENT(test_same_halves_signed),
		RESIDENT(test_second_recipient),
	};

	return cmocka_run_group_tests_name("xtskey", tests, start, stop);
}
