// SPDX-License-Identifier: GPL-2.0
/*
 * A batch falls into groups (one key, one direction); a group into slices
 * whose tweaks fit the tweak area: one token call; a slice into turns, for each
 * of which the token says what a chunk is; a turn into rounds whose data fits one
 * chunk: one token call, and one more where units steal.  A request is never
 * split over rounds, so that it is given out whole or not at all; one larger than
 * a chunk is a round of its own, of several calls.
 */
#include "engine.h"

#include "groups.h"
#include "log.h"
#include "tweaks.h"
#include "xts.h"

#include <errno.h>
#include <string.h>

enum {
	BLOCK		= XTS_BLOCK,
	UNITS_MAX	= ENGINE_REQUEST_MAX / BLOCK,

	FEW_UNITS	= 64,	/* fewer in a slice: worth looking ahead */

	LINE		= 64,	/* of a cache; the widest vector */
	HALF_PAGE	= 2048,

	/*
	 * What a round can need at most, and a known block behind each.  Blocks
	 * aren't where requests' data is in a page: loads of the one would wait
	 * for stores to the other, as if they were to the same address.
	 */
	TWEAKS_SIZE	= ENGINE_REQUEST_MAX + HALF_PAGE,
	BLOCKS_SIZE	= ENGINE_REQUEST_MAX + LINE,
	STEALS_SIZE	= ENGINE_REQUEST_MAX + LINE,
};

struct engine {
	struct token *token;
	struct tweaks *ahead;
	struct secret *memory;
	uint8_t *tweaks;	/* of a slice: one a unit */
	uint8_t *blocks;	/* of a round: whole blocks of all units */
	uint8_t *steals;	/* of a round: one block a stealing unit */
	size_t chunk;		/* of a turn: bytes of one call */
	size_t tweaks_used;	/* high-water marks in bytes, for the wipe */
	size_t blocks_used;
	size_t steals_used;
	struct groups groups;	/* of a batch */
	struct engine_request *group[ENGINE_BATCH_MAX];
	engine_done *done;	/* of the run; or NULL */
	void *context;
};

/* A place in the scratch, moved on unit by unit. */
struct cursor {
	uint8_t *tweak;
	uint8_t *block;
	uint8_t *steal;
};

typedef void unit_step(const struct engine_request *request, uint32_t unit,
		       struct cursor *at);

struct engine *engine_new(struct token *token)
{
	struct engine *engine = calloc(1, sizeof(*engine));

	if (!engine)
		return NULL;
	engine->token = token;
	engine->ahead = tweaks_new();
	engine->memory = secret_new(TWEAKS_SIZE + BLOCKS_SIZE + STEALS_SIZE);
	if (!engine->ahead || !engine->memory) {
		engine_free(engine);
		return NULL;
	}
	engine->tweaks = engine->memory->bytes;
	engine->blocks = engine->tweaks + TWEAKS_SIZE;
	engine->steals = engine->blocks + BLOCKS_SIZE;
	return engine;
}

void engine_free(struct engine *engine)
{
	if (!engine)
		return;
	tweaks_free(engine->ahead);
	secret_free(engine->memory);
	free(engine);
}

void engine_forget(struct engine *engine, const struct xtskey *key)
{
	tweaks_forget(engine->ahead, key);
}

static void wipe_scratch(struct engine *engine)
{
	secret_wipe(engine->tweaks, engine->tweaks_used);
	secret_wipe(engine->blocks, engine->blocks_used);
	secret_wipe(engine->steals, engine->steals_used);
	engine->tweaks_used = 0;
	engine->blocks_used = 0;
	engine->steals_used = 0;
}

static bool is_sized(const struct engine_request *request)
{
	return request->length && request->length <= ENGINE_REQUEST_MAX &&
	       request->unit_size >= BLOCK;
}

/* Of one that is sized.  Mostly one: then it isn't worth a division. */
static uint32_t count_units(const struct engine_request *request)
{
	return request->length == request->unit_size ? 1 :
	       request->length / request->unit_size;
}

/* Whole units; a piece of one comes alone. */
static bool has_units(const struct engine_request *request)
{
	return request->length == request->units * request->unit_size &&
	       (!request->first_block || request->units == 1);
}

static bool is_valid(struct engine_request *request)
{
	if (!request->key || !request->data || !is_sized(request))
		return false;
	request->units = count_units(request);
	return has_units(request);
}

static uint32_t whole_blocks(const struct engine_request *request)
{
	return request->unit_size / BLOCK;
}

/* Bytes behind the last whole block of a unit; such a unit steals. */
static uint32_t tail_size(const struct engine_request *request)
{
	return request->unit_size % BLOCK;
}

static uint8_t *unit_data(const struct engine_request *request, uint32_t unit)
{
	return request->data + (size_t)unit * request->unit_size;
}

static void for_each_unit(struct engine_request *const *requests,
			  unsigned int count, unit_step *step,
			  struct cursor *at)
{
	for (unsigned int i = 0; i < count; i++)
		for (uint32_t u = 0; u < requests[i]->units; u++)
			step(requests[i], u, at);
}

static void move_on(const struct engine_request *request, struct cursor *at)
{
	at->tweak += BLOCK;
	at->block += (size_t)whole_blocks(request) * BLOCK;
	at->steal += tail_size(request) ? BLOCK : 0;
}

/* What the token makes of one block; a wrong answer must not be given out. */
struct known {
	token_key key;
	bool encrypt;
	const void *question;
	const void *answer;
};

/*
 * One call: `size` bytes in place and the known block behind them, which is
 * someone else's memory and is put back.
 */
static int call_token(struct engine *engine, const struct known *known,
		      uint8_t *bytes, size_t size)
{
	uint8_t *end = bytes + size;
	uint8_t behind[BLOCK];
	int error;

	memcpy(behind, end, BLOCK);
	memcpy(end, known->question, BLOCK);
	if (known->encrypt)
		error = token_encrypt_stream(engine->token, known->key, bytes,
					     bytes, size + BLOCK);
	else
		error = token_decrypt_quick(engine->token, known->key, bytes,
					    bytes, size + BLOCK);
	if (!error && !paes_blob_equal(end, known->answer, BLOCK)) {
		log_error("token \"%s\": wrong answer to the known block: the key is not what it was, or the token fails; nothing of this call is used",
			  token_label(engine->token));
		error = -EBADMSG;
	}
	memcpy(end, behind, BLOCK);
	secret_wipe(behind, BLOCK);
	return error && error != -EBADMSG ? -EIO : error;
}

static int call_in_chunks(struct engine *engine, const struct known *known,
			  uint8_t *bytes, size_t size)
{
	int error = 0;

	for (size_t part; size && !error; bytes += part, size -= part) {
		part = size < engine->chunk ? size : engine->chunk;
		error = call_token(engine, known, bytes, part);
	}
	return error;
}

static int encrypt_tweaks(struct engine *engine, const struct xtskey *key,
			  size_t size)
{
	const struct known known = { key->k2, true, PAES_KNOWN_BLOCK, key->known2 };

	return call_in_chunks(engine, &known, engine->tweaks, size);
}

static int process_data(struct engine *engine,
			const struct engine_request *any, uint8_t *bytes,
			size_t size)
{
	const struct xtskey *key = any->key;
	const struct known encrypt = { key->k1, true, PAES_KNOWN_BLOCK, key->known1 };
	const struct known decrypt = { key->k1, false, key->known1, PAES_KNOWN_BLOCK };

	return call_in_chunks(engine, any->encrypt ? &encrypt : &decrypt, bytes,
			      size);
}

static void place_iv(const struct engine_request *request, uint32_t unit,
		     struct cursor *at)
{
	xts_iv_add(at->tweak, request->iv, unit);
	at->tweak += BLOCK;
}

/*
 * A unit that steals uses its last two masks in the other order to decrypt:
 * the mask of the last whole block, and that of what fills up the tail.
 */
static uint32_t last_mask(const struct engine_request *request)
{
	return whole_blocks(request) - (request->encrypt ? 1 : 0);
}

static uint32_t steal_mask(const struct engine_request *request)
{
	return whole_blocks(request) - (request->encrypt ? 0 : 1);
}

static void mask_stealing_unit(const struct engine_request *request,
			       uint8_t *out, const uint8_t *in,
			       const uint8_t *tweak)
{
	uint32_t whole = whole_blocks(request);
	size_t last = (size_t)(whole - 1) * BLOCK;

	xts_mask(out, in, tweak, whole - 1);
	xts_mask_one(out + last, in + last, tweak, last_mask(request));
}

/* The same on the way in and on the way out; worth 44 instructions a sector inline. */
static inline void mask_unit(const struct engine_request *request, uint8_t *out,
		      const uint8_t *in, const uint8_t *tweak)
{
	if (tail_size(request))
		mask_stealing_unit(request, out, in, tweak);
	else
		xts_mask(out, in, tweak, whole_blocks(request));
}

static void load_unit(const struct engine_request *request, uint32_t unit,
		      struct cursor *at)
{
	if (request->first_block)
		xts_advance(at->tweak, request->first_block);
	mask_unit(request, at->block, unit_data(request, unit), at->tweak);
	move_on(request, at);
}

/*
 * The last whole block has been through the cipher once; its end fills up the
 * tail, which goes through the cipher in its place.
 */
static void load_steal(const struct engine_request *request, uint32_t unit,
		       struct cursor *at)
{
	uint32_t tail = tail_size(request);
	size_t last = (size_t)(whole_blocks(request) - 1) * BLOCK;

	if (tail) {
		xts_mask_one(at->steal, at->block + last, at->tweak,
			     last_mask(request));
		memcpy(at->steal, unit_data(request, unit) + last + BLOCK, tail);
		xts_mask_one(at->steal, at->steal, at->tweak,
			     steal_mask(request));
	}
	move_on(request, at);
}

static void store_unit(const struct engine_request *request, uint32_t unit,
		       struct cursor *at)
{
	uint8_t *data = unit_data(request, unit);
	uint32_t tail = tail_size(request);
	size_t last = (size_t)(whole_blocks(request) - 1) * BLOCK;

	mask_unit(request, data, at->block, at->tweak);
	if (tail) {
		memcpy(data + last + BLOCK, data + last, tail);
		xts_mask_one(data + last, at->steal, at->tweak,
			     steal_mask(request));
	}
	move_on(request, at);
}

static void finish(struct engine *engine, struct engine_request *const *requests,
		   unsigned int count, int status)
{
	for (unsigned int i = 0; i < count; i++)
		requests[i]->status = status;
	if (engine->done)
		engine->done(engine->context, requests, count);
}

static struct cursor round_start(struct engine *engine, uint8_t *tweak)
{
	return (struct cursor){ tweak, engine->blocks, engine->steals };
}

static void raise_mark(size_t *mark, const uint8_t *start, const uint8_t *end)
{
	size_t used = (size_t)(end - start);

	if (used > *mark)
		*mark = used;
}

static void note_use(struct engine *engine, const struct cursor *end)
{
	raise_mark(&engine->blocks_used, engine->blocks, end->block);
	raise_mark(&engine->steals_used, engine->steals, end->steal);
}

/* The requests' data is read until all calls are done, and only then changed. */
static int run_round(struct engine *engine, struct engine_request *const *requests,
		     unsigned int count, uint8_t **tweak)
{
	const struct cursor start = round_start(engine, *tweak);
	struct cursor end = start, at = start;
	int error;

	for_each_unit(requests, count, load_unit, &end);
	note_use(engine, &end);
	*tweak = end.tweak;
	error = process_data(engine, requests[0], start.block,
			     (size_t)(end.block - start.block));
	if (!error && end.steal != start.steal) {
		for_each_unit(requests, count, load_steal, &at);
		error = process_data(engine, requests[0], start.steal,
				     (size_t)(end.steal - start.steal));
	}
	if (error)
		return error;
	at = start;
	for_each_unit(requests, count, store_unit, &at);
	return 0;
}

/* How many requests from the first on fit into `room`, but for that one. */
static unsigned int count_fitting(struct engine_request *const *requests,
				  unsigned int count, size_t room, size_t *size)
{
	unsigned int n = 1;

	*size = requests[0]->length;
	while (n < count && *size + requests[n]->length <= room)
		*size += requests[n++]->length;
	return n;
}

/* dm-crypt counts in steps of 512 bytes unless it is told otherwise. */
static struct tweaks_span span_of(const struct engine_request *request)
{
	uint32_t units = request->units, stride = request->unit_size / 512;

	return (struct tweaks_span){ request->key, request->iv, units,
				     units > 1 || !stride ? 1 : stride };
}

static bool goes_on(const struct tweaks_span *span,
		    const struct tweaks_span *next)
{
	uint8_t iv[BLOCK];

	xts_iv_add(iv, span->iv, (uint64_t)span->units * span->stride);
	return span->stride == next->stride && memcmp(iv, next->iv, BLOCK) == 0;
}

/* One for each sequence of a small slice, in their order: returns how many. */
static unsigned int find_spans(struct engine_request *const *requests,
			       unsigned int count,
			       struct tweaks_span spans[FEW_UNITS])
{
	unsigned int i, n = 0;

	for (i = 0; i < count; i++) {
		struct tweaks_span next = span_of(requests[i]);

		if (n && goes_on(&spans[n - 1], &next))
			spans[n - 1].units += next.units;
		else
			spans[n++] = next;
	}
	return n;
}

/* All tweaks of a slice, if they were made before. */
static bool get_tweaks(struct engine *engine, const struct tweaks_span *spans,
		       unsigned int count)
{
	uint8_t *at = engine->tweaks;

	for (unsigned int i = 0; i < count; i++) {
		if (!tweaks_get(engine->ahead, &spans[i], at))
			return false;
		at += (size_t)spans[i].units * BLOCK;
	}
	return true;
}

/*
 * Of a small slice: are its tweaks here already?  What its call should make as
 * well is written to `ivs`: that many bytes.
 */
static bool look_ahead(struct engine *engine, struct engine_request *const *requests,
		       unsigned int count, uint8_t *ivs, size_t *ahead)
{
	struct tweaks_span spans[FEW_UNITS];
	unsigned int n = find_spans(requests, count, spans);
	bool here = get_tweaks(engine, spans, n);

	for (unsigned int i = 0; i < n; i++)
		tweaks_note(engine->ahead, &spans[i]);
	*ahead = tweaks_ask(engine->ahead, requests[0]->key, ivs);
	return here;
}

static int make_tweaks(struct engine *engine, struct engine_request *const *requests,
		       unsigned int count, uint32_t units)
{
	size_t size = (size_t)units * BLOCK, ahead = 0;
	struct cursor at = { .tweak = engine->tweaks };
	bool here = units < FEW_UNITS &&
		    look_ahead(engine, requests, count, at.tweak + size, &ahead);
	int error;

	raise_mark(&engine->tweaks_used, at.tweak, at.tweak + size + ahead);
	if (here)
		return 0;
	for_each_unit(requests, count, place_iv, &at);
	error = encrypt_tweaks(engine, requests[0]->key, size + ahead);
	if (!error && ahead)
		tweaks_put(engine->ahead, requests[0]->key, at.tweak);
	return error;
}

/* Behind a round that failed nothing is run: no tweak is taken for another's. */
static int run_rounds(struct engine *engine, struct engine_request *const *requests,
		      unsigned int count, uint8_t **tweak)
{
	size_t size;
	int error = 0;

	for (unsigned int n; count; requests += n, count -= n) {
		n = count_fitting(requests, count, engine->chunk, &size);
		if (!error)
			error = run_round(engine, requests, n, tweak);
		finish(engine, requests, n, error);
	}
	return error;
}

static int run_turn(struct engine *engine, struct engine_request *const *requests,
		    unsigned int count, size_t size, uint8_t **tweak)
{
	const struct engine_request *any = requests[0];
	struct token_turn turn = token_begin_turn(engine->token, any->key->k1,
						  any->encrypt, size);
	int error;

	engine->chunk = turn.chunk;
	error = run_rounds(engine, requests, count, tweak);
	if (!error)
		token_end_turn(engine->token, &turn);
	return error;
}

static void run_slice(struct engine *engine, struct engine_request *const *requests,
		      unsigned int count, uint32_t units)
{
	size_t size, room = requests[0]->encrypt ? TOKEN_CHUNK : TOKEN_CHUNK_MAX;
	uint8_t *tweak = engine->tweaks;
	int error;

	engine->chunk = TOKEN_CHUNK;
	error = make_tweaks(engine, requests, count, units);
	for (unsigned int n; count; requests += n, count -= n) {
		n = count_fitting(requests, count, room, &size);
		if (error)
			finish(engine, requests, n, error);
		else
			error = run_turn(engine, requests, n, size, &tweak);
	}
}

/*
 * How many requests from the first on have tweaks that fit: at least that one.
 * All their units are counted.
 */
static unsigned int slice_length(struct engine_request *const *requests,
				 unsigned int count, uint32_t *units)
{
	unsigned int n = 0;

	for (*units = 0; n < count && *units + requests[n]->units <= UNITS_MAX; n++)
		*units += requests[n]->units;
	return n;
}

static void run_group(struct engine *engine, unsigned int count)
{
	struct engine_request **requests = engine->group;
	uint32_t units;

	for (unsigned int n; count; requests += n, count -= n) {
		n = slice_length(requests, count, &units);
		run_slice(engine, requests, n, units);
	}
}

/* Tells at once of those that won't be run. */
static void sort_out(struct engine *engine, struct engine_request *request)
{
	if (is_valid(request))
		groups_add(&engine->groups, request);
	else
		finish(engine, &request, 1, -EINVAL);
}

static void run_batch(struct engine *engine, struct engine_request *requests,
		      unsigned int count)
{
	groups_start(&engine->groups);
	for (unsigned int i = 0; i < count; i++)
		sort_out(engine, &requests[i]);
	for (unsigned int g = 1; g <= engine->groups.count; g++)
		run_group(engine, groups_list(&engine->groups, g, engine->group));
}

void engine_run(struct engine *engine, struct engine_request *requests,
		unsigned int count, engine_done *done, void *context)
{
	engine->done = done;
	engine->context = context;
	for (unsigned int n; count; requests += n, count -= n) {
		n = count < ENGINE_BATCH_MAX ? count : ENGINE_BATCH_MAX;
		run_batch(engine, requests, n);
	}
	wipe_scratch(engine);
}
