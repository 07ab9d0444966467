/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The requests of a batch by key and direction, found by a hash: 64 volumes
 * at once are no more work than one.
 */
#ifndef PAES_GROUPS_H
#define PAES_GROUPS_H

#include "engine.h"

enum { GROUPS_SLOTS = 2 * ENGINE_BATCH_MAX };

/* Numbers of groups and requests are one more than their index; 0 is none. */
struct groups {
	unsigned int count;
	unsigned int members;
	unsigned int newest;		/* group of the last request */
	struct {
		uint16_t first;		/* request */
		uint16_t last;
	} groups[ENGINE_BATCH_MAX];
	struct engine_request *requests[ENGINE_BATCH_MAX];
	uint16_t next[ENGINE_BATCH_MAX];	/* of the same group */
	uint16_t slots[GROUPS_SLOTS];		/* the group that hashes there */
};

void groups_start(struct groups *groups);

/* To ENGINE_BATCH_MAX times after each start. */
void groups_add(struct groups *groups, struct engine_request *request);

/* The requests of the group, in the order they came; returns how many. */
unsigned int groups_list(const struct groups *groups, unsigned int group,
			 struct engine_request **requests);

#endif
