/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a process that stands under block I/O asks of the system.
 */
#ifndef PAESD_PROCESS_H
#define PAESD_PROCESS_H

#include "log.h"

#include <spawn.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

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

/* Starts `path` with no signal blocked or ignored; `actions` may be NULL.  0 or -errno. */
int process_spawn(pid_t *pid, const char *path,
		  const posix_spawn_file_actions_t *actions, char *const argv[]);

/*
 * Once it ended, a child that is being traced is its tracer's first, and sd_event,
 * which looks once, sees none: look again.  For SIGCHLD, which comes when the
 * tracer (a debugger, LeakSanitizer) has let go of it.  NULL is fine.
 */
void process_watch_again(sd_event_source *on_exit);

/*
 * For workers, after process_serve_io() and before a token's module is loaded:
 * no capabilities, for good.  Root keeps what it has: a paesd started by hand
 * may need it for the token's files.
 */
void process_drop_rights(void);

#endif
