/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The process that systemd sees: one pool of workers for each token, signals,
 * the status.  It holds the PINs, so that workers can be replaced, and never
 * loads a token module.
 */
#ifndef PAESD_SUPERVISOR_H
#define PAESD_SUPERVISOR_H

#include "pool.h"
#include "status.h"

struct supervisor {
	const struct options *options;
	sd_event *event;
	sd_event_source *kill_timer;
	sd_event_source *pulse_timer;
	struct status_server *status;
	bool announced;		/* READY=1 */
	bool stopping;
	char told[128];		/* the last STATUS= */
	unsigned int count;
	struct pool pools[CONFIG_TOKENS_MAX];
};

/* The exit status. */
int supervisor_run(const struct options *options, const struct config *config);

#endif
