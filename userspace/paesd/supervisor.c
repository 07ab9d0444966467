// SPDX-License-Identifier: GPL-2.0
#include "supervisor.h"
#include "exits.h"
#include "log.h"
#include "process.h"
#include "successor.h"
#include "token.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <systemd/sd-daemon.h>

enum {
	KILL_AFTER_US	= 5000000,
	PULSE_EVERY_US	= 5000000,
};

static unsigned int supervisor_sum(const struct supervisor *supervisor,
				   unsigned int (*of)(const struct pool *))
{
	unsigned int i, n = 0;

	for (i = 0; i < supervisor->count; i++)
		n += of(&supervisor->pools[i]);
	return n;
}

static unsigned int is_serving(const struct pool *pool)
{
	return pool_serving(pool) > 0;
}

static unsigned int is_attempted(const struct pool *pool)
{
	return pool->attempted;
}

static unsigned int is_refused(const struct pool *pool)
{
	return pool->refused;
}

static unsigned int logs_in(const struct pool *pool)
{
	return pool_logs_in(pool);
}

static unsigned int lacks_pin(const struct pool *pool)
{
	return !pool->pin;
}

static unsigned int is_usable(const struct pool *pool)
{
	return pool_usable(pool);
}

/* systemd gets what `systemctl status` shows; unchanged it isn't sent again. */
static void supervisor_tell(struct supervisor *supervisor)
{
	char text[sizeof(supervisor->told)];
	unsigned int refused = supervisor_sum(supervisor, is_refused);

	snprintf(text, sizeof(text), "%u of %u tokens served by %u workers%s%s",
		 supervisor_sum(supervisor, is_serving), supervisor->count,
		 supervisor_sum(supervisor, pool_serving),
		 refused ? "; PIN refused" : "",
		 elders_alive(&supervisor->elders) ?
		 "; workers of the former paesd serve on" : "");
	if (strcmp(text, supervisor->told) == 0)
		return;
	memcpy(supervisor->told, text, sizeof(text));
	sd_notifyf(0, "STATUS=%s", text);
}

static bool supervisor_serves(const struct supervisor *supervisor)
{
	return supervisor_sum(supervisor, is_serving) ||
	       elders_alive(&supervisor->elders);
}

/* Ready: one token serves, and of the others it is known that they don't. */
static void supervisor_announce(struct supervisor *supervisor)
{
	if (supervisor->announced || !supervisor_serves(supervisor) ||
	    supervisor_sum(supervisor, is_attempted) < supervisor->count)
		return;
	supervisor->announced = true;
	log_info("ready");
	sd_notify(0, "READY=1");
}

/* Nothing will ever be served again: the reason decides the exit status. */
static void supervisor_give_up(struct supervisor *supervisor)
{
	bool refused = supervisor_sum(supervisor, is_refused) > 0;

	log_error("no token is left to serve with: giving up");
	sd_event_exit(supervisor->event,
		      refused ? EXIT_PIN_REFUSED : EXIT_FAILED);
}

static int supervisor_leave_workers_of(const struct pool *pool,
				       struct handover *handover)
{
	unsigned int i;
	int error = 0;

	for (i = 0; i < pool->count && !error; i++)
		if (pool->children[i].pid > 0)
			error = handover_add_worker(handover, pool->token->uri,
						    pool->children[i].pid);
	return error;
}

static int supervisor_leave_workers(const struct supervisor *supervisor,
				    struct handover *handover)
{
	unsigned int i;
	int error = elders_leave(&supervisor->elders, handover);

	for (i = 0; i < supervisor->count && !error; i++)
		error = supervisor_leave_workers_of(&supervisor->pools[i],
						    handover);
	return error;
}

static int supervisor_leave_pins(const struct supervisor *supervisor,
				 struct handover *handover)
{
	unsigned int i;
	int error = 0;

	for (i = 0; i < supervisor->count && !error; i++) {
		const struct pool *pool = &supervisor->pools[i];

		if (pool->pin)
			error = handover_add_pin(handover, pool->token->uri,
						 pool->pin, pool->refused);
	}
	return error;
}

/* Doesn't return when all goes well. */
static int supervisor_execute(struct supervisor *supervisor)
{
	CLEANUP(handover) struct handover *handover = handover_new();
	CLEANUP(fd) int fd = -ENOMEM;
	int error = -ENOMEM;

	if (handover)
		error = supervisor_leave_workers(supervisor, handover);
	if (!error)
		error = supervisor_leave_pins(supervisor, handover);
	if (!error)
		error = handover_add_lock(handover, supervisor->revocation.lock);
	if (!error)
		fd = handover_write(handover);
	if (fd >= 0)
		error = successor_execute(fd);
	return error < 0 ? error : fd;
}

/*
 * After each event, and not in the middle of one: a child whose end is being
 * told of would be left a zombie.  Not while a PIN is being tried either: the
 * successor would try it as well.
 */
static int supervisor_on_event(sd_event_source *source, void *userdata)
{
	struct supervisor *supervisor = userdata;
	int error;

	(void)source;
	if (!supervisor->succeeded || supervisor->stopping ||
	    supervisor_sum(supervisor, logs_in))
		return 0;
	error = supervisor_execute(supervisor);
	log_error("the installed paesd can't take over: %s: the running one goes on",
		  strerror(-error));
	supervisor->succeeded = false;
	sd_notify(0, "READY=1");
	return 0;
}

static bool supervisor_has_token(void *context, const char *uri)
{
	const struct supervisor *supervisor = context;
	unsigned int i;

	for (i = 0; i < supervisor->count; i++)
		if (strcmp(supervisor->pools[i].token->uri, uri) == 0)
			return true;
	return false;
}

/*
 * An elder ends for each worker that serves.  Those of tokens given up end last:
 * what takes their place has to be seen to work.
 */
static void supervisor_relieve_elders(struct supervisor *supervisor)
{
	unsigned int i;

	for (i = 0; i < supervisor->count; i++) {
		const struct pool *pool = &supervisor->pools[i];

		elders_keep(&supervisor->elders, pool->token->uri,
			    pool->count - pool_serving(pool));
	}
	if (supervisor->announced && supervisor_sum(supervisor, is_serving))
		elders_keep_tokens(&supervisor->elders, supervisor_has_token,
				   supervisor);
}

static bool supervisor_any_left(const struct supervisor *supervisor,
				unsigned int (*of)(const struct pool *))
{
	return supervisor_sum(supervisor, of) ||
	       elders_alive(&supervisor->elders);
}

void supervisor_child_asks(struct supervisor *supervisor, struct child *child)
{
	revocation_tell(&supervisor->revocation, child);
}

void supervisor_child_heeded(struct supervisor *supervisor)
{
	control_look(supervisor->control);
}

void supervisor_pool_changed(struct supervisor *supervisor)
{
	control_look(supervisor->control);
	if (supervisor->stopping) {
		if (!supervisor_any_left(supervisor, pool_alive))
			sd_event_exit(supervisor->event, EXIT_ENDED);
		return;
	}
	supervisor_announce(supervisor);
	supervisor_relieve_elders(supervisor);
	supervisor_tell(supervisor);
	if (!supervisor_any_left(supervisor, is_usable))
		supervisor_give_up(supervisor);
}

void supervisor_elder_ended(struct supervisor *supervisor)
{
	supervisor_pool_changed(supervisor);
}

static void supervisor_signal_all(struct supervisor *supervisor,
				  int signal_number)
{
	unsigned int i;

	for (i = 0; i < supervisor->count; i++)
		pool_stop(&supervisor->pools[i], signal_number);
	elders_stop(&supervisor->elders, signal_number);
}

static int supervisor_on_kill_timer(sd_event_source *source, uint64_t when,
				    void *userdata)
{
	struct supervisor *supervisor = userdata;

	(void)source;
	(void)when;
	log_warning("%u workers don't end by themselves: killed",
		    supervisor_sum(supervisor, pool_alive) +
		    elders_alive(&supervisor->elders));
	supervisor_signal_all(supervisor, SIGKILL);
	return 0;
}

static int supervisor_on_stop(sd_event_source *source,
			      const struct signalfd_siginfo *info,
			      void *userdata)
{
	struct supervisor *supervisor = userdata;

	(void)source;
	if (supervisor->stopping)
		return 0;
	log_info("%s: ending; the module holds requests until paesd is started again",
		 strsignal((int)info->ssi_signo));
	sd_notify(0, "STOPPING=1");
	supervisor->stopping = true;
	supervisor_signal_all(supervisor, SIGTERM);
	sd_event_add_time_relative(supervisor->event, &supervisor->kill_timer,
				   CLOCK_MONOTONIC, KILL_AFTER_US, 0,
				   supervisor_on_kill_timer, supervisor);
	supervisor_pool_changed(supervisor);
	return 0;
}

static int supervisor_set_pulse_timer(struct supervisor *supervisor)
{
	int error = sd_event_source_set_time_relative(supervisor->pulse_timer,
						      PULSE_EVERY_US);

	if (error < 0)
		return error;
	return sd_event_source_set_enabled(supervisor->pulse_timer,
					   SD_EVENT_ONESHOT);
}

static int supervisor_on_pulse_timer(sd_event_source *source, uint64_t when,
				     void *userdata)
{
	struct supervisor *supervisor = userdata;
	unsigned int i;

	(void)source;
	(void)when;
	for (i = 0; i < supervisor->count; i++)
		pool_check_pulses(&supervisor->pools[i]);
	return supervisor_set_pulse_timer(supervisor);
}

static int supervisor_on_checked(sd_event_source *source, const siginfo_t *info,
				 void *userdata)
{
	struct supervisor *supervisor = userdata;

	(void)source;
	supervisor->checking = false;
	if (info->si_code == CLD_EXITED && info->si_status == EXIT_ENDED) {
		supervisor->succeeded = true;
		return 0;
	}
	log_error("the installed paesd can't go on with this configuration (its message is above): the running one does, with its own");
	sd_notify(0, "READY=1");
	return 0;
}

static void supervisor_tell_reloading(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu",
		   (unsigned long long)now.tv_sec * 1000000 +
		   (unsigned long long)now.tv_nsec / 1000);
}

/*
 * Could the installed program start, and does it know what it would be left?
 * PINs it isn't shown for that.
 */
static int supervisor_check_successor(struct supervisor *supervisor)
{
	CLEANUP(handover) struct handover *handover = handover_new();
	CLEANUP(fd) int fd = -ENOMEM;

	if (handover && !supervisor_leave_workers(supervisor, handover))
		fd = handover_write(handover);
	if (fd >= 0)
		return successor_check(supervisor->event, fd,
				       supervisor_on_checked, supervisor);
	log_error("can't ask the installed paesd whether it could take over: %s: going on as before",
		  strerror(-fd));
	return fd;
}

static int supervisor_on_hangup(sd_event_source *source,
				const struct signalfd_siginfo *info,
				void *userdata)
{
	struct supervisor *supervisor = userdata;

	(void)source;
	(void)info;
	if (supervisor->stopping || supervisor->checking ||
	    supervisor->succeeded)
		return 0;
	log_info("SIGHUP: the installed paesd is to take over, if the configuration is right");
	supervisor_tell_reloading();
	supervisor->checking = supervisor_check_successor(supervisor) == 0;
	if (!supervisor->checking)
		sd_notify(0, "READY=1");
	return 0;
}

static int supervisor_on_child(sd_event_source *source,
			       const struct signalfd_siginfo *info,
			       void *userdata)
{
	const struct supervisor *supervisor = userdata;
	unsigned int i;

	(void)source;
	(void)info;
	for (i = 0; i < supervisor->count; i++)
		pool_watch_again(&supervisor->pools[i]);
	elders_watch_again(&supervisor->elders);
	return 0;
}

/* sd-event wants the signals blocked; workers start with none blocked. */
static int supervisor_catch_signals(struct supervisor *supervisor)
{
	sd_event *event = supervisor->event;
	sigset_t set;
	int error;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	error = sd_event_add_signal(event, NULL, SIGTERM, supervisor_on_stop,
				    supervisor);
	if (error >= 0)
		error = sd_event_add_signal(event, NULL, SIGINT,
					    supervisor_on_stop, supervisor);
	if (error >= 0)
		error = sd_event_add_signal(event, NULL, SIGHUP,
					    supervisor_on_hangup, supervisor);
	if (error >= 0)
		error = sd_event_add_signal(event, NULL, SIGCHLD,
					    supervisor_on_child, supervisor);
	return error;
}

static int supervisor_prepare(struct supervisor *supervisor)
{
	int error = sd_event_new(&supervisor->event);

	if (error >= 0)
		error = supervisor_catch_signals(supervisor);
	if (error >= 0)
		error = sd_event_add_post(supervisor->event, NULL,
					  supervisor_on_event, supervisor);
	if (error >= 0)
		error = sd_event_set_watchdog(supervisor->event, true);
	if (error >= 0)
		error = sd_event_add_time_relative(supervisor->event,
						   &supervisor->pulse_timer,
						   CLOCK_MONOTONIC,
						   PULSE_EVERY_US, 0,
						   supervisor_on_pulse_timer,
						   supervisor);
	if (error < 0)
		log_error("no event loop: %s", strerror(-error));
	return error < 0 ? error : 0;
}

static struct secret *
supervisor_inherited_pin(const struct supervisor *supervisor,
			 const struct config_token *token, bool refused)
{
	return supervisor->handover ?
		       handover_take_pin(supervisor->handover, token->uri,
					 refused) : NULL;
}

static void supervisor_get_pin(struct supervisor *supervisor, struct pool *pool)
{
	const struct config_token *token = pool->token;

	pool_get_pin(pool, supervisor_inherited_pin(supervisor, token, false),
		     supervisor_inherited_pin(supervisor, token, true));
}

static int supervisor_make_pools(struct supervisor *supervisor,
				 const struct config *config)
{
	unsigned int i, first = 1;
	int error;

	for (i = 0; i < config->count; i++) {
		error = pool_setup(&supervisor->pools[i], supervisor,
				   supervisor->event, supervisor->options,
				   &config->tokens[i], first);
		supervisor->count++;
		if (error)
			return error;
		supervisor_get_pin(supervisor, &supervisor->pools[i]);
		first += config->tokens[i].workers;
	}
	return 0;
}

/* At the start nobody is cut off by an error, and systemd tries again. */
static int supervisor_check_pins(const struct supervisor *supervisor)
{
	if (supervisor->options->adopt ||
	    !supervisor_sum(supervisor, lacks_pin))
		return 0;
	return -ENOKEY;
}

static int supervisor_check_uris(const struct config *config)
{
	unsigned int i;

	for (i = 0; i < config->count; i++)
		if (token_check_uri(config->tokens[i].uri) < 0)
			return -EINVAL;
	return 0;
}

/*
 * Before anyone is asked for a PIN, and before one is tried for nothing.  But a
 * predecessor's workers have it open, and end with this process: new ones are
 * tried then until they can open it, too.
 */
static int supervisor_check_device(const struct options *options)
{
	const char *device = options->device;

	if (options->adopt || access(device, R_OK | W_OK) == 0)
		return 0;
	if (errno == ENOENT)
		log_error("%s is not there: load the module with \"modprobe paes\"",
			  device);
	else
		log_error("%s can't be read and written: %s; its group is \"paes\", as which paesd.service runs: start that, or paesd by root",
			  device, strerror(errno));
	return -errno;
}

static void supervisor_adopt(struct supervisor *supervisor)
{
	supervisor->elders.supervisor = supervisor;
	supervisor->elders.event = supervisor->event;
	if (supervisor->handover)
		elders_adopt(&supervisor->elders, supervisor->handover);
}

static int supervisor_open_revocation(struct supervisor *supervisor)
{
	int lock = supervisor->handover ?
			   handover_take_lock(supervisor->handover) : -1;

	return revocation_open(&supervisor->revocation, supervisor,
			       supervisor->options->revoked, lock);
}

static int supervisor_start(struct supervisor *supervisor,
			    const struct config *config)
{
	int error = supervisor_check_device(supervisor->options);

	if (!error && supervisor->options->adopt) {
		supervisor->handover = handover_read(supervisor->options->adopt);
		error = supervisor->handover ? 0 : -EINVAL;
	}
	if (!error)
		error = supervisor_prepare(supervisor);
	if (!error)
		supervisor_adopt(supervisor);
	if (!error)
		error = status_open(&supervisor->status, supervisor);
	if (!error)
		error = control_open(&supervisor->control, supervisor);
	if (!error)
		error = supervisor_open_revocation(supervisor);
	if (!error)
		error = supervisor_make_pools(supervisor, config);
	if (!error)
		error = supervisor_check_pins(supervisor);
	handover_free(supervisor->handover);
	supervisor->handover = NULL;
	return error;
}

static int supervisor_loop(struct supervisor *supervisor)
{
	unsigned int i;
	int result;

	for (i = 0; i < supervisor->count; i++)
		pool_advance(&supervisor->pools[i]);
	/* There may be none that can start: then nothing else tells. */
	supervisor_pool_changed(supervisor);
	result = sd_event_loop(supervisor->event);
	if (result >= 0)
		return result;
	log_error("event loop: %s", strerror(-result));
	return EXIT_FAILED;
}

static void supervisor_end(struct supervisor *supervisor)
{
	unsigned int i;

	for (i = 0; i < supervisor->count; i++)
		pool_free(&supervisor->pools[i]);
	elders_free(&supervisor->elders);
	status_close(supervisor->status);
	control_close(supervisor->control);
	revocation_close(&supervisor->revocation);
	sd_event_source_disable_unref(supervisor->kill_timer);
	sd_event_source_disable_unref(supervisor->pulse_timer);
	sd_event_unref(supervisor->event);
}

static bool supervisor_can_adopt(int fd)
{
	CLEANUP(handover) struct handover *handover = handover_read(fd);

	return handover;
}

int supervisor_check(const struct options *options, const struct config *config)
{
	/* Static: too large for the stack. */
	static struct revoked revoked;

	if (supervisor_check_uris(config) < 0)
		return EXIT_USAGE;
	if (revoked_load(&revoked, options->revoked) < 0 ||
	    (options->adopt && !supervisor_can_adopt(options->adopt)))
		return EXIT_FAILED;
	log_info("the configuration of %u token%s is right", config->count,
		 config->count == 1 ? "" : "s");
	return EXIT_ENDED;
}

int supervisor_run(const struct options *options, const struct config *config)
{
	/* Static: too large for the stack. */
	static struct supervisor supervisor;
	int status = EXIT_FAILED;

	if (supervisor_check_uris(config) < 0)
		return EXIT_USAGE;
	process_serve_io(LOG_LEVEL_WARNING);
	supervisor.options = options;
	if (supervisor_start(&supervisor, config) == 0)
		status = supervisor_loop(&supervisor);
	supervisor_end(&supervisor);
	return status;
}
