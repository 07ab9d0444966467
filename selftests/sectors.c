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

enum {
	MAX_SIZE = 65536,
	SECTOR = 512,
};

struct options {
	unsigned int sector_size;
	unsigned int tables;		/* each at a random sector number */
	unsigned int sectors;		/* in each */
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

static void usage(void)
{
	fputs("Usage: sectors --blob FILE --key FILE [--sector-size N] [--large-iv]\n"
	      "               [--tables N] [--sectors N]\n", stderr);
	exit(2);
}

static void parse(struct options *o, int argc, char **argv)
{
	static const struct option list[] = {
		{ "blob", required_argument, NULL, 'b' },
		{ "key", required_argument, NULL, 'k' },
		{ "sector-size", required_argument, NULL, 's' },
		{ "large-iv", no_argument, NULL, 'l' },
		{ "tables", required_argument, NULL, 't' },
		{ "sectors", required_argument, NULL, 'n' },
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
			o->tables = atoi(optarg);
			break;
		case 'n':
			o->sectors = atoi(optarg);
			break;
		default:
			usage();
		}
	}
	if (!o->bits || o->sectors * o->sector_size > MAX_SIZE)
		usage();
}

/* As dm-crypt's plain64 counts: by 512 bytes, or by its own sectors. */
static uint64_t iv_of(const struct options *o, uint64_t offset, unsigned int n)
{
	unsigned int ratio = o->sector_size / SECTOR;

	return o->large_iv ? offset / ratio + n : offset + n * ratio;
}

static void expect_cipher(const struct options *o, struct reference *ref,
			  struct buffers *b, uint64_t offset)
{
	unsigned int n;
	uint8_t iv[16];

	memcpy(b->cipher, b->plain, o->sectors * o->sector_size);
	for (n = 0; n < o->sectors; n++) {
		reference_iv(iv, iv_of(o, offset, n));
		reference_unit(ref, true, iv, b->cipher + n * o->sector_size,
			       o->sector_size);
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

static int check_table(const struct options *o, struct reference *ref,
		       struct buffers *b, uint64_t offset)
{
	size_t size = o->sectors * o->sector_size;
	struct volume_spec spec = {
		.key = o->blob,
		.key_size = PAES_BLOB_SIZE,
		.iv_offset = offset,
		.sector_size = o->sector_size,
		.large_iv = o->large_iv,
		.size = size,
	};
	struct volume v;
	int ret, closed;

	reference_random(b->plain, size);
	expect_cipher(o, ref, b, offset);
	ret = volume_open(&v, &spec);
	if (ret)
		return ret;
	ret = compare(&v, b, size);
	closed = volume_close(&v);
	return ret ? ret : closed;
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
	struct options o = { .sector_size = SECTOR, .tables = 125, .sectors = 8 };
	struct buffers b = { volume_buffer(MAX_SIZE), volume_buffer(MAX_SIZE),
			     volume_buffer(MAX_SIZE) };
	struct reference *ref;
	uint64_t offset;
	unsigned int i;
	int ret;

	parse(&o, argc, argv);
	ref = reference_new(o.key, o.bits);
	for (i = 0; i < o.tables; i++) {
		reference_random(&offset, sizeof(offset));
		/* dm-crypt takes no sector number inside a sector. */
		offset &= ~(uint64_t)(o.sector_size / SECTOR - 1);
		ret = check_table(&o, ref, &b, offset);
		if (ret) {
			fprintf(stderr, "sector %llu, size %u: %s\n",
				(unsigned long long)offset, o.sector_size,
				name_of(ret));
			return 1;
		}
	}
	printf("%u sectors of %u bytes at %u random places\n",
	       o.tables * o.sectors, o.sector_size, o.tables);
	return 0;
}
