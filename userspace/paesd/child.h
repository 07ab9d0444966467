/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One worker process, as the supervisor sees it: start, reports, end.  What
 * to make of them is the pool's business.
 */
#ifndef PAESD_CHILD_H
#define PAESD_CHILD_H

#include "channel.h"
#include "config.h"
#include "options.h"
#include "pulse.h"

#include <sys/types.h>
#include <systemd/sd-event.h>

enum child_state {
	CHILD_WAITING,		/* no process; to be started when the pool may */
	CHILD_STARTING,		/* logging in */
	CHILD_SERVING,
};

enum {
	CHILD_ERROR_SIZE = 192,
};

struct pool;

struct child {
	struct pool *pool;
	unsigned int number;		/* from 1, over all tokens */
	enum child_state state;
	uint64_t since;			/* of this state, in us */
	unsigned int restarts;
	bool opened;			/* the token took its PIN */
	uint32_t told, heeded;		/* sets of revoked keys; 0: none yet */
	unsigned int closed;		/* keys, by the last of these */
	int error;			/* that it reported; 0: none */
	char last_error[CHILD_ERROR_SIZE];
	pid_t pid;
	int channel;
	struct pulse *pulse;
	struct figures past;		/* of its former processes */
	sd_event_source *on_report;
	sd_event_source *on_exit;
};

/* What the pool is told. */
void pool_child_reported(struct child *child, const struct report *report);
void pool_child_exited(struct child *child, const siginfo_t *info);

/* What it is started for. */
struct child_task {
	const struct config_token *token;
	const struct secret *pin;
	bool probe;			/* it finds out what the token does */
};

/* Starts the process and hands it the PIN; 0 or -errno after logging. */
int child_start(struct child *child, sd_event *event,
		const struct options *options, const struct child_task *task);
void child_kill(const struct child *child, int signal_number);

/* Adds what it and its former processes have asked of the token. */
void child_add_figures(const struct child *child, struct figures *sum);

/* "exited with 5, as SoftHSM does ...", "killed by signal 9 (Killed)" */
void child_explain_exit(const siginfo_t *info, char *text, size_t size);
const char *child_state_name(const struct child *child);

#endif
