// SPDX-License-Identifier: GPL-2.0
#include "cmd.h"

#include "hold.h"
#include "seal.h"

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
	default:
		return options_no_argument(key, value, state);
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
	       "The wrapped key is opened once in the token before it is written.  Keep a copy: without it the volume is lost.  A resident key is lost with the token, too.\n"
	       CMD_EXIT_CODES,
};

static int make_key(struct xtskey *key, struct token *token,
		    const struct generate_options *options)
{
	return options->seal.resident ?
	       xtskey_generate_resident(key, token, options->bits) :
	       xtskey_generate(key, token, options->bits);
}

static int generate(const struct session_tokens *all,
		    const struct generate_options *options)
{
	unsigned char kek[PAES_ID_SIZE];
	struct xtskey key;
	int error = session_choose_kek(all->tokens[0], options->seal.kek, kek);

	if (!error)
		error = make_key(&key, all->tokens[0], options);
	return error ? error : seal_key(&key, all, kek, options->bits, 0,
					&options->seal, options->token.json);
}

/* No Ctrl-C is to leave a resident key that no file names. */
static int generate_whole(const struct session_tokens *all,
			  const struct generate_options *options)
{
	struct hold hold;
	int error;

	hold_begin(&hold);
	error = generate(all, options);
	hold_end(&hold);
	return error;
}

int cmd_generate(int argc, char **argv)
{
	struct generate_options options = {
		.token = TOKEN_OPTIONS_DEFAULTS,
		.bits = 256,
	};
	CLEANUP(session_tokens) struct session_tokens all = { .count = 0 };

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	if (seal_open_tokens(&all, &options.token, &options.seal) ||
	    generate_whole(&all, &options))
		return EXIT_FAILED;
	return EXIT_OK;
}
