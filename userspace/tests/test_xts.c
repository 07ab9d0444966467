// SPDX-License-Identifier: GPL-2.0
/* Each kind of masking must do what is done block by block. */
#include "xts_internal.h"

#include "support.h"

enum { BLOCKS = 300 };

static void check_one(xts_masking *mask, struct xts_element e, size_t count)
{
	uint8_t in[BLOCKS * XTS_BLOCK + 3], out[sizeof(in)], right[sizeof(in)];
	size_t size = count * XTS_BLOCK;

	support_random(in, sizeof(in));
	memcpy(out, in, sizeof(in));
	memcpy(right, in, sizeof(in));
	xts_mask_each(right + 1, in + 3, e, count);
	mask(out + 1, in + 3, e, count);
	/* Not aligned, not one byte too many; then in place. */
	assert_memory_equal(out, right, sizeof(in));
	mask(in + 3, in + 3, e, count);
	assert_memory_equal(in + 3, right + 1, size);
}

static void check_kind(xts_masking *mask)
{
	struct xts_element e;

	for (size_t count = 0; count <= BLOCKS; count++) {
		support_random(&e, sizeof(e));
		check_one(mask, e, count);
	}
	check_one(mask, (struct xts_element){ -1ul, -1ul }, BLOCKS);
}

/* alpha^127 * alpha is x^7 + x^2 + x + 1: by hand, once. */
static void test_one_by_one(void **state)
{
	const struct xts_element top = { 0, 1ul << 63 };
	uint8_t zeroes[32] = { 0 }, masks[32];

	(void)state;
	xts_mask_each(masks, zeroes, top, 2);
	assert_int_equal(masks[15], 0x80);
	assert_true(masks[16] == 0x87 && masks[31] == 0);
}

static void test_kinds(void **state)
{
	(void)state;
	check_kind(xts_mask_chains);
#ifdef __x86_64__
	if (__builtin_cpu_supports("avx2"))
		check_kind(xts_mask_planes);
	else
		print_message("# no AVX2 here: planes aren't tested\n");
#endif
}

/* What users call; a tweak is bytes. */
static void test_fastest(void **state)
{
	uint8_t tweak[XTS_BLOCK], in[BLOCKS * XTS_BLOCK], out[sizeof(in)];
	uint8_t right[sizeof(in)];

	(void)state;
	support_random(tweak, sizeof(tweak));
	support_random(in, sizeof(in));
	xts_mask_each(right, in, xts_load(tweak), BLOCKS);
	xts_mask(out, in, tweak, BLOCKS);
	assert_memory_equal(out, right, sizeof(in));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_by_one),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_fastest),
	};

	return cmocka_run_group_tests_name("xts", tests, NULL, NULL);
}
