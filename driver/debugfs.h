/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PAES_DEBUGFS_H
#define PAES_DEBUGFS_H

void paes_debugfs_init(void);
void paes_debugfs_exit(void);

#endif
