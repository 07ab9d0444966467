/* SPDX-License-Identifier: GPL-2.0 */
/*
 * /etc/paes/paes.json, read by paes and paesd:
 *
 *	{ "tokens": [ { "uri": "pkcs11:token=paes?module-path=/usr/lib/...so",
 *			"pin-file": "/etc/paes/pin",
 *			"workers": 2 } ] }
 *
 * "uri" (RFC 7512) is required; "pin-file" may be left out (see pin.h),
 * "workers" defaults to the number of online processors.  A name that is not
 * listed here is an error that names it: a typing mistake must not pass.
 */
#ifndef PAES_CONFIG_H
#define PAES_CONFIG_H

#define CONFIG_PATH	"/etc/paes/paes.json"

enum {
	CONFIG_TOKENS_MAX	= 16,
	CONFIG_WORKERS_MAX	= 256,
};

struct config_token {
	char *uri;
	char *pin_file;		/* NULL: none */
	unsigned int workers;
};

struct config {
	unsigned int count;
	struct config_token tokens[CONFIG_TOKENS_MAX];
};

/* 0, or -errno after logging the file, the place in it and what is wrong. */
int config_load(struct config *config, const char *path);

/* One token given on the command line instead of a file.  Copies its strings. */
int config_single(struct config *config, const char *uri, const char *pin_file,
		  unsigned int workers);
void config_free(struct config *config);

static inline void cleanup_config(struct config *config)
{
	config_free(config);
}

#endif
