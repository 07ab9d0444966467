// SPDX-License-Identifier: GPL-2.0
/* The set of revoked keys and its file, which must never be misread. */
#include "support.h"

#include "file.h"
#include "revoked.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const unsigned char *id_of(unsigned int number)
{
	static unsigned char id[PAES_ID_SIZE];

	memset(id, 0xa5, sizeof(id));
	id[0] = (unsigned char)number;
	id[1] = (unsigned char)(number >> 8);
	return id;
}

static void refuse(const char *text, const char *message)
{
	struct revoked revoked;
	const char *said;

	support_write("revoked", text, strlen(text), 0600);
	support_capture();
	assert_true(revoked_load(&revoked, "revoked") < 0);
	said = support_captured();
	support_assert_holds(said, message);
	support_assert_holds(said, "revoked: which keys are revoked is not known");
}

static void test_set(void **state)
{
	struct revoked revoked = { 0 };

	(void)state;
	assert_false(revoked_has(&revoked, id_of(1)));
	for (unsigned int i = 1; i <= 3; i++)
		assert_int_equal(revoked_add(&revoked, id_of(i)), 0);
	assert_int_equal(revoked_add(&revoked, id_of(2)), 0);
	assert_int_equal(revoked.count, 3);
	revoked_remove(&revoked, id_of(1));
	revoked_remove(&revoked, id_of(1));
	assert_int_equal(revoked.count, 2);
	assert_false(revoked_has(&revoked, id_of(1)));
	assert_true(revoked_has(&revoked, id_of(2)));
	assert_true(revoked_has(&revoked, id_of(3)));
}

static void test_every_byte_counts(void **state)
{
	struct revoked revoked = { 0 };
	unsigned char id[PAES_ID_SIZE];

	(void)state;
	assert_int_equal(revoked_add(&revoked, id_of(1)), 0);
	for (unsigned int i = 0; i < PAES_ID_SIZE; i++) {
		memcpy(id, id_of(1), sizeof(id));
		id[i] ^= 1;
		assert_false(revoked_has(&revoked, id));
	}
}

/* As many as there may be: the file that holds them can be read again. */
static void test_full(void **state)
{
	struct revoked revoked = { 0 }, found;

	(void)state;
	for (unsigned int i = 0; i < REVOKED_MAX; i++)
		assert_int_equal(revoked_add(&revoked, id_of(i)), 0);
	support_capture();
	assert_int_equal(revoked_add(&revoked, id_of(REVOKED_MAX)), -ENOSPC);
	support_assert_holds(support_captured(), "1024 keys are revoked");
	assert_int_equal(revoked_add(&revoked, id_of(0)), 0);
	assert_int_equal(revoked_save(&revoked, "revoked"), 0);
	assert_int_equal(revoked_load(&found, "revoked"), 0);
	assert_int_equal(found.count, REVOKED_MAX);
	assert_memory_equal(found.ids, revoked.ids, sizeof(found.ids));
	revoked_remove(&revoked, id_of(REVOKED_MAX - 1));
	revoked_remove(&revoked, id_of(0));
	assert_int_equal(revoked.count, REVOKED_MAX - 2);
}

static void test_no_file(void **state)
{
	struct revoked revoked = { .count = 7 };

	(void)state;
	unlink("revoked");
	assert_int_equal(revoked_load(&revoked, "revoked"), 0);
	assert_int_equal(revoked.count, 0);
}

static void test_file_is_private_and_replaced(void **state)
{
	struct revoked revoked = { 0 };
	struct stat first, second;

	(void)state;
	assert_int_equal(revoked_save(&revoked, "revoked"), 0);
	assert_int_equal(stat("revoked", &first), 0);
	assert_int_equal(first.st_mode & 07777, 0600);
	assert_int_equal(link("revoked", "old"), 0);
	assert_int_equal(revoked_add(&revoked, id_of(1)), 0);
	assert_int_equal(revoked_save(&revoked, "revoked"), 0);
	assert_int_equal(stat("revoked", &second), 0);
	/* Another file: the old one was never half of the new one. */
	assert_int_not_equal(first.st_ino, second.st_ino);
	assert_int_equal(revoked_load(&revoked, "old"), 0);
	assert_int_equal(revoked.count, 0);
}

static void test_file_cannot_be_written(void **state)
{
	struct revoked revoked = { 0 };

	(void)state;
	support_capture();
	assert_int_equal(revoked_save(&revoked, "nowhere/revoked"), -ENOENT);
	support_assert_holds(support_captured(), "nowhere/revoked: can't be written: No such file");
}

static void test_garbage(void **state)
{
	(void)state;
	refuse("", "unexpected end");
	refuse("{", "unexpected end");
	refuse("{ \"revoked\": [ ] } x", "expected JSON");
	refuse("{ \"revoked\": [ \"00112233445566778899aabbccddeeff\"", "end");
	refuse("[]", "something else than one list");
	refuse("{}", "something else than one list");
	refuse("{ \"revoked\": {} }", "something else than one list");
	refuse("{ \"revoked\": [], \"more\": 1 }", "something else than one list");
	refuse("{ \"revoked\": [ 3 ] }", "no key id of 32");
	refuse("{ \"revoked\": [ \"\" ] }", "no key id of 32");
	refuse("{ \"revoked\": [ \"00112233445566778899aabbccddeef\" ] }", "no key id of 32");
	refuse("{ \"revoked\": [ \"00112233445566778899aabbccddeeff0\" ] }", "no key id of 32");
	refuse("{ \"revoked\": [ \"0011223344556677g899aabbccddeeff\" ] }", "no key id of 32");
}

static void test_cannot_be_opened(void **state)
{
	struct revoked revoked;

	(void)state;
	unlink("revoked");
	assert_int_equal(symlink("revoked", "revoked"), 0);
	support_capture();
	assert_int_equal(revoked_load(&revoked, "revoked"), -ELOOP);
	support_assert_holds(support_captured(), "is not known, so nothing is served");
	unlink("revoked");
	assert_int_equal(mkdir("revoked", 0700), 0);
	support_capture();
	assert_int_equal(revoked_load(&revoked, "revoked"), -EISDIR);
	support_assert_holds(support_captured(), "revoked: can't be read");
	rmdir("revoked");
}

static void test_lock(void **state)
{
	int first, second;

	(void)state;
	first = revoked_lock("made/revoked");
	assert_true(first >= 0);
	support_capture();
	assert_int_equal(revoked_lock("made/revoked"), -EWOULDBLOCK);
	assert_string_equal(support_captured(), "");
	close(first);
	second = revoked_lock("made/revoked");
	assert_true(second >= 0);
	close(second);
	support_capture();
	assert_int_equal(revoked_lock("no/such/revoked"), -ENOENT);
	support_assert_holds(support_captured(), "no/such/revoked");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_every_byte_counts),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_no_file),
		cmocka_unit_test(test_file_is_private_and_replaced),
		cmocka_unit_test(test_file_cannot_be_written),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_cannot_be_opened),
		cmocka_unit_test(test_lock),
	};

	return cmocka_run_group_tests(tests, support_enter, support_leave);
}
