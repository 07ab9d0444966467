/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A key in the clear, as a file.
 */
#ifndef PAES_KEYFILE_H
#define PAES_KEYFILE_H

#include "secret.h"

/*
 * 32 or 64 raw bytes, K1 then K2; "-" is standard input.  One that others can
 * read is warned of.  0, or -errno after logging; `key` is set, or still NULL.
 */
int keyfile_read(const char *path, struct secret **key);

#endif
