// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "calls.h"
#include "fuzz.h"

enum {
	PAGE = 4096,
	LONGEST_WAIT_MS = 8,
	SCRAP_MOST = 24,		/* calls of a file that doesn't live long */
	CHILDREN = 4,			/* at once, of a thread */
};

static void count_call(void)
{
	fuzz->counts[FUZZ_SYSCALLS]++;
}

/* Whether an error is one of those listed, up to a 0. */
static bool is_one_of(int error, const int *errors)
{
	for (; *errors; errors++)
		if (*errors == error)
			return true;
	return !error;
}

static const int setup_errors[] = { EPROTONOSUPPORT, EINVAL, EBUSY, EFAULT, ENOMEM, 0 };
static const int serve_errors[] = { EFAULT, EINVAL, EBUSY, ESHUTDOWN, ENOMEM, 0 };
static const int enter_errors[] = { EFAULT, EINVAL, EINTR, ETIME, ESHUTDOWN, 0 };
static const int unknown_errors[] = { ENOTTY, 0 };

static const int *errors_of(unsigned long request)
{
	switch (request) {
	case PAES_IOC_SETUP:
		return setup_errors;
	case PAES_IOC_SERVE:
		return serve_errors;
	case PAES_IOC_ENTER:
		return enter_errors;
	}
	return unknown_errors;
}

static int call(int fd, unsigned long request, void *arg)
{
	int error = ioctl(fd, request, arg) ? errno : 0;

	count_call();
	fuzz_check(FUZZ_CALLS, is_one_of(error, errors_of(request)),
		   "ioctl %#lx failed with %s", request, strerror(error));
	return error;
}

/* An argument in a page that ends where nothing is mapped. */
union argument {
	struct paes_setup setup;
	struct paes_serve serve;
	struct paes_enter enter;
	uint8_t bytes[PAGE];
};

/* What a setup may change: the layout, and only when it's granted. */
static void check_setup(const struct paes_setup *was, const struct paes_setup *is,
			int error)
{
	struct paes_setup expected = *was;

	if (error == EPROTONOSUPPORT)
		expected.version = PAES_ABI_VERSION;
	if (!error)
		memcpy(&expected.depth, &is->depth,
		       offsetof(struct paes_setup, reserved) -
		       offsetof(struct paes_setup, depth));
	fuzz_check(FUZZ_CALLS, !memcmp(&expected, is, sizeof(expected)) &&
		   (error || provider_layout_holds(is)),
		   "SETUP (%s) wrote something else than the layout", strerror(error));
}

static void make_setup(struct rng *r, struct paes_setup *s)
{
	memset(s, 0, sizeof(*s));
	s->version = PAES_ABI_VERSION;
	s->depth = rng_below(r, 70);
	strcpy((char *)s->name, "scrap");
	if (rng_one_in(r, 3))
		((uint8_t *)s)[rng_below(r, sizeof(*s))] ^= rng_next(r);
	if (rng_one_in(r, 10))
		rng_fill(r, s, sizeof(*s));
	if (s->depth > 70 && !rng_one_in(r, 20))
		s->depth = 2;	/* the large ones take their time */
}

static void call_setup(struct rng *r, int fd)
{
	struct paes_setup was, is;
	int error;

	make_setup(r, &was);
	is = was;
	error = call(fd, PAES_IOC_SETUP, &is);
	check_setup(&was, &is, error);
}

/* Never that of the honest volume: its owner would have to answer. */
static void make_ids(struct rng *r, uint8_t (*ids)[PAES_ID_SIZE], unsigned int n)
{
	rng_fill(r, ids, n * PAES_ID_SIZE);
	if (rng_one_in(r, 2))
		memcpy(ids[0], fuzz->keys[FUZZ_SHARED].kek_id, PAES_ID_SIZE);
	if (rng_one_in(r, 2))
		memcpy(ids[n - 1], fuzz->keys[FUZZ_HOSTILE].kek_id, PAES_ID_SIZE);
	if (rng_one_in(r, 10))
		memset(ids[rng_below(r, n)], 0, PAES_ID_SIZE);
	if (rng_one_in(r, 10))
		memcpy(ids[rng_below(r, n)], ids[0], PAES_ID_SIZE);
}

static void call_serve(struct rng *r, int fd)
{
	uint8_t ids[2 * PAES_SERVE_MAX][PAES_ID_SIZE];
	unsigned int n = 1 + rng_below(r, rng_one_in(r, 4) ? 2 * PAES_SERVE_MAX : 3);
	struct paes_serve serve = { .count = n, .kek_ids = (uintptr_t)ids };

	make_ids(r, ids, n);
	if (rng_one_in(r, 4))
		((uint8_t *)&serve)[rng_below(r, sizeof(serve))] ^= rng_next(r);
	call(fd, PAES_IOC_SERVE, &serve);
}

/* One that waits for ever is woken by a signal. */
static void call_enter(struct rng *r, int fd, uint32_t sq_head)
{
	struct paes_enter enter = {
		.flags = rng_one_in(r, 16) ? PAES_ENTER_WAIT : 0,
		.sq_head = rng_one_in(r, 2) ? sq_head : rng_next(r),
		.timeout_ms = rng_below(r, LONGEST_WAIT_MS),
	};

	if (rng_one_in(r, 16))
		enter.flags = rng_next(r);
	if (rng_one_in(r, 16))
		enter.reserved = rng_next(r);
	call(fd, PAES_IOC_ENTER, &enter);
}

static void call_unknown(struct rng *r, int fd)
{
	unsigned long request = _IOC(rng_below(r, 4), PAES_IOC_MAGIC, rng_below(r, 256),
				     rng_below(r, 256));
	uint8_t arg[256], was[256];

	if (errors_of(request) != unknown_errors)
		return;
	rng_fill(r, arg, sizeof(arg));
	memcpy(was, arg, sizeof(was));
	call(fd, request, arg);
	fuzz_check(FUZZ_CALLS, !memcmp(arg, was, sizeof(was)),
		   "ioctl %#lx, which doesn't exist, wrote to its argument", request);
}

/* A page with a setup in it, and nothing behind; made once, as that takes time. */
static uint8_t *page_at_edge(struct rng *r, bool writable)
{
	static __thread uint8_t *pages[2];
	uint8_t *page = pages[writable];

	if (page)
		return page;
	page = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		abort();
	make_setup(r, (void *)page);
	mprotect(page, PAGE, writable ? PROT_READ | PROT_WRITE : PROT_READ);
	mprotect(page + PAGE, PAGE, PROT_NONE);
	return pages[writable] = page;
}

/* Addresses that are no argument, or only in part, or change meanwhile. */
static void call_with_bad_address(struct rng *r, int fd, uint8_t *map)
{
	static const unsigned long requests[] = {
		PAES_IOC_SETUP, PAES_IOC_SERVE, PAES_IOC_ENTER };
	uint8_t *page = page_at_edge(r, rng_one_in(r, 2));
	void *const addresses[] = {
		NULL, (void *)1, (void *)-4096L, (void *)0xffff888000000000,
		page + PAGE, page + PAGE - 1 - rng_below(r, 95), page,
		map ?: page, map ? map + rng_below(r, 1000) : page + 1,
	};
	unsigned int i = rng_below(r, sizeof(addresses) / sizeof(addresses[0]));

	call(fd, requests[rng_below(r, 3)], addresses[i]);
}

/* What a character device has besides: nothing of it works here. */
static void call_other(struct rng *r, int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN | POLLOUT };
	uint8_t bytes[64];
	long ret = -1;

	switch (rng_below(r, 8)) {
	case 0:
		ret = read(fd, bytes, sizeof(bytes));
		break;
	case 1:
		ret = write(fd, bytes, sizeof(bytes));
		break;
	case 2:
		ret = pread(fd, bytes, sizeof(bytes), rng_below(r, PAGE));
		break;
	case 3:
		ret = ftruncate(fd, rng_below(r, PAGE));
		break;
	case 4:
		ret = fsync(fd);
		break;
	case 5:
		ret = fallocate(fd, rng_below(r, 4), 0, PAGE);
		break;
	case 6:
		poll(&poll_fd, 1, 0);
		break;
	case 7:
		fcntl(fd, F_SETFL, rng_one_in(r, 2) ? O_NONBLOCK : 0);
		break;
	}
	count_call();
	fuzz_check(FUZZ_CALLS, ret == -1, "a read, write or the like returned %ld", ret);
}

void calls_meddle(struct rng *r, const struct provider *p, uint8_t *map)
{
	switch (rng_below(r, 8)) {
	case 0:
		call_setup(r, p->fd);
		break;
	case 1:
		call_serve(r, p->fd);
		break;
	case 2:
		call_unknown(r, p->fd);
		break;
	case 3:
		call_with_bad_address(r, p->fd, map);
		break;
	case 4:
		call_other(r, p->fd);
		break;
	default:
		call_enter(r, p->fd, p->sq_head);
	}
}

/* Only the whole of it, shared, and never to be executed. */
static uint8_t *call_mmap(struct rng *r, const struct provider *p)
{
	static const int protections[] = {
		PROT_READ | PROT_WRITE, PROT_READ, PROT_NONE, PROT_WRITE,
		PROT_READ | PROT_WRITE, PROT_READ | PROT_EXEC };
	int protection = protections[rng_below(r, 6)];
	int flags = rng_one_in(r, 8) ? MAP_PRIVATE : MAP_SHARED;
	size_t size = p->setup.map_size;
	off_t offset = 0;
	bool right;
	void *map;

	if (rng_one_in(r, 8))
		size = (1 + rng_below(r, 2 * size / PAGE)) * PAGE;
	if (rng_one_in(r, 8))
		offset = (off_t)rng_below(r, 64) * PAGE;
	right = size == p->setup.map_size && !offset && flags == MAP_SHARED &&
		!(protection & PROT_EXEC);
	map = mmap(NULL, size, protection, flags, p->fd, offset);
	count_call();
	fuzz_check(FUZZ_CALLS, (map != MAP_FAILED) == right,
		   "mmap of %zu of %u bytes at %ld, protection %d, flags %d: expected %s",
		   size, p->setup.map_size, offset, protection, flags,
		   right ? "success" : "an error");
	if (map != MAP_FAILED && !right)
		munmap(map, size);
	return map == MAP_FAILED || !right ? NULL : map;
}

/* Pages that are pinned in a pipe outlive the mapping, and the provider. */
static void pin_in_pipe(struct rng *r, uint8_t *map, size_t size)
{
	struct iovec iov = { map + (size_t)rng_below(r, size / PAGE) * PAGE, PAGE };
	uint8_t bytes[PAGE];
	int fds[2];

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK))
		return;
	if (vmsplice(fds[1], &iov, 1, SPLICE_F_NONBLOCK) > 0) {
		madvise(iov.iov_base, PAGE, MADV_DONTNEED);
		fuzz_check(FUZZ_CALLS, read(fds[0], bytes, PAGE) > 0,
			   "a page in a pipe can't be read: %s", strerror(errno));
	}
	close(fds[0]);
	close(fds[1]);
}

static void advise(struct rng *r, uint8_t *map, size_t size)
{
	static const int advices[] = {
		MADV_DONTNEED, MADV_WILLNEED, MADV_DONTFORK, MADV_COLD, MADV_PAGEOUT,
		MADV_MERGEABLE, MADV_HUGEPAGE, MADV_REMOVE, MADV_FREE, MADV_RANDOM,
		MADV_POPULATE_READ, MADV_WIPEONFORK };

	madvise(map + (size_t)rng_below(r, size / PAGE) * PAGE, PAGE,
		advices[rng_below(r, sizeof(advices) / sizeof(advices[0]))]);
}

/* Unmaps a page; whoever maps something next must not get its place. */
static void tear(struct rng *r, uint8_t *map, size_t size)
{
	void *page = map + (size_t)rng_below(r, size / PAGE) * PAGE;

	mmap(page, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

/*
 * To a place that nobody else is given.  Where that fails, the place may have
 * been unmapped, and be another's by now: it is left alone.
 */
static uint8_t *move(uint8_t *map, size_t size)
{
	void *to = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *moved;

	if (to == MAP_FAILED)
		return map;
	moved = mremap(map, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, to);
	return moved == MAP_FAILED ? map : moved;
}

/* The mapping's address afterwards. */
static uint8_t *play(struct rng *r, uint8_t *map, size_t size)
{
	void *moved;

	switch (rng_below(r, 8)) {
	case 0:
		moved = mremap(map, size, size + PAGE, MREMAP_MAYMOVE);
		fuzz_check(FUZZ_CALLS, moved == MAP_FAILED, "a mapping was made larger");
		break;
	case 1:
		map = move(map, size);
		break;
	case 2:
		tear(r, map, size);
		break;
	case 3:
		fuzz_check(FUZZ_CALLS, mprotect(map, size, PROT_READ | PROT_EXEC),
			   "a mapping was made executable");
		break;
	case 4:
		fuzz_check(FUZZ_CALLS, madvise(map, size, MADV_DODUMP),
			   "a mapping is to be dumped");
		break;
	case 5:
		pin_in_pipe(r, map, size);
		break;
	case 6:
		mlock(map, size);
		break;
	case 7:
		advise(r, map, size);
		break;
	}
	count_call();
	return map;
}

void calls_map_game(struct rng *r, const struct provider *p)
{
	uint8_t *map = call_mmap(r, p);
	unsigned int n;

	if (!map)
		return;
	for (n = rng_below(r, 6); n; n--)
		map = play(r, map, p->setup.map_size);
	munmap(map, p->setup.map_size);
	count_call();
}

void calls_scrap(struct rng *r)
{
	struct provider p;
	unsigned int n;

	if (provider_open(&p))
		return;
	count_call();
	p.setup.map_size = PAGE;
	for (n = 1 + rng_below(r, SCRAP_MOST); n; n--) {
		if (rng_one_in(r, 8))
			provider_setup(&p, 2 + rng_below(r, 4), "scrap");
		calls_meddle(r, &p, NULL);
	}
	provider_close(&p);
	count_call();
}

/* What a child may do after a fork of threads; its status tells what it saw. */
static int child(struct rng *r, const struct provider *p)
{
	struct paes_enter enter = { .flags = PAES_ENTER_WAIT, .sq_head = p->sq_head };
	int fds[2], leaks = 0;
	unsigned int n;

	if (!pipe(fds))
		leaks = write(fds[1], p->map, 1) == 1;
	for (n = rng_below(r, 5); n; n--) {
		enter.timeout_ms = 1 + rng_below(r, LONGEST_WAIT_MS);
		ioctl(p->fd, PAES_IOC_ENTER, &enter);
	}
	return leaks;
}

static void reap(pid_t *pid)
{
	int status;

	if (!*pid)
		return;
	while (waitpid(*pid, &status, 0) < 0)
		if (errno != EINTR)
			return;
	if (WIFEXITED(status))
		fuzz_check(FUZZ_CALLS, !WEXITSTATUS(status),
			   "a child sees its parent's mapping");
	*pid = 0;
}

void calls_fork(struct rng *r, const struct provider *p)
{
	static __thread pid_t children[CHILDREN];
	pid_t *pid = &children[rng_below(r, CHILDREN)];

	if (*pid && rng_one_in(r, 2))
		kill(*pid, SIGKILL);
	reap(pid);
	*pid = fork();
	count_call();
	if (!*pid)
		_exit(child(r, p));
	if (*pid < 0)
		*pid = 0;
}
