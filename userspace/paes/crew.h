/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Several processes at one token, as paesd's workers are: do they help?  Each
 * is this program started anew, with a login of its own; one that has a module
 * loaded is never forked.  So the caller has closed its token.
 */
#ifndef PAES_CREW_H
#define PAES_CREW_H

#include "secret.h"

/* Bytes a second by `count` of them together; 0 or -errno, logged. */
int crew_measure(const char *uri, const struct secret *pin, unsigned int count,
		 double *rate);

/* What each of them runs, with the other end as standard input. */
int crew_member(const char *uri);

#endif
