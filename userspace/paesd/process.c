// SPDX-License-Identifier: GPL-2.0
#include "process.h"
#include "cleanup.h"
#include "tune.h"

#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#ifndef PR_SET_IO_FLUSHER
#define PR_SET_IO_FLUSHER 57
#endif

extern char **environ;

static int spawn_attributes(posix_spawnattr_t *attributes)
{
	sigset_t none, all;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_setsigmask(attributes, &none);
	posix_spawnattr_setsigdefault(attributes, &all);
	return posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK |
						    POSIX_SPAWN_SETSIGDEF);
}

int process_spawn(pid_t *pid, const char *path,
		  const posix_spawn_file_actions_t *actions, char *const argv[])
{
	posix_spawnattr_t attributes;
	int error;

	posix_spawnattr_init(&attributes);
	error = spawn_attributes(&attributes);
	if (!error)
		error = posix_spawn(pid, path, actions, &attributes, argv,
				    environ);
	posix_spawnattr_destroy(&attributes);
	return -error;
}

/* Another ONESHOT would change nothing. */
void process_watch_again(sd_event_source *on_exit)
{
	if (!on_exit)
		return;
	sd_event_source_set_enabled(on_exit, SD_EVENT_OFF);
	sd_event_source_set_enabled(on_exit, SD_EVENT_ONESHOT);
}

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
		log_at(complain, "can't lock memory: %s (needs LimitMEMLOCK=infinity, or CAP_IPC_LOCK and CAP_SYS_RESOURCE): paesd may be swapped out to a disk that it serves",
			    strerror(errno));
}

static int oom_score_write(const char *score)
{
	CLEANUP(file) FILE *file = fopen("/proc/self/oom_score_adj", "we");

	if (!file || fputs(score, file) < 0 || fflush(file) < 0)
		return -errno;
	return 0;
}

static bool oom_score_is(int wanted)
{
	CLEANUP(file) FILE *file = fopen("/proc/self/oom_score_adj", "re");
	int score;

	return file && fscanf(file, "%d", &score) == 1 && score == wanted;
}

/*
 * Where systemd has set it there is nothing left to do, nor the right: who
 * can't be dumped doesn't own its files in /proc, root does.
 */
static void process_spare_oom(enum log_level complain)
{
	int error = oom_score_is(-1000) ? 0 : oom_score_write("-1000");

	if (error)
		log_at(complain, "can't be spared by the OOM killer: %s (needs CAP_SYS_RESOURCE)",
			    strerror(-error));
}

void process_drop_rights(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (geteuid() && syscall(SYS_capset, &header, none) < 0)
		log_warning("capabilities can't be dropped: %s",
			    strerror(errno));
}

void process_serve_io(enum log_level complain)
{
	tune_malloc();
	process_flush_io(complain);
	process_lock_memory(complain);
	process_spare_oom(complain);
}
