/* SPDX-License-Identifier: GPL-2.0 */
/*
 * I/O under which the fuzzer attacks, each in a process of its own until
 * fuzz->phase says that it's enough.  What it sees goes to the claims.
 */
#ifndef PAES_TEST_LOAD_H
#define PAES_TEST_LOAD_H

#include <stdbool.h>

/* Fills the disk, before; false when that fails. */
bool load_prepare(void);

/*
 * A volume of the honest key, where nothing may fail and each read is verified;
 * or of the shared one, where I/O may fail, and a hostile broker's data is
 * what it is.  Returns an exit status.
 */
int load_volume(bool honest, unsigned int watch);

/* AF_ALG: keys that come and go, requests of any length. */
int load_alg(unsigned int watch);

/* What no volume covers, and no request asked for, is as it was. */
void load_check_disk(void);

#endif
