/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A JSON array of like objects as an aligned table, for people.
 */
#ifndef PAES_TABLE_H
#define PAES_TABLE_H

#include <json-c/json.h>
#include <stdbool.h>

/*
 * Are these objects with plain values under the names that the first one has,
 * and narrow enough for a terminal?
 */
bool table_fits(struct json_object *array);

/* A line of names, then a line for each object, `indent` blanks before each. */
void table_print(struct json_object *array, int indent);

/* How people are shown a plain value: "yes" and "no", "-" for null. */
const char *table_text(struct json_object *value);

#endif
