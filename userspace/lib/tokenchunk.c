// SPDX-License-Identifier: GPL-2.0
/*
 * How many bytes a call should take: TOKEN_CHUNK, or what the first turns find
 * to be quicker.
 *
 * To encrypt, that can be few: so few that all copies of them stay in the
 * processor's first cache, the caller's and those that a token makes that is
 * nothing but a library.  To SoftHSM that is a quarter of its speed on one
 * processor and little on another; where a call is a round trip it's a heavy
 * loss.  To decrypt, each call has an operation to begin, so it can be twice as
 * many, where what a call costs outweighs that they need twice the cache; if the
 * token takes so many.
 *
 * The turns are taken both ways: usual, other, other, usual and so on, so that
 * what differs from turn to turn for other reasons comes to both.
 */
#include "token_internal.h"

#include "log.h"

#include <unistd.h>

enum {
	TURNS		= 32,			/* that are compared */
	TURNS_FIRST	= 4,			/* after which a heavy loss is seen */

	COPIES		= 4,	/* data, scratch, and a library's two */
	CACHE		= 32768, /* bytes, where the C library doesn't know */
	SECTOR		= 4096,	/* bytes, the largest */
	FEW_MAX		= TOKEN_CHUNK / 2,

	/*
	 * What differs by less than an eighth may be chance, and isn't worth
	 * eight times the calls, each with locks and system calls that others
	 * wait for, too.  Half the calls are worth having in any case.
	 */
	WORTH_FEW	= 64 / 8,
	WORTH_MUCH	= 0,
};

static size_t few_bytes(void)
{
	long known = sysconf(_SC_LEVEL1_DCACHE_SIZE);
	size_t cache = known > 0 ? (size_t)known : CACHE;
	size_t few = cache / COPIES / SECTOR * SECTOR;

	return few < SECTOR ? SECTOR : few > FEW_MAX ? FEW_MAX : few;
}

static struct token_chunks begin_chunks(size_t other, size_t turn,
					unsigned int worth)
{
	return (struct token_chunks){
		.sizes = { TOKEN_CHUNK, other },
		.turn = turn,
		.worth = worth,
		.best = { UINT64_MAX, UINT64_MAX },
	};
}

void token_begin_chunks(struct token *token)
{
	token->chunks[true] = begin_chunks(few_bytes(), TOKEN_CHUNK, WORTH_FEW);
	token->chunks[false] = begin_chunks(TOKEN_CHUNK_MAX, TOKEN_CHUNK_MAX,
					    WORTH_MUCH);
	token->much_tried = false;
}

void token_end_chunks(struct token *token, bool encrypt, enum token_amount way)
{
	token->chunks[encrypt].way = way;
	token->chunks[encrypt].turns = TURNS;
}

static bool is_over(const struct token_chunks *chunks)
{
	return chunks->turns == TURNS;
}

enum token_amount token_chunks_next(const struct token_chunks *chunks)
{
	return (chunks->turns ^ chunks->turns >> 1) & 1 ? TOKEN_OTHER :
							  TOKEN_USUAL;
}

static bool is_hopeless(const struct token_chunks *chunks)
{
	return chunks->turns == TURNS_FIRST &&
	       chunks->best[TOKEN_OTHER] / 2 > chunks->best[TOKEN_USUAL];
}

static enum token_amount quicker(const struct token_chunks *chunks)
{
	uint64_t usual = chunks->best[TOKEN_USUAL];

	return chunks->best[TOKEN_OTHER] < usual - usual / 64 * chunks->worth ?
	       TOKEN_OTHER : TOKEN_USUAL;
}

static void decide(struct token *token, bool encrypt)
{
	const struct token_chunks *chunks = &token->chunks[encrypt];

	token_end_chunks(token, encrypt, quicker(chunks));
	log_debug("token \"%s\": %s %zu bytes in a call", token->label,
		  encrypt ? "encrypts" : "decrypts", chunks->sizes[chunks->way]);
}

void token_chunks_took(struct token *token, bool encrypt, size_t size,
		       uint64_t ns)
{
	struct token_chunks *chunks = &token->chunks[encrypt];
	uint64_t *best = &chunks->best[token_chunks_next(chunks)];
	uint64_t pace = ns * TOKEN_CHUNK / size;

	if (pace < *best)
		*best = pace;
	if (++chunks->turns == TURNS || is_hopeless(chunks))
		decide(token, encrypt);
}

static bool is_compared(const struct token_chunks *chunks, size_t size)
{
	return !is_over(chunks) && size >= chunks->turn / 4 * 3 &&
	       size <= chunks->turn;
}

/*
 * The ways of decryption are compared first.  A token may not take so much in a
 * call: tried before data is given to it.
 */
static bool is_much_taken(struct token *token, token_key key)
{
	if (!token_trial_is_over(&token->trials[TOKEN_LARGE]))
		return false;
	if (!token->much_tried && !token_decrypts_much(token, key, TOKEN_CHUNK_MAX))
		token_end_chunks(token, false, TOKEN_USUAL);
	token->much_tried = true;
	return !is_over(&token->chunks[false]);
}

struct token_turn token_begin_turn(struct token *token, token_key key,
				   bool encrypt, size_t size)
{
	const struct token_chunks *chunks = &token->chunks[encrypt];
	bool compared = is_compared(chunks, size) &&
			(encrypt || is_much_taken(token, key));
	enum token_amount amount = compared ? token_chunks_next(chunks) :
					      chunks->way;

	return (struct token_turn){
		.encrypt = encrypt,
		.size = size,
		.chunk = chunks->sizes[amount],
		.since = compared ? token_clock() : 0,
	};
}

void token_end_turn(struct token *token, const struct token_turn *turn)
{
	if (turn->since)
		token_chunks_took(token, turn->encrypt, turn->size,
				  token_clock() - turn->since);
}
