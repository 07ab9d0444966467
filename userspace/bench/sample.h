/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the benchmarks have in common: a sample is one JSON object a line on
 * standard output, {"name", "run", "value", "unit"}; qemu/bench makes figures of them.
 */
#ifndef PAES_BENCH_SAMPLE_H
#define PAES_BENCH_SAMPLE_H

#include <stdint.h>
#include <time.h>

enum {
	BENCH_SECTOR	= 4096,
	BENCH_BATCH	= 64,
};

void sample_print(const char *name, unsigned int run, double value,
		  const char *unit);

/* CLOCK_MONOTONIC or CLOCK_PROCESS_CPUTIME_ID, in ns. */
uint64_t sample_clock(clockid_t clock);

/* Bytes in so many ns, in MB/s (10^6). */
double sample_speed(uint64_t bytes, uint64_t ns);

/* A number from 1 up, or the program ends and says which argument it is. */
unsigned int sample_number(const char *what, const char *text);

#endif
