// SPDX-License-Identifier: GPL-2.0
#include "successor.h"
#include "cleanup.h"
#include "log.h"
#include "process.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

static const char adopt[] = "--adopt=";

static char path[PATH_MAX];
static char **arguments;

extern char **environ;

void successor_remember(char **argv)
{
	ssize_t size = readlink("/proc/self/exe", path, sizeof(path) - 1);

	path[size < 0 ? 0 : size] = '\0';
	arguments = argv;
}

/* This one's arguments, without what it was handed over, and `last`. */
static char **make_argv(char *last)
{
	size_t n = 0, to = 0;
	char **argv;

	while (arguments[n])
		n++;
	argv = calloc(n + 2, sizeof(*argv));
	if (!argv)
		return NULL;
	for (size_t i = 0; i < n; i++)
		if (strncmp(arguments[i], adopt, strlen(adopt)) != 0)
			argv[to++] = arguments[i];
	argv[to] = last;
	return argv;
}

static int explain(int error)
{
	log_error("can't execute %s: %s: going on as before",
		  *path ? path : "/proc/self/exe", strerror(error));
	return -error;
}

int successor_check(sd_event *event, int fd, sd_event_child_handler_t done,
		    void *context)
{
	char last[40];
	CLEANUP(free) char **argv = make_argv(last);
	pid_t pid;
	int error;

	if (!argv)
		return explain(ENOMEM);
	snprintf(last, sizeof(last), "--check-handover=%d", fd);
	error = process_spawn(&pid, path, NULL, argv);
	if (error)
		return explain(-error);
	error = sd_event_add_child(event, NULL, pid, WEXITED, done, context);
	return error < 0 ? explain(-error) : 0;
}

int successor_execute(int fd)
{
	char last[32];
	CLEANUP(free) char **argv = make_argv(last);

	if (!argv)
		return explain(ENOMEM);
	snprintf(last, sizeof(last), "%s%d", adopt, fd);
	execve(path, argv, environ);
	return explain(errno);
}
