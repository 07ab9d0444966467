// SPDX-License-Identifier: GPL-2.0
/*
 * Several processes at once, each with a session of its own, over one: what
 * they reach together by the clock.  Each is executed anew, since a token
 * module must not be used across a fork.
 */
#include "bench.h"
#include "log.h"
#include "sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	CHILDREN_MAX	= 64,
	CHANNEL		= 3,	/* to the parent, in the child */
};

/* By the clock, and by what the process itself got of its processor. */
struct speed {
	double clock;
	double processor;
};

struct task {
	size_t message;		/* bytes of a raw call; 0: the engine, by batches */
	uint64_t slice;		/* ns */
};

static int channels[CHILDREN_MAX];

/* --- the child: for each byte from the parent, works for a while and answers */

static uint64_t step(struct bench *bench, const struct task *task)
{
	if (task->message) {
		bench_token(bench, true, task->message);
		return task->message;
	}
	bench_engine(bench, true, BENCH_BATCH);
	return BENCH_BATCH * BENCH_SECTOR;
}

static struct speed work(struct bench *bench, const struct task *task)
{
	uint64_t start = sample_clock(CLOCK_MONOTONIC);
	uint64_t begun = sample_clock(CLOCK_PROCESS_CPUTIME_ID);
	uint64_t bytes = 0, spent;

	do {
		bytes += step(bench, task);
		spent = sample_clock(CLOCK_MONOTONIC) - start;
	} while (spent < task->slice);
	begun = sample_clock(CLOCK_PROCESS_CPUTIME_ID) - begun;
	return (struct speed){ sample_speed(bytes, spent),
			       sample_speed(bytes, begun) };
}

static int run_child(const char *uri, const char *pin_file, const struct task *task)
{
	struct bench bench = { 0 };
	struct speed speed = { 0 };
	char command;

	bench_open(&bench, uri, pin_file);
	step(&bench, task);
	do {
		if (write(CHANNEL, &speed, sizeof(speed)) != sizeof(speed))
			return 1;
		if (read(CHANNEL, &command, 1) != 1)
			break;
		speed = work(&bench, task);
	} while (true);
	bench_close(&bench);
	return 0;
}

/* --- the parent */

static struct speed get_answer(int child)
{
	struct speed speed;

	if (read(channels[child], &speed, sizeof(speed)) != sizeof(speed))
		bench_check(-EPIPE, "a worker");
	return speed;
}

static void start_child(int child, char **argv)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		bench_check(-errno, "socketpair");
	channels[child] = pair[0];
	if (fork())
		close(pair[1]);
	else if (dup2(pair[1], CHANNEL) == CHANNEL &&
		 setenv("BENCH_CHILD", "1", 1) == 0)
		execv("/proc/self/exe", argv);
}

static struct speed run_together(unsigned int count)
{
	struct speed sum = { 0 };

	for (unsigned int i = 0; i < count; i++)
		if (write(channels[i], "", 1) != 1)
			bench_check(-EPIPE, "a worker");
	for (unsigned int i = 0; i < count; i++) {
		struct speed one = get_answer((int)i);

		sum.clock += one.clock;
		sum.processor += one.processor;
	}
	return sum;
}

static void print_together(const char *name, unsigned int count, unsigned int run)
{
	struct speed sum = run_together(count);
	char sample[64];

	snprintf(sample, sizeof(sample), "%s.%u", name, count);
	sample_print(sample, run, sum.clock, "MB/s");
	snprintf(sample, sizeof(sample), "%s.%u.processor", name, count);
	sample_print(sample, run, sum.processor, "MB/s");
}

static void start_children(unsigned int count, char **argv)
{
	/* One by one: SoftHSM is not found while another process logs in. */
	for (unsigned int i = 0; i < count; i++) {
		start_child((int)i, argv);
		get_answer((int)i);
	}
}

/* One process alone, then all of them. */
static void run_parent(const char *name, unsigned int count, unsigned int first,
		       unsigned int runs)
{
	for (unsigned int run = first; run < first + runs; run++) {
		print_together(name, 1, run);
		print_together(name, count, run);
	}
}

int main(int argc, char **argv)
{
	struct task task;
	unsigned int count;

	if (argc != 9) {
		fputs("Usage: bench-workers TOKEN-URI PIN-FILE NAME COUNT FIRST-RUN RUNS MS engine|BYTES\n",
		      stderr);
		return 2;
	}
	task.slice = sample_number("MS", argv[7]) * 1000000ull;
	task.message = strcmp(argv[8], "engine") ?
		       sample_number("BYTES", argv[8]) : 0;
	if (getenv("BENCH_CHILD"))
		return run_child(argv[1], argv[2], &task);
	count = sample_number("COUNT", argv[4]);
	if (count > CHILDREN_MAX || task.message > BENCH_DATA)
		bench_check(-ERANGE, "COUNT up to 64 and BYTES up to 1 MiB: that");
	start_children(count, argv);
	run_parent(argv[3], count, sample_number("FIRST-RUN", argv[5]),
		   sample_number("RUNS", argv[6]));
	return 0;
}
