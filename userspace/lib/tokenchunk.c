// SPDX-License-Identifier: GPL-2.0
/*
 * How many bytes a call that encrypts should take: many, over which is spread
 * what any call costs, or so few that all copies of them stay in the
 * processor's first cache, the caller's and those that a token makes that is
 * nothing but a library.  To SoftHSM that is a quarter of its speed on one
 * processor and little on another; where a call is a round trip it's a heavy
 * loss.  So it's found out by the first turns, taken both ways: many, few, few,
 * many and so on, so that what differs from turn to turn for other reasons comes
 * to both.
 */
#include "token_internal.h"

#include "log.h"

#include <unistd.h>

enum {
	TURNS		= 32,			/* that are compared */
	TURNS_FIRST	= 4,			/* after which a heavy loss is seen */
	TURN_MIN	= TOKEN_CHUNK / 2,	/* bytes of one that is compared */

	COPIES		= 4,	/* data, scratch, and a library's two */
	CACHE		= 32768, /* bytes, where the C library doesn't know */
	SECTOR		= 4096,	/* bytes, the largest */
};

static size_t few_bytes(void)
{
	long known = sysconf(_SC_LEVEL1_DCACHE_SIZE);
	size_t cache = known > 0 ? (size_t)known : CACHE;
	size_t few = cache / COPIES / SECTOR * SECTOR;

	return few < SECTOR ? SECTOR : few > TURN_MIN ? TURN_MIN : few;
}

void token_begin_chunks(struct token *token)
{
	token->chunks = (struct token_chunks){
		.few = few_bytes(),
		.best = { UINT64_MAX, UINT64_MAX },
	};
}

void token_end_chunks(struct token *token, enum token_amount way)
{
	token->chunks.way = way;
	token->chunks.turns = TURNS;
}

static bool is_over(const struct token_chunks *chunks)
{
	return chunks->turns == TURNS;
}

enum token_amount token_chunks_next(const struct token_chunks *chunks)
{
	return (chunks->turns ^ chunks->turns >> 1) & 1 ? TOKEN_FEW : TOKEN_MANY;
}

static bool is_hopeless(const struct token_chunks *chunks)
{
	return chunks->turns == TURNS_FIRST &&
	       chunks->best[TOKEN_FEW] / 2 > chunks->best[TOKEN_MANY];
}

/*
 * What differs by less than an eighth may be chance, and isn't worth eight times
 * the calls, each with locks and system calls that others wait for, too.
 */
static enum token_amount quicker(const struct token_chunks *chunks)
{
	uint64_t many = chunks->best[TOKEN_MANY];

	return chunks->best[TOKEN_FEW] < many - many / 8 ? TOKEN_FEW : TOKEN_MANY;
}

static void decide(struct token *token)
{
	token_end_chunks(token, quicker(&token->chunks));
	log_debug("token \"%s\": encrypts %zu bytes in a call", token->label,
		  token->chunks.way == TOKEN_FEW ? token->chunks.few :
						   (size_t)TOKEN_CHUNK);
}

void token_chunks_took(struct token *token, size_t size, uint64_t ns)
{
	struct token_chunks *chunks = &token->chunks;
	uint64_t *best = &chunks->best[token_chunks_next(chunks)];
	uint64_t pace = ns * TOKEN_CHUNK / size;

	if (pace < *best)
		*best = pace;
	if (++chunks->turns == TURNS || is_hopeless(chunks))
		decide(token);
}

static bool is_compared(const struct token_chunks *chunks, size_t size)
{
	return !is_over(chunks) && size >= TURN_MIN && size <= TOKEN_CHUNK;
}

struct token_turn token_begin_turn(const struct token *token, size_t size)
{
	const struct token_chunks *chunks = &token->chunks;
	bool compared = is_compared(chunks, size);
	enum token_amount amount = compared ? token_chunks_next(chunks) :
					      chunks->way;

	return (struct token_turn){
		.size = size,
		.chunk = amount == TOKEN_FEW ? chunks->few : TOKEN_CHUNK,
		.since = compared ? token_clock() : 0,
	};
}

void token_end_turn(struct token *token, const struct token_turn *turn)
{
	if (turn->since)
		token_chunks_took(token, turn->size, token_clock() - turn->since);
}
