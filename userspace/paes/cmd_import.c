// SPDX-License-Identifier: GPL-2.0
#include "cmd.h"

#include "hold.h"
#include "keyfile.h"
#include "log.h"
#include "seal.h"

#include <string.h>

struct import_options {
	struct token_options token;
	struct seal_options seal;
	const char *key_file;
};

enum { KEY_KEY_FILE = 0x200 };

static error_t parse(int key, char *value, struct argp_state *state)
{
	struct import_options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->seal;
		state->child_inputs[1] = &options->token;
		return 0;
	case KEY_KEY_FILE:
		options->key_file = value;
		return 0;
	case ARGP_KEY_END:
		if (!options->key_file)
			argp_error(state, "--key-file FILE is missing: expected the key to wrap");
		return 0;
	default:
		return options_no_argument(key, value, state);
	}
}

static const struct argp_option list[] = {
	{ "key-file", KEY_KEY_FILE, "FILE", 0,
	  "The key in the clear: 32 or 64 raw bytes, K1 then K2, as dm-crypt takes them; \"-\" is standard input", 0 },
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
	.doc = "Wraps an AES-XTS key that exists already, such as that of a volume to be moved."
	       "\v"
	       "Such a key was once outside the token, and the wrapped key says so.  Prefer \"paes generate\".\n"
	       CMD_EXIT_CODES,
};

static int make_key(struct xtskey *key, struct token *token,
		    const struct secret *clear, unsigned int bits,
		    const struct import_options *options)
{
	return options->seal.resident ?
	       xtskey_import_resident(key, token, clear->bytes, bits) :
	       xtskey_import(key, token, clear->bytes, bits);
}

static int import(const struct session_tokens *all, const struct secret *clear,
		  const struct import_options *options)
{
	unsigned int bits = (unsigned int)clear->size * 8 / 2;
	unsigned char kek[PAES_ID_SIZE];
	struct xtskey key;
	int error = session_choose_kek(all->tokens[0], options->seal.kek, kek);

	if (!error)
		error = make_key(&key, all->tokens[0], clear, bits, options);
	return error ? error :
	       seal_key(&key, all, kek, bits, PAES_BLOB_F_IMPORTED,
			&options->seal, options->token.json);
}

static void remind(const char *path)
{
	if (strcmp(path, "-"))
		log_warning("%s still holds the key in the clear: destroy it and its copies (shred -u) once the wrapped key is known to work",
			    path);
	else
		log_warning("the key came in the clear from standard input: destroy it where it came from");
}

/* No Ctrl-C is to leave a resident key that no file names. */
static int import_whole(const struct session_tokens *all,
			const struct secret *clear,
			const struct import_options *options)
{
	struct hold hold;
	int error;

	hold_begin(&hold);
	error = import(all, clear, options);
	if (!error)
		remind(options->key_file);
	hold_end(&hold);
	return error;
}

int cmd_import(int argc, char **argv)
{
	struct import_options options = { .token = TOKEN_OPTIONS_DEFAULTS };
	CLEANUP(secret) struct secret *clear = NULL;
	CLEANUP(session_tokens) struct session_tokens all = { .count = 0 };

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	if (keyfile_read(options.key_file, &clear) || !clear ||
	    seal_open_tokens(&all, &options.token, &options.seal) ||
	    import_whole(&all, clear, &options))
		return EXIT_FAILED;
	return EXIT_OK;
}
