// SPDX-License-Identifier: GPL-2.0
#include "config.h"
#include "exits.h"
#include "log.h"
#include "options.h"
#include "process.h"
#include "successor.h"
#include "supervisor.h"
#include "worker.h"

#include <fcntl.h>

static void setup_log(const struct options *options)
{
	static char name[32] = "paesd";

	if (options->worker)
		snprintf(name, sizeof(name), "paesd worker %u", options->worker);
	log_setup(name, options->debug ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
}

static int load_config(struct config *config, const struct options *options)
{
	int error;

	if (!options->token)
		return config_load(config, options->config);
	error = config_single(config, options->token, options->pin_file,
			      options->workers);
	config->tokens[0].rotate = options->rotate;
	config->tokens[0].allow_readable = options->allow_readable;
	return error;
}

/* A descriptor that paesd opens must not become somebody's standard output. */
static void fill_standard_fds(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	CLEANUP(config) struct config config = { 0 };
	struct options options;

	successor_remember(argv);
	fill_standard_fds();
	options_parse(&options, argc, argv);
	setup_log(&options);
	process_guard();
	if (options.worker)
		return worker_run(&options);
	if (load_config(&config, &options) < 0)
		return EXIT_USAGE;
	if (options.check)
		return supervisor_check(&options, &config);
	return supervisor_run(&options, &config);
}
