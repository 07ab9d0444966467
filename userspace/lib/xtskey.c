// SPDX-License-Identifier: GPL-2.0
#include "xtskey.h"

#include "blob.h"
#include "log.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

/* Encrypts the known block under `key`. */
static int known_block(struct token *token, token_key key,
		       unsigned char known[PAES_AES_BLOCK])
{
	return token_encrypt(token, key, PAES_KNOWN_BLOCK, known, PAES_AES_BLOCK);
}

static int find_known_blocks(struct xtskey *key, struct token *token)
{
	int error = known_block(token, key->k1, key->known1);

	return error ? error : known_block(token, key->k2, key->known2);
}

static int refuse_same_keys(const struct xtskey *key)
{
	if (!paes_blob_equal(key->known1, key->known2, PAES_AES_BLOCK))
		return 0;
	log_error("the two halves of the key are the same (K1 == K2): AES-XTS is not safe with such a key, use another");
	return -EKEYREJECTED;
}

static int check_halves(struct xtskey *key, struct token *token)
{
	int error = find_known_blocks(key, token);

	return error ? error : refuse_same_keys(key);
}

/* The end of each way to a key: all or nothing. */
static int finish(struct xtskey *key, struct token *token, int error)
{
	if (!error)
		error = check_halves(key, token);
	if (error)
		xtskey_close(key, token);
	return error;
}

static int refuse_bits(unsigned int bits)
{
	if (bits == 128 || bits == 256)
		return 0;
	log_error("key of %u bits: expected 128 or 256", bits);
	return -EINVAL;
}

int xtskey_generate(struct xtskey *key, struct token *token, unsigned int bits)
{
	int error = refuse_bits(bits);

	*key = (struct xtskey){ .k1 = TOKEN_NO_KEY };
	if (error)
		return error;
	error = token_generate_key(token, bits / 8, &key->k1);
	if (!error)
		error = token_generate_key(token, bits / 8, &key->k2);
	return finish(key, token, error);
}

int xtskey_import(struct xtskey *key, struct token *token,
		  const unsigned char *clear, unsigned int bits)
{
	int error = refuse_bits(bits);

	*key = (struct xtskey){ .k1 = TOKEN_NO_KEY };
	if (error)
		return error;
	error = token_import_key(token, clear, bits / 8, &key->k1);
	if (!error)
		error = token_import_key(token, clear + bits / 8, bits / 8,
					 &key->k2);
	return finish(key, token, error);
}

/* `clear` is NULL for a new key. */
static int make_resident_half(struct token *token, const unsigned char *clear,
			      unsigned int size, unsigned char id[PAES_ID_SIZE],
			      token_key *half)
{
	int error = token_random(token, id, PAES_ID_SIZE);

	return error ? error : token_make_resident(token, id, clear, size, half);
}

/* What was made of a pair that isn't one is destroyed again. */
static int make_resident(struct xtskey *key, struct token *token,
			 const unsigned char *clear, unsigned int bits)
{
	unsigned int size = bits / 8;
	int error = refuse_bits(bits);

	*key = (struct xtskey){ .resident = true };
	if (error)
		return error;
	error = make_resident_half(token, clear, size, key->id1, &key->k1);
	if (!error)
		error = make_resident_half(token, clear ? clear + size : NULL,
					   size, key->id2, &key->k2);
	if (!error)
		error = check_halves(key, token);
	if (error)
		xtskey_destroy(key, token);
	return error;
}

int xtskey_generate_resident(struct xtskey *key, struct token *token,
			     unsigned int bits)
{
	return make_resident(key, token, NULL, bits);
}

int xtskey_import_resident(struct xtskey *key, struct token *token,
			   const unsigned char *clear, unsigned int bits)
{
	return make_resident(key, token, clear, bits);
}

static void put_le(void *field, uint64_t value, size_t size)
{
	unsigned char *bytes = field;

	for (; size--; value >>= 8)
		*bytes++ = (unsigned char)value;
}

static int fill_header(const struct xtskey *key, struct token *token,
		       unsigned int bits, unsigned int flags,
		       struct paes_blob *blob)
{
	memset(blob, 0, sizeof(*blob));
	memcpy(blob->magic, PAES_BLOB_MAGIC, sizeof(blob->magic));
	put_le(&blob->version, PAES_BLOB_VERSION, sizeof(blob->version));
	put_le(&blob->size, PAES_BLOB_SIZE, sizeof(blob->size));
	blob->cipher = PAES_CIPHER_AES_XTS;
	put_le(&blob->key_bits, bits, sizeof(blob->key_bits));
	put_le(&blob->flags, flags, sizeof(blob->flags));
	put_le(&blob->created, (uint64_t)time(NULL), sizeof(blob->created));
	memcpy(blob->verify, key->known1, PAES_AES_BLOCK);
	memcpy(blob->verify + PAES_AES_BLOCK, key->known2, PAES_AES_BLOCK);
	return token_random(token, blob->key_id, PAES_ID_SIZE);
}

/* What the MAC of a recipient is made over. */
static void mac_message(const struct paes_blob *blob,
			const struct paes_blob_recipient *recipient,
			unsigned char message[PAES_BLOB_HEADER +
					      PAES_BLOB_MAC_COVERS])
{
	memcpy(message, blob, PAES_BLOB_HEADER);
	memcpy(message + PAES_BLOB_HEADER, recipient, PAES_BLOB_MAC_COVERS);
}

static int fill_keys(const struct xtskey *key, struct token *token,
		     unsigned int bits, struct paes_blob_recipient *recipient)
{
	int error;

	if (key->resident) {
		recipient->wrap = PAES_WRAP_RESIDENT;
		memcpy(recipient->k1, key->id1, PAES_ID_SIZE);
		memcpy(recipient->k2, key->id2, PAES_ID_SIZE);
		return 0;
	}
	recipient->wrap = PAES_WRAP_AES_KW;
	error = token_wrap_key(token, recipient->kek_id, key->k1, recipient->k1,
			       bits / 8);
	return error ? error : token_wrap_key(token, recipient->kek_id, key->k2,
					      recipient->k2, bits / 8);
}

static int fill_recipient(const struct xtskey *key, struct token *token,
			  const unsigned char kek[PAES_ID_SIZE],
			  const struct paes_blob *blob,
			  struct paes_blob_recipient *recipient)
{
	unsigned char message[PAES_BLOB_HEADER + PAES_BLOB_MAC_COVERS];
	unsigned int bits = paes_blob_le16(&blob->key_bits);
	int error;

	memset(recipient, 0, sizeof(*recipient));
	memcpy(recipient->kek_id, kek, PAES_ID_SIZE);
	error = fill_keys(key, token, bits, recipient);
	if (error)
		return error;
	mac_message(blob, recipient, message);
	return token_mac(token, kek, message, sizeof(message), recipient->mac);
}

static int append_recipient(const struct xtskey *key, struct token *token,
			    const unsigned char kek[PAES_ID_SIZE],
			    struct paes_blob *blob)
{
	struct paes_blob longer = *blob;
	unsigned int n = paes_blob_recipients(blob);
	int error = fill_recipient(key, token, kek, blob, &longer.recipient[n]);

	if (!error)
		error = blob_check_form(&longer, "the token made a wrapped key that is not well-formed");
	if (!error)
		*blob = longer;
	return error;
}

int xtskey_seal(const struct xtskey *key, struct token *token,
		const unsigned char kek[PAES_ID_SIZE], unsigned int bits,
		unsigned int flags, struct paes_blob *blob)
{
	int error = refuse_bits(bits);

	if (!error)
		error = fill_header(key, token, bits, flags, blob);
	if (!error)
		error = append_recipient(key, token, kek, blob);
	if (error)
		memset(blob, 0, sizeof(*blob));
	return error;
}

static int find_kek(const struct paes_blob *blob,
		    const unsigned char kek[PAES_ID_SIZE])
{
	for (unsigned int i = 0; i < paes_blob_recipients(blob); i++)
		if (paes_blob_equal(blob->recipient[i].kek_id, kek, PAES_ID_SIZE))
			return (int)i;
	return -ENOENT;
}

static int refuse_recipient(const struct paes_blob *blob,
			    const unsigned char kek[PAES_ID_SIZE])
{
	unsigned int n = paes_blob_recipients(blob);

	if (find_kek(blob, kek) >= 0) {
		log_error("the wrapped key is for this KEK already: each token that has it, as a replica has, opens it");
		return -EEXIST;
	}
	if (n < PAES_BLOB_RECIPIENTS)
		return 0;
	log_error("the wrapped key has %u recipients, as many as there is place for: remove one first (\"paes remove-recipient\")",
		  n);
	return -ENOSPC;
}

static bool is_key_of(const struct xtskey *key, const struct paes_blob *blob)
{
	return paes_blob_equal(key->known1, blob->verify, PAES_AES_BLOCK) &&
	       paes_blob_equal(key->known2, blob->verify + PAES_AES_BLOCK,
			       PAES_AES_BLOCK);
}

int xtskey_add_recipient(const struct xtskey *key, struct token *token,
			 const unsigned char kek[PAES_ID_SIZE],
			 struct paes_blob *blob)
{
	int error = blob_check_form(blob, "wrapped key");

	if (!error)
		error = refuse_recipient(blob, kek);
	if (error)
		return error;
	if (!is_key_of(key, blob)) {
		log_error("this is not the key that the blob names: the known block comes out differently");
		return -EKEYREJECTED;
	}
	return append_recipient(key, token, kek, blob);
}

int xtskey_remove_recipient(struct paes_blob *blob,
			    const unsigned char kek[PAES_ID_SIZE])
{
	unsigned int n = paes_blob_recipients(blob);
	int error = blob_check_form(blob, "wrapped key"), i;

	if (error)
		return error;
	i = find_kek(blob, kek);
	if (i < 0) {
		log_error("the wrapped key has no recipient with this KEK: \"paes inspect\" lists them");
		return i;
	}
	if (n == 1) {
		log_error("this is the only recipient: without it nobody could open the wrapped key again");
		return -EBUSY;
	}
	memmove(&blob->recipient[i], &blob->recipient[i + 1],
		(n - 1 - (unsigned int)i) * sizeof(*blob->recipient));
	memset(&blob->recipient[n - 1], 0, sizeof(*blob->recipient));
	return 0;
}

static int check_moved(struct xtskey *moved, struct token *to,
		       const struct xtskey *key)
{
	int error = find_known_blocks(moved, to);

	if (error || (paes_blob_equal(moved->known1, key->known1, PAES_AES_BLOCK) &&
		      paes_blob_equal(moved->known2, key->known2, PAES_AES_BLOCK)))
		return error;
	log_error("token \"%s\": the key that it received isn't the one that was sent",
		  token_label(to));
	return -EKEYREJECTED;
}

int xtskey_move(const struct xtskey *key, struct token *from, struct token *to,
		struct xtskey *moved)
{
	int error;

	*moved = (struct xtskey){ .k1 = TOKEN_NO_KEY };
	error = token_move_key(from, key->k1, to, &moved->k1);
	if (!error)
		error = token_move_key(from, key->k2, to, &moved->k2);
	if (!error)
		error = check_moved(moved, to, key);
	if (error)
		xtskey_close(moved, to);
	return error;
}

/* The first recipient of this kind, or with 0 of any, whose KEK the token has. */
static int find_recipient(struct token *token, const struct paes_blob *blob,
			  unsigned int wrap,
			  const struct paes_blob_recipient **recipient)
{
	char id[2 * PAES_ID_SIZE + 1];

	for (unsigned int i = 0; i < paes_blob_recipients(blob); i++) {
		int found;

		*recipient = &blob->recipient[i];
		if (wrap && (*recipient)->wrap != wrap)
			continue;
		found = token_has_kek(token, (*recipient)->kek_id);
		if (found)
			return found < 0 ? found : 0;
	}
	blob_format_id(blob->recipient[0].kek_id, id);
	log_error("token \"%s\" has none of the %u KEKs this wrapped key was made for (the first is %s): use the token it was made with",
		  token_label(token), paes_blob_recipients(blob), id);
	return -ENOKEY;
}

static int check_mac(struct token *token, const struct paes_blob *blob,
		     const struct paes_blob_recipient *recipient)
{
	unsigned char message[PAES_BLOB_HEADER + PAES_BLOB_MAC_COVERS];

	mac_message(blob, recipient, message);
	return token_check_mac(token, recipient->kek_id, message,
			       sizeof(message), recipient->mac);
}

/* As token_unwrap_key(). */
typedef int unwrap_half(struct token *token, const unsigned char *kek,
			const unsigned char *wrapped, unsigned int size,
			token_key *half);

static int unwrap(struct xtskey *key, struct token *token,
		  const struct paes_blob *blob,
		  const struct paes_blob_recipient *recipient, unwrap_half *half)
{
	unsigned int size = paes_blob_le16(&blob->key_bits) / 8;
	int error = half(token, recipient->kek_id, recipient->k1, size, &key->k1);

	return error ? error :
	       half(token, recipient->kek_id, recipient->k2, size, &key->k2);
}

/* The token had its KEK, so it should have it. */
static int miss(struct token *token, const char *half,
		const unsigned char id[PAES_ID_SIZE])
{
	char text[2 * PAES_ID_SIZE + 1];

	blob_format_id(id, text);
	log_error("token \"%s\": the resident key isn't there, no \"paes-key\" with CKA_ID %s (%s): restore it from the token's backup, or use the token it was made in",
		  token_label(token), text, half);
	return -ENOKEY;
}

static int open_resident_half(struct token *token, const char *name,
			      const unsigned char id[PAES_ID_SIZE],
			      unsigned int size, token_key *half)
{
	int error = token_open_resident(token, id, size, half);

	if (error == -ENOENT)
		return miss(token, name, id);
	/* Which one is meant is not known: no trouble of the token's. */
	return error == -ENOTUNIQ ? -EKEYREJECTED : error;
}

static int open_resident(struct xtskey *key, struct token *token,
			 const struct paes_blob *blob,
			 const struct paes_blob_recipient *recipient)
{
	unsigned int size = paes_blob_le16(&blob->key_bits) / 8;
	int error;

	key->resident = true;
	memcpy(key->id1, recipient->k1, PAES_ID_SIZE);
	memcpy(key->id2, recipient->k2, PAES_ID_SIZE);
	error = open_resident_half(token, "K1", key->id1, size, &key->k1);
	if (error)
		return error;
	return open_resident_half(token, "K2", key->id2, size, &key->k2);
}

static int open_halves(struct xtskey *key, struct token *token,
		       const struct paes_blob *blob,
		       const struct paes_blob_recipient *recipient)
{
	if (recipient->wrap == PAES_WRAP_RESIDENT)
		return open_resident(key, token, blob, recipient);
	return unwrap(key, token, blob, recipient, token_unwrap_key);
}

static int check_known_blocks(struct xtskey *key, struct token *token,
			      const struct paes_blob *blob)
{
	if (is_key_of(key, blob))
		return 0;
	log_error("token \"%s\": the key is not the one the blob names: the known block comes out differently",
		  token_label(token));
	xtskey_close(key, token);
	return -EKEYREJECTED;
}

/* The recipient that the token has the KEK of, and whose MAC is right. */
static int choose_recipient(struct token *token, const struct paes_blob *blob,
			    const struct paes_blob_recipient **recipient)
{
	int error = blob_check_form(blob, "wrapped key");

	if (!error)
		error = find_recipient(token, blob, 0, recipient);
	return error ? error : check_mac(token, blob, *recipient);
}

int xtskey_open(struct xtskey *key, struct token *token,
		const struct paes_blob *blob)
{
	const struct paes_blob_recipient *recipient;
	int error = choose_recipient(token, blob, &recipient);

	*key = (struct xtskey){ .k1 = TOKEN_NO_KEY };
	if (error)
		return error;
	error = finish(key, token, open_halves(key, token, blob, recipient));
	return error ? error : check_known_blocks(key, token, blob);
}

int xtskey_open_movable(struct xtskey *key, struct token *token,
			const struct paes_blob *blob)
{
	const struct paes_blob_recipient *recipient;
	int error = choose_recipient(token, blob, &recipient);

	*key = (struct xtskey){ .k1 = TOKEN_NO_KEY };
	if (error)
		return error;
	if (recipient->wrap == PAES_WRAP_RESIDENT) {
		log_error("token \"%s\": a resident key stays where it is: the makers' means of backup may copy it",
			  token_label(token));
		return -EPERM;
	}
	error = unwrap(key, token, blob, recipient, token_unwrap_movable);
	error = finish(key, token, error);
	return error ? error : check_known_blocks(key, token, blob);
}

/* What is missing is no obstacle: TOKEN_NO_KEY. */
static int find_resident_half(struct token *token,
			      const unsigned char id[PAES_ID_SIZE],
			      token_key *half)
{
	int error = token_find_resident(token, id, half);

	return error == -ENOENT ? 0 : error;
}

static int find_resident(struct xtskey *key, struct token *token,
			 const struct paes_blob_recipient *recipient)
{
	int error = find_resident_half(token, recipient->k1, &key->k1);

	if (!error)
		error = find_resident_half(token, recipient->k2, &key->k2);
	if (error || key->k1 != TOKEN_NO_KEY || key->k2 != TOKEN_NO_KEY)
		return error;
	log_error("token \"%s\": the resident key isn't there: nothing is left to do",
		  token_label(token));
	return -ENOKEY;
}

/* Whether the key has a recipient of this kind: where. */
static const struct paes_blob_recipient *find_wrap(const struct paes_blob *blob,
						   unsigned int wrap)
{
	for (unsigned int i = 0; i < paes_blob_recipients(blob); i++)
		if (blob->recipient[i].wrap == wrap)
			return &blob->recipient[i];
	return NULL;
}

/* Nobody is to believe a key destroyed that is wrapped, too. */
static int refuse_wrapped(const struct paes_blob *blob)
{
	const struct paes_blob_recipient *wrapped =
		find_wrap(blob, PAES_WRAP_AES_KW);
	char id[2 * PAES_ID_SIZE + 1];

	if (!find_wrap(blob, PAES_WRAP_RESIDENT)) {
		log_error("the key is wrapped in the file and resident in no token: to destroy it, destroy all copies of the file and of the LUKS2 headers that have it");
		return -EINVAL;
	}
	if (!wrapped)
		return 0;
	blob_format_id(wrapped->kek_id, id);
	log_error("the key is wrapped in the file as well, and a token with the KEK %s opens it without the resident one: nothing is destroyed; \"paes remove-recipient --kek %s\" first, and destroy all copies of the file as it was, and of LUKS2 headers that have it",
		  id, id);
	return -EBUSY;
}

int xtskey_find_resident(struct xtskey *key, struct token *token,
			 const struct paes_blob *blob)
{
	const struct paes_blob_recipient *recipient;
	int error;

	*key = (struct xtskey){ .resident = true };
	error = blob_check_form(blob, "wrapped key");
	if (!error)
		error = refuse_wrapped(blob);
	if (!error)
		error = find_recipient(token, blob, PAES_WRAP_RESIDENT, &recipient);
	if (!error)
		error = check_mac(token, blob, recipient);
	if (!error)
		error = find_resident(key, token, recipient);
	if (error)
		xtskey_close(key, token);
	return error;
}

/* A resident key may be open once more: in this process, or in another. */
static void close_half(const struct xtskey *key, struct token *token,
		       token_key half)
{
	if (half == TOKEN_NO_KEY)
		return;
	if (key->resident)
		token_forget_key(token, half);
	else
		token_destroy_key(token, half);
}

void xtskey_close(struct xtskey *key, struct token *token)
{
	close_half(key, token, key->k1);
	close_half(key, token, key->k2);
	secret_wipe(key, sizeof(*key));
}

static int destroy_half(const struct xtskey *key, struct token *token,
			token_key half)
{
	if (half == TOKEN_NO_KEY)
		return 0;
	return key->resident ? token_destroy_resident(token, half) :
			       token_destroy_key(token, half);
}

int xtskey_destroy(struct xtskey *key, struct token *token)
{
	int first = destroy_half(key, token, key->k1);
	int second = destroy_half(key, token, key->k2);

	secret_wipe(key, sizeof(*key));
	return first ? first : second;
}
