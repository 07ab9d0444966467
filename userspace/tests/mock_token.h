/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A PKCS#11 module that misbehaves on command: SoftHSM behind a thin layer.
 * The test program finds `mock` by dlsym() and sets what is to go wrong; for a
 * program, MOCK_FAULT names it.
 */
#ifndef PAES_TESTS_MOCK_TOKEN_H
#define PAES_TESTS_MOCK_TOKEN_H

#include <stdbool.h>

enum mock_fault {
	MOCK_NONE,

	/* of C_Encrypt, C_EncryptUpdate and C_Decrypt, all but the last with CKR_OK */
	MOCK_ZEROES,		/* the answer is zeroes */
	MOCK_UNTOUCHED,		/* the buffer is left as it was */
	MOCK_ONE_BIT,		/* one bit of the last block is wrong */
	MOCK_SHIFTED,		/* one block too far on */
	MOCK_OTHER_KEY,		/* under a key of the mock's own */
	MOCK_OTHER_DIRECTION,	/* encrypts for decrypt and the reverse */
	MOCK_SHORT,		/* right, but says it is one block less */
	MOCK_LONG,		/* right, but says it is one block more */
	MOCK_EMPTY,		/* length 0 */
	MOCK_DEVICE_ERROR,
	MOCK_CRYPT_END,

	MOCK_NO_UPDATE,		/* C_EncryptUpdate and C_DecryptUpdate aren't there */
	MOCK_HELD_BACK,		/* C_DecryptUpdate keeps the last block */
	MOCK_SESSION_COUNT,	/* C_OpenSession: no more of them */
	MOCK_SLOW_SESSION,	/* C_OpenSession takes 2 ms */
	MOCK_SLOW_DECRYPT,	/* C_Decrypt takes 2 ms */
	MOCK_SLOW_INIT,		/* C_DecryptInit takes 2 ms */
	MOCK_SLOW_UPDATE,	/* C_EncryptUpdate takes 2 ms */
	MOCK_SLOW_LARGE_UPDATE,	/* it does for more than 64 KiB */
	MOCK_SLOW_LARGE_DECRYPT, /* C_Decrypt does for more than 128 KiB and a block */
	MOCK_INIT_ERROR,	/* C_EncryptInit and C_DecryptInit fail */
	MOCK_READABLE,		/* C_GetAttributeValue gives CKA_VALUE out */
	MOCK_NOT_SENSITIVE,	/* and says CKA_SENSITIVE is false */
	MOCK_EXTRACTABLE,	/* or that CKA_EXTRACTABLE is true */
	MOCK_VALUE_LEN,		/* and CKA_VALUE_LEN is 8 more */
	MOCK_REFUSE_TEMPLATE,	/* no CKA_UNWRAP_TEMPLATE in C_GenerateKey */
	MOCK_IGNORE_TEMPLATE,	/* takes it and forgets it */
	MOCK_SIGN_SHORT,	/* C_Sign says 31 bytes */
	MOCK_SIGN_WRONG,
	MOCK_WRAP_SHORT,	/* C_WrapKey says 39 bytes */
	MOCK_UNWRAP_DEVICE,	/* C_UnwrapKey: CKR_DEVICE_ERROR */
	MOCK_AUTH_FAILS,	/* C_GenerateKey of the authenticator fails */
	MOCK_RESIDENT_FAILS,	/* C_GenerateKey of a token's AES key fails */
	MOCK_NO_TEMPLATE,	/* no CKA_ALLOWED_MECHANISMS in C_CreateObject */
	MOCK_PIN_FINAL_TRY,	/* flags of C_GetTokenInfo */
	MOCK_PIN_LOCKED,
	MOCK_ABSENT,		/* C_GetSlotList: none, until initialised again twice */

	/* for the probe */
	MOCK_CBC_ONLY,		/* no ECB, and says so */
	MOCK_LIES_ECB,		/* no ECB, and says there is */
	MOCK_NO_WRAP,		/* no CKM_AES_KEY_WRAP, and says so */
	MOCK_LIES_WRAP,		/* no CKM_AES_KEY_WRAP, and says there is */
	MOCK_OFFERS_XTS,	/* but makes no key for it */
	MOCK_UPDATE_SHIFTED,	/* C_EncryptUpdate is a block late, in step with itself */
	MOCK_SMALL_CALLS,	/* takes 3136 bytes at most */
	MOCK_MEDIUM_CALLS,	/* takes 128 KiB and a block at most */
	MOCK_CUT_UPDATES,	/* C_DecryptUpdate leaves what is more as it was */
	MOCK_UNWRAP_IGNORES,	/* unwrapped keys are readable, until made sensitive */
	MOCK_UNWRAP_READABLE,	/* and stay so */
	MOCK_GOES_BACK,		/* CKA_SENSITIVE can be taken back */
	MOCK_WRAPS_ANY,		/* C_WrapKey gives out what it must not */
	MOCK_UNWRAPS_ANY,	/* C_UnwrapKey makes a key of anything */
	MOCK_NO_SESSION_KEYS,	/* token objects only */
	MOCK_INTERRUPTED,	/* so, and SIGINT comes while there are some */
	MOCK_KEEPS,		/* so, and C_DestroyObject fails */
	MOCK_NO_IMPORT,		/* no C_CreateObject */

	/* for programs: a signal comes when there is a token object */
	MOCK_TERMINATED,
	MOCK_KILLED,
};

struct mock {
	enum mock_fault fault;
	unsigned int after;	/* calls that go well before it */
	bool once;		/* and all go well again behind it */
	unsigned int ends;	/* calls of C_Finalize so far */
	unsigned int logins;	/* of C_Login */
	unsigned int crypts;	/* calls of these so far */
	unsigned int inits;	/* of C_EncryptInit and C_DecryptInit */
	unsigned int drops;	/* of these, C_DecryptUpdate */
	int objects;		/* token objects made and not destroyed */
};

extern struct mock mock;

#endif
