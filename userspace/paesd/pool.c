// SPDX-License-Identifier: GPL-2.0
#include "pool.h"
#include "exits.h"
#include "log.h"
#include "pin.h"
#include "process.h"
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
static const uint64_t SERVED_DELAY_MAX = SECOND / 5;
static const uint64_t SERVED_WELL = 2 * SECOND;	/* a fresh start after this */
static const uint64_t LOGIN_MAX = 60 * SECOND;

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

static struct child *pool_waiting(const struct pool *pool)
{
	unsigned int i;

	for (i = 0; i < pool->count; i++)
		if (pool->children[i].state == CHILD_WAITING)
			return &pool->children[i];
	return NULL;
}

static bool pool_given_up(const struct pool *pool)
{
	return !pool->pin || pool->refused ||
	       (!pool->proved && pool->unanswered >= UNANSWERED_MAX);
}

/* One timer for all: the login under way, else the next start. */
static void pool_set_timer(struct pool *pool, uint64_t when)
{
	sd_event_source_set_time(pool->timer, when);
	sd_event_source_set_enabled(pool->timer, SD_EVENT_ONESHOT);
}

/*
 * The pause grows while workers end soon; but not by much when they came as far
 * as serving, for I/O may be waiting.
 */
static void pool_postpone(struct pool *pool, const struct child *ended)
{
	uint64_t now = pool_now(pool), most = DELAY_MAX;

	if (ended->state == CHILD_SERVING)
		most = now - ended->since < SERVED_WELL ? SERVED_DELAY_MAX : 0;
	if (pool->delay > most)
		pool->delay = most;
	pool->due = now + pool->delay;
	pool->delay = pool->delay ? pool->delay * 2 : DELAY_MIN;
}

/* The token is looked at until one worker serves; the others can rely on it. */
static void pool_start(struct pool *pool, struct child *child)
{
	const struct child_task task = {
		.token = pool->token,
		.pin = pool->pin,
		.probe = !pool->kek_count,
	};
	int error = child_start(child, pool->event, pool->options, &task);

	if (error) {
		snprintf(child->last_error, sizeof(child->last_error),
			 "can't be started: %s", strerror(-error));
		pool_postpone(pool, child);
		pool_set_timer(pool, pool->due);
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
	child = pool_waiting(pool);
	if (child && pool->due > pool_now(pool))
		pool_set_timer(pool, pool->due);
	else if (child)
		pool_start(pool, child);
}

void pool_check_pulses(struct pool *pool)
{
	unsigned int i;

	for (i = 0; i < pool->count; i++) {
		struct child *child = &pool->children[i];

		if (child->state != CHILD_SERVING ||
		    pulse_age(child->pulse) < pool->token->call_seconds * 1000ull)
			continue;
		log_error("worker %u hasn't come back from token \"%s\" for %u s (\"call-seconds\"): killed, the module gives its requests to others",
			  child->number, pool->label,
			  pool->token->call_seconds);
		child_kill(child, SIGKILL);
	}
}

void pool_watch_again(const struct pool *pool)
{
	unsigned int i;

	for (i = 0; i < pool->count; i++)
		process_watch_again(pool->children[i].on_exit);
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
	case REPORT_ASKS:
		supervisor_child_asks(pool->supervisor, child);
		break;
	case REPORT_HEEDED:
		child->heeded = report->serial;
		child->closed = report->closed;
		supervisor_child_heeded(pool->supervisor);
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

/* What the end of a login says about the PIN; the token may have taken it. */
static void pool_judge_login(struct pool *pool, const struct child *child,
			     const siginfo_t *info)
{
	bool status3 = info->si_code == CLD_EXITED &&
		       info->si_status == EXIT_PIN_REFUSED;

	if (child->opened)
		return;
	if (child->error == -EACCES || status3)
		pool_refuse(pool);
	else if (!child->error)
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
			    (unsigned long long)(pool->due - child->since) / 1000);
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
		pool_postpone(pool, child);
		child_enter_state(child, CHILD_WAITING);
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
	if (error)
		log_error("token \"%s\": %s", pool->label, strerror(-error));
	return error;
}

/* The other tokens, and a predecessor's workers, are served with all the same. */
static void pool_stay_unused(struct pool *pool, const char *reason)
{
	unsigned int i;

	pool->attempted = true;
	for (i = 0; i < pool->count; i++)
		snprintf(pool->children[i].last_error, CHILD_ERROR_SIZE, "%s",
			 reason);
}

static void pool_lack_pin(struct pool *pool)
{
	log_error("token \"%s\": no PIN (see above), so no worker is started with it: put it where paesd reads it, then reload or start paesd",
		  pool->label);
	pool_stay_unused(pool, "no PIN: the log of paesd says why");
}

/* Length apart, in constant time. */
static bool is_same(const struct secret *one, const struct secret *other)
{
	return one->size == other->size &&
	       paes_blob_equal(one->bytes, other->bytes,
			       (unsigned int)one->size);
}

/* Kept, too, when there is no other now: it may come back. */
static void pool_heed_refused(struct pool *pool, struct secret *refused)
{
	if (pool->pin && !is_same(pool->pin, refused)) {
		secret_free(refused);
		return;
	}
	log_error("token \"%s\": there is no PIN but the one that it refused: not tried again; put the right one where paesd reads it and reload paesd, or restart it if this one is right by now",
		  pool->label);
	secret_free(pool->pin);
	pool->pin = refused;
	pool->refused = true;
	pool_stay_unused(pool, "the PIN is the one that the token refused");
}

void pool_get_pin(struct pool *pool, struct secret *inherited,
		  struct secret *refused)
{
	const char *file = pool->token->pin_file;

	if (!inherited || !pin_is_asked_for(file))
		pool->pin = pin_get(file, pool->label);
	if (pool->pin)
		secret_free(inherited);
	else
		pool->pin = inherited;
	if (refused)
		pool_heed_refused(pool, refused);
	else if (!pool->pin)
		pool_lack_pin(pool);
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

bool pool_logs_in(const struct pool *pool)
{
	return pool_starting(pool);
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
