// SPDX-License-Identifier: GPL-2.0
/* Tables of keys and providers, for people and `paes status`. */

#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/seq_file.h>

#include "debugfs.h"
#include "registry.h"

static struct dentry *paes_debugfs_dir;

static int keys_show(struct seq_file *file, void *unused)
{
	paes_registry_show_keys(file);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(keys);

static int providers_show(struct seq_file *file, void *unused)
{
	paes_registry_show_providers(file);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(providers);

/**
 * paes_debugfs_init() - make /sys/kernel/debug/paes
 *
 * As usual for debugfs, failure is not an error.
 */
void paes_debugfs_init(void)
{
	paes_debugfs_dir = debugfs_create_dir("paes", NULL);
	debugfs_create_file("keys", 0400, paes_debugfs_dir, NULL, &keys_fops);
	debugfs_create_file("providers", 0400, paes_debugfs_dir, NULL,
			    &providers_fops);
}

/**
 * paes_debugfs_exit() - remove it
 */
void paes_debugfs_exit(void)
{
	debugfs_remove_recursive(paes_debugfs_dir);
}
