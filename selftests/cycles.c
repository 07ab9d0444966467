// SPDX-License-Identifier: GPL-2.0
/*
 * A helper of fault_cycles.sh: processes each of which opens a volume under a
 * wrapped key, writes to it, reads it back, and closes it, again and again.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/wait.h>
#include <linux/paes_blob.h>

#include "reference.h"
#include "volume.h"

enum {
	AT_ONCE = 16,
	SIZE = 4096,
};

static int use(struct volume *v, uint8_t *data, uint8_t *found)
{
	int ret;

	reference_random(data, SIZE);
	ret = volume_write(v, data, SIZE, 0);
	if (!ret)
		ret = volume_read(v, found, SIZE, 0);
	return ret || !memcmp(data, found, SIZE) ? ret : -EILSEQ;
}

/* Opened at a place of its own on the disk, used and closed. */
static int cycle(const uint8_t *blob, unsigned int place, uint8_t *data,
		 uint8_t *found)
{
	struct volume_spec spec = {
		.key = blob,
		.key_size = PAES_BLOB_SIZE,
		.size = SIZE,
		.start = place * (SIZE / 512),
	};
	struct volume v;
	int ret = volume_open(&v, &spec), closed;

	if (!ret)
		ret = use(&v, data, found);
	closed = volume_close(&v);
	return ret ?: closed;
}

/* What one process does; the status it exits with. */
static int cycles(const uint8_t *blob, unsigned int place, long count)
{
	uint8_t *data = volume_buffer(SIZE), *found = volume_buffer(SIZE);
	int ret = 0;
	long n;

	for (n = 0; !ret && n < count; n++)
		ret = cycle(blob, place, data, found);
	if (ret)
		fprintf(stderr, "cycles: volume %ld of process %u: %s\n", n,
			place, strerror(-ret));
	return !!ret;
}

static void read_blob(const char *path, uint8_t blob[PAES_BLOB_SIZE])
{
	FILE *f = fopen(path, "re");

	if (!f || fread(blob, 1, PAES_BLOB_SIZE, f) != PAES_BLOB_SIZE) {
		fprintf(stderr, "cycles: %s: expected a wrapped key\n", path);
		exit(1);
	}
	fclose(f);
}

/* Most of the time goes by in waiting for RCU, which they do together. */
static int cycles_at_once(const uint8_t *blob, long count)
{
	int status, failed = 0, i;

	for (i = 0; i < AT_ONCE; i++) {
		pid_t pid = fork();

		if (!pid)
			_exit(cycles(blob, i, (count + AT_ONCE - 1) / AT_ONCE));
		failed |= pid < 0;
	}
	while (wait(&status) > 0)
		failed |= !!status;
	return failed;
}

int main(int argc, char **argv)
{
	uint8_t blob[PAES_BLOB_SIZE];

	if (argc != 3) {
		fputs("Usage: cycles BLOB COUNT\n", stderr);
		return 2;
	}
	read_blob(argv[1], blob);
	return cycles_at_once(blob, strtol(argv[2], NULL, 10));
}
