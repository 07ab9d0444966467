// SPDX-License-Identifier: GPL-2.0
#include "support.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <ftw.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[PATH_MAX];
static char origin[PATH_MAX];

static const char *const modules[] = {
	"/usr/lib/softhsm/libsofthsm2.so",
	"/usr/lib64/pkcs11/libsofthsm2.so",
	"/usr/lib/pkcs11/libsofthsm2.so",
	"/usr/local/lib/softhsm/libsofthsm2.so",
};

const char *support_softhsm(void)
{
	for (size_t i = 0; i < sizeof(modules) / sizeof(*modules); i++)
		if (!access(modules[i], R_OK))
			return modules[i];
	return NULL;
}

int support_enter(void **state)
{
	const char *parent = getenv("TMPDIR");

	(void)state;
	snprintf(directory, sizeof(directory), "%s/paes-test.XXXXXX",
		 parent ? parent : "/tmp");
	if (!getcwd(origin, sizeof(origin)) || !mkdtemp(directory) ||
	    chdir(directory))
		return -1;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *walk)
{
	(void)st;
	(void)type;
	(void)walk;
	return remove(path);
}

int support_leave(void **state)
{
	(void)state;
	if (chdir(origin))
		return -1;
	return nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void write_softhsm_config(void)
{
	char text[PATH_MAX + 256];
	int n = snprintf(text, sizeof(text),
			 "directories.tokendir = %s/tokens\nobjectstore.backend = file\nlog.level = ERROR\n",
			 directory);

	assert_int_equal(mkdir("tokens", 0700), 0);
	support_write("softhsm2.conf", text, (size_t)n, 0600);
	n = snprintf(text, sizeof(text), "%s/softhsm2.conf", directory);
	assert_true(n > 0);
	assert_int_equal(setenv("SOFTHSM2_CONF", text, 1), 0);
}

void support_add_token(const char *label)
{
	char command[512];

	snprintf(command, sizeof(command),
		 "softhsm2-util --init-token --free --label '%s' --pin %s --so-pin %s >/dev/null",
		 label, TEST_PIN, TEST_SO_PIN);
	assert_int_equal(system(command), 0);
}

int support_enter_token(void **state)
{
	const char *module = support_softhsm();

	if (support_enter(state))
		return -1;
	if (!module)
		return 0;
	/* Stays loaded, so that the leak checker can tell whose a leak is. */
	if (!dlopen(module, RTLD_NOW | RTLD_NODELETE))
		return -1;
	write_softhsm_config();
	support_add_token(TEST_LABEL);
	return 0;
}

void support_need_softhsm(void)
{
	if (support_softhsm())
		return;
	print_message("# SKIP: SoftHSM (package softhsm2) is not installed\n");
	skip();
}

bool support_beside(const char *name, char path[PATH_MAX])
{
	char program[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);

	if (n < 0)
		return false;
	program[n] = '\0';
	return snprintf(path, PATH_MAX, "%s/%s", dirname(program), name) <
	       PATH_MAX;
}

const char *support_uri(const char *label, const char *module)
{
	static char uri[PATH_MAX];
	char escaped[128] = "";

	for (size_t n = 0; label && *label; label++)
		n += (size_t)snprintf(escaped + n, sizeof(escaped) - n,
				      *label == ' ' ? "%%20" : "%c", *label);
	snprintf(uri, sizeof(uri), "pkcs11:%s%s?module-path=%s",
		 *escaped ? "token=" : "", escaped, module);
	return uri;
}

struct secret *support_pin(const char *pin)
{
	struct secret *secret = secret_new(strlen(pin));

	assert_non_null(secret);
	memcpy(secret->bytes, pin, strlen(pin));
	return secret;
}

struct token *support_open(void)
{
	CLEANUP(secret) struct secret *pin = support_pin(TEST_PIN);
	struct token *token = NULL;

	assert_int_equal(token_open(&token, support_uri(TEST_LABEL, support_softhsm()),
				    pin), 0);
	return token;
}

void support_kek(struct token *token, unsigned char kek[PAES_ID_SIZE])
{
	unsigned char ids[1][PAES_ID_SIZE];
	bool enforced;

	if (token_list_keks(token, ids, 1) < 1) {
		assert_int_equal(token_random(token, ids[0], PAES_ID_SIZE), 0);
		assert_int_equal(token_create_kek(token, ids[0], &enforced), 0);
		assert_true(enforced);
	}
	memcpy(kek, ids[0], PAES_ID_SIZE);
}

static int real_stderr = -1;
static int log_file = -1;

void support_capture(void)
{
	fflush(stderr);
	assert_int_equal(real_stderr, -1);
	real_stderr = dup(STDERR_FILENO);
	log_file = memfd_create("log", MFD_CLOEXEC);
	assert_true(log_file >= 0);
	dup2(log_file, STDERR_FILENO);
}

const char *support_captured(void)
{
	static char text[65536];
	ssize_t n;

	fflush(stderr);
	dup2(real_stderr, STDERR_FILENO);
	close(real_stderr);
	real_stderr = -1;
	n = pread(log_file, text, sizeof(text) - 1, 0);
	close(log_file);
	assert_true(n >= 0);
	text[n] = '\0';
	return text;
}

void support_assert_holds(const char *text, const char *part)
{
	if (strstr(text, part))
		return;
	print_error("expected: %s\nfound: %s\n", part, text);
	fail();
}

void support_assert_lacks(const char *text, const char *part)
{
	if (!strstr(text, part))
		return;
	print_error("not expected: %s\nfound: %s\n", part, text);
	fail();
}

void support_write(const char *path, const void *bytes, size_t size, unsigned int mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, mode), 0);
	assert_int_equal(write(fd, bytes, size), size);
	close(fd);
}

size_t support_unhex(uint8_t *bytes, const char *hex)
{
	size_t n = strlen(hex) / 2;
	unsigned int byte;

	for (size_t i = 0; i < n; i++) {
		assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
		bytes[i] = (uint8_t)byte;
	}
	return n;
}

/* xorshift64*: the same numbers in each run, so that a failure comes again. */
void support_random(void *bytes, size_t size)
{
	static uint64_t state = 0x9e3779b97f4a7c15;
	uint8_t *to = bytes;

	while (size--) {
		state ^= state >> 12;
		state ^= state << 25;
		state ^= state >> 27;
		*to++ = (uint8_t)(state * 0x2545f4914f6cdd1d >> 56);
	}
}
