/* SPDX-License-Identifier: GPL-2.0 */
/* What was found, for people or as JSON.  No byte of a key is in it. */
#ifndef PAES_KEYSEARCH_REPORT_H
#define PAES_KEYSEARCH_REPORT_H

#include "map.h"
#include "search.h"

struct report;

/* NULL when memory is short. */
struct report *report_new(const struct map *searched);
void report_free(struct report *report);

/* What search() is given. */
struct search_report report_sink(struct report *report);

/* How often the file `part` was found. */
void report_count(struct report *report, const struct map *part,
		  unsigned long count);

/* To standard output. */
void report_print(const struct report *report, bool json);

#endif
