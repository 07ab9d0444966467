/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a process that stands under block I/O asks of the system.
 */
#ifndef PAESD_PROCESS_H
#define PAESD_PROCESS_H

#include "log.h"

/* No core dumps, no tracing by the same user: for supervisor and workers. */
void process_guard(void);

/*
 * For workers: die with the supervisor, which is at the other end of `channel`
 * (-ESRCH: it died already); and let go of the supervisor's terminal signals.
 */
int process_follow(int channel);

/*
 * Memory reclaim never waits for I/O that this process would have to do,
 * nothing is swapped out, and the OOM killer looks elsewhere.  The supervisor
 * needs it too: it replaces workers while the disk that they serve waits.
 * What the system refuses is logged at `complain`, with what is missing.
 */
void process_serve_io(enum log_level complain);

#endif
