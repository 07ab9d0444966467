/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PAESD_OPTIONS_H
#define PAESD_OPTIONS_H

#include <stdbool.h>

#include "config.h"
#include "revoked.h"

#define STATUS_SOCKET	"/run/paes/paesd.sock"
#define CONTROL_SOCKET	"/run/paes/control.sock"

struct options {
	const char *config;
	const char *token;		/* instead of a configuration file */
	const char *pin_file;
	unsigned int workers;
	const char *device;
	const char *status_socket;
	const char *control_socket;
	const char *revoked;
	bool debug;
	bool check;			/* only what it would start with */
	int adopt;			/* descriptor of a handover.h; 0: none */
	struct rotation rotate;
	bool rotates;			/* `rotate` was given */
	bool allow_readable;		/* keys that the token leaves so */
	unsigned int worker;		/* not 0: this is worker number so-and-so */
	bool probe;			/* which looks at the token first */
};

/* Ends the program with EXIT_USAGE, or after --help, as argp does. */
void options_parse(struct options *options, int argc, char **argv);

#endif
