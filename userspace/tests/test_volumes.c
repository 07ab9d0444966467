// SPDX-License-Identifier: GPL-2.0
/* Which volume has which key, from the tables of the device mapper. */
#include "support.h"

#include "../paes/volumes.h"

#include <endian.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>

static char table[2048];

#define CLEAR_KEY	"00112233445566778899aabbccddeeff0123456789abcdef0123456789abcdef"

static unsigned int freed_keys;

void __real_free(void *memory);
void __wrap_free(void *memory);

/* Of volumes.c: is the key of another volume in what is given back? */
void __wrap_free(void *memory)
{
	if (memory && memmem(memory, malloc_usable_size(memory), CLEAR_KEY,
			     strlen(CLEAR_KEY)))
		freed_keys++;
	__real_free(memory);
}

/* A crypt target's parameters, with a wrapped key whose id is 0xNN.... */
static const char *with_blob(unsigned char id)
{
	struct paes_blob blob = {
		.version = htole16(PAES_BLOB_VERSION),
		.size = htole16(PAES_BLOB_SIZE),
		.cipher = PAES_CIPHER_AES_XTS,
		.key_bits = htole16(256),
	};
	const unsigned char *bytes = (const unsigned char *)&blob;
	size_t used;

	memcpy(blob.magic, PAES_BLOB_MAGIC, sizeof(blob.magic));
	memset(blob.key_id, id, sizeof(blob.key_id));
	memset(blob.verify, 1, sizeof(blob.verify) / 2);
	memset(blob.recipient[0].kek_id, 2, PAES_ID_SIZE);
	blob.recipient[0].wrap = PAES_WRAP_AES_KW;
	blob.recipient[0].k2[0] = 1;
	used = (size_t)snprintf(table, sizeof(table), "paes-xts-plain64 ");
	for (size_t i = 0; i < sizeof(blob); i++)
		used += (size_t)snprintf(table + used, sizeof(table) - used,
					 "%02x", bytes[i]);
	snprintf(table + used, sizeof(table) - used, " 0 254:0 0 1 sector_size:4096");
	return table;
}

static const char *text_of(struct json_object *object, const char *name)
{
	struct json_object *value = NULL;

	assert_true(json_object_object_get_ex(object, name, &value));
	return value ? json_object_get_string(value) : "null";
}

static void add(struct json_object *volumes, const char *name,
		const char *parameters)
{
	struct json_object *volume = volumes_describe(name, parameters);

	assert_non_null(volume);
	json_object_array_add(volumes, volume);
}

static void add_key(struct json_object *keys, const char *key_id)
{
	struct json_object *key = json_object_new_object();

	json_object_object_add(key, "key_id", json_object_new_string(key_id));
	json_object_array_add(keys, key);
}

static const char *name_of(struct json_object *array, size_t i,
			   const char *name)
{
	return text_of(json_object_array_get_idx(array, i), name);
}

#define ID1	"01010101010101010101010101010101"
#define ID2	"02020202020202020202020202020202"
#define ID3	"03030303030303030303030303030303"
#define LUKS	":512:logon:cryptsetup:1234-d0 0 254:0 0"

static void test_blob_in_the_table(void **state)
{
	struct json_object *volume = volumes_describe("a", with_blob(1));

	(void)state;
	assert_string_equal(text_of(volume, "name"), "a");
	assert_string_equal(text_of(volume, "key_id"), ID1);
	assert_string_equal(text_of(volume, "keyring"), "null");
	assert_string_equal(text_of(volume, "found_by"), "table");
	json_object_put(volume);
}

static void test_key_in_the_keyring(void **state)
{
	struct json_object *volume =
		volumes_describe("vault", "paes-xts-plain64 " LUKS);

	(void)state;
	assert_string_equal(text_of(volume, "key_id"), "null");
	assert_string_equal(text_of(volume, "keyring"), "logon:cryptsetup:1234-d0");
	assert_string_equal(text_of(volume, "found_by"), "null");
	json_object_put(volume);
	volume = volumes_describe("vault", "capi:xts(paes)-plain64 " LUKS);
	assert_string_equal(text_of(volume, "keyring"), "logon:cryptsetup:1234-d0");
	json_object_put(volume);
}

static void test_other_ciphers(void **state)
{
	(void)state;
	assert_null(volumes_describe("a", "aes-xts-plain64 00ff 0 254:0 0"));
	assert_null(volumes_describe("a", "capi:xts(aes)-plain64 00ff 0 254:0 0"));
	assert_null(volumes_describe("a", "paes-xts-plain64"));
	assert_null(volumes_describe("a", ""));
}

static void test_no_copy_of_a_clear_key(void **state)
{
	(void)state;
	freed_keys = 0;
	assert_null(volumes_describe("a", "aes-xts-plain64 " CLEAR_KEY " 0 254:0 0"));
	assert_null(volumes_describe("a", CLEAR_KEY " aes-xts-plain64"));
	json_object_put(volumes_describe("a", "paes-xts-plain64 " CLEAR_KEY " 0 254:0 0"));
	assert_int_equal(freed_keys, 0);
}

/* The cipher is the first word, the key the second: no other counts. */
static void test_words_are_kept_apart(void **state)
{
	struct json_object *volume =
		volumes_describe("a", "paes-xts-plain64 :512 0 254:0 0 1 a:b");

	(void)state;
	assert_string_equal(text_of(volume, "keyring"), "null");
	json_object_put(volume);
	assert_null(volumes_describe("a", "aes-xts-plain64 00ff 0 /dev/(paes) 0"));
}

/* A wiped key, a key of another size, rubbish: a volume all the same. */
static void test_keys_that_are_none(void **state)
{
	static const char *const keys[] = {
		"- 0 254:0 0", "00ff 0 254:0 0", "xx 0 254:0 0", ":512 0 254:0 0",
	};
	struct json_object *volume;
	char *rubbish;

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		char parameters[128];

		snprintf(parameters, sizeof(parameters), "paes-xts-plain64 %s", keys[i]);
		volume = volumes_describe("a", parameters);
		assert_string_equal(text_of(volume, "key_id"), "null");
		assert_string_equal(text_of(volume, "keyring"), "null");
		json_object_put(volume);
	}
	with_blob(1);
	rubbish = strchr(table, ' ') + 1;
	rubbish[0] = 'f';
	volume = volumes_describe("a", table);
	assert_string_equal(text_of(volume, "key_id"), "null");
	json_object_put(volume);
}

static void test_join(void **state)
{
	struct json_object *volumes = json_object_new_array();
	struct json_object *keys = json_object_new_array();

	(void)state;
	add(volumes, "a", with_blob(1));
	add(volumes, "b", with_blob(2));
	add(volumes, "c", with_blob(1));
	add_key(keys, ID1);
	add_key(keys, ID2);
	add_key(keys, ID3);
	volumes_join(volumes, keys);
	assert_string_equal(name_of(keys, 0, "volume"), "a,c");
	assert_string_equal(name_of(keys, 1, "volume"), "b");
	assert_string_equal(name_of(keys, 2, "volume"), "null");
	json_object_put(volumes);
	json_object_put(keys);
}

static void test_the_last_ones_belong_together(void **state)
{
	struct json_object *volumes = json_object_new_array();
	struct json_object *keys = json_object_new_array();

	(void)state;
	add(volumes, "a", with_blob(1));
	add(volumes, "vault", "paes-xts-plain64 " LUKS);
	add_key(keys, ID3);
	add_key(keys, ID1);
	volumes_join(volumes, keys);
	assert_string_equal(name_of(keys, 0, "volume"), "vault");
	assert_string_equal(name_of(volumes, 1, "key_id"), ID3);
	assert_string_equal(name_of(volumes, 1, "found_by"), "elimination");
	json_object_put(volumes);
	json_object_put(keys);
}

static void expect_no_guess(struct json_object *volumes,
			    struct json_object *keys)
{
	volumes_join(volumes, keys);
	for (size_t i = 0; i < json_object_array_length(keys); i++)
		assert_string_equal(name_of(keys, i, "volume"), "null");
	json_object_put(volumes);
	json_object_put(keys);
}

static void test_nothing_is_guessed(void **state)
{
	struct json_object *volumes = json_object_new_array();
	struct json_object *keys = json_object_new_array();

	(void)state;
	add(volumes, "vault", "paes-xts-plain64 " LUKS);
	add_key(keys, ID1);
	add_key(keys, ID2);
	expect_no_guess(volumes, keys);

	volumes = json_object_new_array();
	keys = json_object_new_array();
	add(volumes, "vault", "paes-xts-plain64 " LUKS);
	add(volumes, "other", "paes-xts-plain64 " LUKS);
	add_key(keys, ID1);
	expect_no_guess(volumes, keys);

	/* Its key was wiped: somebody else must have the one that's left. */
	volumes = json_object_new_array();
	keys = json_object_new_array();
	add(volumes, "wiped", "paes-xts-plain64 - 0 254:0 0");
	add_key(keys, ID1);
	expect_no_guess(volumes, keys);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blob_in_the_table),
		cmocka_unit_test(test_key_in_the_keyring),
		cmocka_unit_test(test_other_ciphers),
		cmocka_unit_test(test_no_copy_of_a_clear_key),
		cmocka_unit_test(test_words_are_kept_apart),
		cmocka_unit_test(test_keys_that_are_none),
		cmocka_unit_test(test_join),
		cmocka_unit_test(test_the_last_ones_belong_together),
		cmocka_unit_test(test_nothing_is_guessed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
