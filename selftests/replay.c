// SPDX-License-Identifier: GPL-2.0
/*
 * A helper of rotate.sh: plays the module to a worker of paesd, over the memory
 * that the two share, as somebody could who has got that far.
 *
 *	replay record PID	writes the last descriptor that the worker was sent
 *	replay send PID		sends it the descriptor on standard input once more,
 *				and prints how it was answered, and "untouched" or
 *				"changed" for the data that lay there
 *
 * The volume must be idle.  An answer to what the module never asked is a breach
 * of the protocol: the worker loses its connection afterwards.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/paes.h>

enum {
	PAGE = 4096,
	SLOT = 4096,
	LENGTH = 512,
	MARK = 0xa5,
};

struct victim {
	pid_t pid;
	int memory;			/* /proc/PID/mem */
	uint64_t start;			/* of the mapping */
	uint64_t size;
	uint32_t entries;
	uint32_t depth;
	struct paes_ring ring;
};

static void peek(const struct victim *v, void *to, size_t size, uint64_t at)
{
	if (pread(v->memory, to, size, v->start + at) != (ssize_t)size)
		err(1, "can't read the worker's ring");
}

static void poke(const struct victim *v, const void *from, size_t size, uint64_t at)
{
	if (pwrite(v->memory, from, size, v->start + at) != (ssize_t)size)
		err(1, "can't write to the worker's ring");
}

static void find_mapping(struct victim *v)
{
	unsigned long long start, end;
	char line[512];
	FILE *maps;

	snprintf(line, sizeof(line), "/proc/%d/maps", v->pid);
	maps = fopen(line, "re");
	while (maps && !v->start && fgets(line, sizeof(line), maps))
		if (strstr(line, PAES_DEVICE) &&
		    sscanf(line, "%llx-%llx", &start, &end) == 2) {
			v->start = start;
			v->size = end - start;
		}
	if (!v->start)
		errx(1, "process %d has no mapping of " PAES_DEVICE, v->pid);
	fclose(maps);
}

static uint64_t align(uint64_t size)
{
	return (size + PAGE - 1) / PAGE * PAGE;
}

static uint64_t sq_at(uint32_t index, const struct victim *v)
{
	return sizeof(struct paes_ring) +
	       (index & (v->entries - 1)) * sizeof(struct paes_desc);
}

static uint64_t cq_at(uint32_t index, const struct victim *v)
{
	return sizeof(struct paes_ring) + v->entries * sizeof(struct paes_desc) +
	       (index & (v->entries - 1)) * sizeof(struct paes_cqe);
}

static uint64_t data_at(const struct victim *v)
{
	return align(cq_at(0, v) + v->entries * sizeof(struct paes_cqe));
}

/* SETUP told only the worker; its size tells us, if depth is a power of two. */
static void find_layout(struct victim *v)
{
	for (v->entries = PAES_DEPTH_MIN; v->entries <= PAES_DEPTH_MAX; v->entries *= 2)
		if (data_at(v) + (uint64_t)v->entries * SLOT == v->size)
			return;
	errx(1, "a mapping of %llu bytes is none of the module's",
	     (unsigned long long)v->size);
}

static void find_victim(struct victim *v, const char *pid)
{
	char path[64];

	v->pid = atoi(pid);
	find_mapping(v);
	find_layout(v);
	snprintf(path, sizeof(path), "/proc/%d/mem", v->pid);
	v->memory = open(path, O_RDWR | O_CLOEXEC);
	if (v->memory < 0)
		err(1, "%s", path);
	peek(v, &v->ring, sizeof(v->ring), 0);
}

static int record(const struct victim *v)
{
	struct paes_desc desc;

	peek(v, &desc, sizeof(desc), sq_at(v->ring.sq_tail - 1, v));
	if (fwrite(&desc, sizeof(desc), 1, stdout) != 1)
		err(1, "standard output");
	return 0;
}

static void wait_stopped(const struct victim *v)
{
	int status;

	if (waitpid(v->pid, &status, 0) != v->pid || !WIFSTOPPED(status))
		errx(1, "the worker ended");
}

static void stop(const struct victim *v)
{
	if (ptrace(PTRACE_SEIZE, v->pid, 0, 0) || ptrace(PTRACE_INTERRUPT, v->pid, 0, 0))
		err(1, "can't stop the worker");
	wait_stopped(v);
}

/* From one system call to the next, until it has answered. */
static void run_until_answered(const struct victim *v)
{
	uint32_t tail;

	do {
		if (ptrace(PTRACE_SYSCALL, v->pid, 0, 0))
			err(1, "can't let the worker go on");
		wait_stopped(v);
		peek(v, &tail, sizeof(tail), offsetof(struct paes_ring, cq_tail));
	} while (tail == v->ring.cq_tail);
}

/* In the last slot: the module gives out the first ones first. */
static void submit(const struct victim *v, struct paes_desc *desc)
{
	uint32_t tail = v->ring.sq_tail + 1;
	uint8_t data[LENGTH];

	memset(data, MARK, sizeof(data));
	desc->op = PAES_OP_ENCRYPT;
	desc->offset = (v->entries - 1) * SLOT;
	desc->length = LENGTH;
	desc->unit_size = LENGTH;
	desc->first_block = 0;
	poke(v, data, sizeof(data), data_at(v) + desc->offset);
	poke(v, desc, sizeof(*desc), sq_at(v->ring.sq_tail, v));
	poke(v, &tail, sizeof(tail), offsetof(struct paes_ring, sq_tail));
}

static bool untouched(const struct victim *v, const struct paes_desc *desc)
{
	uint8_t data[LENGTH];
	unsigned int i;

	peek(v, data, sizeof(data), data_at(v) + desc->offset);
	for (i = 0; i < LENGTH; i++)
		if (data[i] != MARK)
			return false;
	return true;
}

static int replay(struct victim *v)
{
	struct paes_desc desc;
	struct paes_cqe cqe;

	if (fread(&desc, sizeof(desc), 1, stdin) != 1)
		errx(1, "expected a descriptor on standard input");
	stop(v);
	peek(v, &v->ring, sizeof(v->ring), 0);
	submit(v, &desc);
	run_until_answered(v);
	peek(v, &cqe, sizeof(cqe), cq_at(v->ring.cq_tail, v));
	printf("%s %s\n", cqe.status ? strerrorname_np(-cqe.status) : "0",
	       untouched(v, &desc) ? "untouched" : "changed");
	ptrace(PTRACE_DETACH, v->pid, 0, 0);
	return 0;
}

int main(int argc, char **argv)
{
	struct victim v = { 0 };

	if (argc != 3 || (strcmp(argv[1], "record") && strcmp(argv[1], "send")))
		errx(2, "expected \"record PID\" or \"send PID\"");
	find_victim(&v, argv[2]);
	return strcmp(argv[1], "send") ? record(&v) : replay(&v);
}
