// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "broker.h"
#include "provider.h"
#include "reference.h"
#include "testkey.h"

enum {
	MAX_KEYS = 256,
	MAX_TAKEN = PAES_DEPTH_MAX + PAES_SERVE_MAX,
	NAP_MS = 2,
};

struct served_key {
	bool used;
	uint32_t number;
	uint8_t token[PAES_TOKEN_SIZE];
	uint8_t next[PAES_TOKEN_SIZE];
	bool offered;			/* `next`, which wasn't shown yet */
	int requests;			/* that showed `token` */
	struct reference *ref;
};

struct served {
	struct provider provider;
	struct served_key keys[MAX_KEYS];
	struct paes_desc taken[MAX_TAKEN];
	bool stale[MAX_TAKEN];
	unsigned int count;
};

static void nap(unsigned int ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&t, NULL);
}

bool broker_reaches(atomic_int *counter, int value, unsigned int timeout_ms)
{
	unsigned int waited;

	for (waited = 0; *counter < value; waited += NAP_MS) {
		if (waited > timeout_ms)
			return false;
		nap(NAP_MS);
	}
	return true;
}

static struct served_key *find_key(struct served *s, bool used, uint32_t number)
{
	unsigned int i;

	for (i = 0; i < MAX_KEYS; i++)
		if (s->keys[i].used == used && (!used || s->keys[i].number == number))
			return &s->keys[i];
	return NULL;
}

static int open_key(struct broker *b, struct served *s,
		    const struct paes_desc *desc, struct paes_cqe *cqe)
{
	struct served_key *key = find_key(s, false, 0);
	uint8_t clear[64];
	unsigned int bits;
	int ret;

	b->opens++;
	nap(b->open_delay_ms);
	if (b->open_status)
		return b->open_status;
	if (!key || desc->length != PAES_BLOB_SIZE)
		return -EIO;
	ret = testkey_unwrap((void *)provider_data(&s->provider, desc),
			     b->kek_id, clear, &bits);
	if (ret)
		return ret;
	key->used = true;
	key->number = desc->key;
	key->ref = reference_new(clear, bits);
	reference_random(key->token, sizeof(key->token));
	memcpy(cqe->token, key->token, sizeof(key->token));
	return b->revoked ? -EKEYREVOKED : 0;
}

static int close_key(struct broker *b, struct served *s,
		     const struct paes_desc *desc)
{
	struct served_key *key = find_key(s, true, desc->key);

	b->closes++;
	if (key) {
		reference_free(key->ref);
		memset(key, 0, sizeof(*key));
	}
	return 0;
}

/*
 * In the ring's order, whatever the order of answers: showing the next one is the
 * end of the one before.
 */
static bool admit(struct broker *b, struct served *s, const struct paes_desc *desc)
{
	struct served_key *key = find_key(s, true, desc->key);

	if (!key)
		return false;
	if (b->forgets)
		reference_random(key->token, sizeof(key->token));
	if (key->offered && !memcmp(key->next, desc->token, sizeof(key->next))) {
		memcpy(key->token, key->next, sizeof(key->token));
		key->offered = false;
		key->requests = 0;
	}
	key->requests++;
	return !memcmp(key->token, desc->token, sizeof(key->token));
}

/* The token that goes with an answer. */
static void rotate(struct broker *b, struct served_key *key, struct paes_cqe *cqe)
{
	if (cqe->status) {
		if (b->slips)
			reference_random(cqe->token, sizeof(cqe->token));
		return;
	}
	if (!b->rotate || key->offered || key->requests < b->rotate)
		return;
	reference_random(key->next, sizeof(key->next));
	memcpy(cqe->token, key->next, sizeof(cqe->token));
	key->offered = true;
	b->rotations++;
}

static int crypt_units(struct broker *b, struct served *s,
		       const struct paes_desc *desc, bool stale)
{
	struct served_key *key = find_key(s, true, desc->key);
	bool encrypt = desc->op == PAES_OP_ENCRYPT;
	uint8_t *data = provider_data(&s->provider, desc);

	if (stale || !key) {
		b->stale++;
		return -ESTALE;
	}
	if (b->revoked)
		return -EKEYREVOKED;
	if (desc->unit_size < PAES_AES_BLOCK || desc->length % desc->unit_size)
		return -EIO;
	if (desc->first_block)
		reference_piece(key->ref, encrypt, desc->iv, desc->first_block,
				data, desc->length);
	else
		reference_units(key->ref, encrypt, desc->iv, desc->unit_size,
				data, desc->length);
	return 0;
}

static int serve_one(struct broker *b, struct served *s,
		     const struct paes_desc *desc, bool stale,
		     struct paes_cqe *cqe)
{
	switch (desc->op) {
	case PAES_OP_OPEN:
		return open_key(b, s, desc, cqe);
	case PAES_OP_CLOSE:
		return close_key(b, s, desc);
	case PAES_OP_ENCRYPT:
	case PAES_OP_DECRYPT:
		nap(b->delay_ms);
		return crypt_units(b, s, desc, stale);
	}
	return -EIO;
}

static void scribble(struct provider *p)
{
	reference_random(p->map + p->setup.sq_offset,
			 p->setup.entries * sizeof(struct paes_desc));
	p->ring->sq_tail ^= 0x5a5a5a5a;
	p->ring->flags = ~p->ring->flags;
}

/* True where the honest answer is not to be posted as well. */
static bool misbehave(struct broker *b, struct served *s, struct paes_cqe *cqe)
{
	struct provider *p = &s->provider;

	switch ((int)b->fault) {
	case BROKER_DIES:
		raise(SIGKILL);
		break;
	case BROKER_IS_SILENT:
		return true;
	case BROKER_ANSWERS_STATUS:
		cqe->status = b->fault_value;
		cqe->length = 0;
		break;
	case BROKER_WRONG_TAG:
		cqe->tag ^= p->setup.entries / 2;
		break;
	case BROKER_TAG_OUT_OF_RANGE:
		cqe->tag = 0xfffffff0;
		break;
	case BROKER_WRONG_GENERATION:
		cqe->generation++;
		break;
	case BROKER_WRONG_LENGTH:
		cqe->length += b->fault_value;
		break;
	case BROKER_ANSWERS_TWICE:
		provider_post(p, cqe);
		break;
	case BROKER_TAIL_JUMPS:
		p->cq_tail += b->fault_value;
		break;
	case BROKER_SCRIBBLES:
		scribble(p);
		break;
	}
	return false;
}

static void answer(struct broker *b, struct served *s,
		   const struct paes_desc *desc, bool stale)
{
	struct paes_cqe cqe = {
		.tag = desc->tag,
		.generation = desc->generation,
	};
	struct served_key *key;

	cqe.status = serve_one(b, s, desc, stale, &cqe);
	cqe.length = cqe.status ? 0 : desc->length;
	if (desc->op == PAES_OP_ENCRYPT && b->fault &&
	    b->encrypts >= b->fault_at && misbehave(b, s, &cqe))
		return;
	key = find_key(s, true, desc->key);
	if (key && desc->op != PAES_OP_OPEN)
		rotate(b, key, &cqe);
	provider_post(&s->provider, &cqe);
}

static bool is_data(const struct paes_desc *desc)
{
	return desc->op == PAES_OP_ENCRYPT || desc->op == PAES_OP_DECRYPT;
}

static void count(struct broker *b, const struct paes_desc *desc)
{
	if (desc->op == PAES_OP_ENCRYPT)
		b->encrypts++;
	if (desc->op == PAES_OP_DECRYPT)
		b->decrypts++;
	if (desc->first_block)
		b->pieces++;
}

static void take_all(struct broker *b, struct served *s)
{
	struct paes_desc *desc;

	for (; s->count < MAX_TAKEN; s->count++) {
		desc = &s->taken[s->count];
		if (!provider_next(&s->provider, desc))
			break;
		count(b, desc);
		s->stale[s->count] = is_data(desc) && !admit(b, s, desc);
	}
	if ((int)s->count > b->outstanding_max)
		b->outstanding_max = s->count;
}

static void answer_all(struct broker *b, struct served *s)
{
	unsigned int i, at, n = s->count;

	for (i = 0; i < n; i++) {
		at = b->backwards ? n - 1 - i : i;
		answer(b, s, &s->taken[at], s->stale[at]);
	}
	s->count = 0;
	provider_publish(&s->provider);
}

/* Serves what there is, then waits for more: 0 or a negative errno. */
static int serve_round(struct broker *b, struct served *s)
{
	int ret;

	take_all(b, s);
	if (b->paused && s->count) {
		if (!b->busy)
			nap(NAP_MS);
		return 0;
	}
	answer_all(b, s);
	ret = provider_enter(&s->provider, 1000);
	return ret == -ETIME || ret == -EINTR ? 0 : ret;
}

static void tell(int fd, int value)
{
	if (fd >= 0 && write(fd, &value, sizeof(value)) != sizeof(value))
		_exit(1);
}

int broker_main(struct broker *b, int ready_fd)
{
	struct served *s = calloc(1, sizeof(*s));
	int ret = -ENOMEM;

	if (s)
		ret = provider_start(&s->provider, b->depth, b->name, b->kek_id);
	tell(ready_fd, ret);
	while (!ret)
		ret = serve_round(b, s);
	if (s && s->provider.map)
		provider_close(&s->provider);
	free(s);
	return ret;
}

struct broker *broker_new(const uint8_t *kek_id)
{
	struct broker *b = mmap(NULL, sizeof(*b), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (b == MAP_FAILED)
		return NULL;
	memcpy(b->kek_id, kek_id, sizeof(b->kek_id));
	strcpy(b->name, "test-broker");
	return b;
}

/* Keeps nothing of the parent open: a broker must not pin a volume. */
static void child(struct broker *b, int ready_fd)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(ready_fd, 3);
	close_range(4, ~0U, 0);
	b->ended = -broker_main(b, 3);
	_exit(0);
}

int broker_start(struct broker *b)
{
	int fds[2], ret = -EPIPE;
	pid_t pid;

	b->ended = 0;
	if (pipe(fds))
		return -errno;
	pid = fork();
	if (!pid)
		child(b, fds[1]);
	b->pid = pid;		/* the child shares *b, and must not store 0 */
	close(fds[1]);
	if (pid < 0)
		ret = -errno;
	else if (read(fds[0], &ret, sizeof(ret)) != sizeof(ret))
		ret = -EPIPE;
	close(fds[0]);
	return ret;
}

void broker_kill(struct broker *b)
{
	if (b->pid <= 0)
		return;
	kill(b->pid, SIGKILL);
	waitpid(b->pid, NULL, 0);
	b->pid = 0;
}

void broker_free(struct broker *b)
{
	if (!b)
		return;
	broker_kill(b);
	munmap(b, sizeof(*b));
}
