/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The process that systemd sees: one pool of workers for each token, signals,
 * the status.  It holds the PINs, so that workers can be replaced, and never
 * loads a token module.
 */
#ifndef PAESD_SUPERVISOR_H
#define PAESD_SUPERVISOR_H

#include "control.h"
#include "elders.h"
#include "pool.h"
#include "revocation.h"
#include "status.h"

struct supervisor {
	const struct options *options;
	sd_event *event;
	sd_event_source *kill_timer;
	sd_event_source *pulse_timer;
	struct status_server *status;
	struct control_server *control;
	struct revocation revocation;
	bool announced;		/* READY=1 */
	bool stopping;
	bool checking;		/* whether there could be a successor */
	bool succeeded;		/* as soon as nobody is logging in */
	struct handover *handover; /* from a predecessor; NULL: none */
	struct elders elders;
	char told[128];		/* the last STATUS= */
	unsigned int count;
	struct pool pools[CONFIG_TOKENS_MAX];
};

/* Exit statuses.  What a start with these options would read is right, or not. */
int supervisor_check(const struct options *options, const struct config *config);
int supervisor_run(const struct options *options, const struct config *config);

#endif
