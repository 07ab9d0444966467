/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What older kernels lack.  The driver is written for the newest kernel; this
 * is the only place that knows of versions.
 */
#ifndef PAES_COMPAT_H
#define PAES_COMPAT_H

#include <linux/mm.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
static inline void vm_flags_mod(struct vm_area_struct *vma,
				unsigned long set, unsigned long clear)
{
	vma->vm_flags = (vma->vm_flags | set) & ~clear;
}
#endif

#endif
