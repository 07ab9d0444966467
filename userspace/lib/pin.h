/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where the PIN of a token comes from.  Never a command line, never the
 * environment, never a log.
 */
#ifndef PAES_PIN_H
#define PAES_PIN_H

#include "secret.h"

/*
 * The PIN, without a trailing newline; the first of these that applies:
 *   `file`	a path (NULL: none); a file that others can read is warned of
 *   credential	systemd's $CREDENTIALS_DIRECTORY/paes-pin (systemd.exec(5))
 *   terminal	asked for on /dev/tty without echo, with `label` in the prompt
 * NULL after logging what was tried and what to do; an empty PIN is refused,
 * since some tokens count it as a wrong one.
 */
struct secret *pin_get(const char *file, const char *label);

#endif
