/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Stands for lib/token.c, so that xtskey.c and engine.c are the real ones.
 */
#ifndef FUZZ_FAKETOKEN_H
#define FUZZ_FAKETOKEN_H

#include "token.h"

void faketoken_reset(void);

/* That many of the next encryptions and decryptions fail. */
void faketoken_fail(unsigned int calls);

#endif
