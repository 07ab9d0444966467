// SPDX-License-Identifier: GPL-2.0
/*
 * A worker's loop with the real engine on a real token, the module played:
 * what comes out is what OpenSSL's AES-XTS says.
 * Usage: paesd_softhsm URI PIN-FILE; the token has a KEK.
 */
#include "paesd_kernel.h"

#include "pin.h"

#include "../paesd/serve.h"

#include <openssl/evp.h>
#include <stdio.h>

enum {
	SECTORS	= 300,
};

static const char *uri, *pin_file;
static struct token *token;
static struct ring ring;
static struct serve *serve;
static struct pulse pulse;
static struct paes_blob blob;
static unsigned char clear[64];

static void stop_at_wait(void)
{
	ring_interrupt(&ring);
}

/* A key known to the test, sealed for the token's first KEK. */
static void make_blob(void)
{
	unsigned char keks[1][PAES_ID_SIZE];
	struct xtskey key;

	for (unsigned int i = 0; i < sizeof(clear); i++)
		clear[i] = (unsigned char)(i * 7 + 1);
	assert_int_equal(token_list_keks(token, keks, 1), 1);
	assert_int_equal(xtskey_import(&key, token, clear, 256), 0);
	assert_int_equal(xtskey_seal(&key, token, keks[0], 256,
				     PAES_BLOB_F_IMPORTED, &blob), 0);
	xtskey_close(&key, token);
}

static int start(void **state)
{
	struct secret *pin = pin_get(pin_file, "test");

	(void)state;
	assert_non_null(pin);
	assert_int_equal(token_open(&token, uri, pin), 0);
	secret_free(pin);
	make_blob();
	kernel_start();
	kernel.on_wait = stop_at_wait;
	assert_int_equal(ring_open(&ring, kernel.path, "1:test"), 0);
	serve = serve_new(token, &ring, &pulse);
	assert_non_null(serve);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	serve_free(serve);
	ring_close(&ring);
	token_close(token);
	kernel_stop();
	return 0;
}

static void run(void)
{
	ring.interrupted = 0;
	assert_int_equal(serve_run(serve), 0);
}

static struct paes_cqe open_key(uint32_t number, const struct paes_blob *what)
{
	struct paes_cqe cqe;

	memcpy(kernel_data(0), what, sizeof(*what));
	kernel_submit((struct paes_desc){
		.op = PAES_OP_OPEN, .key = number, .length = PAES_BLOB_SIZE,
	});
	run();
	assert_true(kernel_reap(&cqe));
	return cqe;
}

static void submit_to(uint32_t number, enum paes_op op,
		      const struct paes_cqe *key, uint32_t sector)
{
	struct paes_desc desc = {
		.tag = sector, .op = op, .key = number,
		.offset = sector * KERNEL_SLOT, .length = KERNEL_SLOT,
		.unit_size = KERNEL_SLOT,
	};

	desc.iv[0] = (uint8_t)sector;
	desc.iv[1] = (uint8_t)(sector >> 8);
	memcpy(desc.token, key->token, sizeof(desc.token));
	kernel_submit(desc);
}

static void submit(enum paes_op op, const struct paes_cqe *key, uint32_t sector)
{
	submit_to(1, op, key, sector);
}

static void reap_all(void)
{
	struct paes_cqe cqe;

	for (int i = 0; i < SECTORS; i++) {
		assert_true(kernel_reap(&cqe));
		assert_int_equal(cqe.status, 0);
		assert_int_equal(cqe.length, KERNEL_SLOT);
	}
	assert_false(kernel_reap(&cqe));
}

static void fill(uint32_t sector, uint8_t *data)
{
	for (uint32_t i = 0; i < KERNEL_SLOT; i++)
		data[i] = (uint8_t)(i * 31 + sector * 17);
}

static void expect_xts(uint32_t sector)
{
	uint8_t data[KERNEL_SLOT], iv[16] = { (uint8_t)sector, (uint8_t)(sector >> 8) };
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	int size = 0;

	fill(sector, data);
	assert_int_equal(EVP_EncryptInit_ex(context, EVP_aes_256_xts(), NULL,
					    clear, iv), 1);
	assert_int_equal(EVP_EncryptUpdate(context, data, &size, data,
					   sizeof(data)), 1);
	EVP_CIPHER_CTX_free(context);
	assert_memory_equal(kernel_data(sector), data, sizeof(data));
}

static void sectors_are_xts(void **state)
{
	struct paes_cqe key = open_key(1, &blob);
	uint8_t data[KERNEL_SLOT];
	uint32_t i;

	(void)state;
	assert_int_equal(key.status, 0);
	for (i = 0; i < SECTORS; i++) {
		fill(i, kernel_data(i));
		submit(PAES_OP_ENCRYPT, &key, i);
	}
	run();
	reap_all();
	for (i = 0; i < SECTORS; i++) {
		expect_xts(i);
		submit(PAES_OP_DECRYPT, &key, i);
	}
	run();
	reap_all();
	for (i = 0; i < SECTORS; i++) {
		fill(i, data);
		assert_memory_equal(kernel_data(i), data, sizeof(data));
	}
}

static void changed_blobs_are_refused(void **state)
{
	struct paes_blob changed = blob;

	(void)state;
	changed.recipient[0].mac[0] ^= 1;
	assert_int_equal(open_key(1, &changed).status, -EKEYREJECTED);
	changed = blob;
	changed.magic[0] ^= 1;
	assert_int_equal(open_key(1, &changed).status, -EKEYREJECTED);
	changed = blob;
	changed.recipient[0].kek_id[0] ^= 1;
	assert_int_equal(open_key(1, &changed).status, -ENOKEY);
	assert_int_equal(open_key(1, &blob).status, 0);
}

/* The key's object goes away under the worker: nothing is answered. */
static void a_destroyed_key_is_not_answered(void **state)
{
	struct paes_cqe key = open_key(1, &blob), cqe;

	(void)state;
	assert_int_equal(token_destroy_key(token, serve->keys.entries[0].key.k1),
			 0);
	fill(1, kernel_data(1));
	submit(PAES_OP_ENCRYPT, &key, 1);
	ring.interrupted = 0;
	assert_int_equal(serve_run(serve), -EREMOTEIO);
	assert_false(kernel_reap(&cqe));
}

static void encrypt_under(uint32_t number, const struct paes_cqe *key)
{
	for (uint32_t i = 0; i < SECTORS; i++) {
		fill(i, kernel_data(i));
		submit_to(number, PAES_OP_ENCRYPT, key, i);
	}
	run();
	reap_all();
	for (uint32_t i = 0; i < SECTORS; i++)
		expect_xts(i);
}

static void close_key(uint32_t number, const struct paes_cqe *key)
{
	struct paes_desc desc = { .op = PAES_OP_CLOSE, .key = number };

	memcpy(desc.token, key->token, sizeof(desc.token));
	kernel_submit(desc);
	run();
	while (kernel_reap(&(struct paes_cqe){ .status = 0 }))
		;
}

/* Two volumes, one resident key: both have the same objects of the token. */
static void one_resident_key_twice(void **state)
{
	unsigned char keks[1][PAES_ID_SIZE];
	struct paes_cqe one, two;
	struct paes_blob resident;
	struct xtskey key;

	(void)state;
	assert_int_equal(token_list_keks(token, keks, 1), 1);
	assert_int_equal(xtskey_import_resident(&key, token, clear, 256), 0);
	assert_int_equal(xtskey_seal(&key, token, keks[0], 256,
				     PAES_BLOB_F_IMPORTED, &resident), 0);
	one = open_key(1, &resident);
	two = open_key(2, &resident);
	assert_int_equal(one.status, 0);
	assert_int_equal(two.status, 0);
	encrypt_under(1, &one);
	encrypt_under(2, &two);
	close_key(1, &one);
	encrypt_under(2, &two);
	one = open_key(1, &resident);
	encrypt_under(1, &one);
	close_key(2, &two);
	encrypt_under(1, &one);
	assert_int_equal(xtskey_destroy(&key, token), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		TEST(sectors_are_xts),
		TEST(changed_blobs_are_refused),
		TEST(one_resident_key_twice),
		TEST(a_destroyed_key_is_not_answered),
	};

	if (argc != 3) {
		fprintf(stderr, "usage: %s URI PIN-FILE\n", argv[0]);
		return 2;
	}
	uri = argv[1];
	pin_file = argv[2];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
