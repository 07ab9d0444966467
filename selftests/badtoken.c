// SPDX-License-Identifier: GPL-2.0
/*
 * A PKCS#11 module that is SoftHSM until it is told to fail: by a file in the
 * directory PAES_BADTOKEN whose text names a fault (see `faults`).
 *   once	the first process that sees it takes it away and fails once
 *   always	all fail, as long as it is there
 * Only calls that carry data of requests fail: to open a key works as ever.
 * Each C_Login adds a line to the file "logins" there.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <p11-kit/pkcs11.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	BLOCK		= 16,
	CALL_MAX	= 1 << 20,
	DATA_MIN	= 256,		/* less is a known block or a tweak */
	SLOW_MS		= 100,
};

typedef CK_RV (*crypt_call)(CK_SESSION_HANDLE session, CK_BYTE *in,
			    CK_ULONG size, CK_BYTE *out, CK_ULONG *out_size);

/* An answer as the token gave it: `in` is a copy, `out` what the caller gets. */
struct answer {
	const CK_BYTE *in;
	CK_BYTE *out;
	CK_ULONG *size;
};

struct fault {
	const char *name;
	CK_RV (*spoil)(struct answer *answer);
};

static const char softhsm[] = "/usr/lib/softhsm/libsofthsm2.so";
static CK_FUNCTION_LIST *real;
static CK_FUNCTION_LIST functions;

static int append(const char *name, const char *text)
{
	const char *directory = getenv("PAES_BADTOKEN");
	char path[256];
	ssize_t size = (ssize_t)strlen(text);
	int fd;

	snprintf(path, sizeof(path), "%s/%s", directory ? directory : ".", name);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	if (write(fd, text, (size_t)size) != size)
		size = -1;
	close(fd);
	return size < 0 ? -1 : 0;
}

static CK_RV spoil_error(struct answer *answer)
{
	(void)answer;
	return CKR_DEVICE_ERROR;
}

static CK_RV spoil_garbage(struct answer *answer)
{
	for (CK_ULONG i = 0; i < *answer->size; i++)
		answer->out[i] ^= 0xa5;
	return CKR_OK;
}

/* The worst: what came in goes out as if it were encrypted. */
static CK_RV spoil_untouched(struct answer *answer)
{
	memcpy(answer->out, answer->in, *answer->size);
	return CKR_OK;
}

static CK_RV spoil_shifted(struct answer *answer)
{
	CK_BYTE last[BLOCK];
	CK_ULONG rest = *answer->size - BLOCK;

	memcpy(last, answer->out + rest, BLOCK);
	memmove(answer->out + BLOCK, answer->out, rest);
	memcpy(answer->out, last, BLOCK);
	return CKR_OK;
}

static CK_RV spoil_short(struct answer *answer)
{
	*answer->size -= BLOCK;
	return CKR_OK;
}

static CK_RV spoil_exit(struct answer *answer)
{
	(void)answer;
	_exit(5);
}

static CK_RV spoil_segfault(struct answer *answer)
{
	(void)answer;
	raise(SIGSEGV);
	return CKR_OK;
}

/* Says who it is, for the test to see its end. */
static CK_RV spoil_hang(struct answer *answer)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d\n", (int)getpid());
	append("hangs", pid);
	while (answer)
		pause();
	return CKR_OK;
}

static CK_RV spoil_slow(struct answer *answer)
{
	static const struct timespec pause = { .tv_nsec = SLOW_MS * 1000000 };

	(void)answer;
	nanosleep(&pause, NULL);
	return CKR_OK;
}

static const struct fault faults[] = {
	{ "error", spoil_error },
	{ "garbage", spoil_garbage },
	{ "untouched", spoil_untouched },
	{ "shifted", spoil_shifted },
	{ "short", spoil_short },
	{ "exit", spoil_exit },
	{ "segfault", spoil_segfault },
	{ "hang", spoil_hang },
	{ "slow", spoil_slow },
};

static const struct fault *read_fault(const char *path)
{
	char name[16] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return NULL;
	if (read(fd, name, sizeof(name) - 1) > 0)
		name[strcspn(name, "\n")] = '\0';
	close(fd);
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++)
		if (strcmp(faults[i].name, name) == 0)
			return &faults[i];
	return NULL;
}

static const struct fault *due_fault(void)
{
	const char *directory = getenv("PAES_BADTOKEN");
	char once[256], mine[256], always[256];
	const struct fault *fault;

	if (!directory)
		return NULL;
	snprintf(once, sizeof(once), "%s/once", directory);
	snprintf(mine, sizeof(mine), "%s/once.%d", directory, (int)getpid());
	snprintf(always, sizeof(always), "%s/always", directory);
	if (rename(once, mine))
		return read_fault(always);
	fault = read_fault(mine);
	unlink(mine);
	return fault;
}

static CK_RV call(crypt_call function, CK_SESSION_HANDLE session, CK_BYTE *in,
		  CK_ULONG size, CK_BYTE *out, CK_ULONG *out_size)
{
	static CK_BYTE copy[CALL_MAX];
	struct answer answer = { copy, out, out_size };
	const struct fault *fault = NULL;
	CK_RV rv;

	if (out && size >= DATA_MIN && size <= CALL_MAX)
		fault = due_fault();
	if (fault)
		memcpy(copy, in, size);
	rv = function(session, in, size, out, out_size);
	if (rv != CKR_OK || !fault || *out_size < DATA_MIN)
		return rv;
	return fault->spoil(&answer);
}

static CK_RV bad_Encrypt(CK_SESSION_HANDLE session, CK_BYTE *in, CK_ULONG size,
			 CK_BYTE *out, CK_ULONG *out_size)
{
	return call(real->C_Encrypt, session, in, size, out, out_size);
}

static CK_RV bad_EncryptUpdate(CK_SESSION_HANDLE session, CK_BYTE *in,
			       CK_ULONG size, CK_BYTE *out, CK_ULONG *out_size)
{
	return call(real->C_EncryptUpdate, session, in, size, out, out_size);
}

static CK_RV bad_Decrypt(CK_SESSION_HANDLE session, CK_BYTE *in, CK_ULONG size,
			 CK_BYTE *out, CK_ULONG *out_size)
{
	return call(real->C_Decrypt, session, in, size, out, out_size);
}

static CK_RV bad_DecryptUpdate(CK_SESSION_HANDLE session, CK_BYTE *in,
			       CK_ULONG size, CK_BYTE *out, CK_ULONG *out_size)
{
	return call(real->C_DecryptUpdate, session, in, size, out, out_size);
}

static CK_RV counted_Login(CK_SESSION_HANDLE session, CK_USER_TYPE user,
			   CK_UTF8CHAR_PTR pin, CK_ULONG size)
{
	if (append("logins", "login\n"))
		return CKR_DEVICE_ERROR;
	return real->C_Login(session, user, pin, size);
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR list)
{
	void *module = dlopen(softhsm, RTLD_NOW | RTLD_LOCAL);
	CK_C_GetFunctionList get;

	if (!module)
		return CKR_GENERAL_ERROR;
	*(void **)&get = dlsym(module, "C_GetFunctionList");
	if (!get || get(&real) != CKR_OK)
		return CKR_GENERAL_ERROR;
	functions = *real;
	functions.C_Encrypt = bad_Encrypt;
	functions.C_EncryptUpdate = bad_EncryptUpdate;
	functions.C_Decrypt = bad_Decrypt;
	functions.C_DecryptUpdate = bad_DecryptUpdate;
	functions.C_Login = counted_Login;
	*list = &functions;
	return CKR_OK;
}
