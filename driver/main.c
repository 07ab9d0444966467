// SPDX-License-Identifier: GPL-2.0
/*
 * paes: AES-XTS whose key this machine never holds.
 *
 * dm-crypt sets a wrapped key; a broker in user space has an HSM do the AES.
 */

#include <crypto/algapi.h>
#include <linux/module.h>
#include <linux/workqueue.h>

#include "chardev.h"
#include "debugfs.h"
#include "provider.h"
#include "skcipher.h"

static int __init paes_init(void)
{
	int err;

	/* It sits under block I/O: it must run when memory is short. */
	paes_wq = alloc_workqueue("paes", WQ_MEM_RECLAIM | WQ_UNBOUND, 0);
	if (!paes_wq)
		return -ENOMEM;
	err = paes_chardev_register();
	if (err)
		goto err_wq;
	err = paes_skcipher_register();
	if (err)
		goto err_chardev;
	paes_debugfs_init();
	return 0;

err_chardev:
	paes_chardev_unregister();
err_wq:
	destroy_workqueue(paes_wq);
	return err;
}

static void __exit paes_exit(void)
{
	paes_debugfs_exit();
	paes_skcipher_unregister();
	paes_chardev_unregister();
	destroy_workqueue(paes_wq);
}

module_init(paes_init);
module_exit(paes_exit);

MODULE_DESCRIPTION("AES-XTS with wrapped keys, by a PKCS#11 broker");
MODULE_LICENSE("GPL");
MODULE_ALIAS_CRYPTO("xts(paes)");
MODULE_ALIAS_CRYPTO("xts-paes-broker");
