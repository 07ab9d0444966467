// SPDX-License-Identifier: GPL-2.0
/*
 * Which way of decryption is the quicker one (see tokendecrypt.c) depends on
 * the token and on the size, and is found out by the first calls: pairs of about
 * the same size, one each way.  Small calls and large ones are compared apart:
 * for these it's the data that counts, for those what is around it.
 *
 * Where other processes take turns on the processor, one pair in three may tell
 * of them only.  So there are pairs until one way leads clearly: of what is seen
 * at once there are few.
 */
#include "token_internal.h"

#include "log.h"

#include <stdlib.h>

enum {
	TRIAL_PAIRS	= 32,	/* at most: then the majority */
	TRIAL_LEAD	= 6,	/* pairs more for one way: enough */
	TRIAL_LARGE	= 32768, /* bytes at least */
};

static void start_trial(struct token_trial *trial, enum token_way way,
			unsigned int pairs)
{
	*trial = (struct token_trial){ .way = way, .pairs = pairs };
}

void token_begin_trials(struct token *token)
{
	token_leave_places(token);
	for (int i = 0; i < TOKEN_SIZES; i++)
		start_trial(&token->trials[i], TOKEN_AT_ONCE, 0);
	token->drop_tried = false;
}

void token_end_trials(struct token *token, enum token_way way)
{
	token_leave_places(token);
	for (int i = 0; i < TOKEN_SIZES; i++)
		start_trial(&token->trials[i], way, TRIAL_PAIRS);
	token->drop_tried = true;
}

static bool is_small(size_t size)
{
	return size < TRIAL_LARGE;
}

struct token_trial *token_trial_of(struct token *token, size_t size)
{
	return &token->trials[is_small(size) ? TOKEN_SMALL : TOKEN_LARGE];
}

bool token_trial_is_over(const struct token_trial *trial)
{
	return trial->pairs == TRIAL_PAIRS;
}

void token_trial_begin(struct token_trial *trial, size_t size, uint64_t taken)
{
	trial->size = size;
	trial->at_once = taken;
}

bool token_trial_goes_on(const struct token_trial *trial, size_t size)
{
	size_t differs = size > trial->size ? size - trial->size :
					      trial->size - size;

	return trial->size && differs <= trial->size / 8;
}

/*
 * Somebody waits for what is small.  What differs by less than a tenth is chance;
 * dropping may cost half as much again in all: its beginning can be made ahead
 * when there is nothing else to do.
 */
static bool is_wait_shorter(uint64_t at_once, uint64_t begin, uint64_t rest)
{
	return rest < at_once - at_once / 10 &&
	       begin + rest < at_once + at_once / 2;
}

/* Where there is much to do, nothing is made ahead: all of it counts. */
static bool is_drop_quicker(const struct token_trial *trial, uint64_t begin,
			    uint64_t rest)
{
	if (is_small(trial->size))
		return is_wait_shorter(trial->at_once, begin, rest);
	return rest < trial->at_once && begin < trial->at_once - rest;
}

static void end_trial(const struct token *token, struct token_trial *trial)
{
	bool small = trial == &token->trials[TOKEN_SMALL];

	trial->pairs = TRIAL_PAIRS;
	if (trial->lead > 0)
		trial->way = TOKEN_AND_DROP;
	log_debug("token \"%s\": decrypts %s pieces %s", token->label,
		  small ? "small" : "large",
		  trial->way == TOKEN_AND_DROP ?
		  "in sessions that are closed behind each call" :
		  "by C_Decrypt");
}

void token_trial_end(const struct token *token, struct token_trial *trial,
		     uint64_t begin, uint64_t rest)
{
	trial->lead += is_drop_quicker(trial, begin, rest) ? 1 : -1;
	trial->size = 0;
	if (++trial->pairs == TRIAL_PAIRS || abs(trial->lead) == TRIAL_LEAD)
		end_trial(token, trial);
}
