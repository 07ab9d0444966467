// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <linux/paes.h>

#include "alg.h"
#include "module.h"
#include "volume.h"

enum {
	NOBODY = 65534,
	HOLD_SECONDS = 30,
};

const char *need_root(void)
{
	return geteuid() ? "needs root" : NULL;
}

static bool modprobe(const char *arguments)
{
	char command[128];

	snprintf(command, sizeof(command), "modprobe -q %s", arguments);
	return !system(command);
}

const char *need_module(void)
{
	if (access(PAES_DEVICE, F_OK))
		modprobe("paes");
	return access(PAES_DEVICE, F_OK) ?
	       "no " PAES_DEVICE ": the module isn't loaded and doesn't load" :
	       NULL;
}

const char *need_alg(void)
{
	static char why[128];
	int tfm = alg_open();

	if (tfm >= 0) {
		close(tfm);
		return NULL;
	}
	snprintf(why, sizeof(why), "this kernel's AF_ALG doesn't give out xts(paes): %s",
		 strerror(-tfm));
	return why;
}

const char *need_disk(void)
{
	if (access(VOLUME_DISK, F_OK))
		modprobe("brd rd_nr=1 rd_size=16384");
	if (access(VOLUME_DISK, F_OK))
		return "no " VOLUME_DISK ": needs the module brd";
	if (access("/dev/mapper/control", F_OK))
		modprobe("dm_mod");
	if (access("/dev/mapper/control", F_OK) || !modprobe("dm_crypt"))
		return "needs dm-crypt";
	return NULL;
}

static long read_long(const char *path)
{
	FILE *f = fopen(path, "re");
	long value = -1;

	if (!f)
		return -1;
	if (fscanf(f, "%ld", &value) != 1)
		value = -1;
	fclose(f);
	return value;
}

static void param_path(char *path, size_t size, const char *name)
{
	snprintf(path, size, "/sys/module/paes/parameters/%s", name);
}

long module_param(const char *name)
{
	char path[128];

	param_path(path, sizeof(path), name);
	return read_long(path);
}

bool module_set_param(const char *name, long value)
{
	char path[128];
	FILE *f;

	param_path(path, sizeof(path), name);
	f = fopen(path, "we");
	if (!f)
		return false;
	fprintf(f, "%ld\n", value);
	return !fclose(f);
}

long module_stat(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/class/misc/paes/stats/%s", name);
	return read_long(path);
}

int module_table(const char *name)
{
	char path[128], line[8192];
	int rows = -1;			/* the first line is the head */
	FILE *f;

	snprintf(path, sizeof(path), "/sys/kernel/debug/paes/%s", name);
	f = fopen(path, "re");
	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f))
		rows++;
	fclose(f);
	return rows;
}

/* The word at a place in a line, which is changed; NULL when it has fewer. */
static char *word_at(char *line, unsigned int place)
{
	char *word = strtok(line, " \n");

	while (word && place--)
		word = strtok(NULL, " \n");
	return word;
}

static long sum_of(char *list)
{
	char *number = strtok(list, ",");
	long sum = 0;

	for (; number; number = strtok(NULL, ","))
		sum += strtol(number, NULL, 10);
	return sum;
}

long module_key_figure(const char *column)
{
	char header[512], row[1024], more[1024], *name, *word;
	FILE *f = fopen("/sys/kernel/debug/paes/keys", "re");
	unsigned int place = 0;
	bool one;

	if (!f)
		return -1;
	one = fgets(header, sizeof(header), f) && fgets(row, sizeof(row), f) &&
	      !fgets(more, sizeof(more), f);
	fclose(f);
	if (!one)
		return -1;
	for (name = strtok(header, " \n"); name && strcmp(name, column);
	     name = strtok(NULL, " \n"))
		place++;
	word = name ? word_at(row, place) : NULL;
	return word ? sum_of(word) : -1;
}

void module_limit_hold(void)
{
	if (module_param("hold_seconds") > HOLD_SECONDS)
		module_set_param("hold_seconds", HOLD_SECONDS);
}

void become_nobody(void)
{
	if (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
	    setresuid(NOBODY, NOBODY, NOBODY))
		_exit(1);
}

int klog_open(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		lseek(fd, 0, SEEK_END);
	return fd;
}

bool klog_has(int fd, const char *text)
{
	char record[8192];
	ssize_t n;

	for (;;) {
		n = read(fd, record, sizeof(record) - 1);
		if (n < 0 && errno == EPIPE)
			continue;	/* older records were overwritten */
		if (n <= 0)
			return false;
		record[n] = 0;
		if (strstr(record, text))
			return true;
	}
}

long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}
