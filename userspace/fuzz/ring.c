// SPDX-License-Identifier: GPL-2.0
/*
 * A worker and a module that sends it anything: ring, keys, loop, engine and
 * keys in the token are the worker's own, the token is faketoken.c.
 *
 * The input begins with a byte; if it is 1, what SETUP answers follows, whole.
 * All else are steps, each a byte of enum step and what that says.
 */
#include "fuzz.h"

#include "../paesd/serve.h"
#include "faketoken.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum step {
	STEP_DESC,	/* a struct paes_desc: sent as it is */
	STEP_REQUEST,	/* a struct request, of which one is made */
	STEP_BLOB,	/* a struct spoiled: a wrapped key with one wrong byte */
	STEP_POKE,	/* a struct poke: one byte of the mapping */
	STEP_TOKEN,	/* a byte: so many calls of the token will fail */
	STEP_WAKE,	/* the worker works until it wants to wait */
	STEPS,
};

struct request {
	uint8_t op, key, slot, offset;
	uint16_t length, unit_size, first_block;
	uint8_t known;		/* shows the session token that was given last */
} __attribute__((__packed__));

struct spoiled {
	uint8_t slot, value;
	uint16_t at;		/* from PAES_BLOB_SIZE on: none */
} __attribute__((__packed__));

struct poke {
	uint16_t at;
	uint8_t value;
} __attribute__((__packed__));

enum {
	ENTRIES		= 16,
	SLOT		= 2048,
	SQ		= sizeof(struct paes_ring),
	CQ		= SQ + ENTRIES * sizeof(struct paes_desc),
	DATA		= CQ + ENTRIES * sizeof(struct paes_cqe),
	DATA_SIZE	= ENTRIES * SLOT,
	MAP		= DATA + DATA_SIZE,
};

/* The module as it was made; `map` is its own view of the ring. */
static struct {
	char path[32];
	unsigned char *map;
	struct paes_blob blob;		/* that the token opens */
} module;

/* What goes on with one input. */
static struct {
	const uint8_t *input;
	size_t left;
	struct paes_setup grant;
	uint32_t sq_tail, sq_seen, cq_seen;
	uint8_t token[PAES_TOKEN_SIZE];	/* that was given last */
	unsigned char data[DATA_SIZE];	/* before the worker was woken */
	struct paes_desc due[ENTRIES];	/* what it finds then */
	uint32_t due_count;
} now;

static struct ring ring;
static struct pulse pulse;

int __wrap_ioctl(int fd, unsigned long request, ...);
uint64_t __wrap_spin_measure_wake(void);

static bool take(void *to, size_t size)
{
	if (now.left < size)
		return false;
	memcpy(to, now.input, size);
	now.input += size;
	now.left -= size;
	return true;
}

static struct paes_desc *sq(uint32_t index)
{
	return (struct paes_desc *)(module.map + SQ) + (index & (ENTRIES - 1));
}

static const struct paes_cqe *cq(uint32_t index)
{
	return (struct paes_cqe *)(module.map + CQ) + (index & (ENTRIES - 1));
}

static struct paes_ring *shared(void)
{
	return (struct paes_ring *)module.map;
}

static void submit(const struct paes_desc *desc)
{
	*sq(now.sq_tail++) = *desc;
	shared()->sq_tail = now.sq_tail;
}

static bool step_desc(void)
{
	struct paes_desc desc;

	if (!take(&desc, sizeof(desc)))
		return false;
	submit(&desc);
	return true;
}

static bool step_request(void)
{
	struct paes_desc desc = { .tag = now.sq_tail };
	struct request request;

	if (!take(&request, sizeof(request)))
		return false;
	desc.op = request.op;
	desc.key = request.key;
	desc.offset = request.slot * SLOT + request.offset;
	desc.length = request.length;
	desc.unit_size = request.unit_size;
	desc.first_block = request.first_block;
	memset(desc.iv, 0xff, request.known & (PAES_IV_SIZE - 1));
	if (request.known)
		memcpy(desc.token, now.token, sizeof(desc.token));
	submit(&desc);
	return true;
}

static bool step_blob(void)
{
	struct spoiled spoiled;
	unsigned char *to;

	if (!take(&spoiled, sizeof(spoiled)))
		return false;
	to = module.map + DATA + (spoiled.slot & (ENTRIES - 1)) * SLOT;
	memcpy(to, &module.blob, sizeof(module.blob));
	if (spoiled.at < sizeof(module.blob))
		to[spoiled.at] = spoiled.value;
	return true;
}

static bool step_poke(void)
{
	struct poke poke;

	if (!take(&poke, sizeof(poke)))
		return false;
	module.map[poke.at % MAP] = poke.value;
	return true;
}

static bool step_token(void)
{
	uint8_t calls;

	if (!take(&calls, sizeof(calls)))
		return false;
	faketoken_fail(calls);
	return true;
}

static bool step_wake(void)
{
	return false;
}

/* Does what the input says until the worker is to be woken: or false. */
static bool play(void)
{
	static bool (*const steps[STEPS])(void) = {
		step_desc, step_request, step_blob, step_poke, step_token,
		step_wake,
	};
	uint8_t step;

	while (take(&step, sizeof(step)))
		if (!steps[step % STEPS]())
			return true;
	return false;
}

/* Tells requests apart, and answers: the sum says whether they are the same. */
static uint64_t sign(uint32_t tag, uint32_t generation)
{
	uint64_t mixed = ((uint64_t)tag << 32 | generation) * 0x9e3779b97f4a7c15;

	return (mixed ^ mixed >> 29) * 0xbf58476d1ce4e5b9;
}

/* What the worker will find; nothing changes while it works. */
static void look_ahead(void)
{
	uint32_t queued = shared()->sq_tail - ring.sq_head;

	now.due_count = queued <= ENTRIES ? queued : 0;
	now.sq_seen = ring.sq_head;
	now.cq_seen = ring.cq_tail;
	memcpy(now.data, module.map + DATA, DATA_SIZE);
	for (uint32_t i = 0; i < now.due_count; i++)
		now.due[i] = *sq(ring.sq_head + i);
}

/* A request may change its own data, and that is all that may change. */
static void check_data(void)
{
	const unsigned char *data = module.map + DATA;

	for (uint32_t i = 0; i < now.due_count; i++) {
		const struct paes_desc *desc = &now.due[i];

		if ((desc->op == PAES_OP_ENCRYPT || desc->op == PAES_OP_DECRYPT) &&
		    (uint64_t)desc->offset + desc->length <= DATA_SIZE)
			memcpy(now.data + desc->offset, data + desc->offset,
			       desc->length);
	}
	MUST(!memcmp(now.data, data, DATA_SIZE));
}

static uint64_t asked(void)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < now.due_count; i++)
		sum += sign(now.due[i].tag, now.due[i].generation);
	return sum;
}

static void check_answer(const struct paes_cqe *cqe)
{
	static const uint8_t none[PAES_TOKEN_SIZE];
	bool given = memcmp(cqe->token, none, sizeof(none)) != 0;

	MUST(cqe->status == 0 || cqe->status == -EIO ||
	     cqe->status == -ENOKEY || cqe->status == -ESTALE ||
	     cqe->status == -EKEYREJECTED);
	MUST(!cqe->status || (!cqe->length && !given));
	if (given)
		memcpy(now.token, cqe->token, sizeof(now.token));
}

/* The worker has nothing left to do: each request has had its one answer. */
static void check_answers(void)
{
	uint64_t answered = 0;

	MUST(ring.sq_head == shared()->sq_tail);
	MUST(shared()->cq_tail == ring.cq_tail || ring.cq_tail == now.cq_seen);
	MUST(ring.cq_tail - now.cq_seen == ring.sq_head - now.sq_seen);
	for (uint32_t i = now.cq_seen; i != ring.cq_tail; i++) {
		check_answer(cq(i));
		answered += sign(cq(i)->tag, cq(i)->generation);
	}
	MUST(answered == asked());
}

static void on_wait(void)
{
	check_data();
	check_answers();
	if (!play())
		ring_interrupt(&ring);
	look_ahead();
}

uint64_t __wrap_spin_measure_wake(void)
{
	return 0;
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	va_list values;
	void *argument;

	(void)fd;
	va_start(values, request);
	argument = va_arg(values, void *);
	va_end(values);
	if (request == PAES_IOC_SETUP)
		*(struct paes_setup *)argument = now.grant;
	else if (((struct paes_enter *)argument)->flags & PAES_ENTER_WAIT)
		on_wait();
	return 0;
}

static void make_blob(void)
{
	static const unsigned char kek[PAES_ID_SIZE] = "kek";
	struct xtskey key;

	MUST(!xtskey_generate(&key, NULL, 128));
	MUST(!xtskey_seal(&key, NULL, kek, 128, 0, &module.blob));
}

static void make_module(void)
{
	int fd = memfd_create("paes", MFD_CLOEXEC);

	MUST(fd >= 0 && !ftruncate(fd, MAP));
	snprintf(module.path, sizeof(module.path), "/proc/self/fd/%d", fd);
	module.map = mmap(NULL, MAP, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	MUST(module.map != MAP_FAILED);
	make_blob();
}

static void begin(const uint8_t *data, size_t size)
{
	now.input = data;
	now.left = size;
	now.sq_tail = 0;
	memset(now.token, 0, sizeof(now.token));
	now.grant = (struct paes_setup){
		.version = PAES_ABI_VERSION, .depth = ENTRIES / 2,
		.entries = ENTRIES, .slot_size = SLOT, .sq_offset = SQ,
		.cq_offset = CQ, .data_offset = DATA, .data_size = DATA_SIZE,
		.map_size = MAP,
	};
	memset(module.map, 0, MAP);
	faketoken_reset();
}

/* What it lets pass must lie in the mapping, as that was granted. */
static void check_grant(void)
{
	const struct paes_setup *setup = &ring.setup;
	uint64_t entries = setup->entries;

	MUST(!(entries & (entries - 1)) && entries >= PAES_DEPTH_MIN);
	MUST(setup->sq_offset >= sizeof(struct paes_ring));
	MUST(setup->sq_offset + entries * sizeof(struct paes_desc) <=
	     setup->map_size);
	MUST(setup->cq_offset >= sizeof(struct paes_ring));
	MUST(setup->cq_offset + entries * sizeof(struct paes_cqe) <=
	     setup->map_size);
	MUST((uint64_t)setup->data_offset + setup->data_size <= setup->map_size);
	MUST(setup->slot_size >= PAES_BLOB_SIZE);
}

/* One for all inputs, since its engine takes longer to make than they take. */
static struct serve *serve;

static void make_serve(void)
{
	serve = serve_new(NULL, &ring, &pulse);
	MUST(serve);
	spin_setup(&serve->spin, 1, 0);
	serve->keys.rotation.requests = 2;
}

/* A worker that ended with an error would be gone, with what it had taken. */
static void clear_serve(void)
{
	keys_close_all(&serve->keys);
	serve->count = 0;
	serve->untold = false;
}

static void serve_input(void)
{
	int error;

	if (!serve)
		make_serve();
	look_ahead();
	error = serve_run(serve);
	MUST(!error || error == -EPROTO || error == -EREMOTEIO);
	check_data();
	clear_serve();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t granted = 0;

	if (!module.map)
		make_module();
	begin(data, size);
	if (take(&granted, 1) && granted == 1 &&
	    !take(&now.grant, sizeof(now.grant)))
		return 0;
	if (ring_open(&ring, module.path, "1:fuzz"))
		return 0;
	check_grant();
	if (granted != 1)
		serve_input();
	ring_close(&ring);
	return 0;
}
