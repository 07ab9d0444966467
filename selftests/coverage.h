/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What of the module's code ran, by KCOV: of the threads that ask for it, and
 * of the kernel's workqueues where qemu/debug-kernel made it.  On kernels
 * without KCOV nothing is collected and nothing fails.
 */
#ifndef PAES_TEST_COVERAGE_H
#define PAES_TEST_COVERAGE_H

#include <stdbool.h>

/* Before any fork: what children see is collected in memory that is shared. */
bool coverage_prepare(void);

/* The calling thread, from here on; `works`: and the workqueues, for one. */
void coverage_begin(bool works);

/* Adds what this thread's buffer holds; it is lost when the buffer is full. */
void coverage_collect(void);

/*
 * A line for each place that ran: its section and offset in paes.ko.  Returns
 * the number of places, or a negative errno.
 */
int coverage_write(const char *path);

#endif
