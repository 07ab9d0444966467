// SPDX-License-Identifier: GPL-2.0
/*
 * keysearch: what OpenSSL makes of keys is found wherever it stands, however it
 * is kept, and what is one bit off isn't.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "support.h"

#include "../keysearch/aes.h"
#include "../keysearch/search.h"

#include <byteswap.h>
#include <ctype.h>
#include <openssl/aes.h>
#include <stdlib.h>
#include <string.h>

enum { MEMORY = 8192, KEY = 64, FOUND_MAX = 64 };

static uint8_t memory[MEMORY], key[KEY];

/* What search() reported. */
static struct piece pieces[FOUND_MAX];
static struct schedule schedules[FOUND_MAX];
static int halves[FOUND_MAX];
static unsigned int piece_count, schedule_count;

static void keep_piece(void *to, const struct piece *piece)
{
	(void)to;
	assert_true(piece_count < FOUND_MAX);
	pieces[piece_count++] = *piece;
}

static void keep_schedule(void *to, const struct schedule *schedule, int half)
{
	(void)to;
	assert_true(schedule_count < FOUND_MAX);
	halves[schedule_count] = half;
	schedules[schedule_count++] = *schedule;
}

/* In a block of its own size, so that a byte too far is seen. */
static long find_in(const uint8_t *bytes, size_t size, size_t key_size)
{
	static const struct search_report report = { keep_piece, keep_schedule, NULL };
	uint8_t *copy = malloc(size);
	long found;

	memcpy(copy, bytes, size);
	piece_count = 0;
	schedule_count = 0;
	found = search(copy, size, &(struct search_key){ key, key_size }, &report);
	free(copy);
	return found;
}

static long find(size_t key_size)
{
	return find_in(memory, sizeof(memory), key_size);
}

static int set_up(void **state)
{
	(void)state;
	aes_setup();
	support_random(memory, sizeof(memory));
	support_random(key, sizeof(key));
	return 0;
}

/* FIPS 197, figure 7; the rest of it is compared with OpenSSL. */
static void test_sbox(void **state)
{
	(void)state;
	assert_int_equal(aes_step(0x53000000, 4, 8), 0xed636363);
	assert_int_equal(aes_step(0x000000ff, 12, 8), 0x63636316);
}

/* FIPS 197, 5.1.3: db 13 53 45 is mixed to 8e 4d a1 bc. */
static void test_mix(void **state)
{
	(void)state;
	assert_int_equal(aes_mix(0x455313db), 0xbca14d8e);
	assert_int_equal(aes_unmix(0xbca14d8e), 0x455313db);
}

static void swap_words(uint8_t *words, size_t size)
{
	for (size_t i = 0; i < size; i += 4)
		aes_store(words + i, bswap_32(aes_load(words + i)));
}

/* OpenSSL's words are of either byte order: by how it was built. */
static size_t expand_by_openssl(uint8_t *schedule, const uint8_t *from,
				unsigned int nk, bool decrypt)
{
	size_t size = AES_BLOCK * (aes_rounds(nk) + 1);
	size_t own = decrypt ? size - AES_BLOCK : 0;
	AES_KEY made;

	if (decrypt)
		assert_int_equal(AES_set_decrypt_key(from, 32 * (int)nk, &made), 0);
	else
		assert_int_equal(AES_set_encrypt_key(from, 32 * (int)nk, &made), 0);
	memcpy(schedule, made.rd_key, size);
	if (aes_load(schedule + own) != aes_load(from))
		swap_words(schedule, size);
	return size;
}

static void test_expand(void **state)
{
	uint8_t ours[AES_SCHEDULE_MAX], theirs[AES_SCHEDULE_MAX];

	(void)state;
	for (unsigned int i = 0; i < 2000; i++) {
		unsigned int nk = i % 2 ? 4 : 8;
		size_t size;

		support_random(key, sizeof(key));
		size = expand_by_openssl(theirs, key, nk, false);
		aes_expand(ours, key, nk);
		assert_memory_equal(ours, theirs, size);
	}
}

/* --- schedules of keys that aren't known */

/* A way to keep round keys. */
struct layout {
	unsigned int nk;
	bool backwards, mixed, swapped;
};

static struct layout layout_of(unsigned int n)
{
	return (struct layout){ n & 1 ? 4 : 8, n & 2, n & 4, n & 8 };
}

enum { LAYOUTS = 16 };

static void turn_round(uint8_t *schedule, size_t size)
{
	uint8_t copy[AES_SCHEDULE_MAX];

	memcpy(copy, schedule, size);
	for (size_t i = 0; i < size; i += AES_BLOCK)
		memcpy(schedule + i, copy + size - AES_BLOCK - i, AES_BLOCK);
}

/* What OpenSSL decrypts with is mixed and backwards. */
static size_t lay_out(uint8_t *to, const uint8_t *from, struct layout layout)
{
	size_t size = expand_by_openssl(to, from, layout.nk, layout.mixed);

	if (layout.mixed != layout.backwards)
		turn_round(to, size);
	if (layout.swapped)
		swap_words(to, size);
	return size;
}

static void assert_schedule(struct layout layout, size_t offset,
			    const uint8_t *of, int half)
{
	assert_int_equal(schedule_count, 1);
	assert_int_equal(schedules[0].offset, offset);
	assert_int_equal(schedules[0].nk, layout.nk);
	assert_int_equal(schedules[0].backwards, layout.backwards);
	assert_int_equal(schedules[0].mixed, layout.mixed);
	assert_int_equal(schedules[0].swapped, layout.swapped);
	assert_memory_equal(schedules[0].key, of, 4 * layout.nk);
	assert_int_equal(halves[0], half);
}

static void test_layouts(void **state)
{
	uint8_t other[32];

	(void)state;
	for (unsigned int n = 0; n < LAYOUTS; n++) {
		struct layout layout = layout_of(n);

		set_up(NULL);
		support_random(other, sizeof(other));
		lay_out(memory + 1000, other, layout);
		assert_int_equal(find(KEY), 0);
		assert_schedule(layout, 1000, other, SEARCH_NO_HALF);
		assert_int_equal(piece_count, 0);
		assert_int_equal(find(0), 0);
		assert_schedule(layout, 1000, other, SEARCH_NO_HALF);
	}
}

/* Among zeroes, too, where a filter might go wrong, and up to either end. */
static void check_everywhere(struct layout layout, const uint8_t *of)
{
	uint8_t around[AES_SCHEDULE_MAX + 40];
	size_t size = AES_BLOCK * (aes_rounds(layout.nk) + 1);

	for (size_t at = 0; at <= 40; at++) {
		memset(around, 0, sizeof(around));
		lay_out(around + at, of, layout);
		assert_int_equal(find_in(around, at + size, 0), 0);
		assert_schedule(layout, at, of, SEARCH_NO_HALF);
		/* One byte short. */
		find_in(around, at + size - 1, 0);
		assert_int_equal(schedule_count, 0);
	}
}

static void test_schedule_anywhere(void **state)
{
	(void)state;
	for (unsigned int n = 0; n < LAYOUTS; n++)
		check_everywhere(layout_of(n), key);
}

/* Each and every bit belongs to it. */
static void check_near_misses(struct layout layout)
{
	uint8_t right[AES_SCHEDULE_MAX];
	size_t size = lay_out(right, key, layout);

	for (size_t bit = 0; bit < 8 * size; bit++) {
		right[bit / 8] ^= (uint8_t)(1 << bit % 8);
		find_in(right, size, 0);
		assert_int_equal(schedule_count, 0);
		right[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	find_in(right, size, 0);
	assert_int_equal(schedule_count, 1);
}

static void test_near_misses(void **state)
{
	(void)state;
	for (unsigned int n = 0; n < LAYOUTS; n++)
		check_near_misses(layout_of(n));
}

/* Keys of which parts are zero: the filter must not take them for nothing. */
static void test_odd_keys(void **state)
{
	uint8_t odd[32];

	(void)state;
	for (unsigned int n = 0; n < LAYOUTS; n++) {
		for (unsigned int byte = 0; byte < 256; byte += 17) {
			memset(odd, (int)byte, sizeof(odd));
			check_everywhere(layout_of(n), odd);
			memset(odd + n, 0, sizeof(odd) / 2);
			check_everywhere(layout_of(n), odd);
		}
	}
}

/* As in the kernel's crypto_aes_ctx: encryption, decryption, the length. */
static void test_kernel_context(void **state)
{
	static const struct layout enc = { 8, false, false, false };
	static const struct layout dec = { 8, true, true, false };

	(void)state;
	lay_out(memory + 512, key, enc);
	lay_out(memory + 512 + 240, key, dec);
	assert_true(find(KEY) > 2);
	assert_int_equal(schedule_count, 2);
	assert_int_equal(schedules[0].offset, 512);
	assert_int_equal(schedules[1].offset, 752);
	assert_true(schedules[1].backwards && schedules[1].mixed);
	assert_true(!halves[0] && !halves[1]);
}

static void test_halves(void **state)
{
	static const struct layout layouts[] = {
		{ 4, true, true, false }, { 8, false, false, true },
	};

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		size_t half = 4 * layouts[i].nk;

		set_up(NULL);
		lay_out(memory + 99, key + half, layouts[i]);
		assert_true(find(2 * half) > 1);
		assert_schedule(layouts[i], 99, key + half, 1);
	}
}

/* --- pieces of the key that is looked for */

static void assert_piece(size_t offset, size_t size, unsigned int half,
			 enum pieces_order order)
{
	assert_int_equal(piece_count, 1);
	assert_int_equal(pieces[0].offset, offset);
	assert_int_equal(pieces[0].size, size);
	assert_int_equal(pieces[0].half, half);
	assert_int_equal(pieces[0].order, order);
}

/* In memory that ends behind it. */
static void check_key(const uint8_t *bytes, size_t size, unsigned int half,
		      enum pieces_order order)
{
	uint8_t around[4 * KEY];

	support_random(around, sizeof(around));
	for (size_t at = 0; at <= 40; at++) {
		memcpy(around + at, bytes, size);
		assert_int_equal(find_in(around, at + size, KEY), 1);
		assert_piece(at, size, half, order);
		find_in(around, at + size, 0);
		assert_int_equal(piece_count, 0);
		support_random(around, sizeof(around));
	}
}

static void write_order(uint8_t *to, const uint8_t *from, size_t size,
			enum pieces_order order)
{
	static const size_t units[] = { 1, 4, 8, 32 };
	size_t unit = units[order];

	for (size_t i = 0; i < size; i++)
		to[i] = from[i / unit * unit + unit - 1 - i % unit];
}

static void test_key_orders(void **state)
{
	uint8_t half[32];

	(void)state;
	for (unsigned int order = PIECES_AS_IS; order <= PIECES_REVERSED; order++) {
		write_order(half, key, 32, (enum pieces_order)order);
		check_key(half, 32, 0, (enum pieces_order)order);
		write_order(half, key + 32, 32, (enum pieces_order)order);
		check_key(half, 32, 1, (enum pieces_order)order);
	}
}

/* As "dmsetup table --showkeys" has it. */
static void test_key_as_text(void **state)
{
	char text[2 * 32 + 1];

	(void)state;
	for (unsigned int i = 0; i < 32; i++)
		sprintf(text + 2 * i, "%02x", key[i]);
	check_key((const uint8_t *)text, 64, 0, PIECES_HEX);
	for (unsigned int i = 0; i < 64; i++)
		text[i] = (char)toupper(text[i]);
	check_key((const uint8_t *)text, 64, 0, PIECES_HEX_UPPER);
}

static void test_whole_key(void **state)
{
	(void)state;
	memcpy(memory + 4095, key, KEY);
	assert_int_equal(find(KEY), 2);
	assert_int_equal(pieces[0].offset, 4095);
	assert_int_equal(pieces[1].offset, 4095 + 32);
	assert_int_equal(pieces[0].half, 0);
	assert_int_equal(pieces[1].half, 1);
}

/* What an overwritten schedule leaves. */
static void test_each_round_key(void **state)
{
	uint8_t schedule[AES_SCHEDULE_MAX];

	(void)state;
	for (unsigned int n = 0; n < LAYOUTS; n++) {
		struct layout layout = layout_of(n);
		size_t size = lay_out(schedule, key, layout);

		for (size_t at = 0; at < size; at += AES_BLOCK) {
			support_random(memory, sizeof(memory));
			memcpy(memory + 77, schedule + at, AES_BLOCK);
			assert_int_equal(find(8 * layout.nk), 1);
			assert_piece(77, AES_BLOCK, 0, layout.swapped ?
				     PIECES_WORDS_SWAPPED : PIECES_AS_IS);
		}
	}
}

static void test_piece_near_misses(void **state)
{
	(void)state;
	for (unsigned int bit = 0; bit < 8 * AES_BLOCK; bit++) {
		memcpy(memory + 300, key, AES_BLOCK);
		memory[300 + bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(find(KEY), 0);
		assert_int_equal(piece_count, 0);
	}
}

static void test_short_memory(void **state)
{
	(void)state;
	memcpy(memory, key, KEY);
	for (size_t size = 1; size < AES_BLOCK; size++)
		assert_int_equal(find_in(memory, size, KEY), 0);
	assert_int_equal(find_in(memory, AES_BLOCK, KEY), 1);
	assert_piece(0, AES_BLOCK, 0, PIECES_AS_IS);
}

/* --- what isn't there */

static void test_nothing(void **state)
{
	static uint8_t much[1 << 20];

	(void)state;
	support_random(much, sizeof(much));
	assert_int_equal(find_in(much, sizeof(much), KEY), 0);
	assert_int_equal(schedule_count + piece_count, 0);
	for (unsigned int byte = 0; byte < 256; byte++) {
		memset(much, (int)byte, 4096);
		assert_int_equal(find_in(much, 8192, KEY), 0);
		assert_int_equal(schedule_count + piece_count, 0);
	}
}

static void test_count(void **state)
{
	(void)state;
	memset(memory, 'a', 10);
	assert_int_equal(search_count(memory, 10, (const uint8_t *)"aaa", 3), 3);
	assert_int_equal(search_count(memory, 2, (const uint8_t *)"aaa", 3), 0);
	assert_int_equal(search_count(memory, 10, (const uint8_t *)"b", 1), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_sbox, set_up),
		cmocka_unit_test_setup(test_mix, set_up),
		cmocka_unit_test_setup(test_expand, set_up),
		cmocka_unit_test_setup(test_layouts, set_up),
		cmocka_unit_test_setup(test_schedule_anywhere, set_up),
		cmocka_unit_test_setup(test_near_misses, set_up),
		cmocka_unit_test_setup(test_odd_keys, set_up),
		cmocka_unit_test_setup(test_kernel_context, set_up),
		cmocka_unit_test_setup(test_halves, set_up),
		cmocka_unit_test_setup(test_key_orders, set_up),
		cmocka_unit_test_setup(test_key_as_text, set_up),
		cmocka_unit_test_setup(test_whole_key, set_up),
		cmocka_unit_test_setup(test_each_round_key, set_up),
		cmocka_unit_test_setup(test_piece_near_misses, set_up),
		cmocka_unit_test_setup(test_short_memory, set_up),
		cmocka_unit_test_setup(test_nothing, set_up),
		cmocka_unit_test_setup(test_count, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
