// SPDX-License-Identifier: GPL-2.0
/*
 * A helper of dmcrypt.sh: is what dm-crypt puts on the disk under a wrapped
 * key what OpenSSL makes of it under the key inside, at sector numbers from
 * all over the 64 bits?  Exit status 0 if so, 1 with the first difference.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/paes_blob.h>

#include "module.h"
#include "reference.h"
#include "volume.h"

enum { SECTOR = 512 };

struct options {
	unsigned int sector_size;
	unsigned int places;		/* random sector numbers, of one table */
	unsigned int sectors;		/* at each */
	unsigned int rounds;		/* tables, one after the other */
	bool large_iv;
	uint8_t blob[PAES_BLOB_SIZE];
	uint8_t key[64];
	unsigned int bits;
};

struct buffers {
	uint8_t *plain;
	uint8_t *cipher;
	uint8_t *found;
};

static size_t read_file(const char *path, void *to, size_t room)
{
	FILE *f = fopen(path, "re");
	size_t n = f ? fread(to, 1, room, f) : 0;

	if (!n) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		exit(1);
	}
	fclose(f);
	return n;
}

static size_t place_size(const struct options *o)
{
	return o->sectors * o->sector_size;
}

static size_t total_size(const struct options *o)
{
	return o->places * place_size(o);
}

static void usage(void)
{
	fputs("Usage: sectors --blob FILE --key FILE [--sector-size N] [--large-iv]\n"
	      "               [--places N] [--sectors N] [--rounds N]\n", stderr);
	exit(2);
}

static void parse(struct options *o, int argc, char **argv)
{
	static const struct option list[] = {
		{ "blob", required_argument, NULL, 'b' },
		{ "key", required_argument, NULL, 'k' },
		{ "sector-size", required_argument, NULL, 's' },
		{ "large-iv", no_argument, NULL, 'l' },
		{ "places", required_argument, NULL, 't' },
		{ "sectors", required_argument, NULL, 'n' },
		{ "rounds", required_argument, NULL, 'r' },
		{ 0 }
	};
	int c;

	while ((c = getopt_long(argc, argv, "", list, NULL)) != -1) {
		switch (c) {
		case 'b':
			read_file(optarg, o->blob, sizeof(o->blob));
			break;
		case 'k':
			o->bits = 4 * read_file(optarg, o->key, sizeof(o->key));
			break;
		case 's':
			o->sector_size = atoi(optarg);
			break;
		case 'l':
			o->large_iv = true;
			break;
		case 't':
			o->places = atoi(optarg);
			break;
		case 'n':
			o->sectors = atoi(optarg);
			break;
		case 'r':
			o->rounds = atoi(optarg);
			break;
		default:
			usage();
		}
	}
	if (!o->bits || !o->places || !o->rounds || total_size(o) > VOLUME_MAX)
		usage();
}

/* As dm-crypt's plain64 counts: by 512 bytes, or by its own sectors. */
static uint64_t iv_of(const struct options *o, uint64_t offset, unsigned int n)
{
	unsigned int ratio = o->sector_size / SECTOR;

	return o->large_iv ? offset / ratio + n : offset + n * ratio;
}

static void expect_cipher(const struct options *o, struct reference *ref,
			  uint8_t *data, uint64_t offset)
{
	unsigned int n;
	uint8_t iv[16];

	for (n = 0; n < o->sectors; n++, data += o->sector_size) {
		reference_iv(iv, iv_of(o, offset, n));
		reference_unit(ref, true, iv, data, o->sector_size);
	}
}

/* What is written reaches the disk as ciphertext, and is read from there. */
static int compare(struct volume *v, struct buffers *b, size_t size)
{
	int ret = volume_write(v, b->plain, size, 0);

	if (!ret)
		ret = disk_read(b->found, size, 0);
	if (!ret && memcmp(b->found, b->cipher, size))
		ret = -EBADMSG;
	if (!ret)
		ret = volume_read(v, b->found, size, 0);
	if (!ret && memcmp(b->found, b->plain, size))
		ret = -EILSEQ;
	return ret;
}

/* Each place is a target of its own in one table. */
static int check(const struct options *o, const uint64_t *offsets,
		 struct buffers *b)
{
	struct volume_spec spec = {
		.key = o->blob,
		.key_size = PAES_BLOB_SIZE,
		.iv_offsets = offsets,
		.targets = o->places,
		.sector_size = o->sector_size,
		.large_iv = o->large_iv,
		.size = place_size(o),
	};
	struct volume v;
	int ret = volume_open(&v, &spec), closed;

	if (ret)
		return ret;
	ret = compare(&v, b, total_size(o));
	closed = volume_close(&v);
	return ret ? ret : closed;
}

static void prepare(const struct options *o, uint64_t *offsets,
		    struct buffers *b)
{
	struct reference *ref = reference_new(o->key, o->bits);
	unsigned int i;

	reference_random(b->plain, total_size(o));
	memcpy(b->cipher, b->plain, total_size(o));
	reference_random(offsets, o->places * sizeof(*offsets));
	for (i = 0; i < o->places; i++) {
		/* dm-crypt takes no sector number inside a sector. */
		offsets[i] &= ~(uint64_t)(o->sector_size / SECTOR - 1);
		expect_cipher(o, ref, b->cipher + i * place_size(o), offsets[i]);
	}
	reference_free(ref);
}

static const char *name_of(int error)
{
	if (error == -EBADMSG)
		return "the disk differs from OpenSSL's ciphertext";
	if (error == -EILSEQ)
		return "what is read differs from what was written";
	return strerror(-error);
}

int main(int argc, char **argv)
{
	struct options o = { .sector_size = SECTOR, .places = 125,
			     .sectors = 1, .rounds = 8 };
	struct buffers b = { volume_buffer(VOLUME_MAX), volume_buffer(VOLUME_MAX),
			     volume_buffer(VOLUME_MAX) };
	unsigned int round;
	uint64_t *offsets;
	int ret = 0;

	parse(&o, argc, argv);
	offsets = calloc(o.places, sizeof(*offsets));
	if (!offsets)
		abort();
	for (round = 0; !ret && round < o.rounds; round++) {
		prepare(&o, offsets, &b);
		ret = check(&o, offsets, &b);
	}
	if (ret) {
		fprintf(stderr, "sectors of %u bytes: %s\n", o.sector_size,
			name_of(ret));
		return 1;
	}
	printf("%u sectors of %u bytes at %u random places\n",
	       o.rounds * o.places * o.sectors, o.sector_size,
	       o.rounds * o.places);
	return 0;
}
