// SPDX-License-Identifier: GPL-2.0
#include "options.h"

#include "config.h"
#include "user.h"

#include <linux/paes_blob.h>

/* Long options without a letter: above all characters. */
enum {
	KEY_TOKEN = 0x100,
	KEY_PIN_FILE,
	KEY_CONFIG,
	KEY_JSON,
	KEY_READABLE,
	KEY_KEK,
	KEY_FORCE,
	KEY_RESIDENT,
	KEY_USER,
	KEY_RECIPIENT,
	KEY_RECIPIENT_PIN_FILE,
	KEY_RECIPIENT_KEK,
};

enum { RECIPIENTS_MAX = PAES_BLOB_RECIPIENTS - 1 };	/* besides the first */

error_t options_no_argument(int key, const char *value, struct argp_state *state)
{
	if (key != ARGP_KEY_ARG)
		return ARGP_ERR_UNKNOWN;
	argp_error(state, "unexpected argument \"%s\"", value);
	return 0;
}

error_t options_blob(int key, char *value, struct argp_state *state,
		     const char **blob)
{
	switch (key) {
	case ARGP_KEY_ARG:
		if (*blob)
			argp_error(state, "unexpected argument \"%s\"", value);
		*blob = value;
		return 0;
	case ARGP_KEY_END:
		if (!*blob)
			argp_error(state, "BLOB is missing: expected a wrapped key's file");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

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
	case KEY_READABLE:
		options->allow_readable = true;
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
	{ "allow-readable-keys", KEY_READABLE, NULL, 0,
	  "Use a token though keys in it can be read (see \"paes token\")", 0 },
	{ 0 }
};

const struct argp token_options_argp = {
	.options = token_list,
	.parser = parse_token,
};

void peer_options_add(struct peer_options *peers, const char *token,
		      unsigned int max, struct argp_state *state)
{
	if (peers->count == max)
		argp_error(state, "\"%s\": expected no more than %u further tokens",
			   token, max);
	peers->peers[peers->count++] = (struct peer){ .token = token };
}

struct peer *peer_options_last(struct peer_options *peers,
			       struct argp_state *state)
{
	if (!peers->count)
		argp_error(state, "expected the URI of the token before the options that belong to it");
	return &peers->peers[peers->count - 1];
}

static error_t parse_recipient(int key, char *value, struct argp_state *state)
{
	struct peer_options *recipients = state->input;

	switch (key) {
	case KEY_RECIPIENT:
		peer_options_add(recipients, value, RECIPIENTS_MAX, state);
		return 0;
	case KEY_RECIPIENT_PIN_FILE:
		peer_options_last(recipients, state)->pin_file = value;
		return 0;
	case KEY_RECIPIENT_KEK:
		peer_options_last(recipients, state)->kek = value;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option recipient_list[] = {
	{ "recipient", KEY_RECIPIENT, "URI", 0,
	  "Wrap the key for a KEK of this token, too: either opens it then.  May be given twice", 0 },
	{ "recipient-pin-file", KEY_RECIPIENT_PIN_FILE, "FILE", 0,
	  "The PIN of the recipient named before; else that of the configured token with this URI, the systemd credential paes-pin, or the terminal", 0 },
	{ "recipient-kek", KEY_RECIPIENT_KEK, "ID", 0,
	  "Its KEK, needed when it has several", 0 },
	{ 0 }
};

const struct argp recipient_options_argp = {
	.options = recipient_list,
	.parser = parse_recipient,
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
	case KEY_RESIDENT:
		options->resident = true;
		return 0;
	case KEY_USER:
		options->user = value;
		return 0;
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->recipients;
		return 0;
	case ARGP_KEY_END:
		if (options->resident && options->recipients.count)
			argp_error(state, "--resident: the key stays in one token, expected no --recipient");
		if (!options->output)
			argp_error(state, "-o BLOB is missing: expected the file to write");
		if (options->user && !options->resident)
			argp_error(state, "--user: expected --resident as well, nothing else stays in the token");
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
	{ "resident", KEY_RESIDENT, NULL, 0,
	  "The key stays in the token, and BLOB only names it: for tokens that can't unwrap.  It needs the token's own backup", 0 },
	{ "user", KEY_USER, "NAME", 0,
	  "Make a resident key as this user, who then owns its files in the token; for root the default is paesd's user, \"" USER_OF_PAESD "\", where there is one", 0 },
	{ 0 }
};

static const struct argp_child seal_children[] = {
	{ &recipient_options_argp, 0, NULL, 0 },
	{ 0 }
};

const struct argp seal_options_argp = {
	.options = seal_list,
	.parser = parse_seal,
	.children = seal_children,
};
