// SPDX-License-Identifier: GPL-2.0
/* What paesd leaves to its successor. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../paesd/handover.h"

static unsigned int seen;

static struct secret *make_pin(const char *text)
{
	struct secret *pin = secret_new(strlen(text));

	assert_non_null(pin);
	memcpy(pin->bytes, text, strlen(text));
	pin->size = strlen(text);
	return pin;
}

static void add_pin(struct handover *handover, const char *uri, const char *text)
{
	CLEANUP(secret) struct secret *pin = make_pin(text);

	assert_int_equal(handover_add_pin(handover, uri, pin, false), 0);
}

static void add_refused(struct handover *handover, const char *uri,
			const char *text)
{
	CLEANUP(secret) struct secret *pin = make_pin(text);

	assert_int_equal(handover_add_pin(handover, uri, pin, true), 0);
}

static void expect(struct secret *taken, const char *text)
{
	CLEANUP(secret) struct secret *pin = taken;

	assert_non_null(pin);
	assert_int_equal(pin->size, strlen(text));
	assert_memory_equal(pin->bytes, text, pin->size);
}

static void see_worker(void *context, const char *uri, pid_t pid)
{
	assert_ptr_equal(context, &seen);
	assert_string_equal(uri, pid == 1000 ? "pkcs11:token=a" : "pkcs11:token=b");
	assert_int_equal(pid, 1000 + seen++);
}

static int flags_of(int fd)
{
	return fcntl(fd, F_GETFD);
}

/* Of the only PIN that was left. */
static int socket_in(int fd)
{
	char text[512] = "";
	const char *found;

	assert_true(pread(fd, text, sizeof(text) - 1, 0) > 0);
	found = strstr(text, "\"socket\":");
	assert_non_null(found);
	return atoi(found + strlen("\"socket\":"));
}

/* Of a token that isn't in the configuration any more. */
static void a_pin_that_nobody_takes_is_dropped(void **state)
{
	CLEANUP(handover) struct handover *left = handover_new();
	int fd, socket;

	(void)state;
	add_pin(left, "pkcs11:token=a", "271828");
	fd = handover_write(left);
	socket = socket_in(fd);
	handover_free(handover_read(fd));
	assert_int_equal(flags_of(socket), -1);
}

/* There is no exec after all. */
static void a_predecessor_that_stays_drops_it_too(void **state)
{
	struct handover *left = handover_new();
	int fd, socket;

	(void)state;
	add_pin(left, "pkcs11:token=a", "271828");
	fd = handover_write(left);
	socket = socket_in(fd);
	assert_int_equal(flags_of(socket), 0);
	handover_free(left);
	assert_int_equal(flags_of(socket), -1);
	close(fd);
}

/* Held all the time, by whoever has the copy that was left. */
static void the_lock_is_never_free(void **state)
{
	struct handover *left = handover_new(), *found;
	int held = open(".", O_RDONLY | O_CLOEXEC);
	int other = open(".", O_RDONLY | O_CLOEXEC);
	int fd, lock;

	(void)state;
	assert_int_equal(flock(held, LOCK_EX | LOCK_NB), 0);
	assert_int_equal(handover_add_lock(left, held), 0);
	fd = handover_write(left);
	close(held);
	assert_int_equal(flock(other, LOCK_EX | LOCK_NB), -1);
	found = handover_read(fd);
	lock = handover_take_lock(found);
	assert_int_equal(flags_of(lock), FD_CLOEXEC);
	assert_int_equal(handover_take_lock(found), -1);
	handover_free(found);
	assert_int_equal(flock(other, LOCK_EX | LOCK_NB), -1);
	close(lock);
	assert_int_equal(flock(other, LOCK_EX | LOCK_NB), 0);
	handover_free(left);
	close(other);
}

static void what_is_left_is_found(void **state)
{
	CLEANUP(handover) struct handover *left = handover_new();
	CLEANUP(handover) struct handover *found = NULL;
	int fd;

	(void)state;
	assert_int_equal(handover_add_worker(left, "pkcs11:token=a", 1000), 0);
	assert_int_equal(handover_add_worker(left, "pkcs11:token=b", 1001), 0);
	add_pin(left, "pkcs11:token=a", "271828");
	add_pin(left, "pkcs11:token=b", "314159");
	add_refused(left, "pkcs11:token=c", "161803");
	fd = handover_write(left);
	assert_true(fd > 2);
	assert_int_equal(flags_of(fd), 0);
	found = handover_read(fd);
	assert_non_null(found);
	assert_int_equal(flags_of(fd), -1);
	seen = 0;
	handover_each_worker(found, see_worker, &seen);
	assert_int_equal(seen, 2);
	expect(handover_take_pin(found, "pkcs11:token=b", false), "314159");
	expect(handover_take_pin(found, "pkcs11:token=a", false), "271828");
	assert_null(handover_take_pin(found, "pkcs11:token=a", false));
	assert_null(handover_take_pin(found, "pkcs11:token=c", false));
	expect(handover_take_pin(found, "pkcs11:token=c", true), "161803");
	assert_null(handover_take_pin(found, "pkcs11:token=c", true));
}

static void no_pin_is_in_the_file(void **state)
{
	CLEANUP(handover) struct handover *left = handover_new();
	char text[512] = "";
	int fd;

	(void)state;
	add_pin(left, "pkcs11:token=a", "271828");
	fd = handover_write(left);
	assert_true(pread(fd, text, sizeof(text) - 1, 0) > 0);
	assert_non_null(strstr(text, "pkcs11:token=a"));
	assert_null(strstr(text, "271828"));
	close(fd);
}

/* It knows of no refused PINs. */
static void an_older_paesd_is_succeeded(void **state)
{
	static const char text[] = "{ \"version\": 1, \"workers\": [], \"pins\": [] }";
	CLEANUP(handover) struct handover *found = NULL;
	int fd = memfd_create("test", 0);

	(void)state;
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	found = handover_read(fd);
	assert_non_null(found);
	assert_null(handover_take_pin(found, "pkcs11:token=a", true));
	assert_int_equal(handover_take_lock(found), -1);
}

static void refuse(const char *text)
{
	int fd = memfd_create("test", 0);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_null(handover_read(fd));
	close(fd);
}

static void what_paesd_does_not_leave_is_refused(void **state)
{
	(void)state;
	refuse("");
	refuse("[]");
	refuse("{ \"version\": 1 }");
	refuse("{ \"version\": 2, \"workers\": [], \"pins\": [] }");
	refuse("{ \"version\": 1, \"workers\": {}, \"pins\": [] }");
	refuse("{ \"version\": 1, \"workers\": [ 1 ], \"pins\": [] }");
	refuse("{ \"version\": 1, \"workers\": [ { \"token\": \"a\" } ], \"pins\": [] }");
	refuse("{ \"version\": 1, \"workers\": [ { \"token\": \"a\", \"pid\": -1 } ], \"pins\": [] }");
	refuse("{ \"version\": 1, \"workers\": [ { \"token\": 1, \"pid\": 2 } ], \"pins\": [] }");
	refuse("{ \"version\": 1, \"workers\": [], \"pins\": [ { \"token\": \"a\", \"socket\": \"7\" } ] }");
	refuse("{ \"version\": 1, \"workers\": [], \"pins\": [], \"refused\": [ 1 ] }");
	assert_null(handover_read(-1));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_left_is_found),
		cmocka_unit_test(no_pin_is_in_the_file),
		cmocka_unit_test(a_pin_that_nobody_takes_is_dropped),
		cmocka_unit_test(a_predecessor_that_stays_drops_it_too),
		cmocka_unit_test(the_lock_is_never_free),
		cmocka_unit_test(an_older_paesd_is_succeeded),
		cmocka_unit_test(what_paesd_does_not_leave_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
