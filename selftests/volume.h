/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A dm-crypt volume over a RAM disk, made without cryptsetup or udev, so that
 * no I/O reaches it but the test's.
 */
#ifndef PAES_TEST_VOLUME_H
#define PAES_TEST_VOLUME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <linux/aio_abi.h>

#define VOLUME_DISK "/dev/ram0"

enum {
	VOLUME_MAX = 8 << 20,		/* bytes */
	VOLUME_ALIGN = 4096,		/* of all buffers */
	VOLUME_NAME = 32,
};

struct volume_spec {
	const void *key;
	size_t key_size;
	const char *cipher;		/* NULL: paes-xts-plain64 */
	uint64_t start;			/* on the disk, in 512-byte sectors */
	const uint64_t *iv_offsets;	/* one for each target */
	unsigned int targets;		/* 0: one, from sector number 0 on */
	unsigned int sector_size;	/* 0: 512 */
	bool large_iv;			/* IVs count sectors of that size */
	size_t size;			/* bytes of a target; 0: VOLUME_MAX */
};

struct volume {
	char name[VOLUME_NAME];
	int fd;
	aio_context_t aio;
	unsigned int in_flight;
};

/* 0 or a negative errno; the error of setkey comes through. */
int volume_open(struct volume *v, const struct volume_spec *spec);

/* Waits for I/O in flight and for the device to go. */
int volume_close(struct volume *v);

/* Removes the first volume of a process that was killed. */
int volume_forget(pid_t pid);

/* The whole of length or a negative errno. */
int volume_write(struct volume *v, const void *data, size_t length, size_t at);
int volume_read(struct volume *v, void *data, size_t length, size_t at);

/* Starts a write or read; `data` stays until it is reaped. */
int volume_submit(struct volume *v, int opcode, void *data, size_t length,
		  size_t at);

/* One result (bytes or a negative errno), -ETIME when none comes. */
long volume_reap(struct volume *v, unsigned int timeout_ms);

/* All in flight must come back with `length` bytes each: 0, else a negative errno. */
int volume_reap_all(struct volume *v, long length, unsigned int timeout_ms);

/* The disk itself, past the page cache. */
int disk_read(void *data, size_t length, size_t at);
int disk_write(const void *data, size_t length, size_t at);

/* An aligned buffer; ends the program when there's no memory. */
void *volume_buffer(size_t length);

#endif
