/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PAES_CHARDEV_H
#define PAES_CHARDEV_H

int paes_chardev_register(void);
void paes_chardev_unregister(void);

#endif
