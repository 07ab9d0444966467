/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests need of the machine, and what the module shows of itself.
 */
#ifndef PAES_TEST_MODULE_H
#define PAES_TEST_MODULE_H

#include <stdbool.h>

/* Each returns NULL, or why the tests can't run. need_module() loads it. */
const char *need_root(void);
const char *need_module(void);
const char *need_alg(void);
const char *need_disk(void);

/* Module parameters and counters: -1 where there's no such file. */
long module_param(const char *name);
bool module_set_param(const char *name, long value);
long module_stat(const char *name);

/* Rows of "keys" or "providers" in debugfs: -1 where there's no such file. */
int module_table(const char *name);

/*
 * Of the one key that there is, in debugfs: a number, or the sum of a list; -1
 * where there isn't just one key, or no such column.
 */
long module_key_figure(const char *column);

/*
 * A test that is killed leaves its I/O behind: not for so long that the kernel
 * complains of hung tasks.
 */
void module_limit_hold(void);

/* Drops to nobody for good, supplementary groups too. */
void become_nobody(void);

/* The kernel log from here on. */
int klog_open(void);
bool klog_has(int fd, const char *text);

long now_ms(void);

/* Timeouts count ticks, the first of which is not a whole one. */
enum { TICK_MS = 10 };

/*
 * At the top of a test program: ends it with exit status 4 (skip) where the
 * machine lacks something, before any test runs.
 */
#define PREREQUISITES(...)						\
	static void __attribute__((constructor)) prerequisites(void)	\
	{								\
		const char *(*const needs[])(void) = { __VA_ARGS__ };	\
		const char *why;					\
		unsigned int i;						\
									\
		for (i = 0; i < sizeof(needs) / sizeof(needs[0]); i++) { \
			why = needs[i]();				\
			if (!why)					\
				continue;				\
			ksft_print_header();				\
			ksft_exit_skip("%s\n", why);			\
		}							\
	}								\
	static void __attribute__((constructor)) prerequisites(void)

#endif
