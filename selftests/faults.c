// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "faults.h"

#define NTH	"/proc/thread-self/fail-nth"
#define KINDS	"/sys/kernel/debug/"

static const char *const kinds[] = { "failslab", "fail_page_alloc" };

static int nth_file = -1;

const char *need_faults(void)
{
	if (access(NTH, W_OK) || access(KINDS "failslab/require-start", W_OK) ||
	    access(KINDS "fail_page_alloc/require-start", W_OK))
		return "this kernel has no fault injection: see qemu/debug-kernel";
	return NULL;
}

static bool set(const char *kind, const char *name, const char *value)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), KINDS "%s/%s", kind, name);
	f = fopen(path, "we");
	if (!f)
		return false;
	fprintf(f, "%s\n", value);
	return !fclose(f);
}

static bool set_both(const char *name, const char *value)
{
	return set(kinds[0], name, value) && set(kinds[1], name, value);
}

/* Those that may sleep are failed, too; announced without a backtrace. */
bool faults_prepare(void)
{
	nth_file = open(NTH, O_RDWR | O_CLOEXEC);
	return nth_file >= 0 &&
	       set_both("probability", "0") && set_both("verbose", "1") &&
	       set_both("verbose_ratelimit_interval_ms", "0") &&
	       set_both("ignore-gfp-wait", "N") &&
	       set("fail_page_alloc", "min-order", "0") &&
	       set_both("task-filter", "N") && set_both("times", "-1") &&
	       set_both("stacktrace-depth", "32");
}

/* Opening it takes memory, too: so it's open before. */
static void write_nth(unsigned int nth)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%u", nth);

	if (pwrite(nth_file, text, length, 0) != length)
		abort();
}

void faults_arm(unsigned int nth)
{
	write_nth(nth);
}

unsigned int faults_disarm(void)
{
	char left[16] = "";

	if (pread(nth_file, left, sizeof(left) - 1, 0) <= 0)
		abort();
	write_nth(0);
	return atoi(left);
}

static bool module_range(uint64_t *start, uint64_t *end)
{
	unsigned long size, address;
	bool found = false;
	char line[512];
	FILE *f = fopen("/proc/modules", "re");

	while (f && !found && fgets(line, sizeof(line), f))
		found = sscanf(line, "paes %lu %*s %*s %*s %lx", &size, &address) == 2;
	if (f)
		fclose(f);
	*start = address;
	*end = address + size;
	return found;
}

/* Off first: while the range is half set, it may be that of the kernel. */
bool faults_of_module(unsigned int percent)
{
	char from[32], to[32], probability[32];
	uint64_t start, end;

	if (!set_both("probability", "0") || !module_range(&start, &end))
		return false;
	snprintf(from, sizeof(from), "%lu", start);
	snprintf(to, sizeof(to), "%lu", end);
	snprintf(probability, sizeof(probability), "%u", percent);
	return set_both("require-start", from) && set_both("require-end", to) &&
	       set_both("probability", probability);
}
