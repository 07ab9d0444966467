/* SPDX-License-Identifier: GPL-2.0 */
/*
 * System calls of a hostile broker beside those by which it lives: in any
 * order, with any argument.  What they return is held against linux/paes.h.
 */
#ifndef PAES_TEST_CALLS_H
#define PAES_TEST_CALLS_H

#include "provider.h"
#include "rng.h"

/* Any call; `map`, if not NULL, may be given to it as an argument. */
void calls_meddle(struct rng *r, const struct provider *p, uint8_t *map);

/* Of a provider that is set up: a mapping of its own that is torn apart, moved, pinned... */
void calls_map_game(struct rng *r, const struct provider *p);

/* A file that is opened, goes through some of all calls, and is closed. */
void calls_scrap(struct rng *r);

/* A child that has the file and not the mapping, and ends at some time. */
void calls_fork(struct rng *r, const struct provider *p);

#endif
