// SPDX-License-Identifier: GPL-2.0
#include "bench.h"

#include "log.h"
#include "pin.h"
#include "sample.h"

#include "../paesd/process.h"

#include <stdlib.h>
#include <string.h>

void bench_check(int error, const char *what)
{
	if (!error)
		return;
	log_error("%s failed: %s; nothing was measured", what, strerror(-error));
	exit(1);
}

static void open_token(struct bench *bench, const char *uri, const char *pin_file)
{
	CLEANUP(secret) struct secret *pin = pin_get(pin_file, "bench");

	bench_check(pin ? 0 : -ENOENT, "reading the PIN");
	bench_check(token_open(&bench->token, uri, pin), "opening the token");
}

/* As a worker has it: unwrapped from a blob. */
static void open_key(struct bench *bench)
{
	unsigned char kek[1][PAES_ID_SIZE];
	struct xtskey made;

	bench_check(token_list_keks(bench->token, kek, 1) > 0 ? 0 : -ENOKEY,
		    "finding a KEK (made by \"paes init\")");
	bench_check(xtskey_generate(&made, bench->token, 256), "making a key");
	bench_check(xtskey_seal(&made, bench->token, kek[0], 256, 0, &bench->blob),
		    "wrapping it");
	xtskey_close(&made, bench->token);
	bench_check(xtskey_open(&bench->key, bench->token, &bench->blob),
		    "unwrapping it");
}

/* What is the same in each batch. */
static void prepare(struct bench *bench)
{
	for (unsigned int i = 0; i < BENCH_BATCH; i++)
		bench->requests[i] = (struct engine_request){
			.key = &bench->key,
			.length = BENCH_SECTOR,
			.unit_size = BENCH_SECTOR,
		};
}

void bench_open(struct bench *bench, const char *uri, const char *pin_file)
{
	process_serve_io(LOG_LEVEL_DEBUG);
	open_token(bench, uri, pin_file);
	open_key(bench);
	bench->engine = engine_new(bench->token);
	bench->data = aligned_alloc(BENCH_SECTOR, BENCH_DATA);
	bench_check(bench->engine && bench->data ? 0 : -ENOMEM, "allocating");
	memset(bench->data, 0x5a, BENCH_DATA);
	prepare(bench);
}

void bench_close(struct bench *bench)
{
	free(bench->data);
	engine_free(bench->engine);
	xtskey_close(&bench->key, bench->token);
	token_close(bench->token);
}

static void ask(struct bench *bench, struct engine_request *request, bool encrypt)
{
	uint64_t sector = bench->sector++;

	request->encrypt = encrypt;
	request->data = bench->data + sector * BENCH_SECTOR % BENCH_DATA;
	memcpy(request->iv, &sector, sizeof(sector));
}

void bench_engine(struct bench *bench, bool encrypt, unsigned int sectors)
{
	for (unsigned int i = 0; i < sectors; i++)
		ask(bench, &bench->requests[i], encrypt);
	engine_run(bench->engine, bench->requests, sectors, NULL, NULL);
	for (unsigned int i = 0; i < sectors; i++)
		bench_check(bench->requests[i].status, "a request");
}

void bench_token(struct bench *bench, bool encrypt, size_t size)
{
	int error;

	if (encrypt)
		error = token_encrypt(bench->token, bench->key.k1, bench->data,
				      bench->data, size);
	else
		error = token_decrypt(bench->token, bench->key.k1, bench->data,
				      bench->data, size);
	bench_check(error, "a call of the token");
}
