// SPDX-License-Identifier: GPL-2.0
#include "options.h"
#include "config.h"
#include "exits.h"

#include <argp.h>
#include <errno.h>
#include <limits.h>
#include <linux/paes.h>
#include <stdlib.h>
#include <string.h>

enum {
	KEY_TOKEN = 0x100,
	KEY_PIN_FILE,
	KEY_WORKERS,
	KEY_DEVICE,
	KEY_STATUS_SOCKET,
	KEY_CONTROL_SOCKET,
	KEY_REVOKED,
	KEY_DEBUG,
	KEY_WORKER,
	KEY_CHECK,
	KEY_CHECK_HANDOVER,
	KEY_ADOPT,
	KEY_READABLE,
	KEY_PROBE,
	KEY_ROTATE,
};

const char *argp_program_version = "paesd " PAES_VERSION;

static const char options_doc[] =
	"Serves the kernel's paes cipher with the wrapping keys (KEKs) of PKCS#11 tokens."
	"\v"
	"The PIN is read from the pin-file, else from systemd's credential \"paes-pin\", "
	"else asked for on the terminal.  It is tried once; a refused PIN is never tried again.\n"
	"\n"
	"SIGTERM and SIGINT end paesd; the module holds requests until it is started again.  "
	"SIGHUP has the installed program, with the configuration as it is now, take the place of the running one: "
	"its workers serve on until there are new ones.\n"
	"\n"
	"Exit status:\n"
	"  0  ended by SIGTERM or SIGINT\n"
	"  1  failed\n"
	"  2  the command line or the configuration is wrong\n"
	"  3  PIN refused, and no token left to serve with";

static const struct argp_option options_table[] = {
	{ "config", 'c', "FILE", 0, "tokens to serve with (default " CONFIG_PATH ")", 1 },
	{ "token", KEY_TOKEN, "URI", 0, "serve with this one token (RFC 7512) instead", 1 },
	{ "pin-file", KEY_PIN_FILE, "FILE", 0, "file with the PIN for --token", 1 },
	{ "workers", KEY_WORKERS, "N", 0, "worker processes for --token (default: one for each processor)", 1 },
	{ "rotate", KEY_ROTATE, "WHEN", 0, "another session token for each key of --token after \"requests:N\" or \"seconds:N\", or what comes first if given twice (default seconds:3600; 0 is never)", 1 },
	{ "allow-readable-keys", KEY_READABLE, NULL, 0, "use --token though keys in it can be read", 1 },
	{ "device", KEY_DEVICE, "PATH", 0, "device of the module (default " PAES_DEVICE ")", 2 },
	{ "status-socket", KEY_STATUS_SOCKET, "PATH", 0, "where to tell the status (default " STATUS_SOCKET ")", 2 },
	{ "check", KEY_CHECK, NULL, 0, "only check the configuration, and the file of revoked keys", 2 },
	{ "control-socket", KEY_CONTROL_SOCKET, "PATH", 0, "where \"paes revoke\" and \"paes allow\" come in (default " CONTROL_SOCKET ")", 2 },
	{ "revoked", KEY_REVOKED, "FILE", 0, "which keys are revoked (default " REVOKED_PATH ")", 2 },
	{ "debug", KEY_DEBUG, NULL, 0, "log more", 2 },
	{ "worker", KEY_WORKER, "N", OPTION_HIDDEN, NULL, 0 },
	{ "probe", KEY_PROBE, NULL, OPTION_HIDDEN, NULL, 0 },
	{ "adopt", KEY_ADOPT, "FD", OPTION_HIDDEN, NULL, 0 },
	{ "check-handover", KEY_CHECK_HANDOVER, "FD", OPTION_HIDDEN, NULL, 0 },
	{ 0 },
};

static unsigned int parse_number(const struct argp_state *state,
				 const char *name, const char *text,
				 unsigned long least, unsigned long most)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || value < least ||
	    value > most)
		argp_error(state, "--%s takes a number from %lu to %lu, not \"%s\"",
			   name, least, most, text);
	return (unsigned int)value;
}

static unsigned int parse_count(const struct argp_state *state,
				const char *name, const char *text,
				unsigned long most)
{
	return parse_number(state, name, text, 1, most);
}

static const char *after_prefix(const char *text, const char *prefix)
{
	size_t length = strlen(prefix);

	return strncmp(text, prefix, length) ? NULL : text + length;
}

static void parse_rotate(const struct argp_state *state, const char *text,
			 struct options *options)
{
	const char *requests = after_prefix(text, "requests:");
	const char *seconds = after_prefix(text, "seconds:");

	options->rotates = true;
	if (requests)
		options->rotate.requests = parse_number(state, "rotate requests",
							requests, 0,
							CONFIG_ROTATE_MAX);
	else if (seconds)
		options->rotate.seconds = parse_number(state, "rotate seconds",
						       seconds, 0,
						       CONFIG_ROTATE_MAX);
	else
		argp_error(state, "--rotate takes \"requests:N\" or \"seconds:N\", not \"%s\"",
			   text);
}

static void options_check(const struct argp_state *state,
			  const struct options *options)
{
	if (options->token && options->config)
		argp_error(state, "--token and --config exclude each other");
	if (!options->token && (options->pin_file || options->workers ||
				options->rotates || options->allow_readable))
		argp_error(state, "--pin-file, --workers, --rotate and --allow-readable-keys go with --token; a configuration file has its own");
	if ((options->worker || options->probe) && !options->token)
		argp_error(state, "--worker is for paesd's own use");
}

static void options_complete(struct options *options)
{
	if (!options->config)
		options->config = CONFIG_PATH;
	if (!options->device)
		options->device = PAES_DEVICE;
	if (!options->status_socket)
		options->status_socket = STATUS_SOCKET;
	if (!options->control_socket)
		options->control_socket = CONTROL_SOCKET;
	if (!options->revoked)
		options->revoked = REVOKED_PATH;
	if (!options->rotates)
		options->rotate.seconds = CONFIG_ROTATE_DEFAULT;
}

static error_t options_parse_paths(int key, char *value,
				   struct options *options)
{
	switch (key) {
	case 'c':
		options->config = value;
		return 0;
	case KEY_TOKEN:
		options->token = value;
		return 0;
	case KEY_PIN_FILE:
		options->pin_file = value;
		return 0;
	case KEY_DEVICE:
		options->device = value;
		return 0;
	case KEY_STATUS_SOCKET:
		options->status_socket = value;
		return 0;
	case KEY_CONTROL_SOCKET:
		options->control_socket = value;
		return 0;
	case KEY_REVOKED:
		options->revoked = value;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t options_parse_flags(int key, struct options *options)
{
	switch (key) {
	case KEY_DEBUG:
		options->debug = true;
		return 0;
	case KEY_CHECK:
		options->check = true;
		return 0;
	case KEY_READABLE:
		options->allow_readable = true;
		return 0;
	case KEY_PROBE:
		options->probe = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t options_parse_one(int key, char *value, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case KEY_WORKERS:
		options->workers = parse_count(state, "workers", value,
					       CONFIG_WORKERS_MAX);
		return 0;
	case KEY_WORKER:
		options->worker = parse_count(state, "worker", value,
					      CONFIG_WORKERS_MAX *
					      CONFIG_TOKENS_MAX);
		return 0;
	case KEY_ROTATE:
		parse_rotate(state, value, options);
		return 0;
	case KEY_ADOPT:
		options->adopt = (int)parse_count(state, "adopt", value, INT_MAX);
		return 0;
	case KEY_CHECK_HANDOVER:
		options->check = true;
		options->adopt = (int)parse_count(state, "check-handover", value,
						  INT_MAX);
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "unexpected \"%s\": paesd takes options only",
			   value);
		return 0;
	case ARGP_KEY_END:
		options_check(state, options);
		return 0;
	default:
		if (!options_parse_flags(key, options))
			return 0;
		return options_parse_paths(key, value, options);
	}
}

void options_parse(struct options *options, int argc, char **argv)
{
	static const struct argp argp = {
		.options = options_table,
		.parser = options_parse_one,
		.doc = options_doc,
	};

	*options = (struct options){ 0 };
	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, options);
	options_complete(options);
}
