// SPDX-License-Identifier: GPL-2.0
/* What a provider may see: zeroes at first, then its own requests. */
#define _GNU_SOURCE
#include <string.h>

#include "fuzz.h"
#include "hostile.h"

static bool all_zero(const void *bytes, size_t length)
{
	const uint8_t *b = bytes;

	return !length || (!b[0] && !memcmp(b, b + 1, length - 1));
}

void hostile_token(const struct hostile *h, uint8_t nth, uint8_t *token)
{
	struct rng r;

	rng_seed(&r, h->secret, nth);
	rng_fill(&r, token, PAES_TOKEN_SIZE);
	token[0] = nth;
}

void hostile_inspect_first(const struct hostile *h)
{
	const struct provider *p = &h->p;

	fuzz_check(FUZZ_ZEROED, !p->ring->sq_tail &&
		   p->ring->flags == PAES_RING_NEED_ENTER &&
		   all_zero(p->ring->pad_kernel, p->setup.map_size -
			    offsetof(struct paes_ring, pad_kernel)),
		   "a new mapping of %u bytes has something in it", p->setup.map_size);
}

static bool is_own_kek(const struct hostile *h, const uint8_t *id)
{
	unsigned int i;

	for (i = 0; i < FUZZ_KEKS; i++)
		if (h->keks & 1u << i && !memcmp(id, fuzz->keys[i].kek_id, PAES_ID_SIZE))
			return true;
	return false;
}

static void inspect_open(const struct hostile *h, const struct paes_desc *desc)
{
	const struct paes_blob *blob = (const void *)provider_data(&h->p, desc);

	fuzz_check(FUZZ_OWN_ONLY, desc->length == PAES_BLOB_SIZE &&
		   !desc->unit_size && !desc->first_block &&
		   all_zero(desc->iv, sizeof(desc->iv)) &&
		   all_zero(desc->token, sizeof(desc->token)),
		   "OPEN of key %u: length %u, or something in unused fields",
		   desc->key, desc->length);
	fuzz_check(FUZZ_OWN_ONLY, is_own_kek(h, blob->recipient[0].kek_id),
		   "OPEN of key %u, whose KEK isn't served here", desc->key);
}

static void inspect_data(const struct hostile *h, const struct paes_desc *desc)
{
	uint8_t token[PAES_TOKEN_SIZE];

	hostile_token(h, desc->token[0], token);
	fuzz_check(FUZZ_OWN_ONLY, !memcmp(token, desc->token, sizeof(token)),
		   "a request (op %u) of key %u with a token that it wasn't given",
		   desc->op, desc->key);
	fuzz_check(FUZZ_OWN_ONLY, desc->op == PAES_OP_CLOSE ?
		   !desc->length && !desc->unit_size &&
		   all_zero(desc->iv, sizeof(desc->iv)) :
		   desc->length >= 16 && desc->length <= h->p.setup.slot_size &&
		   desc->unit_size == desc->length,
		   "op %u: length %u, unit size %u", desc->op, desc->length,
		   desc->unit_size);
}

void hostile_inspect_request(const struct hostile *h, const struct paes_desc *desc)
{
	bool sound = desc->tag < h->p.setup.depth && desc->generation &&
		     desc->offset == desc->tag * h->p.setup.slot_size &&
		     desc->op >= PAES_OP_OPEN && desc->op <= PAES_OP_DECRYPT;

	fuzz_check(FUZZ_OWN_ONLY, sound,
		   "a request with tag %u, generation %u, op %u, offset %u",
		   desc->tag, desc->generation, desc->op, desc->offset);
	if (!sound)
		return;
	if (desc->op == PAES_OP_OPEN)
		inspect_open(h, desc);
	else
		inspect_data(h, desc);
}

static bool has_mark(const struct provider *p)
{
	return memmem(p->data, p->setup.data_size, fuzz->mark, FUZZ_MARK);
}

void hostile_inspect(const struct hostile *h)
{
	const struct provider *p = &h->p;

	fuzz_check(FUZZ_OWN_ONLY,
		   all_zero(p->ring->pad_kernel, sizeof(p->ring->pad_kernel)) &&
		   all_zero(p->ring->pad_provider, sizeof(p->ring->pad_provider)) &&
		   !(p->ring->flags & ~PAES_RING_NEED_ENTER),
		   "something in the ring's padding, or flags %#x", p->ring->flags);
	fuzz_check(FUZZ_OWN_ONLY, !has_mark(p),
		   "data of a volume whose KEK isn't served here");
}
