// SPDX-License-Identifier: GPL-2.0
#include "cmd.h"

#include "blob.h"
#include "log.h"
#include "output.h"
#include "session.h"
#include "xtskey.h"

#include <errno.h>
#include <stdio.h>

struct verify_options {
	struct token_options token;
	const char *blob;
};

static error_t parse(int key, char *value, struct argp_state *state)
{
	struct verify_options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->token;
		return 0;
	case ARGP_KEY_ARG:
		if (options->blob)
			argp_error(state, "unexpected argument \"%s\"", value);
		options->blob = value;
		return 0;
	case ARGP_KEY_END:
		if (!options->blob)
			argp_error(state, "BLOB is missing: expected a wrapped key's file");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = {
	{ &token_options_argp, 0, "", 1 },
	{ 0 }
};

static const struct argp argp = {
	.parser = parse,
	.children = children,
	.args_doc = "BLOB",
	.doc = "Opens a wrapped key in the token as a disk would: checks its authenticator, unwraps it, and has it encrypt a known block."
	       "\v"
	       "Each configured token is asked until one has the KEK.  BLOB may be \"-\" for standard input.\n"
	       CMD_EXIT_CODES,
};

enum answer {
	OPENS,
	REFUSED,	/* it has the KEK, and a message says what is wrong */
	NOT_THIS_ONE,	/* can't be asked, or has no KEK of it */
};

/* 1, 0 or -errno; quiet about a token that has none, for the next may. */
static int has_recipient(struct token *token, const struct paes_blob *blob)
{
	int found = 0;

	for (unsigned int i = 0; !found && i < paes_blob_recipients(blob); i++)
		found = token_has_kek(token, blob->recipient[i].kek_id);
	return found;
}

static void report(struct token *token, const struct paes_blob *blob,
		   const struct verify_options *options)
{
	CLEANUP(json) struct json_object *result = NULL;
	char id[2 * PAES_ID_SIZE + 1];

	blob_format_id(blob->key_id, id);
	if (!options->token.json) {
		printf("this blob opens in token \"%s\", key id %s\n",
		       token_label(token), id);
		return;
	}
	result = json_object_new_object();
	output_add(result, "opens", json_object_new_boolean(true));
	output_add_text(result, "token", token_label(token));
	output_add_text(result, "key_id", id);
	output_print(result, true);
}

static enum answer open_in(const struct config_token *from,
			   const struct paes_blob *blob,
			   const struct verify_options *options)
{
	CLEANUP(token) struct token *token = NULL;
	struct xtskey key;

	if (session_open(&token, from) || has_recipient(token, blob) <= 0)
		return NOT_THIS_ONE;
	if (xtskey_open(&key, token, blob))
		return REFUSED;
	xtskey_close(&key, token);
	report(token, blob, options);
	return OPENS;
}

/* A token that can't be opened doesn't end the search, but is told of. */
static int open_in_any(const struct config *config, const struct paes_blob *blob,
		       const struct verify_options *options)
{
	char id[2 * PAES_ID_SIZE + 1];

	for (unsigned int i = 0; i < config->count; i++) {
		enum answer answer = open_in(&config->tokens[i], blob, options);

		if (answer != NOT_THIS_ONE)
			return answer == OPENS ? EXIT_OK : EXIT_FAILED;
	}
	blob_format_id(blob->recipient[0].kek_id, id);
	log_error("%s: no token that could be asked has its KEK (%s%s)",
		  options->blob, id,
		  paes_blob_recipients(blob) > 1 ? " or the others'" : "");
	return EXIT_FAILED;
}

static int check_form(const struct paes_blob *blob, const char *path)
{
	enum paes_blob_fault fault = paes_blob_check(blob, sizeof(*blob));
	char text[256];

	if (!fault)
		return 0;
	blob_explain(fault, blob, sizeof(*blob), text, sizeof(text));
	log_error("%s: %s", path, text);
	return -EINVAL;
}

int cmd_verify(int argc, char **argv)
{
	struct verify_options options = { .token = TOKEN_OPTIONS_DEFAULTS };
	CLEANUP(config) struct config config = { .count = 0 };
	struct paes_blob blob;

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	if (blob_read(&blob, options.blob) || check_form(&blob, options.blob) ||
	    session_config(&config, &options.token))
		return EXIT_FAILED;
	return open_in_any(&config, &blob, &options);
}
