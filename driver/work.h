/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The module's workqueues, and their end: destroying a queue doesn't wait for
 * timers that would still put work on it, so they outlive all objects that have
 * such a timer.
 */
#ifndef PAES_WORK_H
#define PAES_WORK_H

#include <linux/workqueue.h>

extern struct workqueue_struct *paes_wq;
extern struct workqueue_struct *paes_answer_wq;

int paes_work_init(void);
void paes_work_exit(void);
void paes_work_get(void);
void paes_work_put(void);

#endif
