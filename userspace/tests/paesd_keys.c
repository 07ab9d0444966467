// SPDX-License-Identifier: GPL-2.0
/* The table of open keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "paesd_faketoken.h"

#include "../paesd/keys.h"

static struct keys keys;
static uint8_t sessions[KEYS_MAX + 1][PAES_TOKEN_SIZE];

static int start(void **state)
{
	(void)state;
	memset(&keys, 0, sizeof(keys));
	memset(sessions, 0, sizeof(sessions));
	fake = (struct fake_token){ .keks = 1 };
	return 0;
}

static int open_key(uint32_t number, unsigned char k1, uint8_t *session)
{
	struct paes_blob blob = { 0 };

	blob.recipient[0].k1[0] = k1;
	blob.recipient[0].k2[0] = k1 + 1;
	return keys_open(&keys, number, &blob, session);
}

static void opened_key_is_found_by_its_session(void **state)
{
	const struct xtskey *key;

	(void)state;
	assert_int_equal(open_key(7, 0x55, sessions[0]), 0);
	key = keys_find(&keys, 7, sessions[0]);
	assert_non_null(key);
	assert_int_equal(key->k1, 0x55);
	assert_true(keys_works(&keys, key));
}

static void every_bit_of_the_session_counts(void **state)
{
	(void)state;
	assert_int_equal(open_key(7, 1, sessions[0]), 0);
	for (unsigned int bit = 0; bit < 8 * PAES_TOKEN_SIZE; bit++) {
		sessions[0][bit / 8] ^= 1u << bit % 8;
		assert_null(keys_find(&keys, 7, sessions[0]));
		sessions[0][bit / 8] ^= 1u << bit % 8;
	}
	assert_non_null(keys_find(&keys, 7, sessions[0]));
	assert_null(keys_find(&keys, 8, sessions[0]));
}

static void sessions_are_never_the_same(void **state)
{
	(void)state;
	assert_int_equal(open_key(1, 1, sessions[0]), 0);
	assert_int_equal(open_key(1, 1, sessions[1]), 0);
	assert_memory_not_equal(sessions[0], sessions[1], PAES_TOKEN_SIZE);
	assert_null(keys_find(&keys, 1, sessions[0]));
	assert_non_null(keys_find(&keys, 1, sessions[1]));
}

static void opening_again_closes_the_old_one(void **state)
{
	(void)state;
	assert_int_equal(open_key(1, 1, sessions[0]), 0);
	assert_int_equal(open_key(1, 2, sessions[1]), 0);
	assert_int_equal(fake.closed, 1);
	assert_int_equal(keys.count, 1);
}

static void a_failed_opening_leaves_no_key(void **state)
{
	(void)state;
	assert_int_equal(open_key(1, 1, sessions[0]), 0);
	fake.open_error = -EKEYREJECTED;
	assert_int_equal(open_key(1, 2, sessions[1]), -EKEYREJECTED);
	assert_int_equal(keys.count, 0);
	assert_null(keys_find(&keys, 1, sessions[0]));
	assert_null(keys_find(&keys, 1, sessions[1]));
}

static void closing_wipes(void **state)
{
	static const struct keys_entry nothing;

	(void)state;
	assert_int_equal(open_key(3, 1, sessions[0]), 0);
	assert_int_equal(open_key(9, 2, sessions[1]), 0);
	keys_close(&keys, 3);
	assert_null(keys_find(&keys, 3, sessions[0]));
	assert_non_null(keys_find(&keys, 9, sessions[1]));
	assert_memory_equal(&keys.entries[1], &nothing, sizeof(nothing));
	keys_close(&keys, 3);
	keys_close_all(&keys);
	assert_int_equal(fake.closed, 2);
	assert_memory_equal(&keys.entries[0], &nothing, sizeof(nothing));
}

/* Numbers in an order that is neither up nor down, and the extreme ones. */
static uint32_t number_of(unsigned int i)
{
	return i ? UINT32_MAX - (i * 2654435761u) % 1000003u : 0;
}

static void the_table_fills_and_empties(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < KEYS_MAX; i++)
		assert_int_equal(open_key(number_of(i), 1, sessions[i]), 0);
	assert_int_equal(open_key(5, 1, sessions[KEYS_MAX]), -ENOSPC);
	for (i = 0; i < KEYS_MAX; i++)
		assert_non_null(keys_find(&keys, number_of(i), sessions[i]));
	for (i = 0; i < KEYS_MAX; i += 2)
		keys_close(&keys, number_of(i));
	for (i = 0; i < KEYS_MAX; i++) {
		const struct xtskey *key = keys_find(&keys, number_of(i),
						     sessions[i]);

		assert_true(i % 2 ? !!key : !key);
	}
}

static void a_forgotten_key_is_noticed(void **state)
{
	(void)state;
	assert_int_equal(open_key(1, 1, sessions[0]), 0);
	fake.forgets = true;
	assert_false(keys_works(&keys, keys_find(&keys, 1, sessions[0])));
	fake.forgets = false;
	fake.lost = true;
	assert_false(keys_works(&keys, keys_find(&keys, 1, sessions[0])));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(opened_key_is_found_by_its_session, start),
		cmocka_unit_test_setup(every_bit_of_the_session_counts, start),
		cmocka_unit_test_setup(sessions_are_never_the_same, start),
		cmocka_unit_test_setup(opening_again_closes_the_old_one, start),
		cmocka_unit_test_setup(a_failed_opening_leaves_no_key, start),
		cmocka_unit_test_setup(closing_wipes, start),
		cmocka_unit_test_setup(the_table_fills_and_empties, start),
		cmocka_unit_test_setup(a_forgotten_key_is_noticed, start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
