/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A provider in a process of its own, which serves the keys of testkey.h and
 * misbehaves on demand.  Its knobs may be turned and its counters read while
 * it runs.  It dies with the process that started it.
 */
#ifndef PAES_TEST_BROKER_H
#define PAES_TEST_BROKER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <linux/paes.h>
#include <linux/paes_blob.h>

/* What the broker does with an ENCRYPT, from the one number `fault_at` on. */
enum broker_fault {
	BROKER_HONEST,
	BROKER_DIES,
	BROKER_IS_SILENT,		/* never answers it */
	BROKER_ANSWERS_STATUS,		/* `fault_value` */
	BROKER_WRONG_TAG,		/* one that is not outstanding */
	BROKER_TAG_OUT_OF_RANGE,
	BROKER_WRONG_GENERATION,
	BROKER_WRONG_LENGTH,		/* off by `fault_value` */
	BROKER_ANSWERS_TWICE,
	BROKER_TAIL_JUMPS,		/* cq_tail by `fault_value` too far */
	BROKER_SCRIBBLES,		/* all it can write to but cq_tail */
	BROKER_FAULTS,
};

struct broker {
	/* How it is started. */
	uint8_t kek_id[PAES_ID_SIZE];
	char name[PAES_NAME_SIZE];
	unsigned int depth;

	/* Knobs. */
	atomic_int fault;
	atomic_int fault_at;
	atomic_int fault_value;
	atomic_int open_status;		/* answered to OPEN, negative */
	atomic_bool revoked;		/* every key, opened or not */
	atomic_int open_delay_ms;
	atomic_int delay_ms;		/* before each data request's answer */
	atomic_bool paused;		/* takes requests, doesn't answer */
	atomic_bool busy;		/* and doesn't sleep while paused */
	atomic_bool backwards;		/* answers what it took last first */
	atomic_int rotate;		/* requests under one session token; 0: all */
	atomic_bool forgets;		/* which session token it gave */
	atomic_bool slips;		/* gives away another with an error */

	/* Counters. */
	atomic_int opens;
	atomic_int closes;
	atomic_int encrypts;		/* taken, not necessarily answered */
	atomic_int decrypts;
	atomic_int stale;		/* with a wrong session token, or a dead one */
	atomic_int rotations;		/* session tokens given after the first */
	atomic_int pieces;		/* of units larger than a slot */
	atomic_int outstanding_max;	/* requests held at once */
	atomic_int ended;		/* errno that ENTER failed with */

	pid_t pid;
};

/* Returns NULL when there's no memory. Not started yet. */
struct broker *broker_new(const uint8_t *kek_id);

/* Returns when it serves: 0 or a negative errno. May be called again. */
int broker_start(struct broker *b);

/* As a crash would: SIGKILL; returns when all of its files are closed. */
void broker_kill(struct broker *b);

/* Kills it if it runs. */
void broker_free(struct broker *b);

/* Waits for counter >= value; false after timeout_ms. */
bool broker_reaches(atomic_int *counter, int value, unsigned int timeout_ms);

/* Serves in the calling process till that fails: negative errno. */
int broker_main(struct broker *b, int ready_fd);

#endif
