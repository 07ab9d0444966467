/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Taking wrapped keys into use and out of it.
 */
#ifndef PAES_SETKEY_H
#define PAES_SETKEY_H

#include "key.h"

struct paes_key *paes_setkey_open(const u8 *bytes, unsigned int length);
void paes_setkey_close(struct paes_key *key);

#endif
