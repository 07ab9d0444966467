// SPDX-License-Identifier: GPL-2.0
/* Vectors of each width must do what is done block by block. */
#define xts_iv_add	tested_iv_add
#define xts_advance	tested_advance
#define xts_mask	tested_mask
#define xts_mask_one	tested_mask_one
#include "../lib/xts.c"

#include "support.h"

enum { BLOCKS = 300 };

static void check_one(mask_blocks *mask, struct element e, size_t count)
{
	uint8_t in[BLOCKS * XTS_BLOCK + 3], out[sizeof(in)], right[sizeof(in)];
	size_t size = count * XTS_BLOCK;

	support_random(in, sizeof(in));
	memcpy(out, in, sizeof(in));
	memcpy(right, in, sizeof(in));
	mask_one_by_one(right + 1, in + 3, e, count);
	mask(out + 1, in + 3, e, count);
	/* Not aligned, not one byte too many; then in place. */
	assert_memory_equal(out, right, sizeof(in));
	mask(in + 3, in + 3, e, count);
	assert_memory_equal(in + 3, right + 1, size);
}

static void check_width(mask_blocks *mask)
{
	struct element e;

	for (size_t count = 0; count <= BLOCKS; count++) {
		support_random(&e, sizeof(e));
		check_one(mask, e, count);
	}
	check_one(mask, (struct element){ -1ul, -1ul }, BLOCKS);
}

/* alpha^127 * alpha is x^7 + x^2 + x + 1: by hand, once. */
static void test_one_by_one(void **state)
{
	const struct element top = { 0, 1ul << 63 };
	uint8_t zeroes[32] = { 0 }, masks[32];

	(void)state;
	mask_one_by_one(masks, zeroes, top, 2);
	assert_int_equal(masks[15], 0x80);
	assert_true(masks[16] == 0x87 && masks[31] == 0);
}

static void test_widths(void **state)
{
	(void)state;
	check_width(mask_pairs);
#ifdef __x86_64__
	if (__builtin_cpu_supports("avx2"))
		check_width(mask_avx2);
	if (__builtin_cpu_supports("avx512f"))
		check_width(mask_avx512);
#endif
	check_width(widest());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_by_one),
		cmocka_unit_test(test_widths),
	};

	return cmocka_run_group_tests_name("xts", tests, NULL, NULL);
}
