// SPDX-License-Identifier: GPL-2.0
/* What is said of each call of a token: how long it took, and why it failed. */
#include "token_internal.h"

#include "log.h"

#include <errno.h>
#include <time.h>

static int errno_of(CK_RV rv)
{
	switch (rv) {
	case CKR_PIN_INCORRECT:
	case CKR_PIN_INVALID:
	case CKR_PIN_LEN_RANGE:
	case CKR_PIN_EXPIRED:
	case CKR_PIN_LOCKED:
	case CKR_USER_PIN_NOT_INITIALIZED:
		return EACCES;
	case CKR_MECHANISM_INVALID:
	case CKR_FUNCTION_NOT_SUPPORTED:
		return EOPNOTSUPP;
	default:
		return EIO;
	}
}

static struct figures *watched;

void token_watch(struct figures *figures)
{
	watched = figures;
}

uint64_t token_clock(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* Where the clock is a system call, to time each call would be dear. */
uint64_t token_begin_call(void)
{
	static unsigned int calls;

	return watched && calls++ % FIGURES_SAMPLE == 0 ? token_clock() : 0;
}

void token_count_call(uint64_t since)
{
	if (watched && since)
		figures_call(watched, token_clock() - since);
}

int token_fail(const struct token *token, const char *what, CK_RV rv)
{
	if (watched)
		figures_error(watched, token_ckr_place(rv));
	log_error("token \"%s\": %s: %s", token->label ? token->label : "?", what,
		  token_ckr_name(rv));
	return -errno_of(rv);
}

int token_check_length(const struct token *token, const char *what,
		       CK_ULONG found, size_t expected)
{
	if (found == expected)
		return 0;
	log_error("token \"%s\": %s: expected %zu bytes, got %lu: nothing of it is used",
		  token->label, what, expected, found);
	return -EIO;
}
