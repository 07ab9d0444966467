// SPDX-License-Identifier: GPL-2.0
#include "secret.h"

#include <errno.h>
#include <stdalign.h>
#include <string.h>
#include <sys/mman.h>

/* Heads a mapping of its own, so that locking and dumping concern nothing else. */
struct secret_mapping {
	struct secret secret;
	size_t size;
	alignas(64) unsigned char bytes[];
};

static void unmap(void *mapping, size_t size)
{
	int saved = errno;

	munmap(mapping, size);
	errno = saved;
}

struct secret *secret_new(size_t size)
{
	struct secret_mapping *mapping;
	size_t whole;

	if (__builtin_add_overflow(size, sizeof(*mapping), &whole)) {
		errno = ENOMEM;
		return NULL;
	}
	mapping = mmap(NULL, whole, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (mapping == MAP_FAILED)
		return NULL;
	if (mlock2(mapping, whole, 0) ||
	    madvise(mapping, whole, MADV_DONTDUMP)) {
		unmap(mapping, whole);
		return NULL;
	}
	mapping->size = whole;
	mapping->secret.size = size;
	mapping->secret.bytes = mapping->bytes;
	return &mapping->secret;
}

void secret_free(struct secret *secret)
{
	struct secret_mapping *mapping = (struct secret_mapping *)secret;
	size_t whole;

	if (!secret)
		return;
	whole = mapping->size;
	secret_wipe(mapping, whole);
	unmap(mapping, whole);
}

/*
 * In pieces that are still filled by vectors: for more, the C library has one
 * instruction that works byte by byte where a processor is emulated.
 */
void secret_wipe(void *bytes, size_t size)
{
	enum { PIECE = 2048 };
	unsigned char *at = bytes;

	for (; size > PIECE; at += PIECE, size -= PIECE)
		explicit_bzero(at, PIECE);
	explicit_bzero(at, size);
}
