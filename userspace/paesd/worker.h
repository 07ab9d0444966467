/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One worker process: one token session, one provider, one thread.  It is the
 * same program, started by exec: a token module must never see a fork.
 */
#ifndef PAESD_WORKER_H
#define PAESD_WORKER_H

#include "options.h"

/* The exit status: see exits.h. */
int worker_run(const struct options *options);

#endif
