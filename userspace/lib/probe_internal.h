/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of the probe share: keys to try things with, and a way to
 * encrypt that isn't the token layer's, which logs what a token refuses.
 */
#ifndef PAES_PROBE_INTERNAL_H
#define PAES_PROBE_INTERNAL_H

#include "hold.h"
#include "probe.h"
#include "token_internal.h"

#define PROBE_LABEL	"paes-probe"

/* PKCS#11 3.0; older headers lack them. */
#ifndef CKM_AES_XTS
#define CKM_AES_XTS		0x1071UL
#define CKM_AES_XTS_KEY_GEN	0x1072UL
#define CKK_AES_XTS		0x35UL
#endif

enum {
	PROBE_KEYS = 32,
	PROBE_KEY_SIZE = 32,
	PROBE_WRAPPED = PROBE_KEY_SIZE + 8,
};

struct probing {
	struct probe *probe;
	struct token *token;
	CK_SESSION_HANDLE usual;	/* the token's, which it gets back */
	CK_SESSION_HANDLE session;	/* to make keys in: may write if it has to */
	unsigned int flags;
	CK_OBJECT_HANDLE keys[PROBE_KEYS];	/* to be destroyed */
	unsigned int count;
	struct hold hold;		/* while there are token objects */
	bool writes;
};

/* A key to try a mechanism with; `known`: the one that the answers are known of. */
struct probe_key {
	CK_OBJECT_HANDLE handle;
	bool known;
};

void probe_begin(struct probing *p);
void probe_end(struct probing *p);

/* AES-256, sensitive, that encrypts and decrypts, but for what `more` says. */
CK_RV probe_make_key(struct probing *p, const struct token_template *more,
		     CK_OBJECT_HANDLE *key);

/* AES-256 that wraps and unwraps. */
CK_RV probe_make_kek(struct probing *p, const struct token_template *more,
		     CK_OBJECT_HANDLE *kek);

/* Token objects, a KEK and another key with the same CKA_ID. */
CK_RV probe_make_pair(struct probing *p, const unsigned char id[PAES_ID_SIZE],
		      CK_OBJECT_HANDLE *kek);

/* A key that is brought along, or when the token takes none, a generated one. */
CK_RV probe_bring_key(struct probing *p, CK_KEY_TYPE type,
		      const unsigned char *value, CK_ULONG size,
		      struct probe_key *key);

CK_RV probe_encrypt(struct probing *p, CK_MECHANISM_TYPE type,
		    const unsigned char *iv, CK_OBJECT_HANDLE key,
		    const unsigned char *in, unsigned char *out, CK_ULONG size);
CK_RV probe_decrypt(struct probing *p, CK_MECHANISM_TYPE type,
		    const unsigned char *iv, CK_OBJECT_HANDLE key,
		    const unsigned char *in, unsigned char *out, CK_ULONG size);

/* As the session key that paes wants, or as what nobody should get. */
CK_RV probe_unwrap(struct probing *p, CK_OBJECT_HANDLE kek,
		   const unsigned char wrapped[PROBE_WRAPPED], bool readable,
		   CK_OBJECT_HANDLE *key);

/* The parts; each sets its answers. */
void probe_mechanisms(struct probing *p);
void probe_rules(struct probing *p);

#endif
