// SPDX-License-Identifier: GPL-2.0
/* /dev/paes: system calls of providers, as uapi/linux/paes.h describes them. */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/compat.h>
#include <linux/ctype.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "chardev.h"
#include "provider.h"
#include "queue.h"
#include "registry.h"
#include "stats.h"

/**
 * struct paes_file - one open file
 * @lock:	serialises SETUP and SERVE
 * @provider:	set once by SETUP; released stores, acquired elsewhere
 */
struct paes_file {
	struct mutex lock;	/* SETUP and SERVE, once each */
	struct paes_provider *provider;
};

static struct paes_provider *paes_file_provider(struct file *file)
{
	struct paes_file *f = file->private_data;

	/* Pairs with the store in paes_file_setup(). */
	return smp_load_acquire(&f->provider);
}

static int paes_open(struct inode *inode, struct file *file)
{
	struct paes_file *f = kzalloc(sizeof(*f), GFP_KERNEL);

	if (!f)
		return -ENOMEM;
	mutex_init(&f->lock);
	file->private_data = f;
	return nonseekable_open(inode, file);
}

static int paes_release(struct inode *inode, struct file *file)
{
	struct paes_file *f = file->private_data;

	if (f->provider) {
		paes_provider_kill(f->provider);
		paes_provider_put(f->provider);
	}
	mutex_destroy(&f->lock);
	kfree(f);
	return 0;
}

static int paes_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct paes_provider *provider = paes_file_provider(file);

	if (!provider)
		return -EINVAL;
	return paes_area_mmap(&provider->area, vma);
}

/* It ends up in the log and in tables: printable, no blanks, terminated. */
static bool paes_name_valid(const u8 name[PAES_NAME_SIZE])
{
	size_t length = strnlen(name, PAES_NAME_SIZE);
	size_t i;

	if (!length || length == PAES_NAME_SIZE)
		return false;
	for (i = 0; i < length; i++)
		if (!isascii(name[i]) || !isgraph(name[i]))
			return false;
	return !memchr_inv(name + length, 0, PAES_NAME_SIZE - length);
}

static int paes_setup_check(struct paes_setup *setup)
{
	if (setup->version != PAES_ABI_VERSION) {
		setup->version = PAES_ABI_VERSION;
		return -EPROTONOSUPPORT;
	}
	if (setup->flags || !paes_name_valid(setup->name) ||
	    memchr_inv(setup->reserved, 0, sizeof(setup->reserved)))
		return -EINVAL;
	if (!setup->depth)
		setup->depth = READ_ONCE(paes_queue_depth);
	setup->depth = clamp_t(u32, setup->depth, PAES_DEPTH_MIN,
			       PAES_DEPTH_MAX);
	return 0;
}

/* File lock held. */
static int paes_file_setup(struct paes_file *f, struct paes_setup *setup)
{
	struct paes_provider *provider;

	if (f->provider)
		return -EBUSY;
	provider = paes_provider_new(setup);
	if (IS_ERR(provider))
		return PTR_ERR(provider);
	provider->idle = paes_queue_feed_provider;
	provider->gone = paes_registry_remove_provider;
	/* Pairs with the load in paes_file_provider(). */
	smp_store_release(&f->provider, provider);
	return 0;
}

static long paes_ioctl_setup(struct file *file, void __user *arg)
{
	struct paes_file *f = file->private_data;
	struct paes_setup setup;
	int err;

	if (copy_from_user(&setup, arg, sizeof(setup)))
		return -EFAULT;
	err = paes_setup_check(&setup);
	if (!err) {
		mutex_lock(&f->lock);
		err = paes_file_setup(f, &setup);
		mutex_unlock(&f->lock);
	}
	if (err && err != -EPROTONOSUPPORT)
		return err;
	return copy_to_user(arg, &setup, sizeof(setup)) ? -EFAULT : err;
}

static bool paes_ids_valid(u8 (*ids)[PAES_ID_SIZE], u32 count)
{
	u32 i, j;

	for (i = 0; i < count; i++) {
		if (!memchr_inv(ids[i], 0, PAES_ID_SIZE))
			return false;
		for (j = 0; j < i; j++)
			if (!memcmp(ids[i], ids[j], PAES_ID_SIZE))
				return false;
	}
	return true;
}

/* File lock held. */
static int paes_file_serve(struct paes_provider *provider,
			   u8 (*ids)[PAES_ID_SIZE], u32 count)
{
	if (provider->kek_ids)
		return -EBUSY;
	provider->kek_ids = ids;
	provider->kek_count = count;
	return paes_registry_add_provider(provider);
}

static long paes_ioctl_serve(struct file *file, const void __user *arg)
{
	struct paes_provider *provider = paes_file_provider(file);
	struct paes_file *f = file->private_data;
	struct paes_serve serve;
	u8 (*ids)[PAES_ID_SIZE];
	int err = -EINVAL;

	if (copy_from_user(&serve, arg, sizeof(serve)))
		return -EFAULT;
	if (!provider || serve.reserved || !serve.count ||
	    serve.count > PAES_SERVE_MAX)
		return -EINVAL;
	ids = memdup_user(u64_to_user_ptr(serve.kek_ids),
			  serve.count * PAES_ID_SIZE);
	if (IS_ERR(ids))
		return PTR_ERR(ids);
	mutex_lock(&f->lock);
	if (paes_ids_valid(ids, serve.count))
		err = paes_file_serve(provider, ids, serve.count);
	mutex_unlock(&f->lock);
	if (provider->kek_ids != ids)
		kfree(ids);
	return err;
}

/*
 * Who serves is not frozen for suspend or hibernation: whoever waits for I/O
 * could not be frozen either, nor could the kernel write what is dirty.  The
 * flag is the thread's own, and goes with exec.
 */
static void paes_task_serves(bool serves)
{
	if (serves)
		current->flags |= PF_NOFREEZE;
	else
		current->flags &= ~PF_NOFREEZE;
}

static long paes_enter_wait(struct paes_provider *provider,
			    const struct paes_enter *enter)
{
	int err;

	paes_task_serves(true);
	err = paes_provider_wait(provider, enter->sq_head, enter->timeout_ms);
	if (err == -ESHUTDOWN)
		paes_task_serves(false);
	return err;
}

static long paes_ioctl_enter(struct file *file, const void __user *arg)
{
	struct paes_provider *provider = paes_file_provider(file);
	struct paes_enter enter;

	if (copy_from_user(&enter, arg, sizeof(enter)))
		return -EFAULT;
	if (!provider || enter.reserved || (enter.flags & ~PAES_ENTER_WAIT))
		return -EINVAL;
	paes_provider_kick(provider);
	if (enter.flags & PAES_ENTER_WAIT)
		return paes_enter_wait(provider, &enter);
	return READ_ONCE(provider->dead) ? -ESHUTDOWN : 0;
}

static long paes_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	switch (cmd) {
	case PAES_IOC_SETUP:
		return paes_ioctl_setup(file, (void __user *)arg);
	case PAES_IOC_SERVE:
		return paes_ioctl_serve(file, (void __user *)arg);
	case PAES_IOC_ENTER:
		return paes_ioctl_enter(file, (void __user *)arg);
	}
	return -ENOTTY;
}

static const struct file_operations paes_fops = {
	.owner		= THIS_MODULE,
	.open		= paes_open,
	.release	= paes_release,
	.mmap		= paes_mmap,
	.unlocked_ioctl	= paes_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
	.llseek		= noop_llseek,
};

static struct miscdevice paes_misc = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "paes",
	.mode	= 0600,
	.fops	= &paes_fops,
	.groups	= paes_stats_groups,
};

/**
 * paes_chardev_register() - make /dev/paes
 *
 * Return: 0 or -errno.
 */
int paes_chardev_register(void)
{
	return misc_register(&paes_misc);
}

/**
 * paes_chardev_unregister() - no file is open by then
 */
void paes_chardev_unregister(void)
{
	misc_deregister(&paes_misc);
}
