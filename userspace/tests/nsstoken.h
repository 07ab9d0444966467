/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A token of NSS's software database, in the test's own directory: what the
 * tests of that make share.
 */
#ifndef PAES_TEST_NSSTOKEN_H
#define PAES_TEST_NSSTOKEN_H

#include "token.h"

/*
 * Makes and opens it, with TEST_PIN; the caller closes it.  0 with *token NULL
 * where NSS (package libnss3) isn't installed; negative when it makes none.
 */
int nsstoken_make(struct token **token);

#endif
