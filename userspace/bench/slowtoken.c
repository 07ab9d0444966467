// SPDX-License-Identifier: GPL-2.0
/*
 * A PKCS#11 module that stands for a network HSM: SoftHSM, but each call that
 * carries AES-ECB data takes 2 ms and adds one to the 64-bit counter in the
 * file PAES_BENCH_CALLS.
 *
 * A network HSM's AES costs this machine nothing; an emulated processor's
 * would hide the 2 ms.  So the data isn't encrypted by AES here but XORed with
 * one block, which the key makes: known blocks and both directions are as
 * they would be, secrets are not.  For measuring only.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <p11-kit/pkcs11.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum {
	BLOCK		= 16,
	STEP		= 2 * BLOCK,
	CALL_NS		= 2000000,
	SESSIONS	= 256,
	KEYS		= 1024,
};

struct pad {
	CK_OBJECT_HANDLE key;	/* 0: none */
	uint8_t block[BLOCK];
};

static const char softhsm[] = "/usr/lib/softhsm/libsofthsm2.so";
static CK_FUNCTION_LIST *real;
static CK_FUNCTION_LIST functions;
static uint64_t *calls;
static struct pad keys[KEYS];
static struct pad sessions[SESSIONS];	/* of the operation in each */

static void open_counter(void)
{
	const char *path = getenv("PAES_BENCH_CALLS");
	int fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;

	if (fd < 0 || ftruncate(fd, sizeof(*calls)))
		return;
	calls = mmap(NULL, sizeof(*calls), PROT_READ | PROT_WRITE, MAP_SHARED,
		     fd, 0);
	close(fd);
	if (calls == MAP_FAILED)
		calls = NULL;
}

static struct timespec begin_call(void)
{
	struct timespec end;

	if (calls)
		__atomic_fetch_add(calls, 1, __ATOMIC_RELAXED);
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_nsec += CALL_NS;
	if (end.tv_nsec >= 1000000000) {
		end.tv_nsec -= 1000000000;
		end.tv_sec++;
	}
	return end;
}

/* What the call itself took is part of the 2 ms. */
static void end_call(const struct timespec *end)
{
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, end, NULL))
		;
}

/* The block that AES makes of zeroes is the key's pad. */
static CK_RV make_pad(struct pad *pad, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key)
{
	CK_MECHANISM ecb = { CKM_AES_ECB, NULL, 0 };
	CK_BYTE zeroes[BLOCK] = { 0 };
	CK_ULONG size = BLOCK;
	CK_RV rv;

	if (pad->key == key)
		return CKR_OK;
	rv = real->C_EncryptInit(session, &ecb, key);
	if (rv == CKR_OK)
		rv = real->C_Encrypt(session, zeroes, BLOCK, pad->block, &size);
	pad->key = rv == CKR_OK ? key : 0;
	return rv;
}

static CK_RV begin_operation(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key)
{
	CK_RV rv = make_pad(&keys[key % KEYS], session, key);

	if (rv == CKR_OK)
		sessions[session % SESSIONS] = keys[key % KEYS];
	return rv;
}

static CK_RV slow_EncryptInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism,
			      CK_OBJECT_HANDLE key)
{
	if (mechanism->mechanism != CKM_AES_ECB)
		return CKR_MECHANISM_INVALID;
	return begin_operation(session, key);
}

typedef uint64_t blocks __attribute__((vector_size(STEP)));

/* In few instructions, which are this machine's and count. */
__attribute__((target_clones("avx2", "default")))
static void cipher(const struct pad *pad, const CK_BYTE *in, CK_ULONG size, CK_BYTE *out)
{
	CK_ULONG i = 0;
	uint64_t pads[STEP / sizeof(uint64_t)];
	blocks mask, data;

	for (CK_ULONG at = 0; at < STEP; at += BLOCK)
		memcpy((CK_BYTE *)pads + at, pad->block, BLOCK);
	memcpy(&mask, pads, STEP);
#pragma GCC unroll 8
	for (; i + STEP <= size; i += STEP) {
		memcpy(&data, in + i, STEP);
		data ^= mask;
		memcpy(out + i, &data, STEP);
	}
	data = mask;
	memcpy(&data, in + i, size - i);
	data ^= mask;
	memcpy(out + i, &data, size - i);
}

static CK_RV update(CK_SESSION_HANDLE session, const CK_BYTE *in, CK_ULONG size,
		    CK_BYTE *out, CK_ULONG *out_size)
{
	const struct pad *pad = &sessions[session % SESSIONS];
	struct timespec end = begin_call();

	if (!pad->key)
		return CKR_OPERATION_NOT_INITIALIZED;
	if (size % BLOCK || *out_size < size)
		return CKR_DATA_LEN_RANGE;
	cipher(pad, in, size, out);
	*out_size = size;
	end_call(&end);
	return CKR_OK;
}

static CK_RV slow_Update(CK_SESSION_HANDLE session, CK_BYTE *in, CK_ULONG size,
			 CK_BYTE *out, CK_ULONG *out_size)
{
	return update(session, in, size, out, out_size);
}

static CK_RV slow_Whole(CK_SESSION_HANDLE session, CK_BYTE *in, CK_ULONG size,
			CK_BYTE *out, CK_ULONG *out_size)
{
	CK_RV rv = update(session, in, size, out, out_size);

	sessions[session % SESSIONS].key = 0;
	return rv;
}

static CK_RV slow_CloseSession(CK_SESSION_HANDLE session)
{
	sessions[session % SESSIONS].key = 0;
	return real->C_CloseSession(session);
}

static CK_RV slow_DestroyObject(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key)
{
	keys[key % KEYS].key = 0;
	return real->C_DestroyObject(session, key);
}

/* Who knew a key's value would see that this isn't AES: paesd's probe does. */
static CK_RV slow_CreateObject(CK_SESSION_HANDLE session, CK_ATTRIBUTE *attributes,
			       CK_ULONG count, CK_OBJECT_HANDLE *object)
{
	(void)session;
	(void)attributes;
	(void)count;
	(void)object;
	return CKR_ACTION_PROHIBITED;
}

static void replace_functions(void)
{
	functions = *real;
	functions.C_CreateObject = slow_CreateObject;
	functions.C_EncryptInit = slow_EncryptInit;
	functions.C_Encrypt = slow_Whole;
	functions.C_EncryptUpdate = slow_Update;
	functions.C_DecryptInit = slow_EncryptInit;
	functions.C_Decrypt = slow_Whole;
	functions.C_DecryptUpdate = slow_Update;
	functions.C_CloseSession = slow_CloseSession;
	functions.C_DestroyObject = slow_DestroyObject;
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
	if (!calls)
		open_counter();
	replace_functions();
	*list = &functions;
	return CKR_OK;
}
