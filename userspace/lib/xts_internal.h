/* SPDX-License-Identifier: GPL-2.0 */
/* How xts_mask() is done: for xts.c, the vectors, and their tests. */
#ifndef PAES_XTS_INTERNAL_H
#define PAES_XTS_INTERNAL_H

#include "xts.h"

#include <endian.h>
#include <string.h>

struct xts_element {
	uint64_t low;
	uint64_t high;
};

static inline struct xts_element xts_load(const uint8_t bytes[XTS_BLOCK])
{
	struct xts_element e;

	memcpy(&e, bytes, sizeof(e));
	return (struct xts_element){ le64toh(e.low), le64toh(e.high) };
}

static inline void xts_store(uint8_t bytes[XTS_BLOCK], struct xts_element e)
{
	e = (struct xts_element){ htole64(e.low), htole64(e.high) };
	memcpy(bytes, &e, sizeof(e));
}

/* e * alpha; without a branch, since a tweak is secret. */
static inline struct xts_element xts_next(struct xts_element e)
{
	uint64_t carry = 0x87 & -(e.high >> 63);

	return (struct xts_element){ e.low << 1 ^ carry, e.high << 1 | e.low >> 63 };
}

static inline void xts_mask_block(uint8_t *out, const uint8_t *in,
				  struct xts_element e)
{
	struct xts_element data = xts_load(in);

	data.low ^= e.low;
	data.high ^= e.high;
	xts_store(out, data);
}

/*
 * All do what xts_mask() does, which takes the fastest there is.  This is all
 * the work on a sector that isn't the token's.
 */
typedef void xts_masking(uint8_t *out, const uint8_t *in, struct xts_element e,
			 size_t count);

xts_masking xts_mask_each;	/* block by block */
xts_masking xts_mask_chains;	/* by any processor */
xts_masking xts_mask_planes;	/* AVX2 */

#endif
