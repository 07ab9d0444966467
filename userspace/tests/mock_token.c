// SPDX-License-Identifier: GPL-2.0
#include "mock_token.h"

#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXPORT __attribute__((__visibility__("default")))

EXPORT struct mock mock;

static CK_FUNCTION_LIST *real;
static CK_FUNCTION_LIST list;

/* The key that each session works with, to do it wrongly. */
static struct {
	CK_SESSION_HANDLE session;
	CK_OBJECT_HANDLE key;
} used[32];

static CK_OBJECT_HANDLE *used_key(CK_SESSION_HANDLE session)
{
	int i = 0;

	while (i < 31 && used[i].session && used[i].session != session)
		i++;
	used[i].session = session;
	return &used[i].key;
}

static bool is_due(enum mock_fault fault)
{
	if (mock.fault != fault)
		return false;
	if (!mock.after)
		return true;
	mock.after--;
	return false;
}

static CK_OBJECT_HANDLE make_own_key(CK_SESSION_HANDLE session)
{
	CK_OBJECT_HANDLE key = 0;
	CK_OBJECT_CLASS class = CKO_SECRET_KEY;
	CK_KEY_TYPE type = CKK_AES;
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	CK_BYTE value[32] = "a key that nobody else has: mock";
	CK_ATTRIBUTE template[] = {
		{ CKA_CLASS, &class, sizeof(class) },
		{ CKA_KEY_TYPE, &type, sizeof(type) },
		{ CKA_TOKEN, &no, 1 },
		{ CKA_PRIVATE, &no, 1 },
		{ CKA_ENCRYPT, &yes, 1 },
		{ CKA_DECRYPT, &yes, 1 },
		{ CKA_VALUE, value, sizeof(value) },
	};

	real->C_CreateObject(session, template, 7, &key);
	return key;
}

/* Whatever it says of it. */
static bool lacks_mechanism(CK_MECHANISM_TYPE type)
{
	if (type == CKM_AES_ECB)
		return mock.fault == MOCK_CBC_ONLY || mock.fault == MOCK_LIES_ECB;
	if (type == CKM_AES_KEY_WRAP)
		return mock.fault == MOCK_NO_WRAP || mock.fault == MOCK_LIES_WRAP;
	return false;
}

static CK_RV mock_GetMechanismInfo(CK_SLOT_ID slot, CK_MECHANISM_TYPE type,
				   CK_MECHANISM_INFO *info)
{
	bool lies = mock.fault == MOCK_LIES_ECB || mock.fault == MOCK_LIES_WRAP;

	if (lacks_mechanism(type) && !lies)
		return CKR_MECHANISM_INVALID;
	if (type == 0x1071 && mock.fault == MOCK_OFFERS_XTS)
		type = CKM_AES_ECB;
	return real->C_GetMechanismInfo(slot, type, info);
}

static CK_RV crypt_init(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism,
			CK_OBJECT_HANDLE key, bool encrypt)
{
	if (is_due(MOCK_INIT_ERROR))
		return CKR_DEVICE_ERROR;
	if (lacks_mechanism(mechanism->mechanism))
		return CKR_MECHANISM_INVALID;
	if (mock.fault == MOCK_INTERRUPTED && mock.objects)
		raise(SIGINT);
	mock.inits++;
	*used_key(session) = key;
	return encrypt ? real->C_EncryptInit(session, mechanism, key) :
			 real->C_DecryptInit(session, mechanism, key);
}

static CK_RV mock_EncryptInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism,
			      CK_OBJECT_HANDLE key)
{
	return crypt_init(session, mechanism, key, true);
}

static CK_RV mock_DecryptInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism,
			      CK_OBJECT_HANDLE key)
{
	if (mock.fault == MOCK_SLOW_INIT)
		usleep(2000);
	return crypt_init(session, mechanism, key, false);
}

typedef CK_RV crypt_call(CK_SESSION_HANDLE session, CK_BYTE *in, CK_ULONG size,
			 CK_BYTE *out, CK_ULONG *out_size);

/* In a session of its own, so that the open operation isn't disturbed; key 0: own. */
static CK_RV crypt_other(CK_SESSION_HANDLE session, bool encrypt,
			 CK_OBJECT_HANDLE key, CK_BYTE *in, CK_ULONG size,
			 CK_BYTE *out)
{
	CK_MECHANISM mechanism = { CKM_AES_ECB, NULL, 0 };
	CK_SESSION_HANDLE other;
	CK_SESSION_INFO info;
	CK_ULONG out_size = size;

	real->C_GetSessionInfo(session, &info);
	real->C_OpenSession(info.slotID, CKF_SERIAL_SESSION, NULL, NULL, &other);
	if (!key)
		key = make_own_key(other);
	if (encrypt) {
		real->C_EncryptInit(other, &mechanism, key);
		real->C_Encrypt(other, in, size, out, &out_size);
	} else {
		real->C_DecryptInit(other, &mechanism, key);
		real->C_Decrypt(other, in, size, out, &out_size);
	}
	return real->C_CloseSession(other);
}

/* CKR_OK and the wrong bytes: `before` went in, `out` is what is right. */
static void spoil(CK_SESSION_HANDLE session, bool encrypt, CK_BYTE *before,
		  CK_ULONG size, CK_BYTE *out)
{
	if (mock.fault == MOCK_OTHER_KEY)
		crypt_other(session, encrypt, 0, before, size, out);
	if (mock.fault == MOCK_OTHER_DIRECTION)
		crypt_other(session, !encrypt, *used_key(session), before, size,
			    out);
	if (mock.fault == MOCK_ZEROES)
		memset(out, 0, size);
	if (mock.fault == MOCK_UNTOUCHED)
		memcpy(out, before, size);
	if (mock.fault == MOCK_ONE_BIT)
		out[size - 3] ^= 0x10;
	if (mock.fault == MOCK_SHIFTED)
		memmove(out + 16, out, size - 16);
}

enum { MEDIUM_CALL = 131072 + 16 };

static CK_ULONG largest_call(void)
{
	return mock.fault == MOCK_SMALL_CALLS ? 3136 :
	       mock.fault == MOCK_MEDIUM_CALLS ? MEDIUM_CALL : (CK_ULONG)-1;
}

static CK_RV mock_crypt(crypt_call *call, bool encrypt, CK_SESSION_HANDLE session,
			CK_BYTE *in, CK_ULONG size, CK_BYTE *out,
			CK_ULONG *out_size)
{
	enum mock_fault fault = mock.fault;
	CK_BYTE *before;
	CK_RV rv;

	mock.crypts++;
	if (size > largest_call()) {
		/* That ends the operation, too. */
		call(session, in, size, out, out_size);
		return CKR_DATA_LEN_RANGE;
	}
	if (fault == MOCK_NONE || fault >= MOCK_CRYPT_END || !is_due(fault))
		return call(session, in, size, out, out_size);
	before = malloc(size);
	memcpy(before, in, size);
	rv = call(session, in, size, out, out_size);
	spoil(session, encrypt, before, size, out);
	free(before);
	if (mock.once)
		mock.fault = MOCK_NONE;
	if (fault == MOCK_DEVICE_ERROR)
		return CKR_DEVICE_ERROR;
	if (fault == MOCK_SHORT)
		*out_size -= 16;
	if (fault == MOCK_LONG)
		*out_size += 16;
	if (fault == MOCK_EMPTY)
		*out_size = 0;
	return rv;
}

static CK_RV mock_Encrypt(CK_SESSION_HANDLE session, CK_BYTE *in, CK_ULONG size,
			  CK_BYTE *out, CK_ULONG *out_size)
{
	return mock_crypt(real->C_Encrypt, true, session, in, size, out, out_size);
}

static CK_RV mock_EncryptUpdate(CK_SESSION_HANDLE session, CK_BYTE *in,
				CK_ULONG size, CK_BYTE *out, CK_ULONG *out_size)
{
	static CK_BYTE late[16];
	CK_BYTE last[16];
	CK_RV rv;

	if (mock.fault == MOCK_NO_UPDATE)
		return CKR_FUNCTION_NOT_SUPPORTED;
	if (mock.fault == MOCK_UPDATE_SHIFTED && size >= 16) {
		rv = real->C_EncryptUpdate(session, in, size, out, out_size);
		memcpy(last, out + size - 16, 16);
		memmove(out + 16, out, size - 16);
		memcpy(out, late, 16);
		memcpy(late, last, 16);
		return rv;
	}
	if (mock.fault == MOCK_SLOW_UPDATE ||
	    (mock.fault == MOCK_SLOW_LARGE_UPDATE && size > 65536))
		usleep(2000);
	return mock_crypt(real->C_EncryptUpdate, true, session, in, size, out,
			  out_size);
}

static CK_RV mock_DecryptUpdate(CK_SESSION_HANDLE session, CK_BYTE *in,
				CK_ULONG size, CK_BYTE *out, CK_ULONG *out_size)
{
	bool cut;
	CK_RV rv;

	mock.drops++;
	if (mock.fault == MOCK_NO_UPDATE)
		return CKR_FUNCTION_NOT_SUPPORTED;
	cut = mock.fault == MOCK_CUT_UPDATES && size > MEDIUM_CALL;
	rv = mock_crypt(real->C_DecryptUpdate, false, session, in,
			cut ? MEDIUM_CALL : size, out, out_size);
	if (cut)
		*out_size = size;
	if (mock.fault == MOCK_HELD_BACK)
		*out_size -= 16;
	return rv;
}

static CK_RV mock_Decrypt(CK_SESSION_HANDLE session, CK_BYTE *in, CK_ULONG size,
			  CK_BYTE *out, CK_ULONG *out_size)
{
	if (mock.fault == MOCK_SLOW_DECRYPT ||
	    (mock.fault == MOCK_SLOW_LARGE_DECRYPT && size > MEDIUM_CALL))
		usleep(2000);
	return mock_crypt(real->C_Decrypt, false, session, in, size, out, out_size);
}

/* The key whose CKA_SENSITIVE was taken back. */
static CK_OBJECT_HANDLE lowered;

static CK_RV mock_SetAttributeValue(CK_SESSION_HANDLE session,
				    CK_OBJECT_HANDLE key, CK_ATTRIBUTE *set,
				    CK_ULONG count)
{
	if (mock.fault == MOCK_GOES_BACK && set->type == CKA_SENSITIVE &&
	    !*(CK_BBOOL *)set->pValue) {
		lowered = key;
		return CKR_OK;
	}
	if (mock.fault == MOCK_UNWRAP_READABLE)
		return CKR_OK;
	return real->C_SetAttributeValue(session, key, set, count);
}

static CK_RV mock_GetAttributeValue(CK_SESSION_HANDLE session,
				    CK_OBJECT_HANDLE key, CK_ATTRIBUTE *read,
				    CK_ULONG count)
{
	CK_RV rv = real->C_GetAttributeValue(session, key, read, count);

	for (CK_ULONG i = 0; i < count; i++) {
		if (read[i].type == CKA_VALUE && mock.fault == MOCK_READABLE) {
			read[i].ulValueLen = 16;
			memset(read[i].pValue, 0x5a, 16);
			rv = CKR_OK;
		}
		if (read[i].type == CKA_SENSITIVE &&
		    (mock.fault == MOCK_NOT_SENSITIVE || lowered == key))
			*(CK_BBOOL *)read[i].pValue = CK_FALSE;
		if (read[i].type == CKA_EXTRACTABLE && mock.fault == MOCK_EXTRACTABLE)
			*(CK_BBOOL *)read[i].pValue = CK_TRUE;
		if (read[i].type == CKA_VALUE_LEN && mock.fault == MOCK_VALUE_LEN)
			*(CK_ULONG *)read[i].pValue += 8;
	}
	return rv;
}

static bool is_token_object(const CK_ATTRIBUTE *template, CK_ULONG count)
{
	for (CK_ULONG i = 0; i < count; i++)
		if (template[i].type == CKA_TOKEN)
			return *(CK_BBOOL *)template[i].pValue;
	return false;
}

static bool wants_token_object(void)
{
	return mock.fault == MOCK_NO_SESSION_KEYS ||
	       mock.fault == MOCK_INTERRUPTED || mock.fault == MOCK_KEEPS;
}

static CK_RV made(CK_RV rv, const CK_ATTRIBUTE *template, CK_ULONG count)
{
	if (rv != CKR_OK || !is_token_object(template, count))
		return rv;
	mock.objects++;
	/* SIGINT may be ignored, as in what a shell has in the background. */
	if (mock.fault == MOCK_TERMINATED)
		raise(SIGTERM);
	if (mock.fault == MOCK_KILLED)
		raise(SIGKILL);
	return rv;
}

static bool forgets_template(void)
{
	return mock.fault == MOCK_IGNORE_TEMPLATE ||
	       mock.fault == MOCK_UNWRAP_IGNORES ||
	       mock.fault == MOCK_UNWRAP_READABLE;
}

static CK_RV mock_GenerateKey(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism,
			      CK_ATTRIBUTE *template, CK_ULONG count,
			      CK_OBJECT_HANDLE *key)
{
	CK_ATTRIBUTE kept[32];
	CK_ULONG n = 0;

	if (mock.fault == MOCK_AUTH_FAILS &&
	    mechanism->mechanism == CKM_GENERIC_SECRET_KEY_GEN)
		return CKR_DEVICE_MEMORY;
	if (mechanism->mechanism == CKM_AES_KEY_GEN && is_due(MOCK_RESIDENT_FAILS))
		return CKR_DEVICE_MEMORY;
	if (wants_token_object() && !is_token_object(template, count))
		return CKR_ATTRIBUTE_VALUE_INVALID;
	for (CK_ULONG i = 0; i < count && n < 32; i++) {
		bool restricts = template[i].type == CKA_UNWRAP_TEMPLATE ||
				 template[i].type == CKA_ALLOWED_MECHANISMS;

		if (restricts && mock.fault == MOCK_REFUSE_TEMPLATE)
			return CKR_ATTRIBUTE_TYPE_INVALID;
		if (!restricts || !forgets_template())
			kept[n++] = template[i];
	}
	return made(real->C_GenerateKey(session, mechanism, kept, n, key),
		    template, count);
}

static CK_RV mock_CreateObject(CK_SESSION_HANDLE session, CK_ATTRIBUTE *template,
			       CK_ULONG count, CK_OBJECT_HANDLE *key)
{
	if (mock.fault == MOCK_NO_IMPORT)
		return CKR_FUNCTION_NOT_SUPPORTED;
	if (wants_token_object() && !is_token_object(template, count))
		return CKR_ATTRIBUTE_VALUE_INVALID;
	for (CK_ULONG i = 0; i < count; i++)
		if (template[i].type == CKA_ALLOWED_MECHANISMS &&
		    mock.fault == MOCK_NO_TEMPLATE)
			return CKR_ATTRIBUTE_TYPE_INVALID;
	return made(real->C_CreateObject(session, template, count, key),
		    template, count);
}

static CK_RV mock_DestroyObject(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key)
{
	CK_BBOOL stays = CK_FALSE;
	CK_ATTRIBUTE read = { CKA_TOKEN, &stays, sizeof(stays) };
	CK_RV rv;

	if (mock.fault == MOCK_KEEPS)
		return CKR_FUNCTION_FAILED;
	real->C_GetAttributeValue(session, key, &read, 1);
	rv = real->C_DestroyObject(session, key);
	if (rv == CKR_OK && stays)
		mock.objects--;
	return rv;
}

static CK_RV mock_Sign(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG size,
		       CK_BYTE *mac, CK_ULONG *mac_size)
{
	CK_RV rv = real->C_Sign(session, data, size, mac, mac_size);

	if (mock.fault == MOCK_SIGN_SHORT)
		*mac_size = 31;
	if (mock.fault == MOCK_SIGN_WRONG)
		mac[31] ^= 1;
	return rv;
}

static CK_RV mock_WrapKey(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism,
			  CK_OBJECT_HANDLE kek, CK_OBJECT_HANDLE key,
			  CK_BYTE *wrapped, CK_ULONG *size)
{
	CK_RV rv;

	if (lacks_mechanism(mechanism->mechanism))
		return CKR_MECHANISM_INVALID;
	rv = real->C_WrapKey(session, mechanism, kek, key, wrapped, size);
	if (mock.fault == MOCK_WRAP_SHORT)
		*size -= 1;
	if (mock.fault == MOCK_WRAPS_ANY && rv != CKR_OK) {
		*size = 40;
		rv = CKR_OK;
	}
	return rv;
}

/* What is said of it in the template is left out, and the opposite put there. */
static CK_RV unwrap_readable(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism,
			     CK_OBJECT_HANDLE kek, CK_BYTE *wrapped,
			     CK_ULONG size, const CK_ATTRIBUTE *template,
			     CK_ULONG count, CK_OBJECT_HANDLE *key)
{
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	CK_ATTRIBUTE mine[32];
	CK_ULONG n = 0;

	for (CK_ULONG i = 0; i < count && n < 30; i++)
		if (template[i].type != CKA_SENSITIVE &&
		    template[i].type != CKA_EXTRACTABLE)
			mine[n++] = template[i];
	mine[n++] = (CK_ATTRIBUTE){ CKA_SENSITIVE, &no, sizeof(no) };
	mine[n++] = (CK_ATTRIBUTE){ CKA_EXTRACTABLE, &yes, sizeof(yes) };
	return real->C_UnwrapKey(session, mechanism, kek, wrapped, size, mine, n,
				 key);
}

static CK_RV mock_UnwrapKey(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism,
			    CK_OBJECT_HANDLE kek, CK_BYTE *wrapped, CK_ULONG size,
			    CK_ATTRIBUTE *template, CK_ULONG count,
			    CK_OBJECT_HANDLE *key)
{
	CK_RV rv;

	if (mock.fault == MOCK_UNWRAP_DEVICE)
		return CKR_DEVICE_ERROR;
	if (lacks_mechanism(mechanism->mechanism))
		return CKR_MECHANISM_INVALID;
	if (mock.fault == MOCK_UNWRAP_IGNORES || mock.fault == MOCK_UNWRAP_READABLE)
		return unwrap_readable(session, mechanism, kek, wrapped, size,
				       template, count, key);
	rv = made(real->C_UnwrapKey(session, mechanism, kek, wrapped, size,
				    template, count, key), template, count);
	if (rv == CKR_OK || mock.fault != MOCK_UNWRAPS_ANY)
		return rv;
	*key = make_own_key(session);
	return CKR_OK;
}

static CK_RV mock_Login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_BYTE *pin,
			CK_ULONG size)
{
	mock.logins++;
	return real->C_Login(session, user, pin, size);
}

static CK_RV mock_OpenSession(CK_SLOT_ID slot, CK_FLAGS flags, void *context,
			      CK_NOTIFY notify, CK_SESSION_HANDLE *session)
{
	if (is_due(MOCK_SESSION_COUNT))
		return CKR_SESSION_COUNT;
	if (mock.fault == MOCK_SLOW_SESSION)
		usleep(2000);
	return real->C_OpenSession(slot, flags, context, notify, session);
}

static CK_RV mock_GetSlotList(CK_BBOOL present, CK_SLOT_ID *slots, CK_ULONG *count)
{
	if (mock.fault == MOCK_ABSENT && mock.ends < 2) {
		*count = 0;
		return CKR_OK;
	}
	return real->C_GetSlotList(present, slots, count);
}

static CK_RV mock_GetTokenInfo(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
	CK_RV rv = real->C_GetTokenInfo(slot, info);

	if (mock.fault == MOCK_PIN_FINAL_TRY)
		info->flags |= CKF_USER_PIN_FINAL_TRY;
	if (mock.fault == MOCK_PIN_LOCKED)
		info->flags |= CKF_USER_PIN_LOCKED;
	return rv;
}

static CK_RV mock_Finalize(void *reserved)
{
	memset(used, 0, sizeof(used));
	mock.ends++;
	return real->C_Finalize(reserved);
}

static void replace_functions(void)
{
	list = *real;
	list.C_EncryptInit = mock_EncryptInit;
	list.C_DecryptInit = mock_DecryptInit;
	list.C_Encrypt = mock_Encrypt;
	list.C_EncryptUpdate = mock_EncryptUpdate;
	list.C_Decrypt = mock_Decrypt;
	list.C_DecryptUpdate = mock_DecryptUpdate;
	list.C_OpenSession = mock_OpenSession;
	list.C_GetMechanismInfo = mock_GetMechanismInfo;
	list.C_GetAttributeValue = mock_GetAttributeValue;
	list.C_SetAttributeValue = mock_SetAttributeValue;
	list.C_GenerateKey = mock_GenerateKey;
	list.C_CreateObject = mock_CreateObject;
	list.C_DestroyObject = mock_DestroyObject;
	list.C_Sign = mock_Sign;
	list.C_WrapKey = mock_WrapKey;
	list.C_UnwrapKey = mock_UnwrapKey;
	list.C_Login = mock_Login;
	list.C_OpenSession = mock_OpenSession;
	list.C_GetSlotList = mock_GetSlotList;
	list.C_GetTokenInfo = mock_GetTokenInfo;
	list.C_Finalize = mock_Finalize;
}

/* For programs, which can't reach for `mock`. */
static enum mock_fault fault_named(const char *name)
{
	static const struct {
		const char *name;
		enum mock_fault fault;
	} named[] = {
		{ "cbc-only", MOCK_CBC_ONLY },
		{ "no-wrap", MOCK_NO_WRAP },
		{ "no-session-keys", MOCK_NO_SESSION_KEYS },
		{ "unwrap-readable", MOCK_UNWRAP_READABLE },
		{ "terminated", MOCK_TERMINATED },
		{ "killed", MOCK_KILLED },
	};

	for (size_t i = 0; name && i < sizeof(named) / sizeof(*named); i++)
		if (!strcmp(name, named[i].name))
			return named[i].fault;
	return MOCK_NONE;
}

EXPORT CK_RV C_GetFunctionList(CK_FUNCTION_LIST **functions)
{
	CK_C_GetFunctionList get;
	void *module;

	if (!real) {
		module = dlopen(getenv("MOCK_BEHIND"), RTLD_NOW | RTLD_NODELETE);
		get = module ? (CK_C_GetFunctionList)dlsym(module, "C_GetFunctionList") :
			       NULL;
		if (!get || get(&real) != CKR_OK)
			return CKR_GENERAL_ERROR;
		replace_functions();
		mock.fault = fault_named(getenv("MOCK_FAULT"));
	}
	*functions = &list;
	return CKR_OK;
}
