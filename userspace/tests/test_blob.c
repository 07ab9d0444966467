// SPDX-License-Identifier: GPL-2.0
/* The checker of linux/paes_blob.h, its words, and the file. */
#include "support.h"

#include "blob.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Well-formed, for no HSM. */
static struct paes_blob valid(unsigned int bits, unsigned int recipients)
{
	struct paes_blob blob = { .cipher = PAES_CIPHER_AES_XTS };

	memcpy(blob.magic, PAES_BLOB_MAGIC, sizeof(blob.magic));
	*(unsigned char *)&blob.version = PAES_BLOB_VERSION;
	((unsigned char *)&blob.size)[1] = PAES_BLOB_SIZE >> 8;
	((unsigned char *)&blob.key_bits)[bits == 256] = bits == 256 ? 1 : 128;
	support_random(blob.key_id, sizeof(blob.key_id));
	support_random(blob.verify, sizeof(blob.verify));
	for (unsigned int i = 0; i < recipients; i++) {
		struct paes_blob_recipient *r = &blob.recipient[i];

		support_random(r->kek_id, sizeof(r->kek_id));
		r->wrap = PAES_WRAP_AES_KW;
		support_random(r->k1, bits / 8 + 8);
		support_random(r->k2, bits / 8 + 8);
		support_random(r->mac, sizeof(r->mac));
	}
	return blob;
}

static void expect(const struct paes_blob *blob, enum paes_blob_fault fault,
		   const char *words)
{
	char text[512];

	assert_int_equal(paes_blob_check(blob, sizeof(*blob)), fault);
	blob_explain(fault, blob, sizeof(*blob), text, sizeof(text));
	support_assert_holds(text, words);
}

static void test_valid(void **state)
{
	(void)state;
	for (unsigned int n = 1; n <= PAES_BLOB_RECIPIENTS; n++) {
		struct paes_blob blob = valid(128, n);

		expect(&blob, PAES_BLOB_OK, "");
		assert_int_equal(paes_blob_recipients(&blob), n);
		blob = valid(256, n);
		expect(&blob, PAES_BLOB_OK, "");
	}
}

static void test_length(void **state)
{
	struct paes_blob blob = valid(256, 1);
	char text[512];

	(void)state;
	for (unsigned long length = 0; length < 2 * sizeof(blob); length++)
		if (length != sizeof(blob))
			assert_int_equal(paes_blob_check(&blob, length),
					 PAES_BLOB_BAD_LENGTH);
	blob_explain(PAES_BLOB_BAD_LENGTH, NULL, 64, text, sizeof(text));
	support_assert_holds(text, "found 64 bytes, expected 512");
	support_assert_holds(text, "paes import");
	blob_explain(PAES_BLOB_BAD_LENGTH, NULL, 0, text, sizeof(text));
	support_assert_holds(text, "empty");
}

#define SPOIL(change, fault, words) \
	do { \
		struct paes_blob blob = valid(256, 2); \
		struct paes_blob_recipient *r = blob.recipient; \
		(void)r; \
		change; \
		expect(&blob, fault, words); \
	} while (0)

static void test_header_fields(void **state)
{
	(void)state;
	SPOIL(blob.magic[7] = 'X', PAES_BLOB_BAD_MAGIC, "found \"PAESBLOX\"");
	SPOIL(blob.magic[0] = 1, PAES_BLOB_BAD_MAGIC, "found \".AESBLOB\"");
	SPOIL(*(__u8 *)&blob.version = 2, PAES_BLOB_BAD_VERSION, "version: found 2, expected 1");
	SPOIL(*(__u8 *)&blob.size = 1, PAES_BLOB_BAD_SIZE, "size: found 513, expected 512");
	SPOIL(blob.cipher = 2, PAES_BLOB_BAD_CIPHER, "cipher: found 2");
	SPOIL(*(__u8 *)&blob.key_bits = 1, PAES_BLOB_BAD_KEY_BITS, "key_bits: found 257");
	SPOIL(*(__u8 *)&blob.flags = 2, PAES_BLOB_BAD_FLAGS, "flags: found 0x00000002");
	SPOIL(*(__u8 *)&blob.flags = 1, PAES_BLOB_OK, "");
	SPOIL(blob.reserved0 = 1, PAES_BLOB_BAD_RESERVED, "reserved");
	SPOIL(blob.reserved1[3] = 1, PAES_BLOB_BAD_RESERVED, "reserved");
	SPOIL(blob.reserved2[23] = 1, PAES_BLOB_BAD_RESERVED, "reserved");
	SPOIL(memset(blob.key_id, 0, 16), PAES_BLOB_BAD_KEY_ID, "key_id");
	SPOIL(memcpy(blob.verify + 16, blob.verify, 16), PAES_BLOB_SAME_KEYS, "K1 and K2");
}

static void test_recipient_fields(void **state)
{
	(void)state;
	SPOIL(memset(r, 0, 2 * sizeof(*r)), PAES_BLOB_NO_RECIPIENT, "recipient[0]");
	SPOIL(r[0].wrap = 2, PAES_BLOB_BAD_WRAP, "recipient[0].wrap: found 2");
	SPOIL(r[1].wrap = 9, PAES_BLOB_BAD_WRAP, "recipient[1].wrap: found 9");
	SPOIL(memset(r[1].kek_id, 0, 16), PAES_BLOB_BAD_KEK_ID, "kek_id");
	SPOIL(memcpy(r[1].kek_id, r[0].kek_id, 16), PAES_BLOB_BAD_KEK_ID, "twice");
	SPOIL(r[1].reserved[6] = 1, PAES_BLOB_BAD_RESERVED, "reserved");
	SPOIL(memcpy(r[1].k2, r[1].k1, 40), PAES_BLOB_SAME_KEYS, "K1 and K2");
	SPOIL(r[1].wrap = 0, PAES_BLOB_BAD_PADDING, "unused recipient");
	SPOIL(r[2].mac[31] = 1, PAES_BLOB_BAD_PADDING, "unused recipient");
}

static void test_padding(void **state)
{
	(void)state;
	for (unsigned int i = 24; i < PAES_WRAPPED_MAX; i++) {
		struct paes_blob blob = valid(128, 1);

		blob.recipient[0].k1[i] = 1;
		expect(&blob, PAES_BLOB_BAD_PADDING, "padding");
		blob = valid(128, 1);
		blob.recipient[0].k2[i] = 1;
		expect(&blob, PAES_BLOB_BAD_PADDING, "padding");
	}
}

/* Bytes that carry a value of any kind; all others have one right form. */
static bool is_free(unsigned int byte, unsigned int wrapped)
{
	unsigned int in = byte - PAES_BLOB_HEADER;

	if (byte >= 24 && byte < 80)
		return true;	/* created, key_id, verify */
	if (byte < PAES_BLOB_HEADER || in >= sizeof(struct paes_blob_recipient))
		return false;
	return in < 16 || (in >= 24 && in < 24 + wrapped) ||
	       (in >= 64 && in < 64 + wrapped) || in >= 104;
}

static void check_every_bit(unsigned int bits)
{
	struct paes_blob blob = valid(bits, 1);

	for (unsigned int bit = 0; bit < sizeof(blob) * 8; bit++) {
		unsigned char *byte = (unsigned char *)&blob + bit / 8;
		/* The one flag there is. */
		bool accepted = is_free(bit / 8, bits / 8 + 8) || bit == 16 * 8;

		*byte ^= (unsigned char)(1 << bit % 8);
		assert_int_equal(paes_blob_check(&blob, sizeof(blob)) == PAES_BLOB_OK,
				 accepted);
		*byte ^= (unsigned char)(1 << bit % 8);
	}
}

static void test_every_bit(void **state)
{
	(void)state;
	check_every_bit(128);
	check_every_bit(256);
}

static void test_every_fault_has_words(void **state)
{
	struct paes_blob blob = valid(256, 1);
	char text[512];

	(void)state;
	for (int fault = PAES_BLOB_BAD_LENGTH; fault <= PAES_BLOB_SAME_KEYS; fault++) {
		blob_explain((enum paes_blob_fault)fault, &blob, 7, text, sizeof(text));
		support_assert_holds(text, "expected");
	}
	blob_explain(PAES_BLOB_BAD_LENGTH, &blob, 7, text, 5);
	assert_string_equal(text, "leng");
}

static void test_format_id(void **state)
{
	const unsigned char id[PAES_ID_SIZE] = { 0, 1, 0xab, 0xff };
	char text[2 * PAES_ID_SIZE + 1];

	(void)state;
	blob_format_id(id, text);
	assert_string_equal(text, "0001abff000000000000000000000000");
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode;
}

static void test_write_and_read(void **state)
{
	struct paes_blob blob = valid(256, 3), back;
	mode_t before = umask(0);

	(void)state;
	assert_int_equal(blob_write(&blob, "b", false), 0);
	umask(before);
	assert_int_equal(mode_of("b"), S_IFREG | 0600);
	assert_int_equal(blob_read(&back, "b"), 0);
	assert_memory_equal(&blob, &back, sizeof(blob));
	unlink("b");
}

static void refuse_write(const char *path, bool force, int error, const char *words)
{
	struct paes_blob blob = valid(256, 1);

	support_capture();
	assert_int_equal(blob_write(&blob, path, force), error);
	support_assert_holds(support_captured(), words);
}

static void test_write_over_a_file(void **state)
{
	struct paes_blob blob = valid(256, 1);
	struct stat st;

	(void)state;
	support_write("old", "precious", 8, 0644);
	refuse_write("old", false, -EEXIST, "exists already");
	assert_int_equal(stat("old", &st), 0);
	assert_int_equal(st.st_size, 8);
	assert_int_equal(blob_write(&blob, "old", true), 0);
	assert_int_equal(mode_of("old"), S_IFREG | 0600);
	unlink("old");
}

static void test_write_over_a_link(void **state)
{
	struct paes_blob blob = valid(256, 1);
	struct stat st;

	(void)state;
	support_write("target", "precious", 8, 0600);
	assert_int_equal(symlink("target", "link"), 0);
	refuse_write("link", false, -EEXIST, "symbolic link");
	assert_int_equal(blob_write(&blob, "link", true), 0);
	assert_int_equal(mode_of("link"), S_IFREG | 0600);
	assert_int_equal(stat("target", &st), 0);
	assert_int_equal(st.st_size, 8);
	unlink("link");
	unlink("target");
}

static void test_write_over_a_dangling_link(void **state)
{
	(void)state;
	assert_int_equal(symlink("nowhere", "link"), 0);
	refuse_write("link", false, -EEXIST, "symbolic link");
	assert_int_equal(access("nowhere", F_OK), -1);
	unlink("link");
}

/* Not even by force: a directory, a device. */
static void test_write_over_other_things(void **state)
{
	(void)state;
	assert_int_equal(mkdir("dir", 0700), 0);
	refuse_write("dir", true, -EEXIST, "neither a file");
	refuse_write("/dev/null", true, -EEXIST, "neither a file");
	refuse_write("missing/b", false, -ENOENT, "missing/b");
	rmdir("dir");
}

static void test_read_refusals(void **state)
{
	unsigned char bytes[1000] = { 0 };
	struct paes_blob blob;

	(void)state;
	support_capture();
	assert_int_equal(blob_read(&blob, "missing"), -ENOENT);
	support_write("short", bytes, 511, 0600);
	assert_int_equal(blob_read(&blob, "short"), -EINVAL);
	support_write("long", bytes, 1000, 0600);
	assert_int_equal(blob_read(&blob, "long"), -EINVAL);
	support_write("key", bytes, 64, 0600);
	assert_int_equal(blob_read(&blob, "key"), -EINVAL);
	assert_int_equal(blob_read(&blob, "."), -EISDIR);
	const char *log = support_captured();

	support_assert_holds(log, "missing: can't open");
	support_assert_holds(log, "short: length: found 511 bytes, expected 512");
	support_assert_holds(log, "long: length: found 1000 bytes");
	support_assert_holds(log, "bare AES-XTS key");
	unlink("short");
	unlink("long");
	unlink("key");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_valid),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_header_fields),
		cmocka_unit_test(test_recipient_fields),
		cmocka_unit_test(test_padding),
		cmocka_unit_test(test_every_bit),
		cmocka_unit_test(test_every_fault_has_words),
		cmocka_unit_test(test_format_id),
		cmocka_unit_test(test_write_and_read),
		cmocka_unit_test(test_write_over_a_file),
		cmocka_unit_test(test_write_over_a_link),
		cmocka_unit_test(test_write_over_a_dangling_link),
		cmocka_unit_test(test_write_over_other_things),
		cmocka_unit_test(test_read_refusals),
	};

	return cmocka_run_group_tests_name("blob", tests, support_enter, support_leave);
}
