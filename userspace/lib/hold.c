// SPDX-License-Identifier: GPL-2.0
#include "hold.h"

#include <stddef.h>

void hold_begin(struct hold *hold)
{
	static const int held[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGALRM };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(held) / sizeof(*held); i++)
		sigaddset(&set, held[i]);
	sigprocmask(SIG_BLOCK, &set, &hold->before);
}

void hold_end(const struct hold *hold)
{
	sigprocmask(SIG_SETMASK, &hold->before, NULL);
}
