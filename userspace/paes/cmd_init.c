// SPDX-License-Identifier: GPL-2.0
#include "cmd.h"

#include "log.h"
#include "output.h"
#include "session.h"

#include <stdio.h>

struct init_options {
	struct token_options token;
	bool another;
};

enum { KEY_NEW = 0x200 };

static error_t parse(int key, char *value, struct argp_state *state)
{
	struct init_options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->token;
		return 0;
	case KEY_NEW:
		options->another = true;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "unexpected argument \"%s\"", value);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option list[] = {
	{ "new", KEY_NEW, NULL, 0,
	  "Make another KEK though the token has one; \"generate\" and \"import\" then need --kek", 0 },
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
	.doc = "Makes a key-encryption key (KEK) and the authenticator beside it in the token."
	       "\v"
	       "Neither can be read out of the token.  Whoever loses them loses every wrapped key made under them: use the token's own means of backup.\n"
	       CMD_EXIT_CODES,
};

static int refuse_second(struct token *token, const struct init_options *options)
{
	unsigned char ids[1][PAES_ID_SIZE];
	int count = token_list_keks(token, ids, 1);

	if (count <= 0 || options->another)
		return count < 0 ? count : 0;
	log_error("token \"%s\" has %d KEK%s already: nothing is left to do, or --new makes another",
		  token_label(token), count, count == 1 ? "" : "s");
	return -1;
}

static int make_kek(struct token *token, bool json)
{
	CLEANUP(json) struct json_object *result = NULL;
	unsigned char id[PAES_ID_SIZE];
	bool enforced = false;

	if (token_random(token, id, sizeof(id)) ||
	    token_create_kek(token, id, &enforced))
		return EXIT_FAILED;
	result = json_object_new_object();
	output_add_text(result, "token", token_label(token));
	output_add_hex(result, "kek_id", id, sizeof(id));
	output_add(result, "restrictions_enforced",
		   json_object_new_boolean(enforced));
	output_print(result, json);
	if (!enforced)
		log_warning("token \"%s\" doesn't enforce the restrictions of the KEK: whoever has its PIN and a wrapped key can read the key in it",
			    token_label(token));
	return EXIT_OK;
}

int cmd_init(int argc, char **argv)
{
	struct init_options options = { .token = TOKEN_OPTIONS_DEFAULTS };
	CLEANUP(token) struct token *token = NULL;

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	if (session_open_first(&token, &options.token) ||
	    refuse_second(token, &options))
		return EXIT_FAILED;
	return make_kek(token, options.token.json);
}
