/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where the PIN of a token comes from.  Never a command line, never the
 * environment, never a log.
 */
#ifndef PAES_PIN_H
#define PAES_PIN_H

#include "secret.h"

#include <stdbool.h>

/*
 * The PIN, without a trailing newline.  With `file`, the first of these that
 * applies:
 *   credential	systemd's $CREDENTIALS_DIRECTORY/NAME (systemd.exec(5)), NAME
 *		being the last part of `file`: how a service that isn't root
 *		gets what only root may read
 *   file	one that others can read is warned of
 * Without (NULL):
 *   credential	$CREDENTIALS_DIRECTORY/paes-pin
 *   terminal	asked for on /dev/tty without echo, with `label` in the prompt
 * NULL after logging what was tried and what to do; an empty PIN is refused,
 * since some tokens count it as a wrong one.
 */
struct secret *pin_get(const char *file, const char *label);

/* Would it be asked for at the terminal? */
bool pin_is_asked_for(const char *file);

#endif
