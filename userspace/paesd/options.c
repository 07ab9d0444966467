// SPDX-License-Identifier: GPL-2.0
#include "options.h"
#include "config.h"
#include "exits.h"
#include "spin.h"

#include <argp.h>
#include <errno.h>
#include <stdlib.h>

enum {
	KEY_TOKEN = 0x100,
	KEY_PIN_FILE,
	KEY_WORKERS,
	KEY_DEVICE,
	KEY_STATUS_SOCKET,
	KEY_DEBUG,
	KEY_WORKER,
};

const char *argp_program_version = "paesd " PAES_VERSION;

static const char options_doc[] =
	"Serves the kernel's paes cipher with the wrapping keys (KEKs) of PKCS#11 tokens."
	"\v"
	"The PIN is read from the pin-file, else from systemd's credential \"paes-pin\", "
	"else asked for on the terminal.  It is tried once; a refused PIN is never tried again.\n"
	"\n"
	"SIGTERM and SIGINT end paesd.  A change of the configuration takes a restart, which loses nothing: "
	"the module holds requests until the new workers are there.\n"
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
	{ "device", KEY_DEVICE, "PATH", 0, "device of the module (default " PAES_DEVICE ")", 2 },
	{ "status-socket", KEY_STATUS_SOCKET, "PATH", 0, "where to tell the status (default " STATUS_SOCKET ")", 2 },
	{ "debug", KEY_DEBUG, NULL, 0, "log more", 2 },
	{ "worker", KEY_WORKER, "N", OPTION_HIDDEN, NULL, 0 },
	{ 0 },
};

static unsigned int parse_count(const struct argp_state *state,
				const char *name, const char *text,
				unsigned long most)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || !value || value > most)
		argp_error(state, "--%s takes a number from 1 to %lu, not \"%s\"",
			   name, most, text);
	return (unsigned int)value;
}

static void options_check(const struct argp_state *state,
			  const struct options *options)
{
	if (options->token && options->config)
		argp_error(state, "--token and --config exclude each other");
	if (!options->token && (options->pin_file || options->workers))
		argp_error(state, "--pin-file and --workers go with --token; a configuration file has its own");
	if (options->worker && !options->token)
		argp_error(state, "--worker is for paesd's own use");
}

static unsigned int default_workers(void)
{
	unsigned int processors = spin_processors();

	return processors < CONFIG_WORKERS_MAX ? processors : CONFIG_WORKERS_MAX;
}

static void options_complete(struct options *options)
{
	if (!options->config)
		options->config = CONFIG_PATH;
	if (!options->device)
		options->device = PAES_DEVICE;
	if (!options->status_socket)
		options->status_socket = STATUS_SOCKET;
	if (!options->workers)
		options->workers = default_workers();
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
	case KEY_DEBUG:
		options->debug = true;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "unexpected \"%s\": paesd takes options only",
			   value);
		return 0;
	case ARGP_KEY_END:
		options_check(state, options);
		return 0;
	default:
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
