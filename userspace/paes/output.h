/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Results on standard output.  A subcommand builds one JSON object; it is
 * printed as that, or as "name: value" lines for people.
 */
#ifndef PAES_OUTPUT_H
#define PAES_OUTPUT_H

#include "jsonfile.h"

#include <linux/paes_blob.h>
#include <stdbool.h>
#include <stddef.h>

void output_print(struct json_object *object, bool json);

/* Additions to an object; memory running out ends the program. */
void output_add(struct json_object *to, const char *name, struct json_object *value);
void output_add_text(struct json_object *to, const char *name, const char *text);
void output_add_number(struct json_object *to, const char *name, long long number);
void output_add_hex(struct json_object *to, const char *name, const void *bytes,
		    size_t size);

/* How a recipient has the key; a resident one's CKA_IDs. */
void output_add_recipient(struct json_object *to,
			  const struct paes_blob_recipient *recipient);

/*
 * As a word of a shell's command line, quoted if it needs that; the caller's to
 * free.  NULL when memory runs out.
 */
char *output_shell_word(const char *text);

/* "2026-01-31T12:00:00Z" */
void output_add_time(struct json_object *to, const char *name,
		     unsigned long long seconds);

#endif
