// SPDX-License-Identifier: GPL-2.0
/* AES-XTS by the engine, against published answers and against OpenSSL. */
#include "support.h"

#include "engine.h"
#include "token_internal.h"
#include "xts.h"
#include "xts_vectors.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

enum { DATA_MAX = 1 << 20, KEYS = 3 };

/* The token and the engine of this program; one token a process. */
static struct {
	struct token *token;
	struct engine *engine;
	struct xtskey keys[KEYS];
	uint8_t clear[KEYS][64];
	unsigned int bits[KEYS];
} here;

static void set_known(struct xtskey *key)
{
	assert_int_equal(token_encrypt(here.token, key->k1, PAES_KNOWN_BLOCK,
				       key->known1, 16), 0);
	assert_int_equal(token_encrypt(here.token, key->k2, PAES_KNOWN_BLOCK,
				       key->known2, 16), 0);
}

static int start(void **state)
{
	static const unsigned int bits[KEYS] = { 128, 256, 256 };

	if (support_enter_token(state))
		return -1;
	if (!support_softhsm())
		return 0;
	here.token = support_open();
	here.engine = engine_new(here.token);
	for (int i = 0; i < KEYS; i++) {
		here.bits[i] = bits[i];
		support_random(here.clear[i], sizeof(here.clear[i]));
		if (xtskey_import(&here.keys[i], here.token, here.clear[i], bits[i]))
			return -1;
	}
	return here.engine ? 0 : -1;
}

static int stop(void **state)
{
	for (int i = 0; here.token && i < KEYS; i++)
		xtskey_close(&here.keys[i], here.token);
	engine_free(here.engine);
	token_close(here.token);
	return support_leave(state);
}

static void oracle(const uint8_t *key, unsigned int bits, bool encrypt,
		   const uint8_t iv[16], uint8_t *data, size_t size)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n;

	assert_int_equal(EVP_CipherInit_ex(ctx, bits == 128 ? EVP_aes_128_xts() :
					   EVP_aes_256_xts(), NULL, key, iv,
					   encrypt), 1);
	assert_int_equal(EVP_CipherUpdate(ctx, data, &n, data, (int)size), 1);
	assert_int_equal(n, size);
	EVP_CIPHER_CTX_free(ctx);
}

/* 128 bits, little-endian; not the code that is under test. */
static void add_one(uint8_t iv[16])
{
	for (int i = 0; i < 16 && !++iv[i]; i++)
		;
}

/* Unit by unit, each with its own tweak value. */
static void oracle_units(int key, bool encrypt, const uint8_t iv[16],
			 uint32_t unit_size, uint8_t *data, size_t size)
{
	uint8_t unit_iv[16];

	memcpy(unit_iv, iv, 16);
	for (size_t at = 0; at < size; at += unit_size, add_one(unit_iv))
		oracle(here.clear[key], here.bits[key], encrypt, unit_iv,
		       data + at, unit_size);
}

static void run_one(const struct xtskey *key, bool encrypt, const uint8_t *iv,
		    uint8_t *data, uint32_t size)
{
	struct engine_request request = {
		.key = key, .encrypt = encrypt, .length = size, .unit_size = size,
		.data = data,
	};

	memcpy(request.iv, iv, 16);
	engine_run(here.engine, &request, 1, NULL, NULL);
	assert_int_equal(request.status, 0);
}

static void check_vector(const struct xtskey *key, const struct xts_vector *vector)
{
	uint8_t iv[16], clear[512], cipher[512], data[512];
	size_t size = support_unhex(clear, vector->clear);

	support_unhex(iv, vector->iv);
	support_unhex(cipher, vector->cipher);
	memcpy(data, clear, size);
	run_one(key, true, iv, data, (uint32_t)size);
	assert_memory_equal(data, cipher, size);
	run_one(key, false, iv, data, (uint32_t)size);
	assert_memory_equal(data, clear, size);
}

static void test_published_vectors(void **state)
{
	(void)state;
	support_need_softhsm();
	for (size_t i = 0; i < sizeof(xts_vectors) / sizeof(*xts_vectors); i++) {
		uint8_t clear[64];
		size_t size = support_unhex(clear, xts_vectors[i].key);
		struct xtskey key;

		assert_int_equal(xtskey_import(&key, here.token, clear,
					       (unsigned int)size * 4), 0);
		check_vector(&key, &xts_vectors[i]);
		xtskey_close(&key, here.token);
	}
}

/* K1 == K2: no such key is ever opened, but the arithmetic must hold. */
static void test_published_vector_1(void **state)
{
	static const struct xts_vector vector = {
		.iv = "00000000000000000000000000000000",
		.clear = "0000000000000000000000000000000000000000000000000000000000000000",
		.cipher = "917cf69ebd68b2ec9b9fe9a3eadda692cd43d2f59598ed858c02c2652fbf922e",
	};
	const uint8_t zero[16] = { 0 };
	struct xtskey key = { .resident = false };

	(void)state;
	support_need_softhsm();
	assert_int_equal(token_import_key(here.token, zero, 16, &key.k1), 0);
	assert_int_equal(token_import_key(here.token, zero, 16, &key.k2), 0);
	set_known(&key);
	check_vector(&key, &vector);
	xtskey_close(&key, here.token);
}

/* Vectors 4 to 9 are a chain of 256 data units: all the way along it. */
static void test_published_chain(void **state)
{
	static const struct { unsigned int unit; size_t vector; } seen[] = {
		{ 0x00, 2 }, { 0x01, 3 }, { 0x02, 4 },
		{ 0xfd, 5 }, { 0xfe, 6 }, { 0xff, 7 },
	};
	uint8_t clear[64], data[512], cipher[512], iv[16] = { 0 };
	struct xtskey key;
	size_t next = 0;

	(void)state;
	support_need_softhsm();
	support_unhex(clear, xts_vectors[2].key);
	support_unhex(data, xts_vectors[2].clear);
	assert_int_equal(xtskey_import(&key, here.token, clear, 128), 0);
	for (unsigned int unit = 0; unit < 256; unit++) {
		iv[0] = (uint8_t)unit;
		run_one(&key, true, iv, data, sizeof(data));
		if (unit != seen[next].unit)
			continue;
		support_unhex(cipher, xts_vectors[seen[next++].vector].cipher);
		assert_memory_equal(data, cipher, sizeof(data));
	}
	assert_int_equal(next, 6);
	xtskey_close(&key, here.token);
}

static void check_by(enum token_amount amount, int key, bool encrypt,
		     uint32_t unit_size, uint32_t units)
{
	size_t size = (size_t)unit_size * units;
	uint8_t *data = malloc(size), *expected = malloc(size);
	struct engine_request request = {
		.key = &here.keys[key], .encrypt = encrypt, .data = data,
		.length = (uint32_t)size, .unit_size = unit_size,
	};

	support_random(data, size);
	support_random(request.iv, sizeof(request.iv));
	memcpy(expected, data, size);
	oracle_units(key, encrypt, request.iv, unit_size, expected, size);
	token_end_chunks(here.token, encrypt, amount);
	engine_run(here.engine, &request, 1, NULL, NULL);
	assert_int_equal(request.status, 0);
	assert_memory_equal(data, expected, size);
	free(data);
	free(expected);
}

static void check_against_oracle(int key, bool encrypt, uint32_t unit_size,
				 uint32_t units)
{
	check_by(TOKEN_USUAL, key, encrypt, unit_size, units);
	check_by(TOKEN_OTHER, key, encrypt, unit_size, units);
}

static void test_every_size(void **state)
{
	(void)state;
	support_need_softhsm();
	for (uint32_t size = 16; size <= 4100; size += size < 600 ? 1 : 37)
		check_against_oracle((int)(size % KEYS), size & 1, size, 1);
	for (uint32_t size = 16; size <= 4100; size += size < 600 ? 1 : 37)
		check_against_oracle((int)(size % KEYS), !(size & 1), size, 1);
}

static void test_many_units(void **state)
{
	static const uint32_t sizes[] = { 16, 17, 31, 32, 33, 512, 520, 4096, 4100 };

	(void)state;
	support_need_softhsm();
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		for (int direction = 0; direction < 2; direction++) {
			check_against_oracle(1, direction, sizes[i], 2);
			check_against_oracle(0, direction, sizes[i], 9);
			check_against_oracle(2, direction, sizes[i], 70000 / sizes[i]);
		}
}

/* Larger than a chunk, up to the largest: whole blocks and stealing. */
static void test_large_requests(void **state)
{
	static const uint32_t sizes[] = { TOKEN_CHUNK - 1, TOKEN_CHUNK,
		TOKEN_CHUNK + 1, TOKEN_CHUNK + 16, TOKEN_CHUNK_MAX - 1,
		TOKEN_CHUNK_MAX, TOKEN_CHUNK_MAX + 1, 3 * TOKEN_CHUNK + 5,
		DATA_MAX - 1, DATA_MAX };

	(void)state;
	support_need_softhsm();
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		check_against_oracle(0, true, sizes[i], 1);
		check_against_oracle(1, false, sizes[i], 1);
	}
	check_against_oracle(1, true, 16, DATA_MAX / 16);
	check_against_oracle(1, false, 17, DATA_MAX / 17);
	check_against_oracle(1, true, 31, DATA_MAX / 31);
	check_against_oracle(1, true, 512, DATA_MAX / 512);
}

/* The tweak value carries over all 128 bits. */
static void test_iv_carry(void **state)
{
	static const char *const ivs[] = {
		"ffffffff000000000000000000000000",
		"ffffffffffffffff0000000000000000",
		"feffffffffffffffffffffffffffffff",
	};
	uint8_t data[5 * 512], expected[5 * 512];

	(void)state;
	support_need_softhsm();
	for (size_t i = 0; i < 3; i++) {
		struct engine_request request = {
			.key = &here.keys[1], .encrypt = true, .data = data,
			.length = sizeof(data), .unit_size = 512,
		};

		support_unhex(request.iv, ivs[i]);
		support_random(data, sizeof(data));
		memcpy(expected, data, sizeof(data));
		oracle_units(1, true, request.iv, 512, expected, sizeof(data));
		engine_run(here.engine, &request, 1, NULL, NULL);
		assert_int_equal(request.status, 0);
		assert_memory_equal(data, expected, sizeof(data));
	}
}

/* One data unit in two pieces must come out as in one. */
static void check_split(uint32_t size, uint32_t first, bool encrypt)
{
	uint8_t *data = malloc(size), *expected = malloc(size);
	struct engine_request request[2] = {
		{ .key = &here.keys[2], .encrypt = encrypt, .data = data,
		  .length = first, .unit_size = first },
		{ .key = &here.keys[2], .encrypt = encrypt, .data = data + first,
		  .length = size - first, .unit_size = size - first,
		  .first_block = first / 16 },
	};

	support_random(data, size);
	support_random(request[0].iv, 16);
	memcpy(request[1].iv, request[0].iv, 16);
	memcpy(expected, data, size);
	oracle_units(2, encrypt, request[0].iv, size, expected, size);
	engine_run(here.engine, request, 2, NULL, NULL);
	assert_int_equal(request[0].status, 0);
	assert_int_equal(request[1].status, 0);
	assert_memory_equal(data, expected, size);
	free(data);
	free(expected);
}

static void test_first_block(void **state)
{
	(void)state;
	support_need_softhsm();
	for (uint32_t first = 16; first < 700; first += 16)
		check_split(first + 16 + first % 37, first, first & 16);
	check_split(65536, 4096, true);
	check_split(65536 + 7, 65520, false);
	check_split(DATA_MAX + 4096, DATA_MAX, true);
}

/* alpha^n by squaring against n single steps. */
static void test_advance(void **state)
{
	static uint8_t masks[70000 * 16];
	uint8_t tweak[16], advanced[16];

	(void)state;
	support_random(tweak, 16);
	xts_mask(masks, masks, tweak, 70000);
	for (uint32_t n = 0; n < 70000; n = n * 3 / 2 + 1) {
		memcpy(advanced, tweak, 16);
		xts_advance(advanced, n);
		assert_memory_equal(advanced, masks + 16 * (size_t)n, 16);
	}
	memcpy(advanced, tweak, 16);
	xts_advance(advanced, 1 << 20);
	memcpy(tweak, advanced, 16);
	xts_advance(tweak, UINT32_MAX);
	xts_advance(advanced, UINT32_MAX - 4);
	xts_advance(advanced, 4);
	assert_memory_equal(advanced, tweak, 16);
}

/* Many keys, as far as the engine knows. */
static const struct xtskey *copy_of_key(unsigned int number)
{
	static struct xtskey copies[64];

	copies[number] = here.keys[number % KEYS];
	return &copies[number];
}

/* Keys, directions, sizes and splits all mixed in one batch. */
static void check_batch(unsigned int count, unsigned int keys)
{
	static struct engine_request requests[2 * ENGINE_BATCH_MAX];
	static uint8_t data[2 * ENGINE_BATCH_MAX][4112], expected[2 * ENGINE_BATCH_MAX][4112];
	uint16_t dice[4];

	memset(requests, 0, sizeof(requests));
	for (unsigned int i = 0; i < count; i++) {
		struct engine_request *r = &requests[i];
		unsigned int key;

		support_random(dice, sizeof(dice));
		key = dice[0] % keys;
		r->key = copy_of_key(key);
		r->encrypt = dice[1] & 1;
		r->unit_size = dice[2] & 1 ? 512 : 16 + dice[3] % 4085;
		r->length = r->unit_size == 512 ? 512u * (1 + dice[3] % 8) : r->unit_size;
		r->data = data[i];
		support_random(r->iv, 16);
		support_random(data[i], sizeof(data[i]));
		memcpy(expected[i], data[i], sizeof(data[i]));
		oracle_units((int)key % KEYS, r->encrypt, r->iv, r->unit_size, expected[i],
			     r->length);
	}
	engine_run(here.engine, requests, count, NULL, NULL);
	for (unsigned int i = 0; i < count; i++) {
		assert_int_equal(requests[i].status, 0);
		assert_memory_equal(data[i], expected[i], sizeof(data[i]));
	}
}

static void test_batches(void **state)
{
	(void)state;
	support_need_softhsm();
	for (unsigned int count = 0; count < 70; count++)
		check_batch(count, KEYS);
	check_batch(ENGINE_BATCH_MAX - 1, KEYS);
	check_batch(ENGINE_BATCH_MAX, 64);
	check_batch(ENGINE_BATCH_MAX + 1, 16);
	check_batch(2 * ENGINE_BATCH_MAX, 64);
}

static void test_invalid_requests(void **state)
{
	static uint8_t data[512];
	const struct engine_request good = {
		.key = &here.keys[0], .data = data, .length = 512, .unit_size = 512,
	};
	struct engine_request bad[8];

	(void)state;
	support_need_softhsm();
	for (int i = 0; i < 8; i++)
		bad[i] = good;
	bad[0].length = 0;
	bad[1].unit_size = 15;
	bad[2].unit_size = 0;
	bad[3].length = 513;
	bad[4].key = NULL;
	bad[5].data = NULL;
	bad[6].unit_size = 256;
	bad[6].first_block = 1;
	bad[7].length = bad[7].unit_size = ENGINE_REQUEST_MAX + 16;
	engine_run(here.engine, bad, 8, NULL, NULL);
	for (int i = 0; i < 8; i++)
		assert_int_equal(bad[i].status, -EINVAL);
	assert_true(paes_blob_all_zero(data, sizeof(data)));
}

/* A bad request fails alone. */
static void test_invalid_among_valid(void **state)
{
	uint8_t data[3][512] = { { 0 } }, expected[512] = { 0 };
	struct engine_request requests[3];

	(void)state;
	support_need_softhsm();
	for (int i = 0; i < 3; i++)
		requests[i] = (struct engine_request){ .key = &here.keys[1],
			.encrypt = true, .data = data[i], .length = 512,
			.unit_size = 512 };
	requests[1].unit_size = 8;
	engine_run(here.engine, requests, 3, NULL, NULL);
	oracle_units(1, true, requests[0].iv, 512, expected, 512);
	assert_int_equal(requests[1].status, -EINVAL);
	assert_memory_equal(data[0], expected, 512);
	assert_memory_equal(data[2], expected, 512);
	assert_true(paes_blob_all_zero(data[1], 512));
}

/* Of each request: how often it was told of, and what its data was then. */
struct told {
	const struct engine_request *first;
	unsigned int times[2 * ENGINE_BATCH_MAX];
	uint8_t data[2 * ENGINE_BATCH_MAX][512];
};

static void tell(void *context, struct engine_request *const *requests,
		 unsigned int count)
{
	struct told *told = context;

	assert_true(count > 0);
	for (unsigned int i = 0; i < count; i++) {
		size_t place = (size_t)(requests[i] - told->first);

		told->times[place]++;
		if (requests[i]->status == 0)
			memcpy(told->data[place], requests[i]->data, 512);
	}
}

/* Three keys, both directions, and one in seven invalid. */
static struct engine_request mixed_request(unsigned int i, uint8_t data[512])
{
	return (struct engine_request){
		.key = &here.keys[i % KEYS], .encrypt = i & 1, .data = data,
		.length = 512, .unit_size = i % 7 ? 512 : 5,
		.iv = { (uint8_t)i },
	};
}

static void test_told_once(void **state)
{
	static struct engine_request requests[2 * ENGINE_BATCH_MAX];
	static uint8_t data[2 * ENGINE_BATCH_MAX][512];
	static struct told told = { .first = requests };

	(void)state;
	support_need_softhsm();
	for (unsigned int i = 0; i < 2 * ENGINE_BATCH_MAX; i++)
		requests[i] = mixed_request(i, data[i]);
	engine_run(here.engine, requests, 2 * ENGINE_BATCH_MAX, tell, &told);
	for (unsigned int i = 0; i < 2 * ENGINE_BATCH_MAX; i++) {
		assert_int_equal(told.times[i], 1);
		assert_int_equal(requests[i].status, i % 7 ? 0 : -EINVAL);
		assert_memory_equal(told.data[i], data[i], 512);
		assert_int_equal(paes_blob_all_zero(data[i], 512), i % 7 == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_published_vectors),
		cmocka_unit_test(test_published_vector_1),
		cmocka_unit_test(test_published_chain),
		cmocka_unit_test(test_every_size),
		cmocka_unit_test(test_many_units),
		cmocka_unit_test(test_large_requests),
		cmocka_unit_test(test_iv_carry),
		cmocka_unit_test(test_first_block),
		cmocka_unit_test(test_advance),
		cmocka_unit_test(test_batches),
		cmocka_unit_test(test_invalid_requests),
		cmocka_unit_test(test_invalid_among_valid),
		cmocka_unit_test(test_told_once),
	};

	return cmocka_run_group_tests_name("engine", tests, start, stop);
}
