// SPDX-License-Identifier: GPL-2.0
/*
 * Changes of the shared pages at any time.  Data and descriptors mostly: a
 * wrong tail ends the provider.  Of one that serves the honest key only what
 * can't make an answer valid.
 */
#include "fuzz.h"
#include "hostile.h"

enum {
	BURST = 64,			/* changes, at most, in a go */
	SPREAD = 256,			/* a kind of change once in so many */
	WIDE = 64,			/* bytes of one change, at most */
};

static void scribble_bytes(struct rng *r, uint8_t *area, size_t length)
{
	size_t n = 1 + rng_below(r, WIDE), at;

	if (n > length)
		n = length;
	at = rng_below(r, length - n + 1);
	rng_fill(r, area + at, n);
}

/* A bit or a small step keeps it close to what was right. */
static void scribble_word(struct rng *r, volatile uint32_t *word)
{
	switch (rng_below(r, 4)) {
	case 0:
		*word ^= 1u << rng_below(r, 32);
		break;
	case 1:
		*word += rng_below(r, 5) - 2;
		break;
	case 2:
		*word = 0;
		break;
	default:
		*word = rng_next(r);
	}
}

static void scribble_queue(struct rng *r, uint8_t *queue, size_t length)
{
	if (rng_one_in(r, 4))
		scribble_bytes(r, queue, length);
	else
		scribble_word(r, (uint32_t *)queue + rng_below(r, length / 4));
}

static void scribble_once(struct rng *r, const struct provider *p, bool strict)
{
	unsigned int what = rng_below(r, SPREAD);

	if (what < 140)
		scribble_bytes(r, p->data, p->setup.data_size);
	else if (what < 160)
		scribble_word(r, &p->ring->flags);
	else if (what < 170)
		scribble_bytes(r, (uint8_t *)p->ring->pad_kernel,
			       sizeof(p->ring->pad_kernel));
	else if (what < 175)
		scribble_bytes(r, (uint8_t *)p->ring->pad_provider,
			       sizeof(p->ring->pad_provider));
	else if (strict)
		return;
	else if (what < 215)
		scribble_queue(r, p->map + p->setup.sq_offset,
			       p->setup.entries * sizeof(struct paes_desc));
	else if (what < 235)
		scribble_word(r, &p->ring->sq_tail);
	else if (what < 255)
		scribble_queue(r, p->map + p->setup.cq_offset,
			       p->setup.entries * sizeof(struct paes_cqe));
	else
		scribble_word(r, &p->ring->cq_tail);
}

void hostile_scribble(struct rng *r, const struct hostile *h)
{
	unsigned int n;

	if (h->kind == HOSTILE_OBSERVED)
		return;
	for (n = 1 + rng_below(r, BURST); n; n--) {
		scribble_once(r, &h->p, h->kind == HOSTILE_STRICT);
		fuzz->counts[FUZZ_SCRIBBLES]++;
	}
}
