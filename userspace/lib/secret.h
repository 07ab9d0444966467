/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory for PINs, keys and tweaks: locked against swapping, left out of core
 * dumps, wiped when freed.
 */
#ifndef PAES_SECRET_H
#define PAES_SECRET_H

#include "cleanup.h"

#include <stddef.h>

struct secret {
	size_t size;		/* bytes in use, at most what was asked for */
	unsigned char *bytes;
};

/* NULL with errno set when memory can't be had or locked (RLIMIT_MEMLOCK). */
struct secret *secret_new(size_t size);
void secret_free(struct secret *secret);	/* NULL is fine */

static inline void cleanup_secret(struct secret **secret)
{
	secret_free(*secret);
}

/* Overwrites memory that held something secret; not optimised away. */
void secret_wipe(void *bytes, size_t size);

#endif
