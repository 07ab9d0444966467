// SPDX-License-Identifier: GPL-2.0
/*
 * paes: AES-XTS whose key this machine never holds.
 *
 * dm-crypt sets a wrapped key; a broker in user space has an HSM do the AES.
 */

#include <crypto/algapi.h>
#include <linux/module.h>

#include "chardev.h"
#include "debugfs.h"
#include "skcipher.h"
#include "work.h"

static int __init paes_init(void)
{
	int err = paes_work_init();

	if (err)
		return err;
	err = paes_chardev_register();
	if (err)
		goto err_work;
	err = paes_skcipher_register();
	if (err)
		goto err_chardev;
	paes_debugfs_init();
	return 0;

err_chardev:
	paes_chardev_unregister();
err_work:
	paes_work_exit();
	return err;
}

static void __exit paes_exit(void)
{
	paes_debugfs_exit();
	paes_skcipher_unregister();
	paes_chardev_unregister();
	paes_work_exit();
}

module_init(paes_init);
module_exit(paes_exit);

MODULE_DESCRIPTION("AES-XTS with wrapped keys, by a PKCS#11 broker");
MODULE_LICENSE("GPL");
MODULE_ALIAS_CRYPTO("xts(paes)");
MODULE_ALIAS_CRYPTO("xts-paes-broker");
