/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Results on standard output.  A subcommand builds one JSON object; it is
 * printed as that, or as "name: value" lines for people.
 */
#ifndef PAES_OUTPUT_H
#define PAES_OUTPUT_H

#include <json-c/json.h>
#include <linux/paes_blob.h>
#include <stdbool.h>
#include <stddef.h>

static inline void cleanup_json(struct json_object **object)
{
	json_object_put(*object);
}

void output_print(struct json_object *object, bool json);

/* Additions to an object; memory running out ends the program. */
void output_add(struct json_object *to, const char *name, struct json_object *value);
void output_add_text(struct json_object *to, const char *name, const char *text);
void output_add_number(struct json_object *to, const char *name, long long number);
void output_add_hex(struct json_object *to, const char *name, const void *bytes,
		    size_t size);

/* "2026-01-31T12:00:00Z" */
void output_add_time(struct json_object *to, const char *name,
		     unsigned long long seconds);

#endif
