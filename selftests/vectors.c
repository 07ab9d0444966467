// SPDX-License-Identifier: GPL-2.0
/*
 * The claim: xts(paes) is AES-XTS of IEEE 1619, for every length and for data
 * that lies in memory in any way.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "alg.h"
#include "broker.h"
#include "ieee1619.h"
#include "module.h"
#include "reference.h"
#include "testkey.h"

PREREQUISITES(need_root, need_module, need_alg);

enum { LONGEST = 65536 };

FIXTURE(vectors) {
	struct testkey key;
	struct broker *broker;
	struct reference *ref;
	uint8_t iv[16];
	uint8_t plain[LONGEST];
	uint8_t cipher[LONGEST];	/* by OpenSSL */
	uint8_t found[LONGEST + 64];	/* by the module */
	int tfm;
	int op;
};

FIXTURE_VARIANT(vectors) {
	unsigned int bits;
};

FIXTURE_VARIANT_ADD(vectors, aes_128) {
	.bits = 128,
};

FIXTURE_VARIANT_ADD(vectors, aes_256) {
	.bits = 256,
};

FIXTURE_SETUP(vectors)
{
	testkey_make(&self->key, variant->bits, NULL);
	self->ref = reference_new(self->key.key, variant->bits);
	reference_random(self->iv, sizeof(self->iv));
	reference_random(self->plain, sizeof(self->plain));
	self->broker = broker_new(self->key.kek_id);
	ASSERT_NE(NULL, self->broker);
	ASSERT_EQ(0, broker_start(self->broker));
	self->tfm = alg_open();
	ASSERT_LE(0, self->tfm);
	ASSERT_EQ(0, alg_setkey(self->tfm, self->key.bytes, PAES_BLOB_SIZE));
	self->op = alg_accept(self->tfm);
	ASSERT_LE(0, self->op);
}

FIXTURE_TEARDOWN(vectors)
{
	close(self->op);
	close(self->tfm);
	broker_free(self->broker);
	reference_free(self->ref);
}

static void expect_cipher(FIXTURE_DATA(vectors) *self, size_t length)
{
	memcpy(self->cipher, self->plain, length);
	reference_unit(self->ref, true, self->iv, self->cipher, length);
}

/* Where two buffers differ, or -1. */
static long difference(const uint8_t *a, const uint8_t *b, size_t length)
{
	size_t i;

	for (i = 0; i < length; i++)
		if (a[i] != b[i])
			return i;
	return -1;
}

/* There and back: 0, or what went wrong. */
static const char *round_trip(FIXTURE_DATA(vectors) *self, size_t length)
{
	expect_cipher(self, length);
	if (alg_crypt(self->op, true, self->iv, self->plain, self->found, length))
		return "encryption failed";
	if (difference(self->cipher, self->found, length) >= 0)
		return "ciphertext differs from OpenSSL's";
	if (alg_crypt(self->op, false, self->iv, self->cipher, self->found, length))
		return "decryption failed";
	if (difference(self->plain, self->found, length) >= 0)
		return "plaintext differs";
	return NULL;
}

TEST_F_TIMEOUT(vectors, every_length_up_to_1_page, 300)
{
	const char *wrong;
	size_t length;

	/* All remainders at both ends, a coprime stride between. */
	for (length = 16; length <= 4096 + 48;
	     length += length < 80 || length > 4096 - 32 ? 1 : 37) {
		wrong = round_trip(self, length);
		EXPECT_EQ(NULL, wrong) {
			TH_LOG("length %zu: %s", length, wrong);
		}
	}
}

TEST_F_TIMEOUT(vectors, units_larger_than_a_slot, 120)
{
	static const size_t lengths[] = {
		4096 + 1, 4096 + 15, 4096 + 16, 4096 + 17, 8192 - 1, 8192,
		8192 + 1, 8192 + 15, 3 * 4096 + 31, 16384, 32768 + 5,
		LONGEST - 17, LONGEST - 1, LONGEST,
	};
	const char *wrong;
	unsigned int i;

	/* The next piece shows what came with the answer to this one. */
	self->broker->rotate = 1;
	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		wrong = round_trip(self, lengths[i]);
		EXPECT_EQ(NULL, wrong) {
			TH_LOG("length %zu: %s", lengths[i], wrong);
		}
	}
	EXPECT_LT(0, self->broker->pieces);
	EXPECT_EQ(0, self->broker->stale);
	EXPECT_LT(self->broker->pieces, self->broker->rotations);
}

TEST_F(vectors, lengths_below_a_block_are_refused)
{
	size_t length;

	for (length = 1; length < 16; length++)
		EXPECT_EQ(-EINVAL, alg_crypt(self->op, true, self->iv, self->plain,
					     self->found, length));
	EXPECT_EQ(0, self->broker->encrypts);
}

TEST_F(vectors, iv_of_all_ones)
{
	memset(self->iv, 0xff, sizeof(self->iv));
	EXPECT_EQ(NULL, round_trip(self, 4096));
	EXPECT_EQ(NULL, round_trip(self, 16384 + 3));
}

TEST_F(vectors, unaligned_destinations)
{
	unsigned int shift;

	expect_cipher(self, 1024 + 5);
	for (shift = 0; shift < 33; shift++) {
		memset(self->found, 0x55, sizeof(self->found));
		EXPECT_EQ(0, alg_crypt(self->op, true, self->iv, self->plain,
				       self->found + shift, 1024 + 5));
		EXPECT_EQ(-1, difference(self->cipher, self->found + shift, 1024 + 5));
		EXPECT_EQ(0x55, self->found[shift + 1024 + 5]);
		if (shift)
			EXPECT_EQ(0x55, self->found[shift - 1]);
	}
}

/* Sends in `parts` of uneven length: each is a scatterlist entry of its own. */
static int send_in_parts(FIXTURE_DATA(vectors) *self, size_t length,
			 size_t part)
{
	size_t sent = part, n;
	int ret = alg_send(self->op, true, self->iv, self->plain, part, true);

	for (; !ret && sent < length; sent += n) {
		n = length - sent < part ? length - sent : part;
		if (send(self->op, self->plain + sent, n,
			 sent + n < length ? MSG_MORE : 0) != (ssize_t)n)
			ret = -errno;
	}
	return ret;
}

TEST_F(vectors, a_source_sent_in_parts)
{
	static const size_t parts[] = { 1, 7, 16, 100, 1000, 4095 };
	unsigned int i;

	expect_cipher(self, 5000);
	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		ASSERT_EQ(0, send_in_parts(self, 5000, parts[i]));
		ASSERT_EQ(5000, recv(self->op, self->found, 5000, 0));
		EXPECT_EQ(-1, difference(self->cipher, self->found, 5000)) {
			TH_LOG("parts of %zu", parts[i]);
		}
	}
}

/* Page by page out of a pipe, beginning in the middle of one. */
static ssize_t splice_in(int op, const uint8_t *data, size_t length)
{
	struct iovec iov = { (void *)data, length };
	ssize_t n = -1;
	int fds[2];

	if (pipe(fds))
		return -1;
	fcntl(fds[1], F_SETPIPE_SZ, 1 << 20);
	if (vmsplice(fds[1], &iov, 1, 0) == (ssize_t)length)
		n = splice(fds[0], NULL, op, NULL, length, 0);
	close(fds[0]);
	close(fds[1]);
	return n;
}

TEST_F(vectors, a_source_spliced_from_pages)
{
	size_t length = 3 * 4096 + 123;

	memmove(self->plain, self->plain + 77, length);
	expect_cipher(self, length);
	ASSERT_EQ(0, alg_send(self->op, true, self->iv, NULL, 0, true));
	ASSERT_EQ((ssize_t)length, splice_in(self->op, self->plain, length));
	ASSERT_EQ((ssize_t)length, recv(self->op, self->found, length, 0));
	EXPECT_EQ(-1, difference(self->cipher, self->found, length));
}

TEST_F(vectors, a_destination_in_pieces)
{
	enum { LENGTH = 8192 + 9, PIECE = 1021 };
	struct iovec iov[9];
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = ARRAY_SIZE(iov) };
	size_t at = 0;
	unsigned int i;

	expect_cipher(self, LENGTH);
	for (i = 0; i < ARRAY_SIZE(iov); i++, at += PIECE) {
		iov[i].iov_base = self->found + at;
		iov[i].iov_len = LENGTH - at < PIECE ? LENGTH - at : PIECE;
	}
	ASSERT_EQ(0, alg_send(self->op, true, self->iv, self->plain, LENGTH, false));
	ASSERT_EQ(LENGTH, recvmsg(self->op, &msg, 0));
	EXPECT_EQ(-1, difference(self->cipher, self->found, LENGTH));
}

/* The broker did encrypt it, in its own memory, and then said that it failed. */
TEST_F(vectors, a_failed_request_writes_nothing)
{
	uint8_t untouched[1024];

	memset(untouched, 0x55, sizeof(untouched));
	memset(self->found, 0x55, sizeof(untouched));
	self->broker->fault_value = -EIO;
	self->broker->fault = BROKER_ANSWERS_STATUS;
	EXPECT_EQ(-EIO, alg_crypt(self->op, true, self->iv, self->plain,
				  self->found, sizeof(untouched)));
	EXPECT_EQ(-1, difference(untouched, self->found, sizeof(untouched)));
}

FIXTURE(ieee1619) {
	struct broker *broker;
	uint8_t kek_id[PAES_ID_SIZE];
};

FIXTURE_SETUP(ieee1619)
{
	reference_random(self->kek_id, sizeof(self->kek_id));
	self->broker = broker_new(self->kek_id);
	ASSERT_NE(NULL, self->broker);
	ASSERT_EQ(0, broker_start(self->broker));
}

FIXTURE_TEARDOWN(ieee1619)
{
	broker_free(self->broker);
}

static size_t from_hex(uint8_t *bytes, const char *hex)
{
	size_t n;

	for (n = 0; sscanf(hex, "%2hhx", &bytes[n]) == 1; n++)
		hex += 2;
	return n;
}

static void crypt_vector(struct __test_metadata *_metadata,
			 const struct ieee1619_vector *v,
			 const struct testkey *k, bool encrypt)
{
	uint8_t iv[16], data[513], expected[513];
	size_t length = from_hex(data, encrypt ? v->plain : v->cipher);

	from_hex(iv, v->iv);
	from_hex(expected, encrypt ? v->cipher : v->plain);
	EXPECT_EQ(0, alg_once(k->bytes, PAES_BLOB_SIZE, encrypt, iv, data, length));
	EXPECT_EQ(-1, difference(expected, data, length)) {
		TH_LOG("%s: %s differs from the standard's at byte %ld", v->name,
		       encrypt ? "ciphertext" : "plaintext",
		       difference(expected, data, length));
	}
}

TEST_F(ieee1619, vectors_of_the_standard)
{
	const struct ieee1619_vector *v = ieee1619_vectors;
	struct testkey k;

	for (; v < ieee1619_vectors + ARRAY_SIZE(ieee1619_vectors); v++) {
		memcpy(k.kek_id, self->kek_id, PAES_ID_SIZE);
		k.bits = 4 * from_hex(k.key, v->key);
		testkey_wrap(&k);
		crypt_vector(_metadata, v, &k, true);
		crypt_vector(_metadata, v, &k, false);
	}
}

TEST_HARNESS_MAIN
