/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PAES_TUNE_H
#define PAES_TUNE_H

/*
 * SoftHSM's C_Decrypt buffers all it gets.  With malloc's defaults that is a
 * mapping made, faulted in and given back for each call: half the speed.
 */
void tune_malloc(void);

#endif
