/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The socket pair between the supervisor and one worker.  The PIN goes down
 * it as the first packet; reports come up.  A socket's buffers, unlike those
 * of a file in memory, are never swapped out.
 *
 * When a worker is logged in and has looked at its token, it asks for the set of
 * revoked keys, and waits for it before it serves.  Later sets are announced by
 * SIGUSR1.  Each has a number, and the worker confirms it when no key of the set
 * can be used any more.
 */
#ifndef PAESD_CHANNEL_H
#define PAESD_CHANNEL_H

#include "revoked.h"
#include "secret.h"

#include <linux/paes.h>
#include <linux/paes_blob.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	CHANNEL_FD		= 3,	/* in the worker */
	CHANNEL_PIN_MAX		= 4096,
	REPORT_LABEL_SIZE	= 33,	/* CK_TOKEN_INFO.label and a NUL */
	REPORT_TEXT_SIZE	= 128,
};

enum report_kind {
	REPORT_OPENED	= 1,	/* the token took the PIN: label */
	REPORT_READY	= 2,	/* the module sends requests: keks */
	REPORT_FAILED	= 3,	/* about to exit: error, text */
	REPORT_HEEDED	= 4,	/* a set of revoked keys: serial, closed */
	REPORT_ASKS	= 5,	/* it waits for the first of those */
};

struct report {
	uint32_t kind;
	int32_t error;		/* negative errno */
	uint32_t kek_count;
	uint32_t serial;
	uint32_t closed;	/* keys that were open until then */
	char label[REPORT_LABEL_SIZE];
	char text[REPORT_TEXT_SIZE];
	unsigned char keks[PAES_SERVE_MAX][PAES_ID_SIZE];
};

/* Both ends close-on-exec; ends[0], the supervisor's, doesn't block. */
int channel_pair(int ends[2]);

int channel_send_pin(int fd, const struct secret *pin);
struct secret *channel_receive_pin(int fd);	/* NULL after logging */

/* Never blocks: -EAGAIN when the worker doesn't take what it was sent. */
int channel_send_revoked(int fd, uint32_t serial, const struct revoked *revoked);

/*
 * 1 and what was sent; 0: nothing there (yet), or, with `wait`, the end; or
 * -EPROTO for what is no set.
 */
int channel_receive_revoked(int fd, uint32_t *serial, struct revoked *revoked,
			    bool wait);

int channel_send_report(int fd, const struct report *report);

/* False: nothing there (yet), or nothing that is a report. */
bool channel_receive_report(int fd, struct report *report);

#endif
