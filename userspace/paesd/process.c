// SPDX-License-Identifier: GPL-2.0
#include "process.h"
#include "cleanup.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#ifndef PR_SET_IO_FLUSHER
#define PR_SET_IO_FLUSHER 57
#endif

void process_guard(void)
{
	struct rlimit none = { 0 };

	if (prctl(PR_SET_DUMPABLE, 0) < 0 || setrlimit(RLIMIT_CORE, &none) < 0)
		log_warning("core dumps can't be turned off: %s",
			    strerror(errno));
}

int process_follow(int channel)
{
	struct ucred supervisor;
	socklen_t size = sizeof(supervisor);

	/* It was started from /proc/self/exe: "exe" would say nothing in ps. */
	prctl(PR_SET_NAME, "paesd-worker");
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ||
	    getsockopt(channel, SOL_SOCKET, SO_PEERCRED, &supervisor, &size) < 0)
		return -errno;
	/* It may have died before the kernel was asked to tell. */
	if (getppid() != supervisor.pid)
		return -ESRCH;
	/* Ctrl-C goes to all of the group; the supervisor says when to stop. */
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	return 0;
}

/*
 * SoftHSM's C_Decrypt buffers all it gets.  With malloc's defaults that is a
 * mapping made, faulted in and given back for each call: half the speed.
 */
static void process_tune_malloc(void)
{
	mallopt(M_MMAP_THRESHOLD, 4 << 20);
	mallopt(M_TRIM_THRESHOLD, 64 << 20);
	mallopt(M_TOP_PAD, 1 << 20);
}

static void process_flush_io(enum log_level complain)
{
	if (prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0) < 0)
		log_at(complain, "can't become an I/O flusher: %s (needs CAP_SYS_RESOURCE): the system may lock up when memory runs out",
			    strerror(errno));
}

/* With a limit, MCL_FUTURE would make some later allocation fail. */
static void process_lock_memory(enum log_level complain)
{
	struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };

	if (setrlimit(RLIMIT_MEMLOCK, &unlimited) < 0 ||
	    mlockall(MCL_CURRENT | MCL_FUTURE) < 0)
		log_at(complain, "can't lock memory: %s (needs CAP_IPC_LOCK and LimitMEMLOCK=infinity): paesd may be swapped out to a disk that it serves",
			    strerror(errno));
}

static int oom_score_write(const char *score)
{
	CLEANUP(file) FILE *file = fopen("/proc/self/oom_score_adj", "we");

	if (!file || fputs(score, file) < 0 || fflush(file) < 0)
		return -errno;
	return 0;
}

static void process_spare_oom(enum log_level complain)
{
	int error = oom_score_write("-1000");

	if (error)
		log_at(complain, "can't be spared by the OOM killer: %s (needs CAP_SYS_RESOURCE)",
			    strerror(-error));
}

void process_serve_io(enum log_level complain)
{
	process_tune_malloc();
	process_flush_io(complain);
	process_lock_memory(complain);
	process_spare_oom(complain);
}
