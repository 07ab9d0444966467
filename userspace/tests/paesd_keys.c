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

static struct paes_blob blob_of(unsigned char k1)
{
	struct paes_blob blob = { 0 };

	blob.key_id[0] = k1;
	blob.recipient[0].k1[0] = k1;
	blob.recipient[0].k2[0] = k1 + 1;
	return blob;
}

/* NULL where keys_find() has an error. */
static const struct xtskey *find(uint32_t number, const uint8_t *session)
{
	const struct xtskey *key = NULL;

	return keys_find(&keys, number, session, &key) ? NULL : key;
}

static int find_error(uint32_t number, const uint8_t *session)
{
	const struct xtskey *key;

	return keys_find(&keys, number, session, &key);
}

static int open_key(uint32_t number, unsigned char k1, uint8_t *session)
{
	struct paes_blob blob = blob_of(k1);

	return keys_open(&keys, number, &blob, session);
}

static void opened_key_is_found_by_its_session(void **state)
{
	const struct xtskey *key;

	(void)state;
	assert_int_equal(open_key(7, 0x55, sessions[0]), 0);
	key = find(7, sessions[0]);
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
		assert_null(find(7, sessions[0]));
		sessions[0][bit / 8] ^= 1u << bit % 8;
	}
	assert_non_null(find(7, sessions[0]));
	assert_null(find(8, sessions[0]));
}

static void sessions_are_never_the_same(void **state)
{
	(void)state;
	assert_int_equal(open_key(1, 1, sessions[0]), 0);
	assert_int_equal(open_key(1, 1, sessions[1]), 0);
	assert_memory_not_equal(sessions[0], sessions[1], PAES_TOKEN_SIZE);
	assert_null(find(1, sessions[0]));
	assert_non_null(find(1, sessions[1]));
}

static const uint8_t *rotated(uint32_t number, const uint8_t *session)
{
	const struct xtskey *key = find(number, session);

	assert_non_null(key);
	return keys_rotate(&keys, key);
}

static void each_key_has_a_turn_of_its_own(void **state)
{
	(void)state;
	keys.rotation.requests = 3;
	for (uint32_t number = 0; number < 10; number++)
		assert_int_equal(open_key(number, 1, sessions[number]), 0);
	for (uint32_t number = 0; number < 10; number++) {
		assert_null(rotated(number, sessions[number]));
		assert_null(rotated(number, sessions[number]));
	}
	for (uint32_t number = 0; number < 10; number++)
		assert_non_null(rotated(number, sessions[number]));
}

static void a_token_is_dead_when_the_next_was_shown(void **state)
{
	const uint8_t *next;

	(void)state;
	keys.rotation.requests = 1;
	assert_int_equal(open_key(1, 1, sessions[0]), 0);
	next = rotated(1, sessions[0]);
	assert_non_null(next);
	memcpy(sessions[1], next, PAES_TOKEN_SIZE);
	/* Offered once, and until it is shown both count. */
	assert_null(rotated(1, sessions[0]));
	assert_non_null(find(1, sessions[0]));
	assert_non_null(find(1, sessions[1]));
	assert_null(find(1, sessions[0]));
	assert_int_equal(keys.stale, 1);
	assert_non_null(find(1, sessions[1]));
}

static void zeroes_are_no_token(void **state)
{
	(void)state;
	keys.rotation.requests = 1;
	assert_int_equal(open_key(1, 1, sessions[0]), 0);
	assert_null(find(1, sessions[KEYS_MAX]));
	assert_non_null(rotated(1, sessions[0]));
	assert_null(find(1, sessions[KEYS_MAX]));
	keys_close(&keys, 1);
	assert_null(find(1, sessions[KEYS_MAX]));
}

/* The clock is put forward, not waited for. */
static void time_counts_for_whoever_asks_it_to(void **state)
{
	(void)state;
	keys.rotation.seconds = 60;
	assert_int_equal(open_key(1, 1, sessions[0]), 0);
	assert_true(keys.now > 0);
	assert_null(rotated(1, sessions[0]));
	keys.now += 59;
	assert_null(rotated(1, sessions[0]));
	keys.now++;
	assert_non_null(rotated(1, sessions[0]));
}

/* The clock that is dear, once a second. */
static void the_clock_is_looked_at_once_a_second(void **state)
{
	uint64_t now;

	(void)state;
	keys.rotation.seconds = 60;
	keys_look_at_clock(&keys);
	now = keys.now;
	assert_true(now > 0);
	keys.now = 0;
	keys.second--;
	keys_look_at_clock(&keys);
	assert_true(keys.now >= now);
	/* The second may just have been another one. */
	for (int i = 0; i < 3 && keys.now; i++) {
		keys.now = 0;
		keys_look_at_clock(&keys);
	}
	assert_int_equal(keys.now, 0);
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
	assert_null(find(1, sessions[0]));
	assert_null(find(1, sessions[1]));
}

static void closing_wipes(void **state)
{
	static const struct keys_entry nothing;

	(void)state;
	assert_int_equal(open_key(3, 1, sessions[0]), 0);
	assert_int_equal(open_key(9, 2, sessions[1]), 0);
	keys_close(&keys, 3);
	assert_null(find(3, sessions[0]));
	assert_non_null(find(9, sessions[1]));
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
		assert_non_null(find(number_of(i), sessions[i]));
	for (i = 0; i < KEYS_MAX; i += 2)
		keys_close(&keys, number_of(i));
	for (i = 0; i < KEYS_MAX; i++) {
		const struct xtskey *key = find(number_of(i), sessions[i]);

		assert_true(i % 2 ? !!key : !key);
	}
}

static void a_forgotten_key_is_noticed(void **state)
{
	(void)state;
	assert_int_equal(open_key(1, 1, sessions[0]), 0);
	fake.forgets = true;
	assert_false(keys_works(&keys, find(1, sessions[0])));
	fake.forgets = false;
	fake.lost = true;
	assert_false(keys_works(&keys, find(1, sessions[0])));
}

/* Revokes the key with this K1 only, or none. */
static int revoke_only(unsigned char k1)
{
	struct paes_blob blob = blob_of(k1);

	keys.revoked.count = 0;
	if (k1)
		assert_int_equal(revoked_add(&keys.revoked, blob.key_id), 0);
	return keys_heed(&keys);
}

static void a_revoked_key_is_closed_and_no_other(void **state)
{
	(void)state;
	assert_int_equal(open_key(1, 0x11, sessions[0]), 0);
	assert_int_equal(open_key(2, 0x22, sessions[1]), 0);
	assert_int_equal(open_key(3, 0x11, sessions[2]), 0);
	assert_int_equal(revoke_only(0x11), 2);
	assert_int_equal(fake.closed, 2);
	assert_int_equal(find_error(1, sessions[0]), -EKEYREVOKED);
	assert_int_equal(find_error(3, sessions[2]), -EKEYREVOKED);
	assert_int_equal(find_error(3, sessions[0]), -ESTALE);
	assert_int_equal(find(2, sessions[1])->k1, 0x22);
	assert_ptr_equal(keys_any(&keys), find(2, sessions[1]));
	/* Once is enough. */
	assert_int_equal(keys_heed(&keys), 0);
	assert_int_equal(fake.closed, 2);
}

/* Its place in the table holds nothing that the token would know. */
static void a_revoked_key_is_wiped(void **state)
{
	static const struct xtskey nothing;

	(void)state;
	assert_int_equal(open_key(1, 0x11, sessions[0]), 0);
	assert_int_equal(revoke_only(0x11), 1);
	assert_memory_equal(&keys.entries[0].key, &nothing, sizeof(nothing));
	assert_null(keys_any(&keys));
	keys_close(&keys, 1);
	assert_int_equal(fake.closed, 1);
	assert_int_equal(find_error(1, sessions[0]), -ESTALE);
}

static void an_allowed_key_works_under_its_old_session(void **state)
{
	(void)state;
	assert_int_equal(open_key(1, 0x11, sessions[0]), 0);
	assert_int_equal(revoke_only(0x11), 1);
	assert_int_equal(revoke_only(0), 0);
	assert_int_equal(fake.opened, 2);
	assert_true(keys_works(&keys, find(1, sessions[0])));
}

static void a_key_opened_as_revoked_waits_to_be_allowed(void **state)
{
	(void)state;
	assert_int_equal(revoke_only(0x11), 0);
	assert_int_equal(open_key(1, 0x11, sessions[0]), -EKEYREVOKED);
	assert_int_equal(open_key(2, 0x22, sessions[1]), 0);
	assert_int_equal(fake.opened, 1);
	assert_int_equal(find_error(1, sessions[0]), -EKEYREVOKED);
	assert_int_equal(revoke_only(0), 0);
	assert_int_equal(find(1, sessions[0])->k1, 0x11);
}

static void one_that_cannot_be_opened_again_stays_closed(void **state)
{
	(void)state;
	assert_int_equal(open_key(1, 0x11, sessions[0]), 0);
	assert_int_equal(revoke_only(0x11), 1);
	fake.lost = true;
	assert_int_equal(revoke_only(0), -EIO);
	assert_int_equal(find_error(1, sessions[0]), -EKEYREVOKED);
	fake.lost = false;
	assert_int_equal(keys_heed(&keys), 0);
	assert_non_null(find(1, sessions[0]));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(opened_key_is_found_by_its_session, start),
		cmocka_unit_test_setup(every_bit_of_the_session_counts, start),
		cmocka_unit_test_setup(sessions_are_never_the_same, start),
		cmocka_unit_test_setup(each_key_has_a_turn_of_its_own, start),
		cmocka_unit_test_setup(a_token_is_dead_when_the_next_was_shown, start),
		cmocka_unit_test_setup(zeroes_are_no_token, start),
		cmocka_unit_test_setup(time_counts_for_whoever_asks_it_to, start),
		cmocka_unit_test_setup(the_clock_is_looked_at_once_a_second, start),
		cmocka_unit_test_setup(opening_again_closes_the_old_one, start),
		cmocka_unit_test_setup(a_failed_opening_leaves_no_key, start),
		cmocka_unit_test_setup(closing_wipes, start),
		cmocka_unit_test_setup(the_table_fills_and_empties, start),
		cmocka_unit_test_setup(a_forgotten_key_is_noticed, start),
		cmocka_unit_test_setup(a_revoked_key_is_closed_and_no_other, start),
		cmocka_unit_test_setup(a_revoked_key_is_wiped, start),
		cmocka_unit_test_setup(an_allowed_key_works_under_its_old_session, start),
		cmocka_unit_test_setup(a_key_opened_as_revoked_waits_to_be_allowed, start),
		cmocka_unit_test_setup(one_that_cannot_be_opened_again_stays_closed, start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
