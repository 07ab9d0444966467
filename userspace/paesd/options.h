/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PAESD_OPTIONS_H
#define PAESD_OPTIONS_H

#include <stdbool.h>

#define STATUS_SOCKET	"/run/paes/paesd.sock"

struct options {
	const char *config;
	const char *token;		/* instead of a configuration file */
	const char *pin_file;
	unsigned int workers;
	const char *device;
	const char *status_socket;
	bool debug;
	unsigned int worker;		/* not 0: this is worker number so-and-so */
};

/* Ends the program with EXIT_USAGE, or after --help, as argp does. */
void options_parse(struct options *options, int argc, char **argv);

#endif
