// SPDX-License-Identifier: GPL-2.0
/*
 * A PKCS#11 module that is SoftHSM, but keeps its files in the directory
 * PAES_LOGIN_DIR:
 *   count	gets a line for each C_Login: how often was a PIN tried?
 *   refuse	while it is there, every PIN is a wrong one
 *   die	while it is there, C_Login ends the process as SoftHSM may
 *   slow	while it is there, no key is made or found: the token hangs
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <p11-kit/pkcs11.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char softhsm[] = "/usr/lib/softhsm/libsofthsm2.so";
static CK_FUNCTION_LIST functions;
static CK_C_Login real_login;
static CK_C_FindObjectsInit real_find;
static CK_C_GenerateKey real_generate;

static int open_file(const char *name, int flags)
{
	const char *directory = getenv("PAES_LOGIN_DIR");
	char path[256];

	if (!directory)
		abort();
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return open(path, flags | O_CLOEXEC, 0600);
}

static bool is_there(const char *name)
{
	int fd = open_file(name, O_RDONLY);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static CK_RV counted_login(CK_SESSION_HANDLE session, CK_USER_TYPE user,
			   CK_UTF8CHAR_PTR pin, CK_ULONG size)
{
	int fd = open_file("count", O_WRONLY | O_CREAT | O_APPEND);

	if (write(fd, "login\n", 6) != 6)
		abort();
	close(fd);
	if (is_there("die"))
		_exit(5);
	if (is_there("refuse"))
		return CKR_PIN_INCORRECT;
	return real_login(session, user, pin, size);
}

static void wait_while_slow(void)
{
	while (is_there("slow"))
		usleep(100000);
}

static CK_RV slow_find(CK_SESSION_HANDLE session, CK_ATTRIBUTE_PTR template,
		       CK_ULONG count)
{
	wait_while_slow();
	return real_find(session, template, count);
}

static CK_RV slow_generate(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism,
			   CK_ATTRIBUTE_PTR template, CK_ULONG count,
			   CK_OBJECT_HANDLE_PTR key)
{
	wait_while_slow();
	return real_generate(session, mechanism, template, count, key);
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR list)
{
	void *module = dlopen(softhsm, RTLD_NOW | RTLD_LOCAL);
	CK_C_GetFunctionList get;
	CK_FUNCTION_LIST_PTR real;

	if (!module)
		return CKR_GENERAL_ERROR;
	*(void **)&get = dlsym(module, "C_GetFunctionList");
	if (!get || get(&real) != CKR_OK)
		return CKR_GENERAL_ERROR;
	functions = *real;
	real_login = real->C_Login;
	functions.C_Login = counted_login;
	real_find = real->C_FindObjectsInit;
	functions.C_FindObjectsInit = slow_find;
	real_generate = real->C_GenerateKey;
	functions.C_GenerateKey = slow_generate;
	*list = &functions;
	return CKR_OK;
}
