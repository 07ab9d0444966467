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
 * The rest: a worker that dies is replaced at once.  While workers die soon, no
 * other starts until a growing pause is over: what ails one may ail all.
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
	struct secret *pin;	/* NULL: none could be read, nothing starts */
	char label[REPORT_LABEL_SIZE];
	unsigned int kek_count;
	unsigned char keks[PAES_SERVE_MAX][PAES_ID_SIZE];
	bool attempted;		/* one worker became ready or died */
	bool proved;		/* the token took the PIN once */
	bool refused;		/* and this time it didn't: never again */
	bool stopping;
	unsigned int unanswered; /* logins without a verdict, in a row */
	uint64_t delay;		/* in us: after the next that ends */
	uint64_t due;		/* in us: no worker starts before */
	unsigned int count;
	struct child *children;
};

/* What the supervisor is told: something about this pool changed. */
void supervisor_pool_changed(struct supervisor *supervisor);

/* It waits to be told which keys are revoked; it heeded it. */
void supervisor_child_asks(struct supervisor *supervisor, struct child *child);
void supervisor_child_heeded(struct supervisor *supervisor);

/* `first` numbers the workers.  0 or -errno after logging. */
int pool_setup(struct pool *pool, struct supervisor *supervisor,
	       sd_event *event, const struct options *options,
	       const struct config_token *token, unsigned int first);
void pool_free(struct pool *pool);

/*
 * Gets the PIN from where it is configured to be; `inherited`, which may be
 * NULL and is the pool's from here, does when that fails or somebody would have
 * to type it again.  `refused`, too, is the one that the token refused before:
 * it isn't tried again.  Without any, or with that, the pool isn't usable, which
 * is logged.
 */
void pool_get_pin(struct pool *pool, struct secret *inherited,
		  struct secret *refused);

/* Starts the next worker, if one may be started now. */
void pool_advance(struct pool *pool);

/* Kills workers whose token doesn't answer; to be called now and then. */
void pool_check_pulses(struct pool *pool);

/* For SIGCHLD: a worker that ended is looked at again (process.h). */
void pool_watch_again(const struct pool *pool);

/* No more starts; the signal goes to every worker there is. */
void pool_stop(struct pool *pool, int signal_number);

enum pool_state pool_state(const struct pool *pool);
const char *pool_state_name(const struct pool *pool);
unsigned int pool_serving(const struct pool *pool);	/* workers */
unsigned int pool_alive(const struct pool *pool);	/* processes */

/* Is one of its workers logging in? */
bool pool_logs_in(const struct pool *pool);

/* False when nothing will ever be served by it again. */
bool pool_usable(const struct pool *pool);

#endif
