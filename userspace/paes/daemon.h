/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What paesd says over its sockets; paesd/status.h and paesd/control.h have
 * the forms.
 */
#ifndef PAES_DAEMON_H
#define PAES_DAEMON_H

#include "jsonfile.h"

#define DAEMON_STATUS	"/run/paes/paesd.sock"
#define DAEMON_CONTROL	"/run/paes/control.sock"

/* Its status, from the socket below `root`; NULL with errno. */
struct json_object *daemon_status(const char *root);

/*
 * Has it carry out a request, which may take until its workers have heeded it.
 * NULL with errno: ENOENT or ECONNREFUSED when there is no daemon, EPROTO for
 * an answer that is none, ENODATA when it ended without one.
 */
struct json_object *daemon_command(const char *path,
				   struct json_object *request);

#endif
