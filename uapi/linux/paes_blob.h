/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The wrapped key ("blob"): what dm-crypt is given in place of a key.
 *
 * A blob names one AES-XTS key (IEEE 1619: two AES keys, K1 for the data and
 * K2 for the tweak) and carries it wrapped for up to PAES_BLOB_RECIPIENTS
 * hardware security modules, or says where in them it resides.  Whoever has the
 * blob but none of those HSMs has nothing.  Its size never changes, so a
 * volume's key size is always PAES_BLOB_SIZE * 8 bits ("cryptsetup --key-size
 * 4096").
 *
 * All integers are little-endian.  Everything that is reserved is zero and is
 * checked.
 *
 *   offset size
 *        0    8  magic         "PAESBLOB", no NUL
 *        8    2  version       1
 *       10    2  size          512, the whole blob in bytes
 *       12    1  cipher        PAES_CIPHER_AES_XTS
 *       13    1  reserved
 *       14    2  key_bits      bits of K1, and of K2: 128 or 256
 *       16    4  flags         PAES_BLOB_F_*
 *       20    4  reserved
 *       24    8  created       seconds since 1970-01-01 UTC
 *       32   16  key_id        random, names this key; the same in every wrapping
 *       48   32  verify        AES-ECB of PAES_KNOWN_BLOCK under K1, then under K2
 *       80   24  reserved
 *      104  136  recipient[0]  always used
 *      240  136  recipient[1]  used, or all zero
 *      376  136  recipient[2]  used, or all zero
 *
 * and each recipient, by its own offset
 *
 *        0   16  kek_id        names the wrapping key (KEK): its CKA_ID
 *       16    1  wrap          PAES_WRAP_*: what k1 and k2 hold
 *       17    7  reserved
 *       24   40  k1            K1, left-aligned, zero-padded
 *       64   40  k2            K2, likewise
 *      104   32  mac           HMAC-SHA256 over blob[0..104) || recipient[0..104)
 *
 * PAES_WRAP_AES_KW: the key itself, wrapped under the KEK; 24 bytes of an
 * AES-128 key, 40 of an AES-256 key.  PAES_WRAP_RESIDENT: its name; the 16 bytes
 * of the CKA_ID of an object "paes-key" that stays in the HSM, which must have
 * its own backup.  The KEK then wraps nothing and only names the HSM.
 *
 * The MAC key is a secret key of the HSM with the same CKA_ID as the KEK; it
 * binds K1 to K2 and both to the header.  Each recipient's MAC is its own, so
 * that a recipient is added or removed without the others' HSMs at hand.
 *
 * `verify` says which key this is without opening it: two blobs with the same
 * value decrypt the same volume.  It also gives every user of the key one
 * known answer to check an HSM's work against.  Its halves differ, because
 * K1 == K2 is refused (IEEE 1619-2018, FIPS 140-3 IG C.I).
 */
#ifndef _UAPI_LINUX_PAES_BLOB_H
#define _UAPI_LINUX_PAES_BLOB_H

#include <linux/types.h>

#define PAES_BLOB_MAGIC		"PAESBLOB"
#define PAES_KNOWN_BLOCK	"paes known block"	/* 16 bytes, no NUL */

/* The one place for every size and limit of the blob. */
enum {
	PAES_BLOB_VERSION	= 1,
	PAES_BLOB_SIZE		= 512,
	PAES_BLOB_HEADER	= 104,	/* bytes before the recipients */
	PAES_BLOB_RECIPIENTS	= 3,
	PAES_BLOB_MAC_COVERS	= 104,	/* bytes of a recipient under its MAC */
	PAES_ID_SIZE		= 16,	/* kek_id, key_id and a resident key's CKA_ID */
	PAES_WRAPPED_MAX	= 40,	/* bytes kept for one wrapped AES key */
	PAES_MAC_SIZE		= 32,
	PAES_AES_BLOCK		= 16,
};

enum paes_cipher {
	PAES_CIPHER_AES_XTS	= 1,
};

enum paes_wrap {
	PAES_WRAP_NONE		= 0,	/* recipient not used */
	PAES_WRAP_AES_KW	= 1,	/* RFC 3394, CKM_AES_KEY_WRAP */
	PAES_WRAP_RESIDENT	= 2,	/* in the HSM, by their CKA_ID */
};

/* The key was once in the clear outside an HSM ("paes import"). */
#define PAES_BLOB_F_IMPORTED	0x00000001u
#define PAES_BLOB_F_KNOWN	PAES_BLOB_F_IMPORTED

struct paes_blob_recipient {
	__u8	kek_id[PAES_ID_SIZE];
	__u8	wrap;
	__u8	reserved[7];
	__u8	k1[PAES_WRAPPED_MAX];
	__u8	k2[PAES_WRAPPED_MAX];
	__u8	mac[PAES_MAC_SIZE];
};

struct paes_blob {
	__u8	magic[8];
	__le16	version;
	__le16	size;
	__u8	cipher;
	__u8	reserved0;
	__le16	key_bits;
	__le32	flags;
	__u8	reserved1[4];
	__le64	created;
	__u8	key_id[PAES_ID_SIZE];
	__u8	verify[2 * PAES_AES_BLOCK];
	__u8	reserved2[24];
	struct paes_blob_recipient recipient[PAES_BLOB_RECIPIENTS];
} __attribute__((packed));	/* as bytes: of any alignment */

/* Compiles only where the layout is as the table says. */
enum {
	PAES_BLOB_LAYOUT_HOLDS = 1 /
		(sizeof(struct paes_blob) == PAES_BLOB_SIZE &&
		 sizeof(struct paes_blob_recipient) == 136),
};

/* What paes_blob_check() found; the first fault in the order of the layout. */
enum paes_blob_fault {
	PAES_BLOB_OK = 0,
	PAES_BLOB_BAD_LENGTH,		/* not PAES_BLOB_SIZE bytes */
	PAES_BLOB_BAD_MAGIC,
	PAES_BLOB_BAD_VERSION,
	PAES_BLOB_BAD_SIZE,		/* the size field */
	PAES_BLOB_BAD_CIPHER,
	PAES_BLOB_BAD_KEY_BITS,
	PAES_BLOB_BAD_FLAGS,
	PAES_BLOB_BAD_RESERVED,		/* of the header or a recipient */
	PAES_BLOB_BAD_KEY_ID,		/* all zero */
	PAES_BLOB_NO_RECIPIENT,
	PAES_BLOB_BAD_WRAP,		/* mechanism unknown */
	PAES_BLOB_BAD_KEK_ID,		/* all zero, or named twice */
	PAES_BLOB_BAD_PADDING,		/* behind a wrapped key, or an unused recipient */
	PAES_BLOB_SAME_KEYS,		/* K1 == K2 */
	PAES_BLOB_BAD_OBJECT_ID,	/* of a resident key: all zero, or the same twice */
};

static inline unsigned int paes_blob_le16(const void *field)
{
	const __u8 *b = (const __u8 *)field;

	return b[0] | (unsigned int)b[1] << 8;
}

static inline __u32 paes_blob_le32(const void *field)
{
	const __u8 *b = (const __u8 *)field;

	return paes_blob_le16(b) | (__u32)paes_blob_le16(b + 2) << 16;
}

static inline __u64 paes_blob_le64(const void *field)
{
	const __u8 *b = (const __u8 *)field;

	return paes_blob_le32(b) | (__u64)paes_blob_le32(b + 4) << 32;
}

/* Bytes of k1, and of k2, that are used: RFC 3394 adds 8 to the key. */
static inline unsigned int
paes_blob_wrapped_size(const struct paes_blob *blob,
		       const struct paes_blob_recipient *r)
{
	if (r->wrap == PAES_WRAP_RESIDENT)
		return PAES_ID_SIZE;
	return paes_blob_le16(&blob->key_bits) / 8 + 8;
}

static inline int paes_blob_all_zero(const __u8 *p, unsigned int n)
{
	__u8 seen = 0;

	while (n--)
		seen |= *p++;
	return !seen;
}

static inline int paes_blob_equal(const __u8 *a, const __u8 *b, unsigned int n)
{
	__u8 differ = 0;

	while (n--)
		differ |= *a++ ^ *b++;
	return !differ;
}

static inline enum paes_blob_fault
paes_blob_check_header(const struct paes_blob *blob)
{
	unsigned int bits = paes_blob_le16(&blob->key_bits);

	if (!paes_blob_equal(blob->magic, (const __u8 *)PAES_BLOB_MAGIC,
			     sizeof(blob->magic)))
		return PAES_BLOB_BAD_MAGIC;
	if (paes_blob_le16(&blob->version) != PAES_BLOB_VERSION)
		return PAES_BLOB_BAD_VERSION;
	if (paes_blob_le16(&blob->size) != PAES_BLOB_SIZE)
		return PAES_BLOB_BAD_SIZE;
	if (blob->cipher != PAES_CIPHER_AES_XTS)
		return PAES_BLOB_BAD_CIPHER;
	if (bits != 128 && bits != 256)
		return PAES_BLOB_BAD_KEY_BITS;
	if (paes_blob_le32(&blob->flags) & ~PAES_BLOB_F_KNOWN)
		return PAES_BLOB_BAD_FLAGS;
	if (blob->reserved0 ||
	    !paes_blob_all_zero(blob->reserved1, sizeof(blob->reserved1)) ||
	    !paes_blob_all_zero(blob->reserved2, sizeof(blob->reserved2)))
		return PAES_BLOB_BAD_RESERVED;
	if (paes_blob_all_zero(blob->key_id, PAES_ID_SIZE))
		return PAES_BLOB_BAD_KEY_ID;
	if (paes_blob_equal(blob->verify, blob->verify + PAES_AES_BLOCK,
			    PAES_AES_BLOCK))
		return PAES_BLOB_SAME_KEYS;
	return PAES_BLOB_OK;
}

/* That each half has a name of its own. */
static inline enum paes_blob_fault
paes_blob_check_object_ids(const struct paes_blob_recipient *r)
{
	if (paes_blob_all_zero(r->k1, PAES_ID_SIZE) ||
	    paes_blob_all_zero(r->k2, PAES_ID_SIZE) ||
	    paes_blob_equal(r->k1, r->k2, PAES_ID_SIZE))
		return PAES_BLOB_BAD_OBJECT_ID;
	return PAES_BLOB_OK;
}

/* One used recipient; `wrapped` as paes_blob_wrapped_size() says. */
static inline enum paes_blob_fault
paes_blob_check_recipient(const struct paes_blob_recipient *r,
			  unsigned int wrapped)
{
	unsigned int padding = PAES_WRAPPED_MAX - wrapped;

	if (r->wrap != PAES_WRAP_AES_KW && r->wrap != PAES_WRAP_RESIDENT)
		return PAES_BLOB_BAD_WRAP;
	if (paes_blob_all_zero(r->kek_id, PAES_ID_SIZE))
		return PAES_BLOB_BAD_KEK_ID;
	if (!paes_blob_all_zero(r->reserved, sizeof(r->reserved)))
		return PAES_BLOB_BAD_RESERVED;
	if (!paes_blob_all_zero(r->k1 + wrapped, padding) ||
	    !paes_blob_all_zero(r->k2 + wrapped, padding))
		return PAES_BLOB_BAD_PADDING;
	if (r->wrap == PAES_WRAP_RESIDENT)
		return paes_blob_check_object_ids(r);
	if (paes_blob_equal(r->k1, r->k2, wrapped))
		return PAES_BLOB_SAME_KEYS;
	return PAES_BLOB_OK;
}

/* Used recipients come first; then nothing but zeroes. */
static inline unsigned int paes_blob_recipients(const struct paes_blob *blob)
{
	unsigned int n = 0;

	while (n < PAES_BLOB_RECIPIENTS &&
	       blob->recipient[n].wrap != PAES_WRAP_NONE)
		n++;
	return n;
}

static inline enum paes_blob_fault
paes_blob_check_recipients(const struct paes_blob *blob)
{
	unsigned int used = paes_blob_recipients(blob);
	const struct paes_blob_recipient *r = blob->recipient;
	enum paes_blob_fault fault;
	unsigned int i, j;

	if (!used)
		return PAES_BLOB_NO_RECIPIENT;
	for (i = 0; i < used; i++) {
		fault = paes_blob_check_recipient(&r[i],
						  paes_blob_wrapped_size(blob, &r[i]));
		if (fault)
			return fault;
		for (j = 0; j < i; j++)
			if (paes_blob_equal(r[i].kek_id, r[j].kek_id,
					    PAES_ID_SIZE))
				return PAES_BLOB_BAD_KEK_ID;
	}
	if (!paes_blob_all_zero((const __u8 *)&r[used],
				(PAES_BLOB_RECIPIENTS - used) *
				sizeof(struct paes_blob_recipient)))
		return PAES_BLOB_BAD_PADDING;
	return PAES_BLOB_OK;
}

/*
 * The bounds checker: pure, reads nothing but the `length` bytes at `bytes`,
 * which need no alignment.  PAES_BLOB_OK says that every field is of a known
 * form, not that the key is genuine: that is the MAC's business, in the HSM.
 */
static inline enum paes_blob_fault
paes_blob_check(const void *bytes, unsigned long length)
{
	const struct paes_blob *blob = (const struct paes_blob *)bytes;
	enum paes_blob_fault fault;

	if (length != PAES_BLOB_SIZE)
		return PAES_BLOB_BAD_LENGTH;
	fault = paes_blob_check_header(blob);
	if (fault)
		return fault;
	return paes_blob_check_recipients(blob);
}

#endif /* _UAPI_LINUX_PAES_BLOB_H */
