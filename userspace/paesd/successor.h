/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The program that is to take this one's place: the one that is now installed
 * where this one was started from, with the same arguments.
 */
#ifndef PAESD_SUCCESSOR_H
#define PAESD_SUCCESSOR_H

#include <systemd/sd-event.h>

/* To be called first of all, while /proc/self/exe has a name. */
void successor_remember(char **argv);

/*
 * Starts it with --check-handover=FD, which is --check and has it look at `fd`,
 * of handover_write(): `done` is told whether it would run with the
 * configuration as it is now, and knows what it is left.  One that is older than
 * that option says no: it wouldn't.  0 or -errno after logging.
 */
int successor_check(sd_event *event, int fd, sd_event_child_handler_t done,
		    void *context);

/* Becomes it, with --adopt=FD; returns -errno after logging. */
int successor_execute(int fd);

#endif
