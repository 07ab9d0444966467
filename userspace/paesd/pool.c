// SPDX-License-Identifier: GPL-2.0
#include "pool.h"
#include "exits.h"
#include "log.h"
#include "pin.h"
#include "uri.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#define SECOND 1000000ull

enum {
	UNANSWERED_MAX = 2,	/* fewer than the three that lock some tokens */
};

static const uint64_t DELAY_MIN = SECOND / 10;
static const uint64_t DELAY_MAX = 10 * SECOND;
static const uint64_t SERVED_WELL = 30 * SECOND;	/* a fresh start after this */
static const uint64_t LOGIN_MAX = 60 * SECOND;
static const uint64_t CALL_MAX_MS = 60000;

static uint64_t pool_now(const struct pool *pool)
{
	uint64_t now = 0;

	sd_event_now(pool->event, CLOCK_MONOTONIC, &now);
	return now;
}

static void child_enter_state(struct child *child, enum child_state state)
{
	child->state = state;
	child->since = pool_now(child->pool);
}

static struct child *pool_starting(const struct pool *pool)
{
	unsigned int i;

	for (i = 0; i < pool->count; i++)
		if (pool->children[i].state == CHILD_STARTING)
			return &pool->children[i];
	return NULL;
}

/*
 * While none serves, the first one alone goes ahead: what ails it would ail
 * the others too.
 */
static struct child *pool_next_due(const struct pool *pool)
{
	struct child *next = NULL;
	unsigned int i;

	if (!pool_serving(pool))
		return &pool->children[0];
	for (i = 0; i < pool->count; i++) {
		struct child *child = &pool->children[i];

		if (child->state == CHILD_WAITING &&
		    (!next || child->due < next->due))
			next = child;
	}
	return next;
}

static bool pool_given_up(const struct pool *pool)
{
	return pool->refused ||
	       (!pool->proved && pool->unanswered >= UNANSWERED_MAX);
}

/* One timer for all: the login under way, else the next start. */
static void pool_set_timer(struct pool *pool, uint64_t when)
{
	sd_event_source_set_time(pool->timer, when);
	sd_event_source_set_enabled(pool->timer, SD_EVENT_ONESHOT);
}

static void pool_schedule(struct pool *pool, struct child *child)
{
	uint64_t now = pool_now(pool);

	if (child->state == CHILD_SERVING && now - child->since >= SERVED_WELL)
		child->delay = 0;
	child_enter_state(child, CHILD_WAITING);
	child->due = now + child->delay;
	child->delay = child->delay ? child->delay * 2 : DELAY_MIN;
	if (child->delay > DELAY_MAX)
		child->delay = DELAY_MAX;
}

static void pool_start(struct pool *pool, struct child *child)
{
	int error = child_start(child, pool->event, pool->options,
				pool->token->uri, pool->pin);

	if (error) {
		snprintf(child->last_error, sizeof(child->last_error),
			 "can't be started: %s", strerror(-error));
		pool_schedule(pool, child);
		pool_set_timer(pool, child->due);
		return;
	}
	log_debug("worker %u started (pid %d)", child->number, (int)child->pid);
	child_enter_state(child, CHILD_STARTING);
	pool_set_timer(pool, child->since + LOGIN_MAX);
}

void pool_advance(struct pool *pool)
{
	struct child *child;

	if (pool->stopping || pool_given_up(pool) || pool_starting(pool))
		return;
	child = pool_next_due(pool);
	if (child && child->due > pool_now(pool))
		pool_set_timer(pool, child->due);
	else if (child)
		pool_start(pool, child);
}

void pool_check_pulses(struct pool *pool)
{
	unsigned int i;

	for (i = 0; i < pool->count; i++) {
		struct child *child = &pool->children[i];

		if (child->state != CHILD_SERVING ||
		    pulse_age(child->pulse) < CALL_MAX_MS)
			continue;
		log_error("worker %u has waited for token \"%s\" for %llu s: killed, the module gives its requests to others",
			  child->number, pool->label,
			  (unsigned long long)CALL_MAX_MS / 1000);
		child_kill(child, SIGKILL);
	}
}

static int pool_on_timer(sd_event_source *source, uint64_t when, void *userdata)
{
	struct pool *pool = userdata;
	struct child *slow = pool_starting(pool);

	(void)source;
	(void)when;
	if (slow) {
		log_error("worker %u is still logging in to \"%s\" after %llu s: killed",
			  slow->number, pool->label, LOGIN_MAX / SECOND);
		child_kill(slow, SIGKILL);
	}
	pool_advance(pool);
	return 0;
}

static void pool_child_ready(struct child *child, const struct report *report)
{
	struct pool *pool = child->pool;

	memcpy(pool->keks, report->keks, sizeof(pool->keks));
	pool->kek_count = report->kek_count;
	pool->attempted = true;
	child_enter_state(child, CHILD_SERVING);
	log_info("worker %u (pid %d) serves %u KEK%s of token \"%s\"",
		 child->number, (int)child->pid, report->kek_count,
		 report->kek_count == 1 ? "" : "s", pool->label);
	pool_advance(pool);
	supervisor_pool_changed(pool->supervisor);
}

void pool_child_reported(struct child *child, const struct report *report)
{
	struct pool *pool = child->pool;

	switch (report->kind) {
	case REPORT_OPENED:
		child->opened = true;
		pool->proved = true;
		pool->unanswered = 0;
		memcpy(pool->label, report->label, sizeof(pool->label));
		break;
	case REPORT_READY:
		pool_child_ready(child, report);
		break;
	case REPORT_FAILED:
		child->error = report->error;
		snprintf(child->last_error, sizeof(child->last_error), "%s",
			 report->text);
		break;
	}
}

static void pool_refuse(struct pool *pool)
{
	pool->refused = true;
	log_error("token \"%s\" refuses the PIN: it is not tried again, because wrong PINs lock tokens; put the right one where paesd reads it and restart paesd",
		  pool->label);
}

static void pool_count_unanswered(struct pool *pool)
{
	pool->unanswered++;
	if (pool_given_up(pool))
		log_error("token \"%s\": %u logins ended without an answer, and each may count as a wrong PIN: not tried again; find out why (messages above), then restart paesd",
			  pool->label, pool->unanswered);
}

/* What the end of a login says about the PIN. */
static void pool_judge_login(struct pool *pool, const struct child *child,
			     const siginfo_t *info)
{
	bool status3 = info->si_code == CLD_EXITED &&
		       info->si_status == EXIT_PIN_REFUSED;

	if (child->error == -EACCES || status3)
		pool_refuse(pool);
	else if (!child->error && !child->opened)
		pool_count_unanswered(pool);
}

static void pool_explain_exit(struct pool *pool, struct child *child,
			      const siginfo_t *info)
{
	char reason[CHILD_ERROR_SIZE];

	child_explain_exit(info, reason, sizeof(reason));
	if (!child->error)
		memcpy(child->last_error, reason, sizeof(reason));
	if (pool_given_up(pool))
		log_warning("worker %u of token \"%s\": %s", child->number,
			    pool->label, child->last_error);
	else
		log_warning("worker %u of token \"%s\": %s: another one starts in %llu ms",
			    child->number, pool->label, child->last_error,
			    (unsigned long long)(child->due - child->since) / 1000);
}

void pool_child_exited(struct child *child, const siginfo_t *info)
{
	struct pool *pool = child->pool;

	if (pool->stopping) {
		child_enter_state(child, CHILD_WAITING);
	} else {
		if (child->state == CHILD_STARTING)
			pool_judge_login(pool, child, info);
		pool->attempted = true;
		child->restarts++;
		pool_schedule(pool, child);
		pool_explain_exit(pool, child, info);
		pool_advance(pool);
	}
	supervisor_pool_changed(pool->supervisor);
}

static int pool_make_children(struct pool *pool, unsigned int first)
{
	unsigned int i;

	pool->children = calloc(pool->token->workers, sizeof(*pool->children));
	if (!pool->children)
		return -ENOMEM;
	pool->count = pool->token->workers;
	for (i = 0; i < pool->count; i++)
		pool->children[i] = (struct child){
			.pool = pool,
			.number = first + i,
			.channel = -1,
		};
	return 0;
}

static int pool_make_timer(struct pool *pool)
{
	int error = sd_event_add_time(pool->event, &pool->timer,
				      CLOCK_MONOTONIC, 0, 0, pool_on_timer,
				      pool);

	if (error < 0)
		return error;
	return sd_event_source_set_enabled(pool->timer, SD_EVENT_OFF);
}

int pool_setup(struct pool *pool, struct supervisor *supervisor,
	       sd_event *event, const struct options *options,
	       const struct config_token *token, unsigned int first)
{
	int error;

	pool->supervisor = supervisor;
	pool->event = event;
	pool->options = options;
	pool->token = token;
	uri_label(token->uri, pool->label, sizeof(pool->label));
	error = pool_make_children(pool, first);
	if (!error)
		error = pool_make_timer(pool);
	if (error) {
		log_error("token \"%s\": %s", pool->label, strerror(-error));
		return error;
	}
	pool->pin = pin_get(token->pin_file, pool->label);
	return pool->pin ? 0 : -ENOKEY;
}

void pool_free(struct pool *pool)
{
	sd_event_source_disable_unref(pool->timer);
	secret_free(pool->pin);
	free(pool->children);
	*pool = (struct pool){ 0 };
}

void pool_stop(struct pool *pool, int signal_number)
{
	unsigned int i;

	pool->stopping = true;
	for (i = 0; i < pool->count; i++)
		child_kill(&pool->children[i], signal_number);
}

unsigned int pool_serving(const struct pool *pool)
{
	unsigned int i, n = 0;

	for (i = 0; i < pool->count; i++)
		n += pool->children[i].state == CHILD_SERVING;
	return n;
}

unsigned int pool_alive(const struct pool *pool)
{
	unsigned int i, n = 0;

	for (i = 0; i < pool->count; i++)
		n += pool->children[i].pid > 0;
	return n;
}

bool pool_usable(const struct pool *pool)
{
	return !pool_given_up(pool) || pool_alive(pool);
}

enum pool_state pool_state(const struct pool *pool)
{
	if (pool->refused)
		return POOL_PIN_REFUSED;
	if (pool_serving(pool))
		return POOL_SERVING;
	return pool->attempted ? POOL_FAILED : POOL_STARTING;
}

const char *pool_state_name(const struct pool *pool)
{
	static const char *const names[] = {
		[POOL_STARTING] = "starting",
		[POOL_SERVING] = "serving",
		[POOL_PIN_REFUSED] = "pin-refused",
		[POOL_FAILED] = "failed",
	};

	return names[pool_state(pool)];
}
