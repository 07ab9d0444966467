// SPDX-License-Identifier: GPL-2.0
#include "xts_internal.h"

static struct xts_element multiply(struct xts_element a, struct xts_element b)
{
	struct xts_element product = { 0, 0 };

	for (int i = 0; i < 128; i++) {
		uint64_t bit = -(b.low & 1);

		product.low ^= a.low & bit;
		product.high ^= a.high & bit;
		a = xts_next(a);
		b.low = b.low >> 1 | b.high << 63;
		b.high >>= 1;
	}
	return product;
}

void xts_iv_add(uint8_t sum[XTS_BLOCK], const uint8_t iv[XTS_BLOCK], uint64_t n)
{
	struct xts_element e = xts_load(iv);

	e.high += __builtin_add_overflow(e.low, n, &e.low);
	xts_store(sum, e);
}

void xts_advance(uint8_t tweak[XTS_BLOCK], uint32_t n)
{
	struct xts_element e = xts_load(tweak);
	struct xts_element power = { 2, 0 };	/* alpha^(2^i) */

	for (; n; n >>= 1) {
		if (n & 1)
			e = multiply(e, power);
		power = multiply(power, power);
	}
	xts_store(tweak, e);
}

void xts_mask_each(uint8_t *out, const uint8_t *in, struct xts_element e,
		   size_t count)
{
	for (; count; count--, in += XTS_BLOCK, out += XTS_BLOCK) {
		xts_mask_block(out, in, e);
		e = xts_next(e);
	}
}

static xts_masking *fastest(void)
{
#ifdef __x86_64__
	if (__builtin_cpu_supports("avx2"))
		return xts_mask_planes;
#endif
	return xts_mask_chains;
}

void xts_mask(uint8_t *out, const uint8_t *in, const uint8_t tweak[XTS_BLOCK],
	      size_t count)
{
	fastest()(out, in, xts_load(tweak), count);
}

void xts_mask_one(uint8_t *out, const uint8_t *in,
		  const uint8_t tweak[XTS_BLOCK], uint32_t n)
{
	uint8_t mask[XTS_BLOCK];

	memcpy(mask, tweak, XTS_BLOCK);
	xts_advance(mask, n);
	xts_mask(out, in, mask, 1);
	explicit_bzero(mask, sizeof(mask));
}
