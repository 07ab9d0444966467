// SPDX-License-Identifier: GPL-2.0
#include "worker.h"
#include "channel.h"
#include "exits.h"
#include "log.h"
#include "probe.h"
#include "process.h"
#include "pulse.h"
#include "serve.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>

struct worker {
	const struct options *options;
	struct token *token;
	struct report report;	/* the last one; also holds the KEKs */
	struct pulse *pulse;
	struct ring ring;
	struct serve *serve;
};

/* Set by signals: what the ring was interrupted for. */
static volatile sig_atomic_t worker_ends, worker_told;

/* The signal handler's only way to the ring. */
static struct ring *worker_ring;

static void worker_on_sigterm(int signal_number)
{
	(void)signal_number;
	worker_ends = 1;
	ring_interrupt(worker_ring);
}

static void worker_on_sigusr1(int signal_number)
{
	(void)signal_number;
	worker_told = 1;
	if (worker_ring)
		ring_interrupt(worker_ring);
}

static void worker_send(struct worker *worker, enum report_kind kind)
{
	worker->report.kind = kind;
	if (channel_send_report(CHANNEL_FD, &worker->report) < 0)
		log_debug("supervisor doesn't listen: %s", strerror(errno));
}

__attribute__((__format__(printf, 3, 4)))
static int worker_fail(struct worker *worker, int error, const char *format, ...)
{
	va_list values;

	va_start(values, format);
	vsnprintf(worker->report.text, sizeof(worker->report.text), format,
		  values);
	va_end(values);
	worker->report.error = error;
	worker_send(worker, REPORT_FAILED);
	return error;
}

/*
 * SoftHSM writes the token's file as it logs in, and a file that is half
 * written is a token lost: SIGTERM waits.
 */
static int worker_open_token(struct worker *worker, const struct secret *pin)
{
	sigset_t term, before;
	int error;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, &before);
	error = token_open(&worker->token, worker->options->token, pin);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return error;
}

/* The one try of the PIN; the token layer has logged what it said. */
static int worker_log_in(struct worker *worker)
{
	CLEANUP(secret) struct secret *pin = channel_receive_pin(CHANNEL_FD);
	int error;

	if (!pin)
		return worker_fail(worker, -EPROTO, "got no PIN");
	error = worker_open_token(worker, pin);
	if (error == -EACCES)
		return worker_fail(worker, error, "the token refuses the PIN");
	if (error == -ENOENT)
		return worker_fail(worker, error, "no such token");
	if (error)
		return worker_fail(worker, error, "can't log in to the token: %s",
				   strerror(-error));
	if (worker->options->allow_readable)
		token_allow_readable(worker->token);
	snprintf(worker->report.label, sizeof(worker->report.label), "%s",
		 token_label(worker->token));
	worker_send(worker, REPORT_OPENED);
	return 0;
}

static void worker_warn(void *context, const char *text)
{
	const struct worker *worker = context;

	log_warning("token \"%s\": %s", worker->report.label, text);
}

/* What the token does, before anything depends on it. */
static int worker_probe(struct worker *worker)
{
	bool allow = worker->options->allow_readable;
	struct probe probe;
	char verdict[256];

	if (!worker->options->probe)
		return 0;
	probe_run(&probe, worker->token, 0);
	probe_explain(&probe, allow, verdict, sizeof(verdict));
	if (!probe_accepts(&probe, allow)) {
		log_error("token \"%s\": %s: \"paes token\" tells more",
			  worker->report.label, verdict);
		return worker_fail(worker, -EKEYREJECTED, "%s", verdict);
	}
	log_info("token \"%s\": %s", worker->report.label, verdict);
	probe_warn(&probe, worker_warn, worker);
	return 0;
}

static int worker_find_keks(struct worker *worker)
{
	int found = token_list_keks(worker->token, worker->report.keks,
				    PAES_SERVE_MAX);

	if (found < 0)
		return worker_fail(worker, found, "can't list KEKs: %s",
				   strerror(-found));
	if (!found) {
		log_error("token \"%s\" has no KEK (an AES key labelled \"paes-kek\"): make one with \"paes init\"",
			  worker->report.label);
		return worker_fail(worker, -ENOKEY,
				   "no KEK in the token: run \"paes init\"");
	}
	if (found > PAES_SERVE_MAX) {
		log_warning("token \"%s\" has %d KEKs, a provider serves %d: the others can't be used",
			    worker->report.label, found, PAES_SERVE_MAX);
		found = PAES_SERVE_MAX;
	}
	worker->report.kek_count = (uint32_t)found;
	return 0;
}

/* What the supervisor said last counts. */
static int worker_receive_revoked(struct worker *worker, bool wait)
{
	struct revoked *revoked = &worker->serve->keys.revoked;
	int got = channel_receive_revoked(CHANNEL_FD, &worker->report.serial,
					  revoked, wait);

	if (!got && wait)
		got = -EPIPE;
	while (got > 0)
		got = channel_receive_revoked(CHANNEL_FD,
					      &worker->report.serial, revoked,
					      false);
	if (got)
		return worker_fail(worker, got, "can't make out which keys are revoked");
	return 0;
}

static int worker_heed(struct worker *worker, bool wait)
{
	int closed = worker_receive_revoked(worker, wait);

	if (!closed)
		closed = serve_heed(worker->serve);
	if (closed < 0)
		return closed;
	worker->report.closed = (uint32_t)closed;
	worker_send(worker, REPORT_HEEDED);
	return 0;
}

/* The module takes visible ASCII only, no blanks; a label is UTF-8. */
static void worker_name(const struct worker *worker, char *name, size_t size)
{
	char *c;

	snprintf(name, size, "%u:%.20s", worker->options->worker,
		 worker->report.label);
	for (c = name; *c; c++)
		if (*c <= ' ' || *c > '~')
			*c = '?';
}

/* -EACCES is the PIN's alone, for it is never tried again then. */
static int not_the_pin(int error)
{
	return error == -EACCES ? -EPERM : error;
}

static int worker_become_provider(struct worker *worker)
{
	char name[PAES_NAME_SIZE];
	int error;

	worker_name(worker, name, sizeof(name));
	error = ring_open(&worker->ring, worker->options->device, name);
	if (error)
		return worker_fail(worker, not_the_pin(error),
				   "can't set up %.60s: %s",
				   worker->options->device, strerror(-error));
	worker->serve = serve_new(worker->token, &worker->ring,
				  worker->pulse);
	if (!worker->serve)
		return worker_fail(worker, -errno, "no memory: %s",
				   strerror(errno));
	worker->serve->keys.rotation = worker->options->rotate;
	/*
	 * Before the module can ask for any key; but no sooner than it is read,
	 * for who doesn't heed it in time is killed, and a token is slow to be
	 * looked at.
	 */
	worker_send(worker, REPORT_ASKS);
	error = worker_heed(worker, true);
	if (error)
		return error;
	error = ring_serve(&worker->ring,
			   (const unsigned char(*)[PAES_ID_SIZE])worker->report.keks,
			   worker->report.kek_count);
	if (error)
		return worker_fail(worker, error, "the module refuses the KEKs: %s",
				   strerror(-error));
	return 0;
}

static void worker_catch_sigterm(struct worker *worker)
{
	/* No SA_RESTART: it has to end the wait in the ioctl. */
	struct sigaction action = { .sa_handler = worker_on_sigterm };

	worker_ring = &worker->ring;
	sigaction(SIGTERM, &action, NULL);
}

static int worker_start(struct worker *worker)
{
	/* It may come in the midst of a call to the token. */
	struct sigaction told = {
		.sa_handler = worker_on_sigusr1,
		.sa_flags = SA_RESTART,
	};
	int error;

	sigaction(SIGUSR1, &told, NULL);
	worker->pulse = pulse_map(PULSE_FD);
	if (!worker->pulse)
		return worker_fail(worker, -errno, "no shared memory: %s",
				   strerror(errno));
	token_watch(&worker->pulse->figures);
	error = worker_log_in(worker);
	if (!error)
		error = worker_probe(worker);
	if (!error)
		error = worker_find_keks(worker);
	if (!error)
		error = worker_become_provider(worker);
	return error;
}

/* Until SIGTERM: 0. */
static int worker_run_ring(struct worker *worker)
{
	int error = 0;

	while (!error) {
		ring_resume(&worker->ring);
		if (worker_ends)
			return 0;
		if (worker_told) {
			worker_told = 0;
			error = worker_heed(worker, false);
		}
		if (!error)
			error = serve_run(worker->serve);
	}
	return error;
}

static int worker_serve(struct worker *worker)
{
	int error;

	worker_catch_sigterm(worker);
	pulse_beat(worker->pulse);
	worker_send(worker, REPORT_READY);
	log_debug("serving %u KEKs of token \"%s\"", worker->report.kek_count,
		  worker->report.label);
	error = worker_run_ring(worker);
	if (error == -EREMOTEIO) {
		log_error("token \"%s\" is lost: leaving what is unanswered to another worker",
			  worker->report.label);
		worker_fail(worker, error, "the token was lost");
		/*
		 * What just failed is not asked to tidy up; it could hang, and
		 * the module waits for this process to end.
		 */
		_exit(EXIT_TOKEN_LOST);
	}
	if (error)
		worker_fail(worker, error, "the module ended it: %s",
			    strerror(-error));
	return error;
}

static int worker_status(int error)
{
	if (error == -EACCES)
		return EXIT_PIN_REFUSED;
	return error ? EXIT_FAILED : EXIT_ENDED;
}

int worker_run(const struct options *options)
{
	/* Static: the stack is no place for a page of reports. */
	static struct worker worker = { .ring.fd = -1 };
	int error = process_follow(CHANNEL_FD);

	if (error) {
		log_error("--worker is for paesd's own use (no supervisor: %s)",
			  strerror(-error));
		return EXIT_USAGE;
	}
	/* The supervisor, with the same rights, has warned already. */
	process_serve_io(LOG_LEVEL_DEBUG);
	process_drop_rights();
	worker.options = options;
	error = worker_start(&worker);
	if (!error)
		error = worker_serve(&worker);
	/* The provider first: the module needn't wait for the token. */
	signal(SIGTERM, SIG_IGN);
	ring_close(&worker.ring);
	serve_free(worker.serve);
	token_close(worker.token);
	return worker_status(error);
}
