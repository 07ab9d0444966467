/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's fault injection: allocations that fail when they are told to.
 * Each is announced in the kernel's log, which qemu/check-log knows of.
 */
#ifndef PAES_TEST_FAULTS_H
#define PAES_TEST_FAULTS_H

#include <stdbool.h>

/* NULL, or why the tests can't run. */
const char *need_faults(void);

/* Before any of what follows, by the thread that does it. */
bool faults_prepare(void);

/* The nth allocation of this thread from here on fails, and no other. */
void faults_arm(unsigned int nth);

/* No more; returns what is left of nth, 0 when it came to that allocation. */
unsigned int faults_disarm(void);

/* So many percent of all allocations that the module is at the root of. */
bool faults_of_module(unsigned int percent);

#endif
