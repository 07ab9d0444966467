// SPDX-License-Identifier: GPL-2.0
/*
 * Masks by AVX2: sixteen elements as eight planes, of which plane i has the
 * 16-bit word i of each.  All times alpha^16 is next to nothing then: each plane
 * is the one above it, and what leaves the highest comes in again below.  Planes
 * are interleaved three times, which makes vectors of two elements of them.
 *
 * 512 bits at a time, by shifts and carry-less products, were hardly faster where
 * a processor has them (7 ns of an engine's 1,050 for 4 KiB): outside the first
 * cache both ways are as fast as memcpy().
 */
#ifdef __x86_64__

#include "xts_internal.h"

#include <immintrin.h>

enum {
	WORDS	= 8,
	STRIDE	= 16,
	VECTOR	= 32,
	TURN	= WORDS * STRIDE,	/* after which planes are where they were */
};

#define AVX2		__attribute__((__target__("avx2")))
#define AVX2_INLINE	static inline __attribute__((__always_inline__)) AVX2

/*
 * Processors interleave within 128 bits: so the even elements are in the lower
 * eight lanes, and the odd ones in the upper.
 */
typedef uint16_t plane __attribute__((__vector_size__(VECTOR)));

#define INTERLEAVE(_part, _a, _b) \
	((plane)_mm256_unpack##_part((__m256i)(_a), (__m256i)(_b)))

/*
 * What leaves the highest plane, times x^7 + x^2 + x + 1: for the lowest one,
 * and for that above it.
 */
AVX2_INLINE plane fold_low(plane carry)
{
	plane twice = carry + carry, four = twice + twice;

	return carry ^ twice ^ four ^ carry << 7;
}

AVX2_INLINE plane fold_high(plane carry)
{
	return (carry ^ carry >> 1) >> 14 ^ carry >> 9;
}

/* e * alpha^0 to e * alpha^15: products with powers of two. */
AVX2_INLINE void start(plane planes[WORDS], struct xts_element e)
{
	const plane powers = { 1 << 0, 1 << 2, 1 << 4, 1 << 6, 1 << 8, 1 << 10,
			       1 << 12, 1 << 14, 1 << 1, 1 << 3, 1 << 5, 1 << 7,
			       1 << 9, 1 << 11, 1 << 13, 1 << 15 };
	plane carry = { 0 };

#pragma GCC unroll 8
	for (int i = 0; i < WORDS; i++) {
		uint64_t half = i < WORDS / 2 ? e.low : e.high;
		plane word = (plane)_mm256_set1_epi16((short)(half >> i % 4 * 16));

		planes[i] = word * powers ^ carry;
		carry = (plane)_mm256_mulhi_epu16((__m256i)word, (__m256i)powers);
	}
	planes[0] ^= fold_low(carry);
	planes[1] ^= fold_high(carry);
}

AVX2_INLINE void xor(uint8_t *out, const uint8_t *in, plane mask)
{
	plane data;

	memcpy(&data, in, VECTOR);
	data ^= mask;
	memcpy(out, &data, VECTOR);
}

/* 4 elements, whose lower and upper halves these are. */
AVX2_INLINE void mask_4(uint8_t *out, const uint8_t *in, plane low, plane high)
{
	xor(out, in, INTERLEAVE(lo_epi64, low, high));
	xor(out + VECTOR, in + VECTOR, INTERLEAVE(hi_epi64, low, high));
}

/* 8 elements, whose words 0 and 1, 2 and 3, 4 and 5, 6 and 7 these are. */
AVX2_INLINE void mask_8(uint8_t *out, const uint8_t *in, plane words01,
			plane words23, plane words45, plane words67)
{
	mask_4(out, in, INTERLEAVE(lo_epi32, words01, words23),
	       INTERLEAVE(lo_epi32, words45, words67));
	mask_4(out + 2 * VECTOR, in + 2 * VECTOR,
	       INTERLEAVE(hi_epi32, words01, words23),
	       INTERLEAVE(hi_epi32, words45, words67));
}

/* Where plane i is, when `turn` of them have moved to the other end. */
#define AT(_i)		planes[((_i) + WORDS - turn) % WORDS]
#define WORDS_OF(_part, _i) \
	INTERLEAVE(_part, AT(_i), AT((_i) + 1))

/* All 16 elements, and on to the next. */
AVX2_INLINE void mask_16(uint8_t *out, const uint8_t *in, plane planes[WORDS],
			 unsigned int turn)
{
	plane carry = AT(7);

	mask_8(out, in, WORDS_OF(lo_epi16, 0), WORDS_OF(lo_epi16, 2),
	       WORDS_OF(lo_epi16, 4), WORDS_OF(lo_epi16, 6));
	mask_8(out + 4 * VECTOR, in + 4 * VECTOR, WORDS_OF(hi_epi16, 0),
	       WORDS_OF(hi_epi16, 2), WORDS_OF(hi_epi16, 4),
	       WORDS_OF(hi_epi16, 6));
	AT(7) = fold_low(carry);
	AT(0) ^= fold_high(carry);
}

/* Unrolled, so that no plane is ever moved. */
AVX2_INLINE void mask_turn(uint8_t *out, const uint8_t *in, plane planes[WORDS])
{
#pragma GCC unroll 8
	for (unsigned int turn = 0; turn < WORDS; turn++) {
		mask_16(out, in, planes, turn);
		in += STRIDE * XTS_BLOCK;
		out += STRIDE * XTS_BLOCK;
	}
}

AVX2_INLINE void move(plane planes[WORDS])
{
	plane last = planes[WORDS - 1];

#pragma GCC unroll 8
	for (int i = WORDS - 1; i; i--)
		planes[i] = planes[i - 1];
	planes[0] = last;
}

AVX2 void xts_mask_planes(uint8_t *out, const uint8_t *in, struct xts_element e,
			  size_t count)
{
	plane planes[WORDS];

	for (; count % STRIDE; count--, in += XTS_BLOCK, out += XTS_BLOCK) {
		xts_mask_block(out, in, e);
		e = xts_next(e);
	}
	start(planes, e);
	for (; count >= TURN; count -= TURN) {
		mask_turn(out, in, planes);
		in += TURN * XTS_BLOCK;
		out += TURN * XTS_BLOCK;
	}
	for (; count; count -= STRIDE) {
		mask_16(out, in, planes, 0);
		move(planes);
		in += STRIDE * XTS_BLOCK;
		out += STRIDE * XTS_BLOCK;
	}
}

#endif
