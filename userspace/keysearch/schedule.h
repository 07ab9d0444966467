/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Finds AES schedules of keys that nobody knows: a key's words determine all
 * that follow them, so that a schedule shows itself.
 *
 * AES-128 and AES-256, at any address, in each way that round keys are kept:
 * from first to last or from last to first; as they are, or those between with
 * InvMixColumns ("equivalent inverse cipher", FIPS 197, 5.3.5: what the kernel
 * and OpenSSL decrypt with); bytes as in FIPS 197, or words the other way round.
 */
#ifndef PAES_KEYSEARCH_SCHEDULE_H
#define PAES_KEYSEARCH_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SCHEDULE_KEY_MAX = 32 };

struct schedule {
	size_t offset;
	unsigned int nk;		/* words of the key: 4 or 8 */
	bool backwards;			/* the last round key first */
	bool mixed;			/* InvMixColumns */
	bool swapped;			/* each word's bytes */
	uint8_t key[SCHEDULE_KEY_MAX];	/* 4 * nk bytes */
};

/* The first one that begins at `from` or behind it: false when there is none. */
bool schedule_find(struct schedule *found, const uint8_t *bytes, size_t size,
		   size_t from);

#endif
