// SPDX-License-Identifier: GPL-2.0
#include "seal.h"

#include "blob.h"
#include "output.h"

#include <stdio.h>

/* What cryptsetup --key-size wants: the size of a wrapped key in bits. */
enum { KEY_SIZE = PAES_BLOB_SIZE * 8 };

static int open_once(struct token *token, const struct paes_blob *blob)
{
	struct xtskey key;
	int error = xtskey_open(&key, token, blob);

	if (!error)
		xtskey_close(&key, token);
	return error;
}

static struct json_object *describe(const struct paes_blob *blob,
				    struct token *token, const char *path)
{
	struct json_object *result = json_object_new_object();

	output_add_text(result, "blob", path);
	output_add_text(result, "token", token_label(token));
	output_add_hex(result, "kek_id", blob->recipient[0].kek_id, PAES_ID_SIZE);
	output_add_hex(result, "key_id", blob->key_id, PAES_ID_SIZE);
	output_add_number(result, "key_bits", paes_blob_le16(&blob->key_bits));
	output_add_number(result, "cryptsetup_key_size", KEY_SIZE);
	return result;
}

static void print_use(const char *path)
{
	printf("\nA LUKS2 volume with this key (its passphrase then guards the wrapped key):\n"
	       "  cryptsetup luksFormat --type luks2 --cipher paes-xts-plain64 --key-size %d --sector-size 4096 --volume-key-file %s DEVICE\n"
	       "  cryptsetup open DEVICE NAME\n"
	       "Without --volume-key-file cryptsetup makes up a random key that no token opens.\n"
	       "\nThe same without a header on the disk:\n"
	       "  cryptsetup open --type plain --cipher paes-xts-plain64 --key-size %d --sector-size 4096 --key-file %s DEVICE NAME\n",
	       KEY_SIZE, path, KEY_SIZE, path);
}

int seal_key(const struct xtskey *key, struct token *token,
	     const unsigned char kek[PAES_ID_SIZE], unsigned int bits,
	     unsigned int flags, const struct seal_options *options, bool json)
{
	CLEANUP(json) struct json_object *result = NULL;
	struct paes_blob blob;
	int error = xtskey_seal(key, token, kek, bits, flags, &blob);

	/* Now, not when there is data under it. */
	if (!error)
		error = open_once(token, &blob);
	if (!error)
		error = blob_write(&blob, options->output, options->force);
	if (error)
		return error;
	result = describe(&blob, token, options->output);
	output_print(result, json);
	if (!json)
		print_use(options->output);
	return 0;
}
