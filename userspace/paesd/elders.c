// SPDX-License-Identifier: GPL-2.0
#include "elders.h"
#include "log.h"
#include "process.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

enum {
	KILL_AFTER_US	= 5000000,
};

struct elder {
	struct elders *elders;
	struct elder *next;
	char *uri;
	pid_t pid;
	bool ending;
	sd_event_source *on_exit;
	sd_event_source *timer;		/* once it is ending */
};

static void elder_free(struct elder *elder)
{
	sd_event_source_disable_unref(elder->on_exit);
	sd_event_source_disable_unref(elder->timer);
	free(elder->uri);
	free(elder);
}

static void elders_remove(struct elders *elders, struct elder *elder)
{
	struct elder **link = &elders->first;

	while (*link != elder)
		link = &(*link)->next;
	*link = elder->next;
	elder_free(elder);
}

static int elder_on_exit(sd_event_source *source, const siginfo_t *info,
			 void *userdata)
{
	struct elder *elder = userdata;
	struct elders *elders = elder->elders;

	(void)source;
	if (!elder->ending)
		log_warning("worker of the former paesd (pid %d) ended before it was to: status %d",
			    (int)elder->pid, info->si_status);
	elders_remove(elders, elder);
	supervisor_elder_ended(elders->supervisor);
	return 0;
}

static int elder_on_timer(sd_event_source *source, uint64_t when, void *userdata)
{
	struct elder *elder = userdata;

	(void)source;
	(void)when;
	log_warning("worker of the former paesd (pid %d) doesn't end by itself: killed",
		    (int)elder->pid);
	kill(elder->pid, SIGKILL);
	return 0;
}

static void elder_end(struct elder *elder)
{
	if (elder->ending)
		return;
	elder->ending = true;
	kill(elder->pid, SIGTERM);
	sd_event_add_time_relative(elder->elders->event, &elder->timer,
				   CLOCK_MONOTONIC, KILL_AFTER_US, 0,
				   elder_on_timer, elder);
}

static struct elder *elder_new(struct elders *elders, const char *uri, pid_t pid)
{
	struct elder *elder = calloc(1, sizeof(*elder));

	if (!elder)
		return NULL;
	elder->elders = elders;
	elder->pid = pid;
	elder->uri = strdup(uri);
	if (elder->uri &&
	    sd_event_add_child(elders->event, &elder->on_exit, pid, WEXITED,
			       elder_on_exit, elder) >= 0)
		return elder;
	elder_free(elder);
	return NULL;
}

/* One that can't be watched isn't left to itself. */
static void elders_add(void *context, const char *uri, pid_t pid)
{
	struct elders *elders = context;
	struct elder *elder = elder_new(elders, uri, pid);

	if (!elder) {
		log_error("can't watch the former paesd's worker (pid %d): killed",
			  (int)pid);
		kill(pid, SIGKILL);
		return;
	}
	elder->next = elders->first;
	elders->first = elder;
}

void elders_adopt(struct elders *elders, const struct handover *handover)
{
	handover_each_worker(handover, elders_add, elders);
	log_info("took over from the former paesd: %u workers serve on until there are new ones",
		 elders_alive(elders));
}

int elders_leave(const struct elders *elders, struct handover *handover)
{
	const struct elder *elder;
	int error = 0;

	for (elder = elders->first; elder && !error; elder = elder->next)
		error = handover_add_worker(handover, elder->uri, elder->pid);
	return error;
}

void elders_free(struct elders *elders)
{
	while (elders->first)
		elders_remove(elders, elders->first);
}

void elders_keep(struct elders *elders, const char *uri, unsigned int count)
{
	struct elder *elder;

	for (elder = elders->first; elder; elder = elder->next) {
		if (elder->ending || strcmp(elder->uri, uri) != 0)
			continue;
		if (count)
			count--;
		else
			elder_end(elder);
	}
}

void elders_keep_tokens(struct elders *elders,
			bool (*is_wanted)(void *context, const char *uri),
			void *context)
{
	struct elder *elder;

	for (elder = elders->first; elder; elder = elder->next)
		if (!is_wanted(context, elder->uri))
			elder_end(elder);
}

void elders_watch_again(const struct elders *elders)
{
	const struct elder *elder;

	for (elder = elders->first; elder; elder = elder->next)
		process_watch_again(elder->on_exit);
}

void elders_stop(struct elders *elders, int signal_number)
{
	struct elder *elder;

	for (elder = elders->first; elder; elder = elder->next) {
		elder->ending = true;
		kill(elder->pid, signal_number);
	}
}

unsigned int elders_alive(const struct elders *elders)
{
	const struct elder *elder;
	unsigned int n = 0;

	for (elder = elders->first; elder; elder = elder->next)
		n++;
	return n;
}
