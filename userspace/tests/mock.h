/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The token that misbehaves (mock_token.h), in the test's own directory: what
 * its tests share.
 */
#ifndef PAES_TESTS_MOCK_H
#define PAES_TESTS_MOCK_H

#include "support.h"

#include "mock_token.h"
#include "token.h"
#include "xtskey.h"

/* All of it is NULL without SoftHSM. */
struct mocked {
	struct mock *mock;	/* in the module: what is to go wrong */
	struct token *token;	/* TEST_LABEL */
	struct engine *engine;
	struct xtskey key;	/* for the engine, of the token's session */
	unsigned char kek[PAES_ID_SIZE];
};

extern struct mocked mocked;

/* Group set-up: the token, or all the rest as well; the tear-down closes it. */
int mock_enter(void **state);
int mock_enter_engine(void **state);
int mock_leave(void **state);

/* A test that starts with nothing wrong. */
int mock_heal(void **state);
#define MOCK_TEST(name) cmocka_unit_test_setup(name, mock_heal)

/* From now on, once `after` calls have gone well. */
void mock_set_fault(enum mock_fault fault, unsigned int after);

/* To open the token once more; valid until the next support_uri(). */
const char *mock_uri(void);

#endif
