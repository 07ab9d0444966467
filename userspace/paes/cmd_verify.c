// SPDX-License-Identifier: GPL-2.0
#include "cmd.h"

#include "blob.h"
#include "output.h"
#include "plain.h"
#include "session.h"
#include "xtskey.h"

#include <stdio.h>

struct verify_options {
	struct token_options token;
	const char *blob;
};

static error_t parse(int key, char *value, struct argp_state *state)
{
	struct verify_options *options = state->input;

	if (key != ARGP_KEY_INIT)
		return options_blob(key, value, state, &options->blob);
	state->child_inputs[0] = &options->token;
	return 0;
}

static const struct argp_child children[] = {
	{ &token_options_argp, 0, "", 1 },
	{ 0 }
};

static const struct argp argp = {
	.parser = parse,
	.children = children,
	.args_doc = "BLOB",
	.doc = "Opens a wrapped key in the token as a disk would: checks its authenticator, unwraps it or finds it there, and has it encrypt a known block."
	       "\v"
	       "Each configured token is asked until one has the KEK.  BLOB may be \"-\" for standard input.\n"
	       CMD_EXIT_CODES,
};

static void report(struct token *token, const struct paes_blob *blob,
		   const struct verify_options *options)
{
	CLEANUP(json) struct json_object *result = NULL;
	char id[2 * PAES_ID_SIZE + 1];

	blob_format_id(blob->key_id, id);
	if (!options->token.json) {
		printf("this blob opens in token \"");
		plain_print(token_label(token));
		printf("\", key id %s\n", id);
		return;
	}
	result = json_object_new_object();
	output_add(result, "opens", json_object_new_boolean(true));
	output_add_text(result, "token", token_label(token));
	output_add_text(result, "key_id", id);
	output_print(result, true);
}

int cmd_verify(int argc, char **argv)
{
	struct verify_options options = { .token = TOKEN_OPTIONS_DEFAULTS };
	CLEANUP(token) struct token *token = NULL;
	struct paes_blob blob;
	struct xtskey key;

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	if (session_open_having(&token, &options.token, &blob, options.blob) ||
	    xtskey_open(&key, token, &blob))
		return EXIT_FAILED;
	xtskey_close(&key, token);
	report(token, &blob, &options);
	return EXIT_OK;
}
