// SPDX-License-Identifier: GPL-2.0
/* Locked memory, PINs and the log. */
#include "support.h"

#include "log.h"
#include "pin.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* The flags of the mapping that holds `address`, from the kernel itself. */
static void flags_of(const void *address, char *flags, size_t size)
{
	CLEANUP(file) FILE *file = fopen("/proc/self/smaps", "re");
	unsigned long start, end, at = (unsigned long)address;
	bool within = false;
	char line[512];

	*flags = '\0';
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			within = at >= start && at < end;
		if (within && !strncmp(line, "VmFlags:", 8))
			snprintf(flags, size, "%s", line);
	}
}

static void test_secret_is_locked(void **state)
{
	CLEANUP(secret) struct secret *secret = secret_new(5000);
	char flags[512];

	(void)state;
	assert_non_null(secret);
	assert_int_equal(secret->size, 5000);
	memset(secret->bytes, 1, 5000);
	flags_of(secret->bytes + 4999, flags, sizeof(flags));
	support_assert_holds(flags, " lo");
	support_assert_holds(flags, " dd");
}

/* The size in use may be less than what was asked for. */
static void test_secret_may_shrink(void **state)
{
	struct secret *secret = secret_new(100);

	(void)state;
	secret->size = 0;
	secret_free(secret);
	secret_free(NULL);
}

static void test_secret_too_large(void **state)
{
	(void)state;
	errno = 0;
	assert_null(secret_new(SIZE_MAX - 8));
	assert_int_equal(errno, ENOMEM);
}

/* In a child, as root's privilege to lock has to be dropped. */
static void test_secret_not_lockable(void **state)
{
	const struct rlimit none = { 0, 0 };
	int status;
	pid_t child;

	(void)state;
	child = fork();
	if (!child) {
		if (setrlimit(RLIMIT_MEMLOCK, &none) || setresuid(65534, 65534, 65534))
			_exit(2);
		_exit(secret_new(100) ? 1 : 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_wipe(void **state)
{
	unsigned char bytes[33];

	(void)state;
	memset(bytes, 0xff, sizeof(bytes));
	secret_wipe(bytes, 32);
	assert_true(paes_blob_all_zero(bytes, 32));
	assert_int_equal(bytes[32], 0xff);
}

static void accept_pin(const char *text, size_t size, const char *pin)
{
	CLEANUP(secret) struct secret *secret = NULL;

	support_write("pin", text, size, 0600);
	secret = pin_get("pin", "t");
	assert_non_null(secret);
	assert_int_equal(secret->size, strlen(pin));
	assert_memory_equal(secret->bytes, pin, strlen(pin));
}

static void refuse_pin(const char *text, size_t size, const char *message)
{
	const char *log;

	support_write("pin", text, size, 0600);
	support_capture();
	assert_null(pin_get("pin", "t"));
	log = support_captured();
	support_assert_holds(log, message);
	support_assert_lacks(log, "12345678");
}

static void test_pin_from_file(void **state)
{
	char longest[255 + 3];

	(void)state;
	accept_pin("1234", 4, "1234");
	accept_pin("1234\n", 5, "1234");
	accept_pin("1234\r\n", 6, "1234");
	accept_pin(" 12 34 ", 7, " 12 34 ");
	accept_pin("p\xc3\xa4ss", 5, "p\xc3\xa4ss");
	memset(longest, 'x', 255);
	strcpy(longest + 255, "\r\n");
	longest[255] = '\r';
	support_write("pin", longest, 257, 0600);
	struct secret *secret = pin_get("pin", "t");

	assert_int_equal(secret->size, 255);
	secret_free(secret);
}

static void test_bad_pins(void **state)
{
	char longer[300];

	(void)state;
	refuse_pin("", 0, "the PIN is empty");
	refuse_pin("\n", 1, "the PIN is empty");
	refuse_pin("\r\n", 2, "the PIN is empty");
	refuse_pin("12345678\n12345678\n", 18, "second line");
	refuse_pin("12345678\0", 9, "control character");
	memset(longer, 'x', sizeof(longer));
	refuse_pin(longer, 256, "longer than 255");
	refuse_pin(longer, 300, "longer than 255");
}

static void test_pin_file_missing(void **state)
{
	(void)state;
	support_capture();
	assert_null(pin_get("missing", "t"));
	support_assert_holds(support_captured(), "missing: can't open the PIN file");
}

static void test_pin_file_mode(void **state)
{
	struct secret *secret;

	(void)state;
	support_write("pin", "1234", 4, 0644);
	support_capture();
	secret = pin_get("pin", "t");
	support_assert_holds(support_captured(), "mode 0644, others may read it");
	assert_non_null(secret);
	secret_free(secret);
}

static void test_pin_from_credential(void **state)
{
	struct secret *secret;

	(void)state;
	assert_int_equal(mkdir("credentials", 0700), 0);
	support_write("credentials/paes-pin", "4321\n", 5, 0400);
	setenv("CREDENTIALS_DIRECTORY", "credentials", 1);
	secret = pin_get(NULL, "t");
	assert_non_null(secret);
	assert_memory_equal(secret->bytes, "4321", 4);
	secret_free(secret);
	unsetenv("CREDENTIALS_DIRECTORY");
}

static void expect_pin(const char *file, const char *pin)
{
	struct secret *secret = pin_get(file, "t");

	assert_non_null(secret);
	assert_int_equal(secret->size, strlen(pin));
	assert_memory_equal(secret->bytes, pin, secret->size);
	secret_free(secret);
}

/* By the last part of its path; no credential of another name, nor a blank one. */
static void test_pin_file_by_credential(void **state)
{
	(void)state;
	assert_int_equal(mkdir("named", 0700), 0);
	setenv("CREDENTIALS_DIRECTORY", "named", 1);
	support_write("named/paes-pin", "4321\n", 5, 0400);
	support_write("pin", "1234", 4, 0600);
	expect_pin("pin", "1234");
	support_write("named/pin", "\n", 1, 0600);
	expect_pin("pin", "1234");
	support_write("named/pin", "5678\n", 5, 0600);
	expect_pin("pin", "5678");
	expect_pin("/nonexistent/pin", "5678");
	support_capture();
	assert_null(pin_get("/nonexistent/", "t"));
	support_assert_holds(support_captured(), "/nonexistent/: can't open");
	unsetenv("CREDENTIALS_DIRECTORY");
}

/* Root's file, read by who isn't root: what to do is in the message. */
static void test_pin_of_root(void **state)
{
	const char *log;
	int status;
	pid_t child;

	(void)state;
	if (geteuid())
		skip();
	support_write("secret-pin", "1234", 4, 0600);
	support_capture();
	child = fork();
	if (!child)
		_exit(setegid(65534) || seteuid(65534) ||
		      pin_get("secret-pin", "t"));
	assert_int_equal(waitpid(child, &status, 0), child);
	log = support_captured();
	assert_int_equal(status, 0);
	support_assert_holds(log, "LoadCredential=secret-pin:secret-pin");
}

/* In a session without a terminal. */
static void test_no_pin_at_all(void **state)
{
	const char *log;
	int status;
	pid_t child;

	(void)state;
	support_capture();
	child = fork();
	if (!child) {
		setsid();
		_exit(pin_get(NULL, "my token") ? 1 : 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	log = support_captured();
	assert_int_equal(status, 0);
	support_assert_holds(log, "no PIN for token \"my token\"");
	support_assert_holds(log, "paes-pin");
}

static void test_log_lines(void **state)
{
	const char *log;

	(void)state;
	log_setup("prog", LOG_LEVEL_INFO);
	support_capture();
	errno = ENOTTY;
	log_error("it was %d: %m", 5);
	log_warning("two\nlines");
	log_warning("\033[2J\177\xc2\x9b" "2J\xc2\xa0\xc3\x80\xc2");
	log_debug("not shown");
	assert_int_equal(errno, ENOTTY);
	log = support_captured();
	assert_string_equal(log, "prog: it was 5: Inappropriate ioctl for device\n"
				 "prog: warning: two?lines\n"
				 "prog: warning: ?[2J??2J\xc2\xa0\xc3\x80\xc2\n");
}

static void test_log_long_line(void **state)
{
	static char text[5000];
	const char *log;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	support_capture();
	log_error("%s", text);
	log = support_captured();
	assert_true(strlen(log) < 2100);
	assert_int_equal(log[strlen(log) - 1], '\n');
}

/* As systemd.exec(5) tells it: device and inode of the stream. */
static void test_log_to_journal(void **state)
{
	char stream[64];
	struct stat st;
	const char *log;

	(void)state;
	support_capture();
	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	snprintf(stream, sizeof(stream), "%lu:%lu", (unsigned long)st.st_dev,
		 (unsigned long)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	log_setup("prog", LOG_LEVEL_DEBUG);
	unsetenv("JOURNAL_STREAM");
	log_error("a");
	log_warning("b");
	log_debug("c");
	log = support_captured();
	log_setup("prog", LOG_LEVEL_INFO);
	assert_string_equal(log, "<3>prog: a\n<4>prog: b\n<7>prog: c\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_secret_is_locked),
		cmocka_unit_test(test_secret_may_shrink),
		cmocka_unit_test(test_secret_too_large),
		cmocka_unit_test(test_secret_not_lockable),
		cmocka_unit_test(test_wipe),
		cmocka_unit_test(test_pin_from_file),
		cmocka_unit_test(test_bad_pins),
		cmocka_unit_test(test_pin_file_missing),
		cmocka_unit_test(test_pin_file_mode),
		cmocka_unit_test(test_pin_from_credential),
		cmocka_unit_test(test_pin_file_by_credential),
		cmocka_unit_test(test_pin_of_root),
		cmocka_unit_test(test_no_pin_at_all),
		cmocka_unit_test(test_log_lines),
		cmocka_unit_test(test_log_long_line),
		cmocka_unit_test(test_log_to_journal),
	};

	return cmocka_run_group_tests_name("secret", tests, support_enter, support_leave);
}
