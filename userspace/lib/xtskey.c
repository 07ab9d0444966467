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

/* The end of each way to a key: all or nothing. */
static int finish(struct xtskey *key, struct token *token, int error)
{
	if (!error)
		error = find_known_blocks(key, token);
	if (!error)
		error = refuse_same_keys(key);
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

static int fill_recipient(const struct xtskey *key, struct token *token,
			  const unsigned char kek[PAES_ID_SIZE],
			  unsigned int bits, struct paes_blob *blob)
{
	struct paes_blob_recipient *recipient = &blob->recipient[0];
	unsigned char message[PAES_BLOB_HEADER + PAES_BLOB_MAC_COVERS];
	int error;

	memcpy(recipient->kek_id, kek, PAES_ID_SIZE);
	recipient->wrap = PAES_WRAP_AES_KW;
	error = token_wrap_key(token, kek, key->k1, recipient->k1, bits / 8);
	if (!error)
		error = token_wrap_key(token, kek, key->k2, recipient->k2,
				       bits / 8);
	if (error)
		return error;
	mac_message(blob, recipient, message);
	return token_mac(token, kek, message, sizeof(message), recipient->mac);
}

/* `what` heads the message. */
static int check_form(const struct paes_blob *blob, const char *what)
{
	enum paes_blob_fault fault = paes_blob_check(blob, sizeof(*blob));
	char text[256];

	if (!fault)
		return 0;
	blob_explain(fault, blob, sizeof(*blob), text, sizeof(text));
	log_error("%s: %s", what, text);
	return -EINVAL;
}

int xtskey_seal(const struct xtskey *key, struct token *token,
		const unsigned char kek[PAES_ID_SIZE], unsigned int bits,
		unsigned int flags, struct paes_blob *blob)
{
	int error = refuse_bits(bits);

	if (!error)
		error = fill_header(key, token, bits, flags, blob);
	if (!error)
		error = fill_recipient(key, token, kek, bits, blob);
	if (!error)
		error = check_form(blob, "the token made a wrapped key that is not well-formed");
	if (error)
		memset(blob, 0, sizeof(*blob));
	return error;
}

/* The first recipient whose KEK the token has. */
static int find_recipient(struct token *token, const struct paes_blob *blob,
			  const struct paes_blob_recipient **recipient)
{
	char id[2 * PAES_ID_SIZE + 1];

	for (unsigned int i = 0; i < paes_blob_recipients(blob); i++) {
		int found;

		*recipient = &blob->recipient[i];
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

static int unwrap(struct xtskey *key, struct token *token,
		  const struct paes_blob *blob,
		  const struct paes_blob_recipient *recipient)
{
	unsigned int size = paes_blob_le16(&blob->key_bits) / 8;
	int error = token_unwrap_key(token, recipient->kek_id, recipient->k1,
				     size, &key->k1);

	if (error)
		return error;
	return token_unwrap_key(token, recipient->kek_id, recipient->k2, size,
				&key->k2);
}

static int check_known_blocks(struct xtskey *key, struct token *token,
			      const struct paes_blob *blob)
{
	if (paes_blob_equal(key->known1, blob->verify, PAES_AES_BLOCK) &&
	    paes_blob_equal(key->known2, blob->verify + PAES_AES_BLOCK,
			    PAES_AES_BLOCK))
		return 0;
	log_error("token \"%s\": the unwrapped key is not the one the blob names: the known block comes out differently",
		  token_label(token));
	xtskey_close(key, token);
	return -EKEYREJECTED;
}

int xtskey_open(struct xtskey *key, struct token *token,
		const struct paes_blob *blob)
{
	const struct paes_blob_recipient *recipient;
	int error;

	*key = (struct xtskey){ .k1 = TOKEN_NO_KEY };
	error = check_form(blob, "wrapped key");
	if (!error)
		error = find_recipient(token, blob, &recipient);
	if (!error)
		error = check_mac(token, blob, recipient);
	if (error)
		return error;
	error = finish(key, token, unwrap(key, token, blob, recipient));
	return error ? error : check_known_blocks(key, token, blob);
}

void xtskey_close(struct xtskey *key, struct token *token)
{
	if (key->k1 != TOKEN_NO_KEY)
		token_destroy_key(token, key->k1);
	if (key->k2 != TOKEN_NO_KEY)
		token_destroy_key(token, key->k2);
	secret_wipe(key, sizeof(*key));
}
