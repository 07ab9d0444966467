// SPDX-License-Identifier: GPL-2.0
#include "xts.h"

#include <endian.h>
#include <stdbool.h>
#include <string.h>

struct element {
	uint64_t low;
	uint64_t high;
};

static inline struct element load(const uint8_t bytes[XTS_BLOCK])
{
	struct element e;

	memcpy(&e, bytes, sizeof(e));
	e.low = le64toh(e.low);
	e.high = le64toh(e.high);
	return e;
}

static inline void store(uint8_t bytes[XTS_BLOCK], struct element e)
{
	e.low = htole64(e.low);
	e.high = htole64(e.high);
	memcpy(bytes, &e, sizeof(e));
}

/* e * alpha; without a branch, since a tweak is secret. */
static inline struct element next(struct element e)
{
	uint64_t carry = 0x87 & -(e.high >> 63);

	return (struct element){ e.low << 1 ^ carry, e.high << 1 | e.low >> 63 };
}

static struct element multiply(struct element a, struct element b)
{
	struct element product = { 0, 0 };

	for (int i = 0; i < 128; i++) {
		uint64_t bit = -(b.low & 1);

		product.low ^= a.low & bit;
		product.high ^= a.high & bit;
		a = next(a);
		b.low = b.low >> 1 | b.high << 63;
		b.high >>= 1;
	}
	return product;
}

void xts_iv_add(uint8_t sum[XTS_BLOCK], const uint8_t iv[XTS_BLOCK], uint64_t n)
{
	struct element e = load(iv);

	e.high += __builtin_add_overflow(e.low, n, &e.low);
	store(sum, e);
}

void xts_advance(uint8_t tweak[XTS_BLOCK], uint32_t n)
{
	struct element e = load(tweak);
	struct element power = { 2, 0 };	/* alpha^(2^i) */

	for (; n; n >>= 1) {
		if (n & 1)
			e = multiply(e, power);
		power = multiply(power, power);
	}
	store(tweak, e);
}

static void expand_one_by_one(uint8_t *masks, const uint8_t tweak[XTS_BLOCK],
			      size_t count)
{
	struct element e = load(tweak);

	for (; count; count--, masks += XTS_BLOCK) {
		store(masks, e);
		e = next(e);
	}
}

static void xor_words(uint8_t *out, const uint8_t *in, const uint8_t *masks,
		      size_t words)
{
	for (size_t i = 0; i < 8 * words; i += 8) {
		uint64_t a, b;

		memcpy(&a, in + i, 8);
		memcpy(&b, masks + i, 8);
		a ^= b;
		memcpy(out + i, &a, 8);
	}
}

#ifdef __x86_64__

/*
 * The same for processors with AVX2, several times as fast: this is all the
 * work on a sector that isn't the token's.  Four numbers side by side.
 */
#define WIDE __attribute__((__target__("avx2")))

enum { CHAINS = 8 };	/* masks made at a time, each alpha^CHAINS on */

typedef uint64_t quad __attribute__((__vector_size__(32)));

/* Four elements times alpha^CHAINS. */
WIDE static inline void next_quad(quad *low, quad *high)
{
	quad carry = *high >> (64 - CHAINS);

	*high = *high << CHAINS | *low >> (64 - CHAINS);
	*low = *low << CHAINS ^ carry ^ carry << 1 ^ carry << 2 ^ carry << 7;
}

WIDE static inline void load_quad(const uint8_t *masks, quad *low, quad *high)
{
	quad a, b;

	memcpy(&a, masks, 32);
	memcpy(&b, masks + 32, 32);
	*low = __builtin_shufflevector(a, b, 0, 2, 4, 6);
	*high = __builtin_shufflevector(a, b, 1, 3, 5, 7);
}

WIDE static inline void store_quad(uint8_t *masks, quad low, quad high)
{
	quad a = __builtin_shufflevector(low, high, 0, 4, 1, 5);
	quad b = __builtin_shufflevector(low, high, 2, 6, 3, 7);

	memcpy(masks, &a, 32);
	memcpy(masks + 32, &b, 32);
}

WIDE static void expand_wide(uint8_t *masks, const uint8_t tweak[XTS_BLOCK],
			     size_t count)
{
	uint8_t *last = masks + (count - CHAINS) * XTS_BLOCK;
	quad low[2], high[2];

	expand_one_by_one(masks, tweak, CHAINS);
	load_quad(masks, &low[0], &high[0]);
	load_quad(masks + 64, &low[1], &high[1]);
	while (masks < last) {
		masks += (size_t)CHAINS * XTS_BLOCK;
		next_quad(&low[0], &high[0]);
		next_quad(&low[1], &high[1]);
		store_quad(masks, low[0], high[0]);
		store_quad(masks + 64, low[1], high[1]);
	}
}

WIDE static void xor_wide(uint8_t *out, const uint8_t *in, const uint8_t *masks,
			  size_t quads)
{
	for (size_t i = 0; i < 32 * quads; i += 32) {
		quad a, b;

		memcpy(&a, in + i, 32);
		memcpy(&b, masks + i, 32);
		a ^= b;
		memcpy(out + i, &a, 32);
	}
}

static bool is_wide(void)
{
	return __builtin_cpu_supports("avx2");
}

#else

enum { CHAINS = 1 };

static void expand_wide(uint8_t *masks, const uint8_t tweak[XTS_BLOCK],
			size_t count)
{
	expand_one_by_one(masks, tweak, count);
}

static void xor_wide(uint8_t *out, const uint8_t *in, const uint8_t *masks,
		     size_t quads)
{
	xor_words(out, in, masks, 4 * quads);
}

static bool is_wide(void)
{
	return false;
}

#endif

void xts_expand(uint8_t *masks, const uint8_t tweak[XTS_BLOCK], size_t count)
{
	size_t rest = count % CHAINS;
	uint8_t *end = masks + (count - rest) * XTS_BLOCK;
	uint8_t next_tweak[XTS_BLOCK];

	if (count < CHAINS || !is_wide()) {
		expand_one_by_one(masks, tweak, count);
		return;
	}
	expand_wide(masks, tweak, count - rest);
	store(next_tweak, next(load(end - XTS_BLOCK)));
	expand_one_by_one(end, next_tweak, rest);
	explicit_bzero(next_tweak, sizeof(next_tweak));
}

void xts_xor(uint8_t *out, const uint8_t *in, const uint8_t *masks, size_t blocks)
{
	size_t quads = is_wide() ? blocks / 2 : 0;
	size_t done = 32 * quads;

	xor_wide(out, in, masks, quads);
	xor_words(out + done, in + done, masks + done, 2 * blocks - 4 * quads);
}
