// SPDX-License-Identifier: GPL-2.0
#include "tweaks.h"

#include "xts.h"

#include <endian.h>
#include <string.h>

struct tweaks *tweaks_new(void)
{
	struct secret *memory = secret_new(sizeof(struct tweaks));
	struct tweaks *tweaks;

	if (!memory)
		return NULL;
	tweaks = (struct tweaks *)memory->bytes;
	tweaks->memory = memory;
	return tweaks;
}

void tweaks_free(struct tweaks *tweaks)
{
	if (tweaks)
		secret_free(tweaks->memory);
}

static struct tweaks_place load(const uint8_t iv[XTS_BLOCK])
{
	struct tweaks_place place;

	memcpy(&place, iv, sizeof(place));
	place.low = le64toh(place.low);
	place.high = le64toh(place.high);
	return place;
}

static void store(uint8_t iv[XTS_BLOCK], struct tweaks_place place)
{
	place.low = htole64(place.low);
	place.high = htole64(place.high);
	memcpy(iv, &place, sizeof(place));
}

/* The key's trails are among these.  Handles often are consecutive numbers. */
static struct tweaks_trail *set_of(struct tweaks *tweaks, const struct xtskey *key)
{
	uint64_t mixed = (uint64_t)key->k2 * 0x9e3779b97f4a7c15;

	return tweaks->trails[(mixed >> 32) % TWEAKS_SETS];
}

static bool is_under(const struct tweaks_trail *trail, const struct xtskey *key)
{
	return trail->key == key->k2 &&
	       memcmp(trail->known, key->known2, sizeof(trail->known)) == 0;
}

/* From one to the other, where only the low halves differ; or UINT64_MAX. */
static uint64_t distance_of(struct tweaks_place from, struct tweaks_place to)
{
	return from.high == to.high && from.low <= to.low ? to.low - from.low :
							    UINT64_MAX;
}

/* The window's tweaks of a span, if it has all. */
static const uint8_t *window_part(const struct tweaks_window *window,
				  const struct tweaks_span *span)
{
	uint64_t distance = distance_of(window->first, load(span->iv));
	uint64_t index = distance / window->step;

	if (distance % window->step ||
	    (span->units > 1 && window->step != span->stride))
		return NULL;
	if (index >= TWEAKS_AHEAD || span->units > TWEAKS_AHEAD - index)
		return NULL;
	return window->tweaks[index];
}

static const uint8_t *trail_part(const struct tweaks_trail *trail,
				 const struct tweaks_span *span)
{
	if (!is_under(trail, span->key) || !trail->window ||
	    !trail->window->made)
		return NULL;
	return window_part(trail->window, span);
}

bool tweaks_get(struct tweaks *tweaks, const struct tweaks_span *span,
		uint8_t *out)
{
	const struct tweaks_trail *set = set_of(tweaks, span->key);
	const uint8_t *part = NULL;

	for (int i = 0; !part && i < TWEAKS_TRAILS; i++)
		part = trail_part(&set[i], span);
	if (part)
		memcpy(out, part, (size_t)span->units * XTS_BLOCK);
	return part;
}

/* The step by which a span goes on from `last`, or 0. */
static uint64_t step_from(struct tweaks_place last, const struct tweaks_span *span)
{
	uint64_t distance = distance_of(last, load(span->iv));

	if (!distance)
		return 0;
	if (distance % span->stride == 0 && distance / span->stride <= TWEAKS_GAP)
		return span->stride;
	return distance <= TWEAKS_GAP ? 1 : 0;
}

/* The trail that the span is on, or NULL. */
static struct tweaks_trail *follow(struct tweaks_trail *set,
				   const struct tweaks_span *span)
{
	for (int i = 0; i < TWEAKS_TRAILS; i++)
		if (trail_part(&set[i], span))
			return &set[i];
	for (int i = 0; i < TWEAKS_TRAILS; i++) {
		uint64_t step = is_under(&set[i], span->key) ?
				step_from(set[i].last, span) : 0;

		if (!step)
			continue;
		set[i].step = step;
		set[i].wants = true;
		return &set[i];
	}
	return NULL;
}

/* Those that were continued are worth more than those that weren't. */
static bool is_worth_less(const struct tweaks_trail *a,
			  const struct tweaks_trail *b)
{
	if (!a->window != !b->window)
		return !a->window;
	return a->used < b->used;
}

static void leave(struct tweaks_trail *trail)
{
	if (trail->window)
		secret_wipe(trail->window, sizeof(*trail->window));
	*trail = (struct tweaks_trail){ .key = TOKEN_NO_KEY };
}

static struct tweaks_trail *begin(struct tweaks_trail *set,
				  const struct xtskey *key)
{
	struct tweaks_trail *trail = set;

	for (int i = 1; i < TWEAKS_TRAILS; i++)
		if (is_worth_less(&set[i], trail))
			trail = &set[i];
	leave(trail);
	trail->key = key->k2;
	memcpy(trail->known, key->known2, sizeof(trail->known));
	return trail;
}

void tweaks_note(struct tweaks *tweaks, const struct tweaks_span *span)
{
	struct tweaks_trail *set = set_of(tweaks, span->key);
	struct tweaks_trail *trail = follow(set, span);
	uint8_t last[XTS_BLOCK];

	if (!trail)
		trail = begin(set, span->key);
	xts_iv_add(last, span->iv, (uint64_t)(span->units - 1) * span->stride);
	trail->last = load(last);
	trail->used = ++tweaks->uses;
}

/* One that isn't used, or whose trail has not been for longest. */
static struct tweaks_window *spare_window(struct tweaks *tweaks)
{
	struct tweaks_window *spare = tweaks->windows;

	for (int i = 0; i < TWEAKS_WINDOWS && spare->trail; i++) {
		struct tweaks_window *window = &tweaks->windows[i];

		if (!window->trail || window->trail->used < spare->trail->used)
			spare = window;
	}
	if (spare->trail)
		spare->trail->window = NULL;
	return spare;
}

/* A window for what comes behind the trail's last unit; writes its IVs. */
static void open_window(struct tweaks *tweaks, struct tweaks_trail *trail,
			uint8_t *ivs)
{
	uint8_t last[XTS_BLOCK];

	if (!trail->window)
		trail->window = spare_window(tweaks);
	store(last, trail->last);
	for (uint64_t i = 0; i < TWEAKS_AHEAD; i++)
		xts_iv_add(ivs + XTS_BLOCK * i, last, trail->step * (i + 1));
	trail->window->first = load(ivs);
	trail->window->step = trail->step;
	trail->window->made = false;
	trail->window->trail = trail;
}

size_t tweaks_ask(struct tweaks *tweaks, const struct xtskey *key, uint8_t *ivs)
{
	struct tweaks_trail *set = set_of(tweaks, key);
	size_t size = 0;

	for (int i = 0; i < TWEAKS_TRAILS; i++) {
		set[i].asked = set[i].wants && is_under(&set[i], key);
		if (!set[i].asked)
			continue;
		set[i].wants = false;
		open_window(tweaks, &set[i], ivs + size);
		size += sizeof(set[i].window->tweaks);
	}
	return size;
}

void tweaks_put(struct tweaks *tweaks, const struct xtskey *key,
		const uint8_t *made)
{
	struct tweaks_trail *set = set_of(tweaks, key);

	for (int i = 0; i < TWEAKS_TRAILS; i++) {
		struct tweaks_window *window = set[i].window;

		if (!set[i].asked)
			continue;
		memcpy(window->tweaks, made, sizeof(window->tweaks));
		window->made = true;
		made += sizeof(window->tweaks);
	}
}

void tweaks_forget(struct tweaks *tweaks, const struct xtskey *key)
{
	struct tweaks_trail *set = set_of(tweaks, key);

	for (int i = 0; i < TWEAKS_TRAILS; i++)
		if (set[i].key == key->k2)
			leave(&set[i]);
}
