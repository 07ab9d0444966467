// SPDX-License-Identifier: GPL-2.0
#include "supervisor.h"
#include "exits.h"
#include "log.h"
#include "process.h"
#include "uri.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <systemd/sd-daemon.h>

enum {
	KILL_AFTER_US	= 5000000,
	PULSE_EVERY_US	= 10000000,
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

static unsigned int is_usable(const struct pool *pool)
{
	return pool_usable(pool);
}

/* systemd gets what `systemctl status` shows; unchanged it isn't sent again. */
static void supervisor_tell(struct supervisor *supervisor)
{
	char text[sizeof(supervisor->told)];
	unsigned int refused = supervisor_sum(supervisor, is_refused);

	snprintf(text, sizeof(text), "%u of %u tokens served by %u workers%s",
		 supervisor_sum(supervisor, is_serving), supervisor->count,
		 supervisor_sum(supervisor, pool_serving),
		 refused ? "; PIN refused" : "");
	if (strcmp(text, supervisor->told) == 0)
		return;
	memcpy(supervisor->told, text, sizeof(text));
	sd_notifyf(0, "STATUS=%s", text);
}

/* Ready: one token serves, and of the others it is known that they don't. */
static void supervisor_announce(struct supervisor *supervisor)
{
	if (supervisor->announced || !supervisor_sum(supervisor, is_serving) ||
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

void supervisor_pool_changed(struct supervisor *supervisor)
{
	if (supervisor->stopping) {
		if (!supervisor_sum(supervisor, pool_alive))
			sd_event_exit(supervisor->event, EXIT_ENDED);
		return;
	}
	supervisor_announce(supervisor);
	supervisor_tell(supervisor);
	if (!supervisor_sum(supervisor, is_usable))
		supervisor_give_up(supervisor);
}

static void supervisor_signal_all(struct supervisor *supervisor,
				  int signal_number)
{
	unsigned int i;

	for (i = 0; i < supervisor->count; i++)
		pool_stop(&supervisor->pools[i], signal_number);
}

static int supervisor_on_kill_timer(sd_event_source *source, uint64_t when,
				    void *userdata)
{
	struct supervisor *supervisor = userdata;

	(void)source;
	(void)when;
	log_warning("%u workers don't end by themselves: killed",
		    supervisor_sum(supervisor, pool_alive));
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

/* Its default would end paesd, and a closed terminal must not stop a disk. */
static int supervisor_on_hangup(sd_event_source *source,
				const struct signalfd_siginfo *info,
				void *userdata)
{
	(void)source;
	(void)info;
	(void)userdata;
	log_info("SIGHUP: nothing is read again; restart paesd for that, no request is lost by it");
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
	return error;
}

static int supervisor_prepare(struct supervisor *supervisor)
{
	int error = sd_event_new(&supervisor->event);

	if (error >= 0)
		error = supervisor_catch_signals(supervisor);
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
		first += config->tokens[i].workers;
	}
	return 0;
}

static int supervisor_check_uris(const struct config *config)
{
	unsigned int i;

	for (i = 0; i < config->count; i++)
		if (uri_check(config->tokens[i].uri) < 0)
			return -EINVAL;
	return 0;
}

/* Before anyone is asked for a PIN, and before one is tried for nothing. */
static int supervisor_check_device(const char *device)
{
	if (access(device, R_OK | W_OK) == 0)
		return 0;
	if (errno == ENOENT)
		log_error("%s is not there: load the module with \"modprobe paes\"",
			  device);
	else
		log_error("%s can't be read and written: %s; paesd is to be run by root",
			  device, strerror(errno));
	return -errno;
}

static int supervisor_start(struct supervisor *supervisor,
			    const struct config *config)
{
	int error = supervisor_check_device(supervisor->options->device);

	if (!error)
		error = supervisor_prepare(supervisor);
	if (!error)
		error = status_open(&supervisor->status, supervisor);
	if (!error)
		error = supervisor_make_pools(supervisor, config);
	return error;
}

static int supervisor_loop(struct supervisor *supervisor)
{
	unsigned int i;
	int result;

	for (i = 0; i < supervisor->count; i++)
		pool_advance(&supervisor->pools[i]);
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
	status_close(supervisor->status);
	sd_event_source_disable_unref(supervisor->kill_timer);
	sd_event_source_disable_unref(supervisor->pulse_timer);
	sd_event_unref(supervisor->event);
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
