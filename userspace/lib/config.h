/* SPDX-License-Identifier: GPL-2.0 */
/*
 * /etc/paes/paes.json, read by paes and paesd:
 *
 *	{ "tokens": [ { "uri": "pkcs11:token=paes?module-path=/usr/lib/...so",
 *			"pin-file": "/etc/paes/pin",
 *			"workers": 2,
 *			"call-seconds": 60,
 *			"rotate": { "requests": 0, "seconds": 3600 },
 *			"allow-readable-keys": false } ] }
 *
 * "uri" (RFC 7512) is required, none twice; "pin-file" may be left out (pin.h),
 * "workers" defaults to the number of online processors.  "call-seconds" is how
 * long the token may take for a batch of requests, from CONFIG_CALL_MIN: a
 * worker that waits longer is killed and replaced (default 60).  "rotate" says
 * after how many requests, or how long, whichever is first, the module is given
 * another session token for a key (linux/paes.h); 0 is never.
 * "allow-readable-keys" has a token used whose keys can be read (probe.h; default
 * false).  A name that is not listed here is an error that names it: a typing
 * mistake must not pass.
 */
#ifndef PAES_CONFIG_H
#define PAES_CONFIG_H

#include <stdbool.h>

#define CONFIG_PATH	"/etc/paes/paes.json"

enum {
	CONFIG_TOKENS_MAX	= 16,
	CONFIG_WORKERS_MAX	= 256,
	/* More than an idle worker's longest silence, RING_WAIT_MS. */
	CONFIG_CALL_MIN		= 15,
	CONFIG_CALL_DEFAULT	= 60,
	CONFIG_CALL_MAX		= 3600,
	CONFIG_ROTATE_DEFAULT	= 3600,		/* seconds */
	CONFIG_ROTATE_MAX	= 1000000000,	/* of both */
};

/* When a session token is followed by another; 0 is never. */
struct rotation {
	unsigned int requests;
	unsigned int seconds;
};

struct config_token {
	char *uri;
	char *pin_file;		/* NULL: none */
	unsigned int workers;
	unsigned int call_seconds;
	struct rotation rotate;
	bool allow_readable;
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
