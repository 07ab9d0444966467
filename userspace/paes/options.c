// SPDX-License-Identifier: GPL-2.0
#include "options.h"

#include "config.h"

/* Long options without a letter: above all characters. */
enum {
	KEY_TOKEN = 0x100,
	KEY_PIN_FILE,
	KEY_CONFIG,
	KEY_JSON,
	KEY_KEK,
	KEY_FORCE,
};

static error_t parse_token(int key, char *value, struct argp_state *state)
{
	struct token_options *options = state->input;

	switch (key) {
	case KEY_TOKEN:
		options->token = value;
		return 0;
	case KEY_PIN_FILE:
		options->pin_file = value;
		return 0;
	case KEY_CONFIG:
		options->config = value;
		return 0;
	case KEY_JSON:
		options->json = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option token_list[] = {
	{ "token", KEY_TOKEN, "URI", 0,
	  "The token, as a PKCS#11 URI (RFC 7512), instead of the configured one", 0 },
	{ "pin-file", KEY_PIN_FILE, "FILE", 0,
	  "The token's PIN is the one line of FILE; else the configured file, the systemd credential paes-pin, or the terminal", 0 },
	{ "config", KEY_CONFIG, "FILE", 0,
	  "Configuration instead of " CONFIG_PATH, 0 },
	{ "json", KEY_JSON, NULL, 0, "Print the result as JSON", 0 },
	{ 0 }
};

const struct argp token_options_argp = {
	.options = token_list,
	.parser = parse_token,
};

static error_t parse_seal(int key, char *value, struct argp_state *state)
{
	struct seal_options *options = state->input;

	switch (key) {
	case 'o':
		options->output = value;
		return 0;
	case KEY_KEK:
		options->kek = value;
		return 0;
	case KEY_FORCE:
		options->force = true;
		return 0;
	case ARGP_KEY_END:
		if (!options->output)
			argp_error(state, "-o BLOB is missing: expected the file to write");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option seal_list[] = {
	{ "output", 'o', "BLOB", 0, "Write the wrapped key to this new file", 0 },
	{ "kek", KEY_KEK, "ID", 0,
	  "Wrap under this KEK, needed when the token has several", 0 },
	{ "force", KEY_FORCE, NULL, 0,
	  "Replace BLOB when it exists, and write where others may read it", 0 },
	{ 0 }
};

const struct argp seal_options_argp = {
	.options = seal_list,
	.parser = parse_seal,
};
