// SPDX-License-Identifier: GPL-2.0
/* Who may open a wrapped key: "add-recipient" and "remove-recipient". */
#include "cmd.h"

#include "blob.h"
#include "keyfile.h"
#include "log.h"
#include "output.h"
#include "rewrite.h"
#include "seal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct recipient_options {
	struct token_options token;
	struct peer_options recipients;
	const char *key_file;
	const char *kek;
	const char *path;
	bool json;
};

enum { KEY_KEY_FILE = 0x200, KEY_KEK, KEY_JSON };

/* BLOB is replaced: said now, not after a PIN was asked for. */
static error_t parse_blob(int key, char *value, struct argp_state *state,
			  struct recipient_options *options)
{
	if (key == ARGP_KEY_ARG && !strcmp(value, "-"))
		argp_error(state, "BLOB: found \"-\" (standard input), expected a file, to replace it");
	return options_blob(key, value, state, &options->path);
}

static error_t parse_add(int key, char *value, struct argp_state *state)
{
	struct recipient_options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->recipients;
		state->child_inputs[1] = &options->token;
		return 0;
	case KEY_KEY_FILE:
		options->key_file = value;
		return 0;
	case ARGP_KEY_END:
		if (!options->recipients.count)
			argp_error(state, "--recipient URI is missing: expected the token to add");
		return parse_blob(key, value, state, options);
	default:
		return parse_blob(key, value, state, options);
	}
}

static const struct argp_option add_list[] = {
	{ "key-file", KEY_KEY_FILE, "FILE", 0,
	  "The key in the clear, as \"import\" was given it, for a KEK that lets no key go to another token; \"-\" is standard input", 0 },
	{ 0 }
};

static const struct argp_child add_children[] = {
	{ &recipient_options_argp, 0, "", 1 },
	{ &token_options_argp, 0, "", 2 },
	{ 0 }
};

static const struct argp add_argp = {
	.options = add_list,
	.parser = parse_add,
	.children = add_children,
	.args_doc = "BLOB",
	.doc = "Wraps the key in BLOB for a further token, so that either opens it.  The token that opens it now is needed, too."
	       "\v"
	       "A KEK that \"paes init\" made lets no key go to another token, where the token enforces that: then this works only with --key-file, and for new keys there is \"paes generate --recipient\".  BLOB is replaced by a file with the same key; a LUKS2 header keeps the one that it was made with.\n"
	       CMD_EXIT_CODES,
};

static error_t parse_remove(int key, char *value, struct argp_state *state)
{
	struct recipient_options *options = state->input;

	switch (key) {
	case KEY_KEK:
		options->kek = value;
		return 0;
	case KEY_JSON:
		options->json = true;
		return 0;
	case ARGP_KEY_END:
		if (!options->kek)
			argp_error(state, "--kek ID is missing: expected the KEK to remove");
		return parse_blob(key, value, state, options);
	default:
		return parse_blob(key, value, state, options);
	}
}

static const struct argp_option remove_list[] = {
	{ "kek", KEY_KEK, "ID", 0, "The recipient to remove, by its KEK", 0 },
	{ "json", KEY_JSON, NULL, 0, "Print the result as JSON", 0 },
	{ 0 }
};

static const struct argp remove_argp = {
	.options = remove_list,
	.parser = parse_remove,
	.args_doc = "BLOB",
	.doc = "Takes a recipient out of BLOB.  No token is needed."
	       "\v"
	       "Copies of BLOB as it was, such as in a LUKS2 header, can still be opened by that token.\n"
	       CMD_EXIT_CODES,
};

static void report(const struct paes_blob *blob, const char *path, bool json)
{
	CLEANUP(json) struct json_object *result = json_object_new_object();
	struct json_object *recipients = json_object_new_array();

	for (unsigned int i = 0; i < paes_blob_recipients(blob); i++) {
		struct json_object *recipient = json_object_new_object();

		output_add_hex(recipient, "kek_id", blob->recipient[i].kek_id,
			       PAES_ID_SIZE);
		output_add_recipient(recipient, &blob->recipient[i]);
		json_object_array_add(recipients, recipient);
	}
	output_add_text(result, "blob", path);
	output_add_hex(result, "key_id", blob->key_id, PAES_ID_SIZE);
	output_add(result, "recipients", recipients);
	output_print(result, json);
	log_warning("a LUKS2 header made with %s holds it as it was: see paes(1) for how to renew one",
		    path);
}

static int check_size(const struct paes_blob *blob, const struct secret *clear)
{
	unsigned int bits = paes_blob_le16(&blob->key_bits);

	if (clear->size * 8 == 2 * bits)
		return 0;
	log_error("the key file has %zu bytes, expected the %u of this blob's key",
		  clear->size, 2 * bits / 8);
	return -EINVAL;
}

/* As a key of the first token's session that can be moved on. */
static int open_key(struct xtskey *key, struct token *token,
		    const struct paes_blob *blob, const struct secret *clear)
{
	int error = clear ? check_size(blob, clear) : 0;

	/* It vouches for the header, which a new recipient takes as it is. */
	if (!error && clear)
		error = seal_try(token, blob);
	if (error)
		return error;
	return clear ? xtskey_import(key, token, clear->bytes,
				     paes_blob_le16(&blob->key_bits)) :
		       xtskey_open_movable(key, token, blob);
}

static int add(const struct session_tokens *all, const struct peer_options *to,
	       const struct secret *clear, struct paes_blob *blob)
{
	struct token *first = all->tokens[0];
	struct xtskey key;
	int error = open_key(&key, first, blob, clear);

	if (error)
		return error;
	for (unsigned int i = 1; !error && i < all->count; i++)
		error = seal_for(&key, first, all->tokens[i],
				 to->peers[i - 1].kek, blob);
	xtskey_close(&key, first);
	return error;
}

int cmd_add_recipient(int argc, char **argv)
{
	struct recipient_options options = { .token = TOKEN_OPTIONS_DEFAULTS };
	CLEANUP(session_tokens) struct session_tokens all = { .count = 0 };
	CLEANUP(secret) struct secret *clear = NULL;
	CLEANUP(rewrite) struct rewrite rewrite = REWRITE_NONE;
	struct paes_blob blob;

	argp_parse(&add_argp, argc, argv, 0, NULL, &options);
	if (rewrite_begin(&rewrite, options.path))
		return EXIT_FAILED;
	blob = rewrite.found;
	if ((options.key_file && keyfile_read(options.key_file, &clear)) ||
	    session_open_all(&all, &options.token, &options.recipients, NULL,
			     NULL) ||
	    add(&all, &options.recipients, clear, &blob) ||
	    rewrite_end(&rewrite, &blob))
		return EXIT_FAILED;
	report(&blob, options.path, options.token.json);
	return EXIT_OK;
}

static int remove_kek(struct paes_blob *blob, const char *hex)
{
	unsigned char kek[PAES_ID_SIZE];

	if (blob_parse_id(hex, kek))
		return xtskey_remove_recipient(blob, kek);
	log_error("--kek: found \"%s\", expected the %d hexadecimal digits that \"paes inspect\" prints",
		  hex, 2 * PAES_ID_SIZE);
	return -EINVAL;
}

int cmd_remove_recipient(int argc, char **argv)
{
	struct recipient_options options = { .path = NULL };
	CLEANUP(rewrite) struct rewrite rewrite = REWRITE_NONE;
	struct paes_blob blob;

	argp_parse(&remove_argp, argc, argv, 0, NULL, &options);
	if (rewrite_begin(&rewrite, options.path))
		return EXIT_FAILED;
	blob = rewrite.found;
	if (remove_kek(&blob, options.kek) || rewrite_end(&rewrite, &blob))
		return EXIT_FAILED;
	report(&blob, options.path, options.json);
	return EXIT_OK;
}
