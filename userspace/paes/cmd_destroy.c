// SPDX-License-Identifier: GPL-2.0
#include "cmd.h"

#include "blob.h"
#include "log.h"
#include "output.h"
#include "session.h"
#include "xtskey.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct destroy_options {
	struct token_options token;
	const char *blob;
	bool yes;
};

enum { KEY_YES = 0x200 };

static error_t parse(int key, char *value, struct argp_state *state)
{
	struct destroy_options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->token;
		return 0;
	case KEY_YES:
		options->yes = true;
		return 0;
	default:
		return options_blob(key, value, state, &options->blob);
	}
}

static const struct argp_option list[] = {
	{ "yes", KEY_YES, NULL, 0, "Don't ask", 0 },
	{ 0 }
};

static const struct argp_child children[] = {
	{ &token_options_argp, 0, "", 1 },
	{ 0 }
};

static const struct argp argp = {
	.options = list,
	.parser = parse,
	.children = children,
	.args_doc = "BLOB",
	.doc = "Destroys a resident key in its token.  All data encrypted under it is lost, on every volume and in every backup of one."
	       "\v"
	       "Only a key whose wrapped key is genuine is destroyed, and only in the first configured token that has it; copies in the token's own backup stay.  Close its volumes first.  BLOB stays, too, good for nothing.\n"
	       CMD_EXIT_CODES,
};

/* As cryptsetup asks; one word in capitals isn't typed by accident. */
static bool confirm(struct token *token, const char *id,
		    const struct destroy_options *options)
{
	char answer[16] = "";

	if (options->yes)
		return true;
	if (!isatty(STDIN_FILENO)) {
		log_error("not confirmed: there is no terminal to ask at, and --yes wasn't given");
		return false;
	}
	log_warning("this destroys key %s in token \"%s\": all data encrypted under it is lost for ever",
		    id, token_label(token));
	fputs("Type YES to go on: ", stderr);
	if (fgets(answer, sizeof(answer), stdin) && !strcmp(answer, "YES\n"))
		return true;
	log_error("not confirmed: nothing is done");
	return false;
}

static void report(struct token *token, const char *id, bool json)
{
	CLEANUP(json) struct json_object *result = json_object_new_object();

	output_add(result, "destroyed", json_object_new_boolean(true));
	output_add_text(result, "token", token_label(token));
	output_add_text(result, "key_id", id);
	output_print(result, json);
}

static int destroy(struct token *token, const struct paes_blob *blob,
		   const struct destroy_options *options)
{
	char id[2 * PAES_ID_SIZE + 1];
	struct xtskey key;

	blob_format_id(blob->key_id, id);
	if (xtskey_find_resident(&key, token, blob))
		return EXIT_FAILED;
	if (!confirm(token, id, options)) {
		xtskey_close(&key, token);
		return EXIT_FAILED;
	}
	if (xtskey_destroy(&key, token))
		return EXIT_FAILED;
	report(token, id, options->token.json);
	return EXIT_OK;
}

int cmd_destroy(int argc, char **argv)
{
	struct destroy_options options = { .token = TOKEN_OPTIONS_DEFAULTS };
	CLEANUP(token) struct token *token = NULL;
	struct paes_blob blob;

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	if (session_open_having(&token, &options.token, &blob, options.blob))
		return EXIT_FAILED;
	return destroy(token, &blob, &options);
}
