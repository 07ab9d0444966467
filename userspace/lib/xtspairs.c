// SPDX-License-Identifier: GPL-2.0
/*
 * Masks by vectors of 128 bits, which every processor has: a vector of low and
 * one of high halves hold two elements; such a pair is a chain.  Four chains
 * move on by alpha^8 at a time.
 */
#include "xts_internal.h"

enum {
	LANES	= 2,
	STRIDE	= 4 * LANES,
	VECTOR	= 8 * LANES,
};

typedef uint64_t vector __attribute__((__vector_size__(VECTOR)));

struct chain {
	vector low;
	vector high;
};

/* What leaves the high half upwards comes in again below, times x^7 + x^2 + x + 1. */
static inline struct chain folded(vector low, vector high, vector carry)
{
	vector twice = low ^ carry ^ carry << 1;

	return (struct chain){ twice ^ carry << 2 ^ carry << 7, high };
}

/* Times alpha^n. */
static inline struct chain times(struct chain c, int n)
{
	return folded(c.low << n, c.high << n | c.low >> (64 - n),
		      c.high >> (64 - n));
}

/* e, e * alpha */
static inline struct chain first(struct xts_element e)
{
	struct xts_element next = xts_next(e);

	return (struct chain){ { e.low, next.low }, { e.high, next.high } };
}

static inline void xor(uint8_t *out, const uint8_t *in, vector mask)
{
	vector data;

	memcpy(&data, in, VECTOR);
	data ^= mask;
	memcpy(out, &data, VECTOR);
}

/* The blocks of a chain; returns what it is a stride on. */
static inline struct chain mask(uint8_t *out, const uint8_t *in, struct chain c)
{
	xor(out, in, __builtin_shufflevector(c.low, c.high, 0, 2));
	xor(out + VECTOR, in + VECTOR, __builtin_shufflevector(c.low, c.high, 1, 3));
	return times(c, STRIDE);
}

static void mask_strides(uint8_t *out, const uint8_t *in, struct xts_element e,
			 size_t count)
{
	struct chain c0 = first(e);
	struct chain c1 = times(c0, LANES);
	struct chain c2 = times(c1, LANES);
	struct chain c3 = times(c2, LANES);

	for (; count; count--, in += 8 * VECTOR, out += 8 * VECTOR) {
		c0 = mask(out, in, c0);
		c1 = mask(out + 2 * VECTOR, in + 2 * VECTOR, c1);
		c2 = mask(out + 4 * VECTOR, in + 4 * VECTOR, c2);
		c3 = mask(out + 6 * VECTOR, in + 6 * VECTOR, c3);
	}
}

void xts_mask_pairs(uint8_t *out, const uint8_t *in, struct xts_element e,
		    size_t count)
{
	for (; count % STRIDE; count--, in += XTS_BLOCK, out += XTS_BLOCK) {
		xts_mask_block(out, in, e);
		e = xts_next(e);
	}
	mask_strides(out, in, e, count / STRIDE);
}
