// SPDX-License-Identifier: GPL-2.0
#include "mock.h"

#include "engine.h"
#include "token_internal.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdlib.h>

struct mocked mocked;

static char module[PATH_MAX];

static struct mock *load(void)
{
	void *found = NULL;

	if (support_beside("mock_token.so", module))
		found = dlopen(module, RTLD_NOW | RTLD_NODELETE);
	return found ? dlsym(found, "mock") : NULL;
}

const char *mock_uri(void)
{
	return support_uri(TEST_LABEL, module);
}

int mock_enter(void **state)
{
	CLEANUP(secret) struct secret *pin = support_pin(TEST_PIN);

	if (support_enter_token(state))
		return -1;
	if (!support_softhsm())
		return 0;
	setenv("MOCK_BEHIND", support_softhsm(), 1);
	mocked.mock = load();
	return mocked.mock ? token_open(&mocked.token, mock_uri(), pin) : -1;
}

int mock_enter_engine(void **state)
{
	if (mock_enter(state))
		return -1;
	if (!mocked.token)
		return 0;
	support_kek(mocked.token, mocked.kek);
	mocked.engine = engine_new(mocked.token);
	/* Of a known number of calls; test_chunk.c does without. */
	token_end_chunks(mocked.token, true, TOKEN_USUAL);
	token_end_chunks(mocked.token, false, TOKEN_USUAL);
	return mocked.engine ?
	       xtskey_generate(&mocked.key, mocked.token, 256) : -1;
}

int mock_leave(void **state)
{
	if (mocked.token && mocked.engine)
		xtskey_close(&mocked.key, mocked.token);
	engine_free(mocked.engine);
	token_close(mocked.token);
	return support_leave(state);
}

void mock_set_fault(enum mock_fault fault, unsigned int after)
{
	*mocked.mock = (struct mock){ .fault = fault, .after = after };
}

int mock_heal(void **state)
{
	(void)state;
	if (mocked.mock)
		mock_set_fault(MOCK_NONE, 0);
	return 0;
}
