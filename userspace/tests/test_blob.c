// SPDX-License-Identifier: GPL-2.0
/* The checker of linux/paes_blob.h, its words, and the file. */
#include "support.h"

#include "blob.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What a file system refuses, by its errno; 0: nothing. */
static struct {
	int rename;
	int link;
	int chown;
	int sync;		/* of a directory */
} refused;

/* Somebody else makes the file between the first look and the rename. */
static bool comes_late;

static int refuse(int error)
{
	errno = error;
	return -1;
}

int __real_renameat2(int from, const char *old, int to, const char *new,
		     unsigned int flags);
int __wrap_renameat2(int from, const char *old, int to, const char *new,
		     unsigned int flags);

int __wrap_renameat2(int from, const char *old, int to, const char *new,
		     unsigned int flags)
{
	if (comes_late)
		support_write(new, "precious", 8, 0600);
	return refused.rename ? refuse(refused.rename) :
				__real_renameat2(from, old, to, new, flags);
}

int __real_link(const char *old, const char *new);
int __wrap_link(const char *old, const char *new);

int __wrap_link(const char *old, const char *new)
{
	return refused.link ? refuse(refused.link) : __real_link(old, new);
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);

int __wrap_fsync(int fd)
{
	struct stat st;

	return refused.sync && !fstat(fd, &st) && S_ISDIR(st.st_mode) ?
	       refuse(refused.sync) : __real_fsync(fd);
}

int __real_fchown(int fd, uid_t owner, gid_t group);
int __wrap_fchown(int fd, uid_t owner, gid_t group);

int __wrap_fchown(int fd, uid_t owner, gid_t group)
{
	return refused.chown ? refuse(refused.chown) :
			       __real_fchown(fd, owner, group);
}

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

static void make_resident(struct paes_blob_recipient *r)
{
	r->wrap = PAES_WRAP_RESIDENT;
	memset(r->k1 + PAES_ID_SIZE, 0, PAES_WRAPPED_MAX - PAES_ID_SIZE);
	memset(r->k2 + PAES_ID_SIZE, 0, PAES_WRAPPED_MAX - PAES_ID_SIZE);
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

/* Beside each other, as for two tokens of different kinds. */
static void test_valid_resident(void **state)
{
	(void)state;
	for (unsigned int kinds = 1; kinds < 1 << PAES_BLOB_RECIPIENTS; kinds++) {
		struct paes_blob blob = valid(kinds % 3 ? 256 : 128, 3);

		for (unsigned int i = 0; i < PAES_BLOB_RECIPIENTS; i++)
			if (kinds & 1 << i)
				make_resident(&blob.recipient[i]);
		expect(&blob, PAES_BLOB_OK, "");
		assert_int_equal(paes_blob_wrapped_size(&blob, &blob.recipient[0]),
				 kinds & 1 ? 16 : kinds % 3 ? 40 : 24);
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
	SPOIL(r[0].wrap = 3, PAES_BLOB_BAD_WRAP, "recipient[0].wrap: found 3");
	SPOIL(r[0].wrap = PAES_WRAP_RESIDENT, PAES_BLOB_BAD_PADDING, "padding");
	SPOIL(r[1].wrap = 9, PAES_BLOB_BAD_WRAP, "recipient[1].wrap: found 9");
	SPOIL(memset(r[1].kek_id, 0, 16), PAES_BLOB_BAD_KEK_ID, "kek_id");
	SPOIL(memcpy(r[1].kek_id, r[0].kek_id, 16), PAES_BLOB_BAD_KEK_ID, "twice");
	SPOIL(r[1].reserved[6] = 1, PAES_BLOB_BAD_RESERVED, "reserved");
	SPOIL(memcpy(r[1].k2, r[1].k1, 40), PAES_BLOB_SAME_KEYS, "K1 and K2");
	SPOIL(r[1].wrap = 0, PAES_BLOB_BAD_PADDING, "unused recipient");
	SPOIL(r[2].mac[31] = 1, PAES_BLOB_BAD_PADDING, "unused recipient");
}

static void test_resident_fields(void **state)
{
	const char *words = "k1 and k2 of a resident key";

	(void)state;
	SPOIL((make_resident(r + 1), memset(r[1].k1, 0, 16)), PAES_BLOB_BAD_OBJECT_ID, words);
	SPOIL((make_resident(r + 1), memset(r[1].k2, 0, 16)), PAES_BLOB_BAD_OBJECT_ID, words);
	SPOIL((make_resident(r), memcpy(r[0].k2, r[0].k1, 16)), PAES_BLOB_BAD_OBJECT_ID, words);
	SPOIL((make_resident(r), memcpy(r[0].k2, r[0].k1, 15)), PAES_BLOB_OK, "");
	SPOIL((make_resident(r), r[0].reserved[0] = 1), PAES_BLOB_BAD_RESERVED, "reserved");
	SPOIL((make_resident(r), memset(r[0].kek_id, 0, 16)), PAES_BLOB_BAD_KEK_ID, "kek_id");
	for (unsigned int i = PAES_ID_SIZE; i < PAES_WRAPPED_MAX; i++) {
		SPOIL((make_resident(r), r[0].k1[i] = 1), PAES_BLOB_BAD_PADDING, "padding");
		SPOIL((make_resident(r), r[0].k2[i] = 1), PAES_BLOB_BAD_PADDING, "padding");
	}
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

static void check_every_bit(unsigned int bits, bool resident)
{
	struct paes_blob blob = valid(bits, 1);
	unsigned int used = resident ? PAES_ID_SIZE : bits / 8 + 8;

	if (resident)
		make_resident(&blob.recipient[0]);
	for (unsigned int bit = 0; bit < sizeof(blob) * 8; bit++) {
		unsigned char *byte = (unsigned char *)&blob + bit / 8;
		/* The one flag there is. */
		bool accepted = is_free(bit / 8, used) || bit == 16 * 8;

		*byte ^= (unsigned char)(1 << bit % 8);
		assert_int_equal(paes_blob_check(&blob, sizeof(blob)) == PAES_BLOB_OK,
				 accepted);
		*byte ^= (unsigned char)(1 << bit % 8);
	}
}

static void test_every_bit(void **state)
{
	(void)state;
	check_every_bit(128, false);
	check_every_bit(256, false);
	check_every_bit(128, true);
	check_every_bit(256, true);
}

static void test_every_fault_has_words(void **state)
{
	struct paes_blob blob = valid(256, 1);
	char text[512];

	(void)state;
	for (int fault = PAES_BLOB_BAD_LENGTH; fault <= PAES_BLOB_BAD_OBJECT_ID; fault++) {
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

static void test_parse_id(void **state)
{
	unsigned char id[PAES_ID_SIZE], untouched[PAES_ID_SIZE] = { 7 };

	(void)state;
	assert_true(blob_parse_id("0001abFf000000000000000000000009", id));
	assert_memory_equal(id, ((unsigned char[PAES_ID_SIZE]){ 0, 1, 0xab, 0xff, [15] = 9 }),
			    sizeof(id));
	memcpy(id, untouched, sizeof(id));
	assert_false(blob_parse_id("", id));
	assert_false(blob_parse_id("0001abff00000000000000000000000", id));
	assert_false(blob_parse_id("0001abff0000000000000000000000090", id));
	assert_false(blob_parse_id("0001abff00000000000000000000000g", id));
	assert_false(blob_parse_id(" 001abff000000000000000000000000", id));
	assert_false(blob_parse_hex("0001a", id, 2));
	assert_false(blob_parse_hex("0001abff", id, 2));
	assert_memory_equal(id, untouched, sizeof(id));
	assert_true(blob_parse_hex("00Af 4", id, 2));
	assert_memory_equal(id, ((unsigned char[]){ 0, 0xaf, 0 }), 3);
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

static void expect_owner(const char *path, uid_t owner, gid_t group)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	assert_int_equal(st.st_uid, owner);
	assert_int_equal(st.st_gid, group);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
}

static void test_the_owner_stays(void **state)
{
	struct paes_blob blob = valid(256, 1);

	(void)state;
	if (geteuid()) {
		print_message("# SKIP: files of others take root\n");
		skip();
	}
	support_write("theirs", "precious", 8, 0644);
	assert_int_equal(chown("theirs", 1234, 2345), 0);
	assert_int_equal(blob_write(&blob, "theirs", true), 0);
	expect_owner("theirs", 1234, 2345);

	refused.chown = EPERM;
	support_capture();
	assert_int_equal(blob_write(&blob, "theirs", true), 0);
	support_assert_holds(support_captured(), "warning: theirs: belonged to user 1234 and group 2345");
	refused.chown = 0;
	expect_owner("theirs", 0, getegid());
	unlink("theirs");

	/* A link isn't followed: its target's owner has nothing to do with it. */
	assert_int_equal(symlink("nowhere", "link"), 0);
	assert_int_equal(lchown("link", 1234, 2345), 0);
	assert_int_equal(blob_write(&blob, "link", true), 0);
	expect_owner("link", 0, getegid());
	unlink("link");
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

static bool is_alone(const char *name)
{
	char command[64];

	snprintf(command, sizeof(command), "test \"$(echo %s*)\" = %s", name, name);
	return system(command) == 0;
}

/* As over a file that chattr(1) made immutable: root is told why, too. */
static void test_rename_is_refused(void **state)
{
	(void)state;
	support_write("old", "precious", 8, 0600);
	refused.rename = EPERM;
	refuse_write("old", true, -EPERM, "old: can't write the wrapped key: Operation not permitted; lsattr");
	refused.rename = EIO;
	refuse_write("old", true, -EIO, "old: can't write the wrapped key: Input/output error\n");
	refused.rename = 0;
	assert_true(is_alone("old"));
	unlink("old");
}

/* It is there, and "not written" would have a resident key destroyed. */
static void test_directory_cant_be_synced(void **state)
{
	struct paes_blob blob = valid(256, 1), back;
	int error;

	(void)state;
	refused.sync = EIO;
	support_capture();
	error = blob_write(&blob, "b", false);
	support_assert_holds(support_captured(), "warning: b: is written, but its directory can't be synced (Input/output error)");
	refused.sync = 0;
	assert_int_equal(error, 0);
	assert_int_equal(blob_read(&back, "b"), 0);
	assert_memory_equal(&blob, &back, sizeof(blob));
	unlink("b");
}

static void write_without_noreplace(int link)
{
	struct paes_blob blob = valid(256, 1), back;

	refused.rename = EINVAL;
	refused.link = link;
	assert_int_equal(blob_write(&blob, "b", false), 0);
	assert_int_equal(blob_read(&back, "b"), 0);
	assert_memory_equal(&blob, &back, sizeof(blob));
	assert_true(is_alone("b"));
	unlink("b");

	comes_late = true;
	refuse_write("b", false, -EEXIST, "b: can't write the wrapped key: File exists");
	comes_late = false;
	refused.rename = refused.link = 0;
	assert_true(is_alone("b"));
	unlink("b");
}

/* NFS and others don't know RENAME_NOREPLACE, FAT doesn't know links. */
static void test_without_noreplace(void **state)
{
	(void)state;
	write_without_noreplace(0);
	write_without_noreplace(EPERM);
	write_without_noreplace(EOPNOTSUPP);
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
		cmocka_unit_test(test_valid_resident),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_header_fields),
		cmocka_unit_test(test_recipient_fields),
		cmocka_unit_test(test_resident_fields),
		cmocka_unit_test(test_padding),
		cmocka_unit_test(test_every_bit),
		cmocka_unit_test(test_every_fault_has_words),
		cmocka_unit_test(test_format_id),
		cmocka_unit_test(test_parse_id),
		cmocka_unit_test(test_write_and_read),
		cmocka_unit_test(test_write_over_a_file),
		cmocka_unit_test(test_the_owner_stays),
		cmocka_unit_test(test_write_over_a_link),
		cmocka_unit_test(test_write_over_a_dangling_link),
		cmocka_unit_test(test_write_over_other_things),
		cmocka_unit_test(test_rename_is_refused),
		cmocka_unit_test(test_directory_cant_be_synced),
		cmocka_unit_test(test_without_noreplace),
		cmocka_unit_test(test_read_refusals),
	};

	return cmocka_run_group_tests_name("blob", tests, support_enter, support_leave);
}
