// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/kcov.h>

#include "coverage.h"

#define KCOV		"/sys/kernel/debug/kcov"
#define SECTIONS	"/sys/module/paes/sections/"

enum {
	ENTRIES = 1 << 16,		/* of a thread's buffer */
	REMOTE_ENTRIES = 1 << 20,	/* of that for the workqueues */
	WORK_ENTRIES = 1 << 15,		/* that one work may add */
	PLACES = 1 << 20,		/* bytes of code that are looked at */
};

struct section {
	const char *name;
	uint64_t start;
};

/* Sorted by address once they're read: code lies in these only. */
static struct section sections[] = { { ".text" }, { ".text.unlikely" } };

static uint8_t *seen;			/* by offset from the first section */
static __thread uint64_t *buffer;	/* its first word counts the others */

static uint64_t section_start(const char *name)
{
	char path[128];
	uint64_t start = 0;
	FILE *f;

	snprintf(path, sizeof(path), SECTIONS "%s", name);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (fscanf(f, "%lx", &start) != 1)
		start = 0;
	fclose(f);
	return start;
}

static int by_start(const void *a, const void *b)
{
	const struct section *s = a, *t = b;

	return s->start < t->start ? -1 : s->start > t->start;
}

static const unsigned int section_count = sizeof(sections) / sizeof(sections[0]);

static uint64_t first_start(void)
{
	unsigned int i;

	for (i = 0; i < section_count; i++)
		if (sections[i].start)
			return sections[i].start;
	return 0;
}

bool coverage_prepare(void)
{
	unsigned int i;

	for (i = 0; i < section_count; i++)
		sections[i].start = section_start(sections[i].name);
	qsort(sections, section_count, sizeof(sections[0]), by_start);
	if (access(KCOV, R_OK | W_OK) || !first_start())
		return false;
	seen = mmap(NULL, PLACES, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (seen == MAP_FAILED)
		seen = NULL;
	return seen;
}

/* The handle is the one that qemu/debug-kernel gives to all works. */
static int enable_with_works(int fd)
{
	struct kcov_remote_arg arg = {
		.trace_mode = KCOV_TRACE_PC,
		.area_size = WORK_ENTRIES,
		.common_handle = 1,
	};

	return ioctl(fd, KCOV_REMOTE_ENABLE, &arg);
}

/* The file stays open as long as the thread's process. */
void coverage_begin(bool works)
{
	size_t entries = works ? REMOTE_ENTRIES : ENTRIES;
	int fd;

	buffer = NULL;
	if (!seen)
		return;
	fd = open(KCOV, O_RDWR | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, KCOV_INIT_TRACE, entries))
		return;
	buffer = mmap(NULL, entries * sizeof(*buffer), PROT_READ | PROT_WRITE,
		      MAP_SHARED, fd, 0);
	if (buffer == MAP_FAILED ||
	    (works ? enable_with_works(fd) : ioctl(fd, KCOV_ENABLE, KCOV_TRACE_PC)))
		buffer = NULL;
}

void coverage_collect(void)
{
	uint64_t n, i, place;

	if (!buffer)
		return;
	n = __atomic_load_n(&buffer[0], __ATOMIC_ACQUIRE);
	for (i = 1; i <= n; i++) {
		place = buffer[i] - first_start();
		if (place < PLACES)
			seen[place] = 1;
	}
	__atomic_store_n(&buffer[0], 0, __ATOMIC_RELEASE);
}

static const struct section *section_of(uint64_t address)
{
	const struct section *found = NULL;
	unsigned int i;

	for (i = 0; i < section_count; i++)
		if (sections[i].start && sections[i].start <= address)
			found = &sections[i];
	return found;
}

static int write_places(FILE *f)
{
	const struct section *s;
	uint64_t place;
	int n = 0;

	for (place = 0; place < PLACES; place++) {
		if (!seen[place])
			continue;
		s = section_of(first_start() + place);
		fprintf(f, "%s %#lx\n", s->name,
			first_start() + place - s->start);
		n++;
	}
	return n;
}

int coverage_write(const char *path)
{
	FILE *f;
	int n;

	if (!seen)
		return -ENOTSUP;
	f = fopen(path, "we");
	if (!f)
		return -errno;
	n = write_places(f);
	return fclose(f) ? -errno : n;
}
