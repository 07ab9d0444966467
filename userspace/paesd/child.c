// SPDX-License-Identifier: GPL-2.0
#include "child.h"
#include "exits.h"
#include "log.h"
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

/* This very program, also when a new release has taken its place on disk. */
#define PROGRAM "/proc/self/exe"

/* Out of the way of the numbers that they are to have in the worker. */
static int raise_fd(int fd)
{
	int raised = fcntl(fd, F_DUPFD_CLOEXEC, 2 * PULSE_FD);

	close(fd);
	return raised;
}

/* The worker's descriptors: the standard ones and these; all else closes. */
static int spawn_actions(posix_spawn_file_actions_t *actions, int channel,
			 int pulse)
{
	int error = posix_spawn_file_actions_addopen(actions, 0, "/dev/null",
						     O_RDONLY, 0);

	if (!error)
		error = posix_spawn_file_actions_adddup2(actions, channel,
							 CHANNEL_FD);
	if (!error)
		error = posix_spawn_file_actions_adddup2(actions, pulse,
							 PULSE_FD);
	if (!error)
		error = posix_spawn_file_actions_addclosefrom_np(actions,
								 PULSE_FD + 1);
	return error;
}

static int spawn_argv(pid_t *pid, char *const argv[], int channel, int pulse)
{
	posix_spawn_file_actions_t actions;
	int error;

	posix_spawn_file_actions_init(&actions);
	error = -spawn_actions(&actions, channel, pulse);
	if (!error)
		error = process_spawn(pid, PROGRAM, &actions, argv);
	posix_spawn_file_actions_destroy(&actions);
	return error;
}

static int child_spawn(struct child *child, const struct options *options,
		       const struct child_task *task, int channel, int pulse)
{
	char number[16], requests[32], seconds[32];
	char *argv[16] = {
		(char *)"paesd", (char *)"--worker", number,
		(char *)"--token", (char *)task->token->uri,
		(char *)"--device", (char *)options->device,
		(char *)"--rotate", requests, (char *)"--rotate", seconds,
	};
	int argc = 11;

	if (options->debug)
		argv[argc++] = (char *)"--debug";
	if (task->token->allow_readable)
		argv[argc++] = (char *)"--allow-readable-keys";
	if (task->probe)
		argv[argc++] = (char *)"--probe";
	snprintf(number, sizeof(number), "%u", child->number);
	snprintf(requests, sizeof(requests), "requests:%u",
		 task->token->rotate.requests);
	snprintf(seconds, sizeof(seconds), "seconds:%u",
		 task->token->rotate.seconds);
	return spawn_argv(&child->pid, argv, channel, pulse);
}

static void child_read_reports(struct child *child)
{
	struct report report;

	while (channel_receive_report(child->channel, &report))
		pool_child_reported(child, &report);
}

static int child_on_report(sd_event_source *source, int fd, uint32_t events,
			   void *userdata)
{
	struct child *child = userdata;

	(void)fd;
	child_read_reports(child);
	/* Its end comes by child_on_exit(); the open end would only spin. */
	if (events & (EPOLLHUP | EPOLLERR))
		sd_event_source_set_enabled(source, SD_EVENT_OFF);
	return 0;
}

static void child_forget(struct child *child)
{
	child->on_report = sd_event_source_disable_unref(child->on_report);
	child->on_exit = sd_event_source_disable_unref(child->on_exit);
	if (child->channel >= 0)
		close(child->channel);
	child->channel = -1;
	if (child->pulse)
		figures_add(&child->past, &child->pulse->figures);
	pulse_free(child->pulse);
	child->pulse = NULL;
	child->told = 0;
	child->heeded = 0;
	child->pid = 0;
}

static int child_on_exit(sd_event_source *source, const siginfo_t *info,
			 void *userdata)
{
	struct child *child = userdata;

	(void)source;
	/* What it said last comes before the news of its end. */
	child_read_reports(child);
	child_forget(child);
	pool_child_exited(child, info);
	return 0;
}

static int child_watch(struct child *child, sd_event *event)
{
	int error = sd_event_add_child(event, &child->on_exit, child->pid,
				       WEXITED, child_on_exit, child);

	if (error < 0)
		return error;
	return sd_event_add_io(event, &child->on_report, child->channel,
			       EPOLLIN, child_on_report, child);
}

/* The PIN is in the channel before there is a process to read it. */
static int child_launch(struct child *child, const struct options *options,
			const struct child_task *task)
{
	CLEANUP(fd) int theirs = -1;
	CLEANUP(fd) int pulse = -1;
	int ends[2], error = channel_pair(ends);

	if (error)
		return error;
	child->channel = ends[0];
	theirs = raise_fd(ends[1]);
	child->pulse = pulse_make(&pulse);
	if (!child->pulse)
		return -errno;
	pulse = raise_fd(pulse);
	if (theirs < 0 || pulse < 0)
		return -EMFILE;
	error = channel_send_pin(child->channel, task->pin);
	return error ? error : child_spawn(child, options, task, theirs, pulse);
}

int child_start(struct child *child, sd_event *event,
		const struct options *options, const struct child_task *task)
{
	int error;

	child->opened = false;
	child->error = 0;
	error = child_launch(child, options, task);
	if (!error) {
		error = child_watch(child, event);
		if (error) {
			/* Not watched, so not wanted. */
			kill(child->pid, SIGKILL);
			waitpid(child->pid, NULL, 0);
		}
	}
	if (!error)
		return 0;
	log_error("can't start worker %u: %s", child->number, strerror(-error));
	child_forget(child);
	return error;
}

void child_add_figures(const struct child *child, struct figures *sum)
{
	figures_add(sum, &child->past);
	if (child->pulse)
		figures_add(sum, &child->pulse->figures);
}

void child_kill(const struct child *child, int signal_number)
{
	if (child->pid > 0)
		kill(child->pid, signal_number);
}

static void explain_status(int status, char *text, size_t size)
{
	switch (status) {
	case EXIT_PIN_REFUSED:
		snprintf(text, size, "the token refuses the PIN");
		break;
	case EXIT_TOKEN_LOST:
		snprintf(text, size, "lost its token");
		break;
	case EXIT_SOFTHSM:
		snprintf(text, size,
			 "exited with 5, as SoftHSM does when it can't go on (disk full, token directory gone?)");
		break;
	default:
		snprintf(text, size, "exited with %d", status);
		break;
	}
}

void child_explain_exit(const siginfo_t *info, char *text, size_t size)
{
	if (info->si_code == CLD_EXITED)
		explain_status(info->si_status, text, size);
	else
		snprintf(text, size, "killed by signal %d (%s)",
			 info->si_status, strsignal(info->si_status));
}

const char *child_state_name(const struct child *child)
{
	static const char *const names[] = {
		[CHILD_WAITING] = "waiting",
		[CHILD_STARTING] = "starting",
		[CHILD_SERVING] = "serving",
	};

	return names[child->state];
}
