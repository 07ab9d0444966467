/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Workers that the program before this one left (handover.h).  They serve on
 * until a worker of this one can take an elder's place; each that isn't needed
 * any more is asked to end, and is killed when it doesn't.  An elder that dies
 * before isn't replaced: its successor is on the way.
 */
#ifndef PAESD_ELDERS_H
#define PAESD_ELDERS_H

#include "handover.h"

#include <stdbool.h>
#include <systemd/sd-event.h>

struct supervisor;
struct elder;

struct elders {
	struct supervisor *supervisor;
	sd_event *event;
	struct elder *first;
};

/* What the supervisor is told: one of them has ended. */
void supervisor_elder_ended(struct supervisor *supervisor);

/* Takes charge of those that were left. */
void elders_adopt(struct elders *elders, const struct handover *handover);
void elders_free(struct elders *elders);

/* And of those that this paesd leaves in turn; 0 or -errno. */
int elders_leave(const struct elders *elders, struct handover *handover);

/* So many of a token's may stay, the others end. */
void elders_keep(struct elders *elders, const char *uri, unsigned int count);

/* Those of all tokens that `is_wanted` doesn't want end. */
void elders_keep_tokens(struct elders *elders,
			bool (*is_wanted)(void *context, const char *uri),
			void *context);

/* For SIGCHLD: one that ended is looked at again (process.h). */
void elders_watch_again(const struct elders *elders);

/* All end; or are killed. */
void elders_stop(struct elders *elders, int signal_number);
unsigned int elders_alive(const struct elders *elders);

#endif
