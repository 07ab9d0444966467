// SPDX-License-Identifier: GPL-2.0
#include "seal.h"

#include "blob.h"
#include "log.h"
#include "output.h"
#include "session.h"
#include "user.h"

#include <errno.h>
#include <stdio.h>

/* What cryptsetup --key-size wants: the size of a wrapped key in bits. */
enum { KEY_SIZE = PAES_BLOB_SIZE * 8 };

static int refuse_unwrapping(struct token *token)
{
	if (token_wraps(token))
		return 0;
	log_error("token \"%s\" doesn't wrap keys (CKM_AES_KEY_WRAP), or what is between doesn't let it: use --resident, which keeps the key in the token",
		  token_label(token));
	return -EOPNOTSUPP;
}

int seal_open_tokens(struct session_tokens *all, const struct token_options *from,
		     const struct seal_options *options)
{
	int error = session_open_all(all, from, &options->recipients,
				     options->resident ? user_act_as : NULL,
				     options->user);

	for (unsigned int i = 0; !error && !options->resident && i < all->count; i++)
		error = refuse_unwrapping(all->tokens[i]);
	return error;
}

int seal_try(struct token *token, const struct paes_blob *blob)
{
	struct xtskey key;
	int error = xtskey_open(&key, token, blob);

	if (!error)
		xtskey_close(&key, token);
	return error;
}

static struct json_object *describe_recipients(const struct paes_blob *blob,
					       const struct session_tokens *all)
{
	struct json_object *recipients = json_object_new_array();

	for (unsigned int i = 0; i < all->count; i++) {
		struct json_object *recipient = json_object_new_object();

		output_add_text(recipient, "token", token_label(all->tokens[i]));
		output_add_hex(recipient, "kek_id", blob->recipient[i].kek_id,
			       PAES_ID_SIZE);
		json_object_array_add(recipients, recipient);
	}
	return recipients;
}

static struct json_object *describe(const struct paes_blob *blob,
				    const struct session_tokens *all,
				    const char *path)
{
	struct json_object *result = json_object_new_object();

	output_add_text(result, "blob", path);
	output_add_text(result, "token", token_label(all->tokens[0]));
	output_add_hex(result, "kek_id", blob->recipient[0].kek_id, PAES_ID_SIZE);
	output_add_hex(result, "key_id", blob->key_id, PAES_ID_SIZE);
	output_add_recipient(result, &blob->recipient[0]);
	output_add_number(result, "key_bits", paes_blob_le16(&blob->key_bits));
	output_add_number(result, "cryptsetup_key_size", KEY_SIZE);
	if (all->count > 1)
		output_add(result, "recipients", describe_recipients(blob, all));
	return result;
}

static void print_use(const char *path)
{
	CLEANUP(free) char *word = output_shell_word(path);

	if (!word)
		return;
	printf("\nA LUKS2 volume with this key (its passphrase then guards the wrapped key):\n"
	       "  cryptsetup luksFormat --type luks2 --cipher paes-xts-plain64 --key-size %d --sector-size 4096 --volume-key-file %s DEVICE\n"
	       "  cryptsetup open DEVICE NAME\n"
	       "Without --volume-key-file cryptsetup makes up a random key that no token opens.\n"
	       "\nThe same without a header on the disk:\n"
	       "  cryptsetup open --type plain --cipher paes-xts-plain64 --key-size %d --sector-size 4096 --key-file %s DEVICE NAME\n",
	       KEY_SIZE, word, KEY_SIZE, word);
}

/* The token is another user's, the file the caller's. */
static int write_blob(const struct paes_blob *blob,
		      const struct seal_options *options)
{
	int error = user_act_as_caller();

	if (!error)
		error = blob_write(blob, options->output, options->force);
	if (error && options->resident)
		user_act_as(options->user);
	return error;
}

int seal_for(const struct xtskey *key, struct token *from, struct token *to,
	     const char *hex, struct paes_blob *blob)
{
	unsigned char kek[PAES_ID_SIZE];
	struct xtskey moved;
	int error = session_choose_kek(to, hex, kek);

	if (!error)
		error = xtskey_move(key, from, to, &moved);
	if (error)
		return error;
	error = xtskey_add_recipient(&moved, to, kek, blob);
	xtskey_close(&moved, to);
	return error ? error : seal_try(to, blob);
}

static int seal(const struct xtskey *key, const struct session_tokens *all,
		const unsigned char kek[PAES_ID_SIZE], unsigned int bits,
		unsigned int flags, const struct seal_options *options,
		struct paes_blob *blob)
{
	struct token *first = all->tokens[0];
	int error = xtskey_seal(key, first, kek, bits, flags, blob);

	/* Now, not when there is data under it. */
	if (!error)
		error = seal_try(first, blob);
	for (unsigned int i = 1; !error && i < all->count; i++)
		error = seal_for(key, first, all->tokens[i],
				 options->recipients.peers[i - 1].kek, blob);
	return error ? error : write_blob(blob, options);
}

static void print_result(const struct session_tokens *all,
			 const struct paes_blob *blob,
			 const struct seal_options *options, bool json)
{
	CLEANUP(json) struct json_object *result =
		describe(blob, all, options->output);

	output_print(result, json);
	if (!json)
		print_use(options->output);
	/* A signal that is held ends the program before it does this itself. */
	fflush(stdout);
	if (options->resident)
		log_warning("%s is no backup of this key, which is in token \"%s\" only: have the token's own backup made before there is data under it",
			    options->output, token_label(all->tokens[0]));
}

int seal_key(struct xtskey *key, const struct session_tokens *all,
	     const unsigned char kek[PAES_ID_SIZE], unsigned int bits,
	     unsigned int flags, const struct seal_options *options, bool json)
{
	struct paes_blob blob;
	int error = seal(key, all, kek, bits, flags, options, &blob);

	if (error) {
		xtskey_destroy(key, all->tokens[0]);
		return error;
	}
	xtskey_close(key, all->tokens[0]);
	print_result(all, &blob, options, json);
	return 0;
}
