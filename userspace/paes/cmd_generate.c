// SPDX-License-Identifier: GPL-2.0
#include "cmd.h"

#include "seal.h"
#include "session.h"

#include <string.h>

struct generate_options {
	struct token_options token;
	struct seal_options seal;
	unsigned int bits;
};

enum { KEY_BITS = 0x200 };

static void parse_bits(struct argp_state *state, const char *value,
		       unsigned int *bits)
{
	if (!strcmp(value, "128"))
		*bits = 128;
	else if (!strcmp(value, "256"))
		*bits = 256;
	else
		argp_error(state, "--bits: found \"%s\", expected 128 or 256",
			   value);
}

static error_t parse(int key, char *value, struct argp_state *state)
{
	struct generate_options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->seal;
		state->child_inputs[1] = &options->token;
		return 0;
	case KEY_BITS:
		parse_bits(state, value, &options->bits);
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "unexpected argument \"%s\"", value);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option list[] = {
	{ "bits", KEY_BITS, "128|256", 0,
	  "AES-128 or AES-256; the XTS key is twice that (default: 256)", 0 },
	{ 0 }
};

static const struct argp_child children[] = {
	{ &seal_options_argp, 0, "", 1 },
	{ &token_options_argp, 0, "", 2 },
	{ 0 }
};

static const struct argp argp = {
	.options = list,
	.parser = parse,
	.children = children,
	.doc = "Makes a new AES-XTS key inside the token and writes it wrapped: the key itself never leaves the token."
	       "\v"
	       "The wrapped key is opened once in the token before it is written.  Keep a copy: without it the volume is lost.\n"
	       CMD_EXIT_CODES,
};

static int generate(struct token *token, const struct generate_options *options)
{
	unsigned char kek[PAES_ID_SIZE];
	struct xtskey key;
	int error = session_choose_kek(token, options->seal.kek, kek);

	if (!error)
		error = xtskey_generate(&key, token, options->bits);
	if (error)
		return error;
	error = seal_key(&key, token, kek, options->bits, 0, &options->seal,
			 options->token.json);
	xtskey_close(&key, token);
	return error;
}

int cmd_generate(int argc, char **argv)
{
	struct generate_options options = {
		.token = TOKEN_OPTIONS_DEFAULTS,
		.bits = 256,
	};
	CLEANUP(token) struct token *token = NULL;

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	if (session_open_first(&token, &options.token) ||
	    generate(token, &options))
		return EXIT_FAILED;
	return EXIT_OK;
}
