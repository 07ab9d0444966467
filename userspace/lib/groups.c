// SPDX-License-Identifier: GPL-2.0
#include "groups.h"

#include <string.h>

void groups_start(struct groups *groups)
{
	groups->count = 0;
	groups->members = 0;
	memset(groups->slots, 0, sizeof(groups->slots));
}

static bool is_alike(const struct engine_request *a,
		     const struct engine_request *b)
{
	return a->key == b->key && a->encrypt == b->encrypt;
}

static const struct engine_request *first_of(const struct groups *groups,
					     unsigned int group)
{
	return groups->requests[groups->groups[group - 1].first - 1];
}

/* Where the request's group is, or would be. */
static uint16_t *find_slot(struct groups *groups,
			   const struct engine_request *request)
{
	uint64_t mixed = ((uintptr_t)request->key + request->encrypt) *
			 0x9e3779b97f4a7c15;
	size_t slot = (mixed >> 32) % GROUPS_SLOTS;

	while (groups->slots[slot] &&
	       !is_alike(first_of(groups, groups->slots[slot]), request))
		slot = (slot + 1) % GROUPS_SLOTS;
	return &groups->slots[slot];
}

void groups_add(struct groups *groups, struct engine_request *request)
{
	uint16_t *group = find_slot(groups, request);
	uint16_t member = (uint16_t)++groups->members;

	groups->requests[member - 1] = request;
	groups->next[member - 1] = 0;
	if (*group) {
		groups->next[groups->groups[*group - 1].last - 1] = member;
	} else {
		*group = (uint16_t)++groups->count;
		groups->groups[*group - 1].first = member;
	}
	groups->groups[*group - 1].last = member;
}

unsigned int groups_list(const struct groups *groups, unsigned int group,
			 struct engine_request **requests)
{
	unsigned int n = 0;
	uint16_t member = groups->groups[group - 1].first;

	for (; member; member = groups->next[member - 1])
		requests[n++] = groups->requests[member - 1];
	return n;
}
