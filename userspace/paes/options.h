/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Options that several subcommands have in common, as argp(3) children.
 */
#ifndef PAES_OPTIONS_H
#define PAES_OPTIONS_H

#include <argp.h>
#include <stdbool.h>

/* Which token, and how the result is printed. */
struct token_options {
	const char *token;	/* NULL: the configuration file's */
	const char *pin_file;	/* NULL: the configuration file's, see pin.h */
	const char *config;
	bool json;
};

/* Where a wrapped key goes, and under which KEK. */
struct seal_options {
	const char *output;
	const char *kek;	/* hexadecimal; NULL: the only one there is */
	bool force;
};

/* Their input is the struct; set before argp_parse() by the defaults. */
extern const struct argp token_options_argp;
extern const struct argp seal_options_argp;

#define TOKEN_OPTIONS_DEFAULTS { .config = CONFIG_PATH }

#endif
