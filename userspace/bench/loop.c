// SPDX-License-Identifier: GPL-2.0
/*
 * A worker's whole loop with the module played by this program, for callgrind
 * to count: batches of 64 sectors, encrypted and decrypted in turns.  The
 * linker's --wrap=ioctl brings the loop's ioctls here.
 */
#include "bench.h"
#include "sample.h"

#include "../paesd/serve.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	ENTRIES	= 512,
	SQ	= 4096,
	CQ	= SQ + ENTRIES * (int)sizeof(struct paes_desc),
	DATA	= (CQ + ENTRIES * (int)sizeof(struct paes_cqe) + 4095) & ~4095,
	MAP	= DATA + BENCH_BATCH * BENCH_SECTOR,
};

static struct {
	unsigned char *map;
	uint32_t sq_tail, cq_head;
	uint8_t token[PAES_TOKEN_SIZE];	/* of the open key */
	unsigned int batches;		/* still to come */
	uint64_t sector;
} module;

static struct bench bench;
static struct ring ring;

static struct paes_ring *indices(void)
{
	return (struct paes_ring *)module.map;
}

static void submit(const struct paes_desc *desc)
{
	struct paes_desc *sq = (void *)(module.map + SQ);

	sq[module.sq_tail++ % ENTRIES] = *desc;
	__atomic_store_n(&indices()->sq_tail, module.sq_tail, __ATOMIC_RELEASE);
}

static void submit_open(void)
{
	struct paes_desc desc = {
		.op = PAES_OP_OPEN, .key = 1, .length = PAES_BLOB_SIZE,
	};

	memcpy(module.map + DATA, &bench.blob, sizeof(bench.blob));
	submit(&desc);
}

static void submit_sector(uint32_t tag, bool encrypt)
{
	struct paes_desc desc = {
		.tag = tag,
		.op = encrypt ? PAES_OP_ENCRYPT : PAES_OP_DECRYPT,
		.key = 1,
		.offset = tag * BENCH_SECTOR,
		.length = BENCH_SECTOR,
		.unit_size = BENCH_SECTOR,
	};

	memcpy(desc.iv, &module.sector, sizeof(module.sector));
	memcpy(desc.token, module.token, sizeof(desc.token));
	module.sector++;
	submit(&desc);
}

static void reap(void)
{
	const struct paes_cqe *cq = (void *)(module.map + CQ);

	for (; module.cq_head != indices()->cq_tail; module.cq_head++) {
		const struct paes_cqe *cqe = &cq[module.cq_head % ENTRIES];

		bench_check(cqe->status, "a request");
		if (!module.sector)
			memcpy(module.token, cqe->token, sizeof(module.token));
	}
}

static void enter(void)
{
	reap();
	if (!module.batches--) {
		ring_interrupt(&ring);
		return;
	}
	for (uint32_t tag = 0; tag < BENCH_BATCH; tag++)
		submit_sector(tag, module.batches % 2);
}

static void setup(struct paes_setup *granted)
{
	granted->depth = granted->entries = ENTRIES;
	granted->slot_size = BENCH_SECTOR;
	granted->sq_offset = SQ;
	granted->cq_offset = CQ;
	granted->data_offset = DATA;
	granted->data_size = MAP - DATA;
	granted->map_size = MAP;
}

int __wrap_ioctl(int fd, unsigned long request, ...);

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	void *argument;
	va_list values;

	(void)fd;
	va_start(values, request);
	argument = va_arg(values, void *);
	va_end(values);
	if (request == PAES_IOC_SETUP)
		setup(argument);
	if (request == PAES_IOC_ENTER)
		enter();
	return 0;
}

/* The mapping's file, by which the loop opens it too. */
static void open_module(char *device, size_t size)
{
	int fd = memfd_create("module", 0);

	if (fd < 0 || ftruncate(fd, MAP))
		bench_check(-errno, "making the mapping");
	snprintf(device, size, "/proc/self/fd/%d", fd);
	module.map = mmap(NULL, MAP, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	bench_check(module.map == MAP_FAILED ? -errno : 0, "mapping it");
}

int main(int argc, char **argv)
{
	static struct pulse pulse;
	struct serve *serve;
	char device[64];

	if (argc != 4) {
		fputs("Usage: bench-loop TOKEN-URI PIN-FILE BATCHES\n", stderr);
		return 2;
	}
	module.batches = sample_number("BATCHES", argv[3]);
	bench_open(&bench, argv[1], argv[2]);
	open_module(device, sizeof(device));
	bench_check(ring_open(&ring, device, "bench"), "opening the ring");
	serve = serve_new(bench.token, &ring, &pulse);
	bench_check(serve ? 0 : -errno, "setting up the loop");
	serve->spin.most = 0;	/* waiting is no work */
	submit_open();
	bench_check(serve_run(serve), "the loop");
	serve_free(serve);
	ring_close(&ring);
	bench_close(&bench);
	return 0;
}
