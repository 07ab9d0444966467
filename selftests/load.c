// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alg.h"
#include "coverage.h"
#include "fuzz.h"
#include "load.h"
#include "module.h"
#include "reference.h"
#include "rng.h"
#include "volume.h"

enum {
	SECTOR = 512,
	BLOCKS = 256,			/* of a volume */
	DEPTH = 8,			/* requests at once, each in its own part */
	PART = BLOCKS / DEPTH,
	LONGEST = 4,			/* blocks of a request */
	STRIDE = 8,			/* blocks; only the first half is used */
	SHARED_AT = 2048,		/* on the disk, in blocks */
	DISK_BLOCKS = SHARED_AT + 2 * BLOCKS,
	GUARD = 0xa5,
	UNREAD = 0xee,
	WAIT_MS = 100000,
	ALG_LONGEST = 9000,
	BEYOND = 64,			/* bytes that are looked at */
	REST_US = 200000,		/* at most: the processors are the brokers' */
	STREAM_LOAD = 2000000,
	STREAM_CONTENT = 3000000,
};

/* A request's memory: a block on either side that nobody may touch. */
struct buffer {
	uint8_t before[FUZZ_BLOCK];
	uint8_t data[LONGEST * FUZZ_BLOCK];
	uint8_t after[FUZZ_BLOCK];
};

struct load {
	bool honest;
	unsigned int watch;
	struct volume volume;
	struct rng rng;
	struct buffer *buffers;
	unsigned int versions[BLOCKS];
	unsigned int at[DEPTH];
	unsigned int length;		/* blocks */
	bool write;
};

/* A volume's block on the disk. */
static unsigned int disk_block(bool honest, unsigned int block)
{
	return (honest ? 0 : SHARED_AT) + block;
}

/* What the disk holds before. */
static void fill_disk_block(uint8_t *to, unsigned int number)
{
	struct rng r;

	rng_seed(&r, fuzz->seed, STREAM_CONTENT + number);
	rng_fill(&r, to, FUZZ_BLOCK);
}

/* What a volume holds in a block that was written so often. */
static void fill_block(uint8_t *to, bool honest, unsigned int block,
		       unsigned int version)
{
	struct rng r;
	size_t at;

	rng_seed(&r, fuzz->seed + version, STREAM_CONTENT + disk_block(honest, block));
	rng_fill(&r, to, FUZZ_BLOCK);
	for (at = 0; honest && at < FUZZ_BLOCK; at += SECTOR)
		memcpy(to + at, fuzz->mark, FUZZ_MARK);
}


static bool is_used(unsigned int block)
{
	return block % STRIDE < LONGEST;
}

static bool is_volumes(unsigned int block)
{
	return (block < BLOCKS ||
		(block >= SHARED_AT && block < SHARED_AT + BLOCKS)) &&
	       is_used(block);
}

bool load_prepare(void)
{
	uint8_t *buffer = volume_buffer(FUZZ_BLOCK);
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < DISK_BLOCKS; i++) {
		fill_disk_block(buffer, i);
		ret = disk_write(buffer, FUZZ_BLOCK, (size_t)i * FUZZ_BLOCK);
	}
	free(buffer);
	return !ret;
}

void load_check_disk(void)
{
	uint8_t *found = volume_buffer(FUZZ_BLOCK);
	uint8_t expected[FUZZ_BLOCK];
	unsigned int i;

	for (i = 0; i < DISK_BLOCKS; i++) {
		if (is_volumes(i))
			continue;
		fill_disk_block(expected, i);
		fuzz_check(FUZZ_BOUNDS,
			   !disk_read(found, FUZZ_BLOCK, (size_t)i * FUZZ_BLOCK) &&
			   !memcmp(found, expected, FUZZ_BLOCK),
			   "block %u of the disk, which no request wrote to, changed", i);
	}
	free(found);
}

static bool all_are(const uint8_t *bytes, size_t length, uint8_t value)
{
	return bytes[0] == value && !memcmp(bytes, bytes + 1, length - 1);
}

static void draw_round(struct load *l)
{
	unsigned int i;

	l->length = 1 + rng_below(&l->rng, LONGEST);
	l->write = rng_one_in(&l->rng, 2);
	for (i = 0; i < DEPTH; i++)
		l->at[i] = i * PART + STRIDE * rng_below(&l->rng, PART / STRIDE) +
			   rng_below(&l->rng, LONGEST - l->length + 1);
}

static void fill_buffer(struct load *l, unsigned int i)
{
	struct buffer *b = &l->buffers[i];
	unsigned int n, block;

	memset(b->before, GUARD, sizeof(b->before));
	memset(b->after, GUARD, sizeof(b->after));
	memset(b->data, UNREAD, sizeof(b->data));
	for (n = 0; l->write && n < l->length; n++) {
		block = l->at[i] + n;
		fill_block(b->data + n * FUZZ_BLOCK, l->honest, block,
			   ++l->versions[block]);
	}
}

static void submit_round(struct load *l)
{
	unsigned int i;
	int ret;

	for (i = 0; i < DEPTH; i++) {
		fill_buffer(l, i);
		ret = volume_submit(&l->volume,
				    l->write ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD,
				    l->buffers[i].data, l->length * FUZZ_BLOCK,
				    (size_t)l->at[i] * FUZZ_BLOCK);
		fuzz_check(FUZZ_BOUNDS, !ret, "io_submit: %s", strerror(-ret));
	}
}

/* False when one doesn't come back at all. */
static bool reap_round(struct load *l)
{
	enum fuzz_claim claim = l->honest ? FUZZ_HONEST_IO : FUZZ_OTHER_IO;
	long expected = l->length * FUZZ_BLOCK, result;

	while (l->volume.in_flight) {
		result = volume_reap(&l->volume, WAIT_MS);
		if (result == -EIO && !l->honest) {
			fuzz->counts[FUZZ_ERRORS]++;
			continue;
		}
		fuzz_check(claim, result == expected,
			   "%s volume: a %s of %ld bytes came back with %ld",
			   l->honest ? "honest" : "shared",
			   l->write ? "write" : "read", expected, result);
		if (result == -ETIME)
			return false;
	}
	return true;
}

static void check_content(struct load *l, const uint8_t *data, unsigned int block)
{
	uint8_t expected[FUZZ_BLOCK];

	fill_block(expected, l->honest, block, l->versions[block]);
	fuzz->counts[FUZZ_READS]++;
	fuzz_check(l->honest ? FUZZ_HONEST_IO : FUZZ_OTHER_IO,
		   !memcmp(data, expected, FUZZ_BLOCK),
		   "%s volume: block %u isn't what was written (version %u)",
		   l->honest ? "honest" : "shared", block, l->versions[block]);
}

static void check_buffer(struct load *l, unsigned int i)
{
	const struct buffer *b = &l->buffers[i];
	size_t length = l->length * FUZZ_BLOCK;
	unsigned int n;

	fuzz_check(FUZZ_BOUNDS,
		   all_are(b->before, sizeof(b->before), GUARD) &&
		   all_are(b->after, sizeof(b->after), GUARD),
		   "memory beside a request's changed");
	fuzz_check(FUZZ_BOUNDS, l->length == LONGEST ||
		   all_are(b->data + length, sizeof(b->data) - length, UNREAD),
		   "memory behind a request's changed");
	for (n = 0; l->honest && !l->write && n < l->length; n++)
		check_content(l, b->data + n * FUZZ_BLOCK, l->at[i] + n);
}

/* False when I/O hangs. */
static bool run_round(struct load *l)
{
	unsigned int i;

	draw_round(l);
	submit_round(l);
	if (!reap_round(l))
		return false;
	for (i = 0; i < DEPTH; i++)
		check_buffer(l, i);
	return true;
}

static bool write_block(struct load *l, uint8_t *buffer, unsigned int block)
{
	fill_block(buffer, l->honest, block, ++l->versions[block]);
	return !volume_write(&l->volume, buffer, FUZZ_BLOCK,
			     (size_t)block * FUZZ_BLOCK);
}

/* Everything at first, and the shared volume once more when all is calm. */
static void write_all(struct load *l)
{
	uint8_t *buffer = volume_buffer(FUZZ_BLOCK);
	unsigned int i;

	for (i = 0; i < BLOCKS; i++)
		if (is_used(i))
			fuzz_check(l->honest ? FUZZ_HONEST_IO : FUZZ_OTHER_IO,
				   write_block(l, buffer, i),
				   "block %u of the %s volume can't be written", i,
				   l->honest ? "honest" : "shared");
	free(buffer);
}

static void read_all(struct load *l)
{
	uint8_t *buffer = volume_buffer(FUZZ_BLOCK);
	unsigned int i;

	for (i = 0; i < BLOCKS; i++) {
		if (!is_used(i))
			continue;
		memset(buffer, UNREAD, FUZZ_BLOCK);
		volume_read(&l->volume, buffer, FUZZ_BLOCK, (size_t)i * FUZZ_BLOCK);
		check_content(l, buffer, i);
	}
	free(buffer);
}

/* The disk holds what OpenSSL makes of it. */
static void check_ciphertext(struct load *l)
{
	const struct testkey *k = &fuzz->keys[FUZZ_HONEST];
	uint8_t *expected = volume_buffer(BLOCKS * FUZZ_BLOCK);
	uint8_t *found = volume_buffer(BLOCKS * FUZZ_BLOCK);
	unsigned int i, at;

	for (i = 0; i < BLOCKS; i++)
		fill_block(expected + i * FUZZ_BLOCK, true, i, l->versions[i]);
	reference_disk(k->key, k->bits, expected, BLOCKS * FUZZ_BLOCK);
	disk_read(found, BLOCKS * FUZZ_BLOCK, 0);
	for (i = 0; i < BLOCKS; i++) {
		at = i * FUZZ_BLOCK;
		if (is_used(i))
			fuzz_check(FUZZ_HONEST_IO,
				   !memcmp(expected + at, found + at, FUZZ_BLOCK),
				   "block %u of the disk isn't encrypted rightly", i);
	}
	free(expected);
	free(found);
}

static int open_load(struct load *l)
{
	const struct testkey *k = &fuzz->keys[l->honest ? FUZZ_HONEST : FUZZ_SHARED];
	struct volume_spec spec = {
		.key = k->bytes,
		.key_size = PAES_BLOB_SIZE,
		.start = (uint64_t)disk_block(l->honest, 0) * FUZZ_BLOCK / SECTOR,
		.size = BLOCKS * FUZZ_BLOCK,
	};

	l->buffers = volume_buffer(DEPTH * sizeof(*l->buffers));
	return volume_open(&l->volume, &spec);
}

static void run(struct load *l)
{
	while (fuzz->phase == FUZZ_RUN) {
		if (!run_round(l))
			_exit(1);
		usleep(rng_below(&l->rng, REST_US));
		fuzz->progress[l->watch]++;
		coverage_collect();
	}
}

int load_volume(bool honest, unsigned int watch)
{
	static struct load l;
	int ret;

	l.honest = honest;
	l.watch = watch;
	rng_seed(&l.rng, fuzz->seed, STREAM_LOAD + honest);
	coverage_begin(false);
	ret = open_load(&l);
	fuzz_check(honest ? FUZZ_HONEST_IO : FUZZ_OTHER_IO, !ret,
		   "the %s volume doesn't open: %s", honest ? "honest" : "shared",
		   strerror(-ret));
	if (ret)
		return 1;
	if (honest)
		write_all(&l);
	fuzz->ready++;
	run(&l);
	if (!honest)
		write_all(&l);
	read_all(&l);
	if (honest)
		check_ciphertext(&l);
	coverage_collect();
	ret = volume_close(&l.volume);
	fuzz_check(honest ? FUZZ_HONEST_IO : FUZZ_OTHER_IO, !ret,
		   "the %s volume doesn't close: %s", honest ? "honest" : "shared",
		   strerror(-ret));
	return !!ret;
}

/* What a request under a key may end with; the honest ones must succeed. */
static bool crypt_result_allowed(enum fuzz_kek kek, int ret)
{
	return !ret || (kek != FUZZ_HONEST && ret == -EIO);
}

static void check_answer(const struct testkey *k, bool encrypt, const uint8_t *iv,
			 uint8_t *expected, const uint8_t *found, size_t length)
{
	struct reference *ref = reference_new(k->key, k->bits);

	reference_unit(ref, encrypt, iv, expected, length);
	fuzz_check(FUZZ_ALG, !memcmp(expected, found, length),
		   "AF_ALG: %zu bytes under the honest key came back wrong", length);
	reference_free(ref);
}

static void alg_request(struct rng *r, int tfm, enum fuzz_kek kek)
{
	static uint8_t in[ALG_LONGEST], out[ALG_LONGEST + BEYOND];
	size_t length = 16 + rng_below(r, ALG_LONGEST - 16);
	bool encrypt = rng_one_in(r, 2);
	uint8_t iv[16];
	int op = alg_accept(tfm), ret;

	rng_fill(r, iv, sizeof(iv));
	rng_fill(r, in, length);
	memset(out, GUARD, sizeof(out));
	ret = op < 0 ? op : alg_crypt(op, encrypt, iv, in, out, length);
	fuzz_check(FUZZ_ALG, crypt_result_allowed(kek, ret),
		   "AF_ALG: a request of %zu bytes under key %d: %s", length, kek,
		   strerror(-ret));
	fuzz_check(FUZZ_BOUNDS, all_are(out + length, BEYOND, GUARD),
		   "AF_ALG: bytes behind the %zu asked for were written", length);
	if (!ret && kek == FUZZ_HONEST)
		check_answer(&fuzz->keys[kek], encrypt, iv, in, out, length);
	if (op >= 0)
		close(op);
}

/* The answers of setkey that the manual of setkey_open() names. */
static bool setkey_result_allowed(enum fuzz_kek kek, int ret)
{
	switch (ret) {
	case 0:
		return kek != FUZZ_NOBODY;
	case -ETIMEDOUT:
		return kek != FUZZ_NOBODY;
	case -ENOKEY:
		return kek != FUZZ_HONEST;
	case -EKEYREJECTED:
	case -EIO:
		return kek == FUZZ_SHARED || kek == FUZZ_HOSTILE;
	}
	return false;
}

/* Of any length but the right one; hostile brokers open whatever has that. */
static void alg_wrong_key(struct rng *r, int tfm)
{
	uint8_t bytes[2 * PAES_BLOB_SIZE];
	size_t length = 1 + rng_below(r, sizeof(bytes));
	int ret;

	if (length == PAES_BLOB_SIZE)
		return;
	rng_fill(r, bytes, sizeof(bytes));
	memcpy(bytes, fuzz->keys[FUZZ_HONEST].bytes, PAES_BLOB_SIZE);
	ret = alg_setkey(tfm, bytes, length);
	fuzz_check(FUZZ_ALG, ret == -EINVAL,
		   "AF_ALG: setkey of %zu bytes: expected EINVAL, found %d",
		   length, ret);
}

/*
 * Under a key that nobody serves, each request takes hold_seconds: each is
 * progress, and when the brokers are gone one is enough.
 */
static void alg_round(struct rng *r, unsigned int watch)
{
	enum fuzz_kek kek = rng_below(r, 8);
	int tfm = alg_open(), ret;
	unsigned int n;

	if (kek >= FUZZ_KEKS)
		kek = rng_below(r, FUZZ_NOBODY);
	ret = tfm < 0 ? tfm : alg_setkey(tfm, fuzz->keys[kek].bytes, PAES_BLOB_SIZE);
	fuzz_check(FUZZ_ALG, setkey_result_allowed(kek, ret),
		   "AF_ALG: setkey of key %d: %s", kek, strerror(-ret));
	for (n = rng_below(r, 8); !ret && n && fuzz->phase == FUZZ_RUN; n--) {
		alg_request(r, tfm, kek);
		fuzz->progress[watch]++;
	}
	if (rng_one_in(r, 4))
		alg_wrong_key(r, tfm);
	close(tfm);
}

int load_alg(unsigned int watch)
{
	struct rng r;

	rng_seed(&r, fuzz->seed, STREAM_LOAD + 2);
	coverage_begin(false);
	fuzz->ready++;
	while (fuzz->phase == FUZZ_RUN) {
		alg_round(&r, watch);
		usleep(rng_below(&r, REST_US));
		fuzz->progress[watch]++;
		coverage_collect();
	}
	return 0;
}
