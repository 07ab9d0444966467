// SPDX-License-Identifier: GPL-2.0
/*
 * The engine, the token under it and OpenSSL, in turns: A B C A B C...
 * It is processor time that is measured, since other work on the machine
 * takes its share of the clock's.
 */
#include "bench.h"
#include "sample.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

enum {
	LOOK_BYTES	= 1 << 20,	/* between looks at the clock */
};

struct measure {
	const char *name;
	void (*step)(struct bench *bench, const struct measure *measure);
	size_t bytes;			/* of one step */
	bool encrypt;
};

static EVP_CIPHER_CTX *openssl;

static void step_token(struct bench *bench, const struct measure *measure)
{
	bench_token(bench, measure->encrypt, measure->bytes);
}

static void step_engine(struct bench *bench, const struct measure *measure)
{
	bench_engine(bench, measure->encrypt,
		     (unsigned int)(measure->bytes / BENCH_SECTOR));
}

static void openssl_sector(uint8_t *data, uint64_t sector)
{
	uint8_t iv[16] = { 0 };
	int done;

	memcpy(iv, &sector, sizeof(sector));
	if (!EVP_EncryptInit_ex(openssl, NULL, NULL, NULL, iv) ||
	    !EVP_EncryptUpdate(openssl, data, &done, data, BENCH_SECTOR))
		bench_check(-EIO, "OpenSSL");
}

static void step_openssl(struct bench *bench, const struct measure *measure)
{
	for (uint64_t i = 0; i < measure->bytes / BENCH_SECTOR; i++)
		openssl_sector(bench->data + i * BENCH_SECTOR, i);
}

#define TOKEN(_direction, _encrypt, _bytes) \
	{ "token." _direction "." #_bytes, step_token, _bytes, _encrypt }
#define ENGINE(_direction, _encrypt, _sectors) \
	{ "engine." _direction "." #_sectors, step_engine, \
	  _sectors * BENCH_SECTOR, _encrypt }

static const struct measure measures[] = {
	TOKEN("encrypt", true, 4096),
	ENGINE("encrypt", true, 1),
	TOKEN("encrypt", true, 16384),
	TOKEN("encrypt", true, 65536),
	ENGINE("encrypt", true, 64),
	TOKEN("encrypt", true, 262144),
	TOKEN("encrypt", true, 1048576),
	{ "openssl.xts", step_openssl, BENCH_BATCH * BENCH_SECTOR, true },
	TOKEN("decrypt", false, 4096),
	ENGINE("decrypt", false, 1),
	TOKEN("decrypt", false, 16384),
	TOKEN("decrypt", false, 65536),
	ENGINE("decrypt", false, 64),
	TOKEN("decrypt", false, 262144),
	TOKEN("decrypt", false, 1048576),
};

static double speed(struct bench *bench, const struct measure *measure,
		    uint64_t slice)
{
	uint64_t start = sample_clock(CLOCK_PROCESS_CPUTIME_ID);
	uint64_t bytes = 0, spent;

	do {
		for (size_t n = 0; n < LOOK_BYTES; n += measure->bytes)
			measure->step(bench, measure);
		bytes += LOOK_BYTES;
		spent = sample_clock(CLOCK_PROCESS_CPUTIME_ID) - start;
	} while (spent < slice);
	return sample_speed(bytes, spent);
}

static void open_openssl(void)
{
	uint8_t key[64];

	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)(i * 7 + 1);
	openssl = EVP_CIPHER_CTX_new();
	if (!openssl || !EVP_EncryptInit_ex(openssl, EVP_aes_256_xts(), NULL, key,
					    key))
		bench_check(-ENOMEM, "setting up OpenSSL");
}

static void measure_all(struct bench *bench, unsigned int run, uint64_t slice)
{
	for (size_t i = 0; i < sizeof(measures) / sizeof(*measures); i++)
		sample_print(measures[i].name, run,
			     speed(bench, &measures[i], slice), "MB/s");
}

int main(int argc, char **argv)
{
	struct bench bench = { 0 };
	unsigned int runs, slice_ms;

	if (argc != 5) {
		fputs("Usage: bench-engine TOKEN-URI PIN-FILE RUNS MS\n", stderr);
		return 2;
	}
	runs = sample_number("RUNS", argv[3]);
	slice_ms = sample_number("MS", argv[4]);
	bench_open(&bench, argv[1], argv[2]);
	open_openssl();
	for (unsigned int run = 1; run <= runs; run++)
		measure_all(&bench, run, slice_ms * 1000000ull);
	EVP_CIPHER_CTX_free(openssl);
	bench_close(&bench);
	return 0;
}
