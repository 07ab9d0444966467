/* SPDX-License-Identifier: GPL-2.0 */
/*
 * xts.c has this once for each width of vector: LANES numbers of 64 bits,
 * instructions by the attribute WIDE, the name MASK_WIDE.
 *
 * A vector of low and one of high halves hold LANES elements; such a pair is a
 * chain.  Four chains move on by alpha^STRIDE at a time.  The elements of a
 * chain are in an order in which interleaving its halves leaves each where it
 * is in memory: 0 2 1 3 for four lanes, since processors interleave within 128
 * bits.
 */

#define STRIDE		(4 * LANES)
#define VECTOR		(8 * LANES)
#define PASTE_(a, b)	a##_##b
#define PASTE(a, b)	PASTE_(a, b)
#define NAME(name)	PASTE(MASK_WIDE, name)

typedef uint64_t NAME(vector) __attribute__((__vector_size__(VECTOR)));

struct NAME(chain) {
	NAME(vector) low;
	NAME(vector) high;
};

/* What leaves the high half upwards comes in again below, times x^7 + x^2 + x + 1. */
WIDE static inline struct NAME(chain) NAME(folded)(NAME(vector) low,
						   NAME(vector) high,
						   NAME(vector) carry)
{
	NAME(vector) twice = low ^ carry ^ carry << 1;

	return (struct NAME(chain)){ twice ^ carry << 2 ^ carry << 7, high };
}

/* Times alpha^n. */
WIDE static inline struct NAME(chain) NAME(next)(struct NAME(chain) c, int n)
{
	return NAME(folded)(c.low << n, c.high << n | c.low >> (64 - n),
			    c.high >> (64 - n));
}

/* e * alpha^0 to e * alpha^(LANES - 1). */
WIDE static inline struct NAME(chain) NAME(first)(struct element e)
{
	const NAME(vector) n = LANE_ORDER;
	const NAME(vector) none = { 0 };
	NAME(vector) low = none + e.low, high = none + e.high;

	return NAME(folded)(low << n, high << n | (low >> 1) >> (63 - n),
			    (high >> 1) >> (63 - n));
}

WIDE static inline void NAME(xor)(uint8_t *out, const uint8_t *in,
				  NAME(vector) mask)
{
	NAME(vector) data;

	memcpy(&data, in, VECTOR);
	data ^= mask;
	memcpy(out, &data, VECTOR);
}

/* The blocks of a chain; returns what it is a stride on. */
WIDE static inline struct NAME(chain) NAME(mask)(uint8_t *out, const uint8_t *in,
						 struct NAME(chain) c)
{
	NAME(xor)(out, in, INTERLEAVE_EVEN(c.low, c.high));
	NAME(xor)(out + VECTOR, in + VECTOR, INTERLEAVE_ODD(c.low, c.high));
	return NAME(next)(c, STRIDE);
}

WIDE static void MASK_WIDE(uint8_t *out, const uint8_t *in, struct element e,
			   size_t count)
{
	struct NAME(chain) c0 = NAME(first)(e);
	struct NAME(chain) c1 = NAME(next)(c0, LANES);
	struct NAME(chain) c2 = NAME(next)(c1, LANES);
	struct NAME(chain) c3 = NAME(next)(c2, LANES);

	for (; count >= STRIDE; count -= STRIDE) {
		c0 = NAME(mask)(out, in, c0);
		c1 = NAME(mask)(out + 2 * VECTOR, in + 2 * VECTOR, c1);
		c2 = NAME(mask)(out + 4 * VECTOR, in + 4 * VECTOR, c2);
		c3 = NAME(mask)(out + 6 * VECTOR, in + 6 * VECTOR, c3);
		in += 8 * VECTOR;
		out += 8 * VECTOR;
	}
	if (count)
		mask_one_by_one(out, in, (struct element){ c0.low[0], c0.high[0] },
				count);
}

#undef STRIDE
#undef VECTOR
#undef PASTE_
#undef PASTE
#undef NAME
#undef LANES
#undef WIDE
#undef MASK_WIDE
#undef LANE_ORDER
#undef INTERLEAVE_EVEN
#undef INTERLEAVE_ODD
