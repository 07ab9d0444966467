// SPDX-License-Identifier: GPL-2.0
/*
 * Masks by any processor: 32 blocks at a time as four chains of eight, since an
 * element's next one has to wait for it.  Built without the compiler's own
 * vectors: gcc would put both halves of each element into one, only to store that
 * at once.  Block by block takes three times as long so, and in an emulated
 * processor this takes four times as long.
 */
#include "xts_internal.h"

enum {
	CHAIN	= 8,	/* blocks */
	STRIDE	= 4 * CHAIN,
};

/* e * alpha^8: the byte that leaves comes in again, times x^7 + x^2 + x + 1. */
static inline struct xts_element next_chain(struct xts_element e)
{
	uint64_t carry = e.high >> 56;

	return (struct xts_element){
		e.low << 8 ^ carry ^ carry << 1 ^ carry << 2 ^ carry << 7,
		e.high << 8 | e.low >> 56,
	};
}

/* Returns what the block behind these has. */
static struct xts_element mask_stride(uint8_t *out, const uint8_t *in,
				      struct xts_element e0)
{
	const size_t size = CHAIN * XTS_BLOCK;
	struct xts_element e1 = next_chain(e0);
	struct xts_element e2 = next_chain(e1);
	struct xts_element e3 = next_chain(e2);

	for (int i = 0; i < CHAIN; i++, in += XTS_BLOCK, out += XTS_BLOCK) {
		xts_mask_block(out, in, e0);
		xts_mask_block(out + size, in + size, e1);
		xts_mask_block(out + 2 * size, in + 2 * size, e2);
		xts_mask_block(out + 3 * size, in + 3 * size, e3);
		e0 = xts_next(e0);
		e1 = xts_next(e1);
		e2 = xts_next(e2);
		e3 = xts_next(e3);
	}
	return e3;
}

void xts_mask_chains(uint8_t *out, const uint8_t *in, struct xts_element e,
		     size_t count)
{
	const size_t size = STRIDE * XTS_BLOCK;

	for (; count >= STRIDE; count -= STRIDE, in += size, out += size)
		e = mask_stride(out, in, e);
	xts_mask_each(out, in, e, count);
}
