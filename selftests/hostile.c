// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "calls.h"
#include "coverage.h"
#include "fuzz.h"
#include "hostile.h"

enum {
	LIVES = HOSTILE_THREADS * HOSTILE_LIVES,
	COLLECT_EVERY = 64,		/* steps */
	INSPECT_ONE_IN = 64,
	FORGET_ONE_IN = 4,
	MEDDLE_MOST = 256,		/* calls in a go */
	MAP_GAME_ONE_IN = 48,
	ENTER_MOST = 64,
	FORK_ONE_IN = 4,
	TICK_US = 20000,
	SCRIBBLER_REST_US = 5000,
	WAIT_MS = 5,
	STREAMS = 16,			/* of an incarnation */
};

struct thread {
	pthread_t id;
	unsigned int number;
	unsigned int watch;
	struct rng rng;
};

static struct hostile lives[LIVES];
static struct thread threads[HOSTILE_THREADS];

static bool goes_on(void)
{
	return fuzz->phase == FUZZ_RUN;
}

static void count_call(void)
{
	fuzz->counts[FUZZ_SYSCALLS]++;
}

static void close_life(struct hostile *h)
{
	if (h->stage == HOSTILE_CLOSED)
		return;
	if (h->kind == HOSTILE_OBSERVED && h->stage >= HOSTILE_SET_UP)
		hostile_inspect(h);
	pthread_rwlock_wrlock(&h->lock);
	provider_close(&h->p);
	h->stage = HOSTILE_CLOSED;
	h->count = 0;
	pthread_rwlock_unlock(&h->lock);
	count_call();
}

/* Memory may be short; nothing else is wrong with these calls. */
static void check_step(struct hostile *h, const char *what, int ret)
{
	count_call();
	fuzz_check(FUZZ_CALLS, !ret || ret == -ENOMEM, "%s: %s", what, strerror(-ret));
	if (ret)
		close_life(h);
}

static void open_life(struct rng *r, struct hostile *h)
{
	int ret;

	h->kind = rng_below(r, HOSTILE_KINDS);
	h->secret = rng_next(r);
	memset(&h->answered, 0, sizeof(h->answered));
	pthread_rwlock_wrlock(&h->lock);
	ret = provider_open(&h->p);
	if (!ret)
		h->stage = HOSTILE_OPEN;
	pthread_rwlock_unlock(&h->lock);
	check_step(h, "open", ret);
}

/* In one go: once others get at it, they might have it serve. */
static int set_up_and_map(struct hostile *h, unsigned int depth)
{
	int ret = provider_setup(&h->p, depth, "hostile");

	if (ret)
		return ret;
	fuzz->counts[FUZZ_LIVES]++;
	fuzz_check(FUZZ_CALLS, provider_layout_holds(&h->p.setup),
		   "SETUP of %u requests: an unsound layout", depth);
	ret = provider_map(&h->p);
	if (!ret)
		hostile_inspect_first(h);
	return ret;
}

static void set_up_life(struct rng *r, struct hostile *h)
{
	int ret;

	pthread_rwlock_wrlock(&h->lock);
	ret = set_up_and_map(h, 2 + rng_below(r, HOSTILE_DEPTH - 1));
	if (!ret)
		h->stage = HOSTILE_SET_UP;
	pthread_rwlock_unlock(&h->lock);
	check_step(h, "SETUP and mmap", ret);
}

static void serve_life(struct rng *r, struct hostile *h)
{
	static const unsigned int keks[] = {
		1 << FUZZ_SHARED, 1 << FUZZ_HOSTILE, 1 << FUZZ_SHARED | 1 << FUZZ_HOSTILE };
	uint8_t ids[FUZZ_KEKS][PAES_ID_SIZE];
	unsigned int i, n = 0;
	int ret;

	h->keks = keks[rng_below(r, 3)];
	if (h->kind == HOSTILE_STRICT)
		h->keks |= 1 << FUZZ_HONEST;
	for (i = 0; i < FUZZ_KEKS; i++)
		if (h->keks & 1u << i)
			memcpy(ids[n++], fuzz->keys[i].kek_id, PAES_ID_SIZE);
	ret = provider_serve(&h->p, ids, n);
	if (!ret)
		h->stage = HOSTILE_SERVING;
	/* Somebody may have scribbled, or served with this file before. */
	if (ret == -ESHUTDOWN || ret == -EBUSY) {
		count_call();
		close_life(h);
		return;
	}
	check_step(h, "SERVE", ret);
}

/* Where the tail was scribbled on, as much as there can be. */
static void take(struct hostile *h)
{
	struct provider *p = &h->p;
	struct paes_desc *desc;
	unsigned int n;

	if (p->ring->sq_tail - p->sq_head > p->setup.entries)
		p->sq_head = p->ring->sq_tail - p->setup.entries;
	for (n = 0; n < p->setup.entries && h->count < HOSTILE_DEPTH; n++) {
		desc = &h->taken[h->count];
		if (!provider_next(p, desc))
			break;
		if (h->kind == HOSTILE_OBSERVED)
			hostile_inspect_request(h, desc);
		h->count++;
	}
}

/* What ENTER tells of itself: dead providers are left some time. */
static void enter(struct rng *r, struct hostile *h, unsigned int timeout_ms)
{
	int ret = provider_enter(&h->p, timeout_ms);

	count_call();
	fuzz_check(FUZZ_CALLS, !ret || ret == -ESHUTDOWN ||
		   (timeout_ms && (ret == -EINTR || ret == -ETIME)),
		   "ENTER: %s", strerror(-ret));
	if (ret == -ESHUTDOWN && rng_one_in(r, 3))
		close_life(h);
}

static void enter_often(struct rng *r, struct hostile *h)
{
	unsigned int n;

	for (n = 1 + rng_below(r, ENTER_MOST); n && h->stage == HOSTILE_SERVING; n--)
		enter(r, h, 0);
}

static void answer_some(struct rng *r, struct hostile *h)
{
	unsigned int n;

	take(h);
	for (n = rng_below(r, h->count + 1); n && h->count; n--)
		hostile_answer(r, h, &lives[rng_below(r, LIVES)]);
	provider_publish(&h->p);
	if (rng_one_in(r, 2) || provider_must_enter(&h->p))
		enter(r, h, 0);
}

/* Another's, or its own. */
static void meddle(struct rng *r)
{
	struct hostile *h = &lives[rng_below(r, LIVES)];
	unsigned int n = 1 + rng_below(r, MEDDLE_MOST);

	pthread_rwlock_rdlock(&h->lock);
	for (; n && h->stage >= HOSTILE_SET_UP; n--) {
		if (rng_one_in(r, MAP_GAME_ONE_IN))
			calls_map_game(r, &h->p);
		else
			calls_meddle(r, &h->p, h->kind == HOSTILE_SCRIBBLED ?
				     h->p.map : NULL);
	}
	pthread_rwlock_unlock(&h->lock);
}

static void serve_step(struct rng *r, struct hostile *h)
{
	unsigned int what = rng_below(r, 100);

	if (what < 75)
		answer_some(r, h);
	else if (what < 94)
		enter_often(r, h);
	else if (what < 97)
		enter(r, h, 1 + rng_below(r, WAIT_MS));
	else if (what < 98 && rng_one_in(r, FORGET_ONE_IN))
		h->count = 0;		/* these are never answered */
	else if (h->kind == HOSTILE_OBSERVED && rng_one_in(r, INSPECT_ONE_IN))
		hostile_inspect(h);
}

static void step(struct rng *r, struct hostile *h)
{
	unsigned int what = rng_below(r, 1000);

	if (what < 60)
		meddle(r);
	else if (what < 70)
		calls_scrap(r);
	else if (what < 71 && h->stage >= HOSTILE_SET_UP && rng_one_in(r, FORK_ONE_IN))
		calls_fork(r, &h->p);
	else if (what < 79)
		close_life(h);
	else if (h->stage == HOSTILE_CLOSED)
		open_life(r, h);
	else if (h->stage == HOSTILE_OPEN)
		set_up_life(r, h);
	else if (h->stage == HOSTILE_SET_UP)
		serve_life(r, h);
	else
		serve_step(r, h);
}

static void *live(void *arg)
{
	struct thread *t = arg;
	struct hostile *mine = &lives[t->number * HOSTILE_LIVES];
	unsigned int n;

	coverage_begin(false);
	for (n = 0; goes_on(); n++) {
		step(&t->rng, &mine[rng_below(&t->rng, HOSTILE_LIVES)]);
		fuzz->progress[t->watch]++;
		if (n % COLLECT_EVERY == 0)
			coverage_collect();
	}
	coverage_collect();
	for (n = 0; n < HOSTILE_LIVES; n++)
		close_life(&mine[n]);
	return NULL;
}

static void *scribble(void *arg)
{
	struct thread *t = arg;
	struct hostile *h;

	while (goes_on()) {
		h = &lives[rng_below(&t->rng, LIVES)];
		pthread_rwlock_rdlock(&h->lock);
		if (h->stage >= HOSTILE_SET_UP)
			hostile_scribble(&t->rng, h);
		pthread_rwlock_unlock(&h->lock);
		if (rng_one_in(&t->rng, 4))
			usleep(rng_below(&t->rng, SCRIBBLER_REST_US));
	}
	return NULL;
}

static void wake(int signal)
{
	(void)signal;
}

/* Whoever waits for ever is interrupted. */
static void tick(void)
{
	unsigned int i;

	while (goes_on()) {
		usleep(TICK_US);
		for (i = 0; i < HOSTILE_THREADS; i++)
			pthread_kill(threads[i].id, SIGUSR1);
	}
}

static void prepare_lives(void)
{
	pthread_rwlockattr_t attr;
	unsigned int i;

	pthread_rwlockattr_init(&attr);
	pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	for (i = 0; i < LIVES; i++) {
		pthread_rwlock_init(&lives[i].lock, &attr);
		lives[i].p.fd = -1;
	}
}

static void start_thread(struct thread *t, void *(*run)(void *), uint64_t stream)
{
	rng_seed(&t->rng, fuzz->seed, stream);
	if (pthread_create(&t->id, NULL, run, t))
		abort();
}

int hostile_main(unsigned int incarnation, unsigned int watch)
{
	struct sigaction action = { .sa_handler = wake };
	uint64_t stream = (uint64_t)incarnation * STREAMS;
	struct thread scribbler = {};
	unsigned int i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigaction(SIGUSR1, &action, NULL);
	prepare_lives();
	for (i = 0; i < HOSTILE_THREADS; i++) {
		threads[i].number = i;
		threads[i].watch = watch + i;
		start_thread(&threads[i], live, stream + i);
	}
	start_thread(&scribbler, scribble, stream + HOSTILE_THREADS);
	tick();
	for (i = 0; i < HOSTILE_THREADS; i++)
		pthread_join(threads[i].id, NULL);
	pthread_join(scribbler.id, NULL);
	return 0;
}
