/* SPDX-License-Identifier: GPL-2.0 */
/*
 * All workers of one token, and when to start which.
 *
 * The PIN: at most one worker of a token is logging in at any time.  So a PIN
 * that is wrong, or became wrong, costs one try of the few that a token
 * allows; nothing of that token is started after it.  As long as the PIN has
 * never been accepted, a login that ended without a verdict (the worker died
 * in it) may have cost a try too: two of those, and the token is given up.
 *
 * The rest: a worker that dies is replaced at once, then after a growing
 * pause, until it has served for a while.
 */
#ifndef PAESD_POOL_H
#define PAESD_POOL_H

#include "child.h"
#include "config.h"

enum pool_state {
	POOL_STARTING,
	POOL_SERVING,		/* by one worker at least */
	POOL_PIN_REFUSED,
	POOL_FAILED,		/* last_error of the workers says why */
};

struct supervisor;

struct pool {
	struct supervisor *supervisor;
	sd_event *event;
	sd_event_source *timer;
	const struct options *options;
	const struct config_token *token;
	struct secret *pin;
	char label[REPORT_LABEL_SIZE];
	unsigned int kek_count;
	unsigned char keks[PAES_SERVE_MAX][PAES_ID_SIZE];
	bool attempted;		/* one worker became ready or died */
	bool proved;		/* the token took the PIN once */
	bool refused;		/* and this time it didn't: never again */
	bool stopping;
	unsigned int unanswered; /* logins without a verdict, in a row */
	unsigned int count;
	struct child *children;
};

/* What the supervisor is told: something about this pool changed. */
void supervisor_pool_changed(struct supervisor *supervisor);

/* Gets the PIN.  `first` numbers the workers.  0 or -errno after logging. */
int pool_setup(struct pool *pool, struct supervisor *supervisor,
	       sd_event *event, const struct options *options,
	       const struct config_token *token, unsigned int first);
void pool_free(struct pool *pool);

/* Starts the next worker that is due, if one may be started now. */
void pool_advance(struct pool *pool);

/* Kills workers whose token doesn't answer; to be called now and then. */
void pool_check_pulses(struct pool *pool);

/* No more starts; the signal goes to every worker there is. */
void pool_stop(struct pool *pool, int signal_number);

enum pool_state pool_state(const struct pool *pool);
const char *pool_state_name(const struct pool *pool);
unsigned int pool_serving(const struct pool *pool);	/* workers */
unsigned int pool_alive(const struct pool *pool);	/* processes */

/* False when nothing will ever be served by it again. */
bool pool_usable(const struct pool *pool);

#endif
