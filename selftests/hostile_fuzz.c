// SPDX-License-Identifier: GPL-2.0
/*
 * The claim: whatever a broker does, I/O errors are all that comes of it, and
 * only for those whose keys it was given.  Brokers that do anything live beside
 * honest ones, under I/O that is verified.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kselftest.h"
#include "broker.h"
#include "coverage.h"
#include "fuzz.h"
#include "hostile.h"
#include "load.h"
#include "module.h"

enum {
	HOSTILE_PROCESSES = 1,
	WATCH_LOADS = HOSTILE_PROCESSES * HOSTILE_THREADS,
	LOADS = 3,
	HONEST_BROKERS = 2,
	ROUND_MS = 50,
	STUCK_MS = 120000,		/* without any progress */
	KILL_EVERY = 100,		/* rounds, on average */
	DEPTH_EVERY = 40,
	END_MS = 120000,
	GONE_MS = 20000,
	REQUEST_SECONDS = 5,
	SETKEY_MS = 1500,
	STREAM_MAIN = 4000000,
	DEFAULT_SECONDS = 30,
	TELL_EVERY = 50000,		/* operations */
};

static struct options {
	uint64_t seed;
	unsigned long operations;
	unsigned long seconds;
	const char *coverage;
} options;

struct child {
	pid_t pid;
	unsigned int incarnation;
};

struct watch {
	unsigned long progress;
	long since;
};

static struct broker *honest[HONEST_BROKERS];
static struct child hostile[HOSTILE_PROCESSES];
static struct child loads[LOADS];
static struct watch watches[FUZZ_WATCHED];
static const char *without_alg;		/* why */
static unsigned int loads_wanted = LOADS;	/* AF_ALG is the last one */
static unsigned long restarts;
static bool stuck;

static void usage(FILE *to)
{
	fprintf(to,
"Usage: hostile_fuzz [OPTION...]\n"
"\n"
"Attacks the module as a hostile broker would, beside honest brokers and under\n"
"I/O. Needs root; no other providers should be there.\n"
"\n"
"  --seed N         what is done follows from it, for each thread by itself;\n"
"                   when it's done depends on the scheduler (default: random)\n"
"  --ops N          end after N operations: system calls and answers\n"
"  --seconds N      end after that time (default: %d, without --ops never)\n"
"  --coverage FILE  write there what of the module's code ran, by KCOV\n"
"  --help\n"
"\n"
"Exit status: 0 if all held, 1 if not, 2 for wrong usage, 4 if it can't run.\n",
		DEFAULT_SECONDS);
}

static unsigned long number(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 0);

	if (*text >= '0' && *text <= '9' && !*end)
		return n;
	fprintf(stderr, "hostile_fuzz: expected a number, found '%s'\n", text);
	usage(stderr);
	exit(2);
}

static void option(int name)
{
	switch (name) {
	case 's':
		options.seed = number(optarg);
		break;
	case 'o':
		options.operations = number(optarg);
		break;
	case 't':
		options.seconds = number(optarg);
		break;
	case 'c':
		options.coverage = optarg;
		break;
	case 'h':
		usage(stdout);
		exit(0);
	default:
		usage(stderr);
		exit(2);
	}
}

static void parse(int argc, char **argv)
{
	static const struct option known[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "ops", required_argument, NULL, 'o' },
		{ "seconds", required_argument, NULL, 't' },
		{ "coverage", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{}
	};
	int name;

	if (getrandom(&options.seed, 4, 0) != 4)
		options.seed = time(NULL);
	while ((name = getopt_long(argc, argv, "", known, NULL)) != -1)
		option(name);
	if (optind < argc) {
		fprintf(stderr, "hostile_fuzz: unexpected '%s'\n", argv[optind]);
		usage(stderr);
		exit(2);
	}
	if (!options.operations && !options.seconds)
		options.seconds = DEFAULT_SECONDS;
}

static void skip_unless_possible(void)
{
	const char *(*const needs[])(void) = { need_root, need_module, need_disk };
	const char *why;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(needs); i++) {
		why = needs[i]();
		if (why)
			ksft_exit_skip("%s\n", why);
	}
	without_alg = need_alg();
	if (without_alg)
		loads_wanted--;
}

static void give_up(const char *why)
{
	ksft_exit_fail_msg("%s\n", why);
}

static int run_load(unsigned int n)
{
	switch (n) {
	case 0:
		return load_volume(true, WATCH_LOADS);
	case 1:
		return load_volume(false, WATCH_LOADS + 1);
	}
	return load_alg(WATCH_LOADS + 2);
}

static void start_load(unsigned int n)
{
	fflush(stdout);
	loads[n].pid = fork();
	if (!loads[n].pid)
		_exit(run_load(n));
}

static void start_hostile(unsigned int n)
{
	unsigned int incarnation = HOSTILE_PROCESSES * ++hostile[n].incarnation + n;

	fflush(stdout);
	hostile[n].pid = fork();
	if (!hostile[n].pid)
		_exit(hostile_main(incarnation, n * HOSTILE_THREADS));
}

static void start_honest(unsigned int n)
{
	honest[n] = broker_new(fuzz->keys[n ? FUZZ_SHARED : FUZZ_HONEST].kek_id);
	if (!honest[n] || broker_start(honest[n]))
		give_up("no honest broker starts");
}

/* One that is too slow for request_seconds is cut off, as it should be. */
static void keep_honest(unsigned int n)
{
	if (!honest[n]->ended)
		return;
	restarts++;
	ksft_print_msg("an honest broker ended with %s: starting another\n",
		       strerror(honest[n]->ended));
	broker_kill(honest[n]);
	broker_start(honest[n]);
}

static void kill_hostile(unsigned int n)
{
	kill(hostile[n].pid, SIGKILL);
	waitpid(hostile[n].pid, NULL, 0);
}

/* Killed in the midst of whatever they do, or when they killed themselves. */
static void keep_hostile(struct rng *r, unsigned int n)
{
	int status;

	if (rng_one_in(r, KILL_EVERY)) {
		fuzz->counts[FUZZ_KILLS]++;
		kill_hostile(n);
	} else if (waitpid(hostile[n].pid, &status, WNOHANG) != hostile[n].pid) {
		return;
	} else {
		fuzz_found(FUZZ_CALLS, "a hostile process ended by itself: status %#x",
			   status);
	}
	start_hostile(n);
}

static bool is_watched(unsigned int n)
{
	return n < WATCH_LOADS + loads_wanted;
}

static void watch(void)
{
	long now = now_ms();
	unsigned int n;

	for (n = 0; is_watched(n); n++) {
		if (watches[n].progress != fuzz->progress[n] || !watches[n].since) {
			watches[n].progress = fuzz->progress[n];
			watches[n].since = now;
		} else if (now - watches[n].since > STUCK_MS) {
			ksft_print_msg("seed %lu: %s %u doesn't get on since %d s\n",
				       (unsigned long)fuzz->seed,
				       n < WATCH_LOADS ? "hostile thread" : "load",
				       n < WATCH_LOADS ? n : n - WATCH_LOADS,
				       STUCK_MS / 1000);
			stuck = true;
		}
	}
}

/* For who waits for a long run. */
static void tell(void)
{
	static unsigned long told;

	if (fuzz_operations() / TELL_EVERY == told)
		return;
	told = fuzz_operations() / TELL_EVERY;
	ksft_print_msg("%lu operations\n", fuzz_operations());
}

static bool enough(long start)
{
	if (options.operations && fuzz_operations() >= options.operations)
		return true;
	return options.seconds && now_ms() - start >= (long)options.seconds * 1000;
}

static void nap(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = ROUND_MS * 1000000L }, NULL);
}

static void vary_depth(struct rng *r)
{
	static const int depths[] = { 1, 2, 16, 256, 4096 };

	if (rng_one_in(r, DEPTH_EVERY))
		module_set_param("queue_depth", depths[rng_below(r, 5)]);
}

static void attack(struct rng *r)
{
	long start = now_ms();
	unsigned int n;

	for (n = 0; n < HOSTILE_PROCESSES; n++)
		start_hostile(n);
	while (!enough(start) && !stuck) {
		nap();
		for (n = 0; n < HOSTILE_PROCESSES; n++)
			keep_hostile(r, n);
		for (n = 0; n < HONEST_BROKERS; n++)
			keep_honest(n);
		vary_depth(r);
		watch();
		tell();
		coverage_collect();
	}
	for (n = 0; n < HOSTILE_PROCESSES; n++)
		kill_hostile(n);
}

/* False when it doesn't end in time. */
static bool wait_for_load(unsigned int n)
{
	long start = now_ms();
	int status;

	while (waitpid(loads[n].pid, &status, WNOHANG) != loads[n].pid) {
		if (now_ms() - start > END_MS) {
			ksft_print_msg("load %u doesn't end in %d s\n", n, END_MS / 1000);
			kill(loads[n].pid, SIGKILL);
			return false;
		}
		nap();
		keep_honest(0);
		keep_honest(1);
		coverage_collect();
	}
	if (status)
		ksft_print_msg("load %u ended with status %#x\n", n, status);
	return !status;
}

/* All loads end, and verify what they wrote, with honest brokers alone. */
static bool settle(void)
{
	bool settled = true;
	unsigned int n;

	fuzz->phase = FUZZ_SETTLE;
	for (n = 0; n < loads_wanted; n++)
		settled &= wait_for_load(n);
	return settled;
}

static bool table_empties(const char *name)
{
	long start = now_ms();

	while (module_table(name) && now_ms() - start < GONE_MS)
		nap();
	return !module_table(name);
}

static const char *const claims[FUZZ_CLAIMS] = {
	[FUZZ_HONEST_IO] = "a volume of honest brokers: no error, no wrong byte",
	[FUZZ_OTHER_IO] = "a volume that they share: errors at most, then it works again",
	[FUZZ_BOUNDS] = "memory and disk beside the requests are as they were",
	[FUZZ_CALLS] = "system calls return and write what the manual says",
	[FUZZ_ZEROED] = "a new mapping is zero",
	[FUZZ_OWN_ONLY] = "a provider sees its own requests and nothing else",
	[FUZZ_ALG] = "keys that come and go",
};

static void print_counts(void)
{
	ksft_print_msg("seed %lu: %lu operations: %lu system calls and %lu answers of hostile brokers, %lu of them breaches\n",
		       (unsigned long)fuzz->seed, fuzz_operations(),
		       fuzz->counts[FUZZ_SYSCALLS], fuzz->counts[FUZZ_ANSWERS],
		       fuzz->counts[FUZZ_BREACHES]);
	ksft_print_msg("besides %lu changes of shared pages; %lu providers, %lu processes killed\n",
		       fuzz->counts[FUZZ_SCRIBBLES], fuzz->counts[FUZZ_LIVES],
		       fuzz->counts[FUZZ_KILLS]);
	ksft_print_msg("meanwhile %lu blocks read and verified, %lu I/O errors of the shared volume, %lu honest brokers started again\n",
		       fuzz->counts[FUZZ_READS], fuzz->counts[FUZZ_ERRORS], restarts);
}

/* One that was never checked doesn't hold. */
static void report_claim(enum fuzz_claim i)
{
	if (i == FUZZ_ALG && without_alg)
		ksft_test_result_skip("%s: %s\n", claims[i], without_alg);
	else
		ksft_test_result(fuzz->checks[i] && !fuzz->findings[i],
				 "%s (%lu checks, %lu findings)\n", claims[i],
				 fuzz->checks[i], fuzz->findings[i]);
}

static void report(bool settled, int klog)
{
	bool complains = klog_has(klog, "Call Trace");
	unsigned long n = fuzz_operations();
	unsigned int i;

	print_counts();
	for (i = 0; i < FUZZ_CLAIMS; i++)
		report_claim(i);
	ksft_test_result(settled && !stuck, "nothing hangs\n");
	ksft_test_result(table_empties("keys") && table_empties("providers"),
			 "no key and no provider is left behind\n");
	ksft_test_result(!complains, "the kernel doesn't complain\n");
	ksft_test_result(n && n >= options.operations,
			 "%lu operations, asked for %lu\n", n, options.operations);
}

static void write_coverage(void)
{
	int n;

	if (!options.coverage)
		return;
	coverage_collect();
	n = coverage_write(options.coverage);
	if (n < 0)
		give_up("--coverage: this kernel has no KCOV, or the file can't be written");
	ksft_print_msg("%d places of the module's code ran: see %s\n", n,
		       options.coverage);
}

static const char *const tuned[] = { "request_seconds", "setkey_timeout_ms", "queue_depth" };
static long untuned[ARRAY_SIZE(tuned)];

static void tune(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tuned); i++)
		untuned[i] = module_param(tuned[i]);
	module_limit_hold();
	module_set_param("request_seconds", REQUEST_SECONDS);
}

static void restore(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tuned); i++)
		module_set_param(tuned[i], untuned[i]);
}

static void start(void)
{
	unsigned int n;

	if (!fuzz_init(options.seed) || !load_prepare())
		give_up("no memory, or the disk can't be written");
	coverage_prepare();
	tune();
	for (n = 0; n < HONEST_BROKERS; n++)
		start_honest(n);
	for (n = 0; n < loads_wanted; n++)
		start_load(n);
	if (!broker_reaches(&fuzz->ready, loads_wanted, END_MS))
		give_up("no I/O even with honest brokers alone");
	module_set_param("setkey_timeout_ms", SETKEY_MS);
	coverage_begin(true);
}

/* Whether all ended. */
static bool end(void)
{
	bool settled = settle();
	unsigned int n;

	load_check_disk();
	for (n = 0; n < HONEST_BROKERS; n++)
		broker_free(honest[n]);
	restore();
	return settled;
}

int main(int argc, char **argv)
{
	struct rng r;
	int klog;

	parse(argc, argv);
	ksft_print_header();
	skip_unless_possible();
	ksft_set_plan(FUZZ_CLAIMS + 4);
	ksft_print_msg("--seed %lu\n", (unsigned long)options.seed);
	klog = klog_open();
	rng_seed(&r, options.seed, STREAM_MAIN);
	start();
	attack(&r);
	report(end(), klog);
	write_coverage();
	ksft_finished();
}
