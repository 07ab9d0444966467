// SPDX-License-Identifier: GPL-2.0
#include "session.h"

#include "blob.h"
#include "log.h"
#include "pin.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int override_pin_file(struct config *config, const char *pin_file)
{
	char *copy = strdup(pin_file);

	if (!copy) {
		config_free(config);
		return -ENOMEM;
	}
	free(config->tokens[0].pin_file);
	config->tokens[0].pin_file = copy;
	return 0;
}

int session_config(struct config *config, const struct token_options *options)
{
	int error;

	if (options->token)
		return config_single(config, options->token, options->pin_file, 1);
	error = config_load(config, options->config);
	if (!error && options->pin_file)
		error = override_pin_file(config, options->pin_file);
	return error;
}

int session_open(struct token **token, const struct config_token *from)
{
	CLEANUP(secret) struct secret *pin = NULL;

	/* Before the PIN is asked for: a URI is wrong more often than a PIN. */
	if (token_check_uri(from->uri))
		return -EINVAL;
	pin = pin_get(from->pin_file, from->uri);
	if (!pin)
		return -EACCES;
	return token_open(token, from->uri, pin);
}

int session_open_first(struct token **token, const struct token_options *options)
{
	CLEANUP(config) struct config config = { .count = 0 };
	int error = session_config(&config, options);

	return error ? error : session_open(token, &config.tokens[0]);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static int parse_id(const char *hex, unsigned char id[PAES_ID_SIZE])
{
	if (strlen(hex) != 2 * PAES_ID_SIZE ||
	    strspn(hex, "0123456789abcdefABCDEF") != 2 * PAES_ID_SIZE) {
		log_error("--kek: found \"%s\", expected the %d hexadecimal digits that \"paes init\" printed",
			  hex, 2 * PAES_ID_SIZE);
		return -EINVAL;
	}
	for (unsigned int i = 0; i < PAES_ID_SIZE; i++)
		id[i] = (unsigned char)(hex_digit(hex[2 * i]) << 4 |
					hex_digit(hex[2 * i + 1]));
	return 0;
}

static int choose_named(struct token *token, const char *hex,
			unsigned char id[PAES_ID_SIZE])
{
	int found = parse_id(hex, id);

	if (found)
		return found;
	found = token_has_kek(token, id);
	if (found < 0)
		return found;
	if (!found)
		log_error("token \"%s\" has no KEK %s: \"paes init\" makes one",
			  token_label(token), hex);
	return found ? 0 : -ENOENT;
}

static void list_choice(struct token *token, unsigned char ids[][PAES_ID_SIZE],
			int count)
{
	char text[2 * PAES_ID_SIZE + 1];

	log_error("token \"%s\" has %d KEKs: choose one by --kek",
		  token_label(token), count);
	for (int i = 0; i < count && i < SESSION_KEKS_MAX; i++) {
		blob_format_id(ids[i], text);
		log_error("  there is: --kek %s", text);
	}
}

int session_choose_kek(struct token *token, const char *hex,
		       unsigned char id[PAES_ID_SIZE])
{
	unsigned char ids[SESSION_KEKS_MAX][PAES_ID_SIZE];
	int count;

	if (hex)
		return choose_named(token, hex, id);
	count = token_list_keks(token, ids, SESSION_KEKS_MAX);
	if (count < 0)
		return count;
	if (count == 1) {
		memcpy(id, ids[0], PAES_ID_SIZE);
		return 0;
	}
	if (!count)
		log_error("token \"%s\" has no KEK yet: run \"paes init\" first",
			  token_label(token));
	else
		list_choice(token, ids, count);
	return count ? -ENOTUNIQ : -ENOENT;
}
