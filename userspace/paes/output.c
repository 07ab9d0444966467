// SPDX-License-Identifier: GPL-2.0
#include "output.h"

#include "cleanup.h"
#include "log.h"
#include "plain.h"
#include "table.h"

#include <string.h>
#include <time.h>

static void print_members(struct json_object *object, int indent);

static bool is_nested(struct json_object *value)
{
	return json_object_is_type(value, json_type_object) ||
	       json_object_is_type(value, json_type_array);
}

static void print_name(const char *name, int indent)
{
	CLEANUP(free) char *words = strdup(name);

	for (char *at = words; at && *at; at++)
		if (*at == '_')
			*at = ' ';
	printf("%*s", indent, "");
	plain_print(words ? words : name);
	putchar(':');
}

/* Plain values stay on one line, objects make a table or stand below each other. */
static void print_array(struct json_object *array, int indent)
{
	size_t count = json_object_array_length(array);
	bool inline_so_far = true;

	if (table_fits(array)) {
		putchar('\n');
		table_print(array, indent);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		struct json_object *value = json_object_array_get_idx(array, i);

		if (!is_nested(value)) {
			fputs(i ? ", " : " ", stdout);
			plain_print(table_text(value));
			continue;
		}
		printf("%s%*s[%zu]\n", inline_so_far ? "\n" : "", indent, "", i);
		inline_so_far = false;
		print_members(value, indent + 2);
	}
	if (inline_so_far)
		puts(count ? "" : " none");
}

static void print_member(const char *name, struct json_object *value, int indent)
{
	print_name(name, indent);
	if (!is_nested(value)) {
		putchar(' ');
		plain_print(table_text(value));
		putchar('\n');
	} else if (json_object_is_type(value, json_type_array)) {
		print_array(value, indent + 2);
	} else {
		putchar('\n');
		print_members(value, indent + 2);
	}
}

/* An array within an array has no names: none of our results has one. */
static void print_members(struct json_object *object, int indent)
{
	if (!json_object_is_type(object, json_type_object))
		return;
	json_object_object_foreach(object, name, value)
		print_member(name, value, indent);
}

void output_print(struct json_object *object, bool json)
{
	if (json)
		puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY |
							    JSON_C_TO_STRING_NOSLASHESCAPE));
	else
		print_members(object, 0);
}

void output_add(struct json_object *to, const char *name, struct json_object *value)
{
	if (to && value && !json_object_object_add(to, name, value))
		return;
	log_error("out of memory");
	exit(1);
}

void output_add_text(struct json_object *to, const char *name, const char *text)
{
	output_add(to, name, json_object_new_string(text));
}

void output_add_number(struct json_object *to, const char *name, long long number)
{
	output_add(to, name, json_object_new_int64(number));
}

void output_add_hex(struct json_object *to, const char *name, const void *bytes,
		    size_t size)
{
	CLEANUP(free) char *text = calloc(2, size + 1);

	for (size_t i = 0; text && i < size; i++)
		snprintf(text + 2 * i, 3, "%02x",
			 ((const unsigned char *)bytes)[i]);
	output_add_text(to, name, text ? text : "");
}

void output_add_recipient(struct json_object *to,
			  const struct paes_blob_recipient *recipient)
{
	if (recipient->wrap != PAES_WRAP_RESIDENT) {
		output_add_text(to, "wrap", "AES-KW");
		return;
	}
	output_add_text(to, "wrap", "resident");
	output_add_hex(to, "k1_cka_id", recipient->k1, PAES_ID_SIZE);
	output_add_hex(to, "k2_cka_id", recipient->k2, PAES_ID_SIZE);
}

char *output_shell_word(const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./,:=@%+-";
	char *word, *to;

	if (*text && !text[strspn(text, plain)])
		return strdup(text);
	/* Nothing but ' is special between two of them: it becomes '\'' there. */
	word = to = malloc(4 * strlen(text) + 3);
	if (!word)
		return NULL;
	*to++ = '\'';
	for (; *text; text++) {
		if (*text == '\'')
			to = stpcpy(to, "'\\''");
		else
			*to++ = *text;
	}
	strcpy(to, "'");
	return word;
}

void output_add_time(struct json_object *to, const char *name,
		     unsigned long long seconds)
{
	time_t when = (time_t)seconds;
	char text[64] = "";
	struct tm utc;

	if (gmtime_r(&when, &utc))
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc);
	if (*text)
		output_add_text(to, name, text);
	else
		output_add(to, name, json_object_new_uint64(seconds));
}
