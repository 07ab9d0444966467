// SPDX-License-Identifier: GPL-2.0
/* Where completions, and requests without a provider, are seen to. */

#include <linux/sched.h>
#include <linux/wait_bit.h>

#include "work.h"

struct workqueue_struct *paes_wq;

static atomic_t paes_work_users;

/**
 * paes_work_init() - make the workqueue
 *
 * Return: 0 or -ENOMEM.
 */
int paes_work_init(void)
{
	/* It is under block I/O: it must run when memory is short. */
	paes_wq = alloc_workqueue("paes", WQ_MEM_RECLAIM | WQ_UNBOUND, 0);
	return paes_wq ? 0 : -ENOMEM;
}

/**
 * paes_work_exit() - wait for the last object, then destroy the workqueue
 *
 * No new object can come: the module is being unloaded.
 */
void paes_work_exit(void)
{
	wait_var_event(&paes_work_users, !atomic_read(&paes_work_users));
	destroy_workqueue(paes_wq);
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
