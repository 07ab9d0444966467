// SPDX-License-Identifier: GPL-2.0
/* A hostile broker's answers: mostly valid ones, or it would see nothing. */
#include <errno.h>
#include <string.h>

#include "fuzz.h"
#include "hostile.h"

enum {
	BREACH_ONE_IN = 60,
	STRICT_ONE_IN = 6,		/* it has no other answers to data */
	TOKEN_ONE_IN = 10,		/* the next one, or one that comes too late */
};

enum breach {
	BREACH_TAG,			/* out of range */
	BREACH_GENERATION,
	BREACH_STATUS,
	BREACH_LENGTH,
	BREACH_TAIL_AHEAD,
	BREACH_TAIL_BACK,
	BREACH_NOISE,
	BREACH_AGAIN,			/* an older answer */
	BREACH_STRICT,			/* those above are never taken for valid */
	BREACH_TWICE = BREACH_STRICT,
	BREACH_OTHER_TAG,		/* of its own, or free */
	BREACH_OTHERS,			/* what another provider was asked */
	BREACHES,
};

static void post(struct hostile *h, const struct paes_cqe *cqe)
{
	provider_post(&h->p, cqe);
	fuzz->counts[FUZZ_ANSWERS]++;
}

static int any_status(struct rng *r, const struct paes_desc *desc)
{
	static const int known[] = { 0, 0, 0, 0, 0, -EIO, -ENOKEY, -ESTALE, -EKEYREJECTED };

	if (desc->op == PAES_OP_OPEN && rng_one_in(r, 8))
		return known[5 + rng_below(r, 4)];
	return known[rng_below(r, 9)];
}

static struct paes_cqe valid_answer(struct rng *r, const struct hostile *h,
				    const struct paes_desc *desc)
{
	struct paes_cqe cqe = { .tag = desc->tag, .generation = desc->generation };

	if (h->kind != HOSTILE_STRICT)
		cqe.status = any_status(r, desc);
	cqe.length = cqe.status ? 0 : desc->length;
	if (desc->op == PAES_OP_OPEN || rng_one_in(r, TOKEN_ONE_IN))
		hostile_token(h, rng_below(r, 256), cqe.token);
	return cqe;
}

static int unknown_status(struct rng *r)
{
	static const int some[] = { 1, -1, -EINVAL, -ENOMEM, -EAGAIN, -EINPROGRESS,
				    -EBUSY, -4096, INT32_MIN, INT32_MAX };

	return some[rng_below(r, sizeof(some) / sizeof(some[0]))];
}

static void breach(struct rng *r, struct hostile *h, const struct hostile *other,
		   struct paes_cqe cqe)
{
	unsigned int n = h->kind == HOSTILE_STRICT ? BREACH_STRICT : BREACHES;

	fuzz->counts[FUZZ_BREACHES]++;
	switch ((enum breach)rng_below(r, n)) {
	case BREACH_TAG:
		cqe.tag = h->p.setup.depth + rng_below(r, ~0u - HOSTILE_DEPTH);
		break;
	case BREACH_GENERATION:
		cqe.generation += rng_one_in(r, 2) ? 1 : ~rng_below(r, ~0u);
		break;
	case BREACH_STATUS:
		cqe.status = unknown_status(r);
		break;
	case BREACH_LENGTH:
		cqe.length += rng_one_in(r, 2) ? 1 : ~rng_below(r, ~0u);
		break;
	case BREACH_TAIL_AHEAD:
		h->p.cq_tail += rng_below(r, ~0u);
		return;
	case BREACH_TAIL_BACK:
		h->p.cq_tail -= 1 + rng_below(r, 2 * HOSTILE_DEPTH);
		return;
	case BREACH_NOISE:
		rng_fill(r, &cqe, sizeof(cqe));
		break;
	case BREACH_AGAIN:
		cqe = h->answered;
		break;
	case BREACH_TWICE:
		post(h, &cqe);
		break;
	case BREACH_OTHER_TAG:
		cqe.tag = rng_below(r, h->p.setup.entries);
		break;
	case BREACH_OTHERS:
		cqe.tag = other->taken[0].tag;
		cqe.generation = other->taken[0].generation;
		break;
	case BREACHES:
		break;
	}
	post(h, &cqe);
}

/* Unordered: the last of those taken fills its place. */
static struct paes_desc remove_taken(struct rng *r, struct hostile *h)
{
	unsigned int i = rng_below(r, h->count);
	struct paes_desc desc = h->taken[i];

	h->taken[i] = h->taken[--h->count];
	return desc;
}

static bool is_data(const struct paes_desc *desc)
{
	return desc->op != PAES_OP_OPEN && desc->op != PAES_OP_CLOSE;
}

void hostile_answer(struct rng *r, struct hostile *h, const struct hostile *other)
{
	struct paes_desc desc = remove_taken(r, h);
	struct paes_cqe cqe = valid_answer(r, h, &desc);

	if (h->kind == HOSTILE_STRICT && is_data(&desc)) {
		if (rng_one_in(r, STRICT_ONE_IN))
			breach(r, h, other, cqe);
		return;
	}
	if (rng_one_in(r, BREACH_ONE_IN))
		breach(r, h, other, cqe);
	else
		post(h, &cqe);
	h->answered = cqe;
}
