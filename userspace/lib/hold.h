/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Signals that would end the program wait, while a token has something that it
 * must not be left with.  The thread's own mask: a PKCS#11 module that starts
 * threads has to leave them no signals, as it should anyway.
 */
#ifndef PAES_HOLD_H
#define PAES_HOLD_H

#include <signal.h>

struct hold {
	sigset_t before;
};

/* May be nested. */
void hold_begin(struct hold *hold);

/* What came meanwhile comes now. */
void hold_end(const struct hold *hold);

#endif
