/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The status as Prometheus text (exposition format 0.0.4).
 */
#ifndef PAES_PROMETHEUS_H
#define PAES_PROMETHEUS_H

#include "jsonfile.h"

#include <stdio.h>

/* Writes what `paes status --json` would print.  What isn't known is left out. */
void prometheus_print(struct json_object *status, FILE *to);

#endif
