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

static unsigned int begin_group(struct groups *groups)
{
	groups->groups[groups->count].last = 0;
	return ++groups->count;
}

/* Mostly the group of the request before: then there is nothing to look for. */
static unsigned int group_of(struct groups *groups,
			     const struct engine_request *request)
{
	uint16_t *slot;

	if (groups->members &&
	    is_alike(groups->requests[groups->members - 1], request))
		return groups->newest;
	slot = find_slot(groups, request);
	if (!*slot)
		*slot = (uint16_t)begin_group(groups);
	return *slot;
}

static void append(struct groups *groups, unsigned int group, uint16_t member)
{
	uint16_t last = groups->groups[group - 1].last;

	if (last)
		groups->next[last - 1] = member;
	else
		groups->groups[group - 1].first = member;
	groups->groups[group - 1].last = member;
	groups->next[member - 1] = 0;
}

void groups_add(struct groups *groups, struct engine_request *request)
{
	groups->newest = group_of(groups, request);
	groups->requests[groups->members++] = request;
	append(groups, groups->newest, (uint16_t)groups->members);
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
