// SPDX-License-Identifier: GPL-2.0
/* Where completions, and requests without a provider, are seen to. */

#include <linux/sched.h>
#include <linux/wait_bit.h>

#include "work.h"

struct workqueue_struct *paes_wq;

/*
 * Where callers are told that their data is encrypted.  They may submit it
 * then and there, and wait for their disk: on @paes_wq that would keep others
 * from its thread for times when memory is short.
 */
struct workqueue_struct *paes_answer_wq;

static atomic_t paes_work_users;

/**
 * paes_work_init() - make the workqueues
 *
 * Return: 0 or -ENOMEM.
 */
int paes_work_init(void)
{
	/* They are under block I/O: they must run when memory is short. */
	paes_wq = alloc_workqueue("paes", WQ_MEM_RECLAIM | WQ_UNBOUND, 0);
	if (!paes_wq)
		return -ENOMEM;
	paes_answer_wq = alloc_workqueue("paes_answer",
					 WQ_MEM_RECLAIM | WQ_UNBOUND, 0);
	if (!paes_answer_wq)
		destroy_workqueue(paes_wq);
	return paes_answer_wq ? 0 : -ENOMEM;
}

/**
 * paes_work_exit() - wait for the last object, then destroy the workqueues
 *
 * No new object can come: the module is being unloaded.
 */
void paes_work_exit(void)
{
	wait_var_event(&paes_work_users, !atomic_read(&paes_work_users));
	destroy_workqueue(paes_wq);
	destroy_workqueue(paes_answer_wq);
}

/**
 * paes_work_get() - an object is made that may queue work, now or by a timer
 */
void paes_work_get(void)
{
	atomic_inc(&paes_work_users);
}

/**
 * paes_work_put() - that object is freed
 */
void paes_work_put(void)
{
	if (atomic_dec_and_test(&paes_work_users))
		wake_up_var(&paes_work_users);
}
