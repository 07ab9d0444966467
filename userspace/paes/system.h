/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the module says of itself, in sysfs and debugfs.
 */
#ifndef PAES_SYSTEM_H
#define PAES_SYSTEM_H

#include "jsonfile.h"

/*
 * Adds "module" and, when it is loaded, "parameters", "counters", "providers"
 * and "keys", from below `root`.  A table that can't be read is a text with the
 * reason.  A key's "latency" is an array of buckets: the number of requests
 * that took less than 2^n us, and no less than half of that.
 */
void system_add(struct json_object *to, const char *root);

#endif
