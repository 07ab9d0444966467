// SPDX-License-Identifier: GPL-2.0
/* One JSON object holds it all; the text is made from it. */
#include "report.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

struct report {
	json_object *all, *pieces, *schedules, *counts;
};

static const char *const orders[PIECES_ORDERS] = {
	[PIECES_AS_IS] = "as it is",
	[PIECES_WORDS_SWAPPED] = "32-bit words swapped",
	[PIECES_LONGS_SWAPPED] = "64-bit words swapped",
	[PIECES_REVERSED] = "reversed",
	[PIECES_HEX] = "hexadecimal",
	[PIECES_HEX_UPPER] = "hexadecimal",
};

static json_object *new_number(uint64_t number)
{
	return json_object_new_uint64(number);
}

static json_object *new_half(int half)
{
	return half == SEARCH_NO_HALF ? NULL :
	       json_object_new_string(half ? "K2" : "K1");
}

static json_object *add_array(json_object *to, const char *name)
{
	json_object *array = json_object_new_array();

	json_object_object_add(to, name, array);
	return array;
}

struct report *report_new(const struct map *searched)
{
	struct report *report = calloc(1, sizeof(*report));

	if (!report)
		return NULL;
	report->all = json_object_new_object();
	json_object_object_add(report->all, "file",
			       json_object_new_string(searched->path));
	json_object_object_add(report->all, "size", new_number(searched->size));
	report->pieces = add_array(report->all, "pieces");
	report->schedules = add_array(report->all, "schedules");
	report->counts = add_array(report->all, "counts");
	return report;
}

void report_free(struct report *report)
{
	if (report)
		json_object_put(report->all);
	free(report);
}

static void add_piece(void *to, const struct piece *piece)
{
	struct report *report = to;
	json_object *one = json_object_new_object();

	json_object_object_add(one, "offset", new_number(piece->offset));
	json_object_object_add(one, "size", new_number(piece->size));
	json_object_object_add(one, "of", new_half((int)piece->half));
	json_object_object_add(one, "first_round", new_number(piece->first));
	json_object_object_add(one, "last_round", new_number(piece->last));
	json_object_object_add(one, "order",
			       json_object_new_string(orders[piece->order]));
	json_object_array_add(report->pieces, one);
}

static void add_schedule(void *to, const struct schedule *schedule, int half)
{
	struct report *report = to;
	json_object *one = json_object_new_object();

	json_object_object_add(one, "offset", new_number(schedule->offset));
	json_object_object_add(one, "bits", new_number(32 * schedule->nk));
	json_object_object_add(one, "of", new_half(half));
	json_object_object_add(one, "backwards",
			       json_object_new_boolean(schedule->backwards));
	json_object_object_add(one, "inv_mix_columns",
			       json_object_new_boolean(schedule->mixed));
	json_object_object_add(one, "words_swapped",
			       json_object_new_boolean(schedule->swapped));
	json_object_array_add(report->schedules, one);
}

struct search_report report_sink(struct report *report)
{
	return (struct search_report){ add_piece, add_schedule, report };
}

void report_count(struct report *report, const struct map *part,
		  unsigned long count)
{
	json_object *one = json_object_new_object();

	json_object_object_add(one, "file", json_object_new_string(part->path));
	json_object_object_add(one, "count", new_number(count));
	json_object_array_add(report->counts, one);
}

static uint64_t number(json_object *from, const char *name)
{
	return json_object_get_uint64(json_object_object_get(from, name));
}

static const char *text(json_object *from, const char *name)
{
	return json_object_get_string(json_object_object_get(from, name));
}

static const char *if_set(json_object *from, const char *name, const char *said)
{
	return json_object_get_boolean(json_object_object_get(from, name)) ?
	       said : "";
}

static void print_piece(json_object *one)
{
	printf("0x%09" PRIx64 "  %s: round keys %" PRIu64 " to %" PRIu64 ", %s\n",
	       number(one, "offset"), text(one, "of"), number(one, "first_round"),
	       number(one, "last_round"), text(one, "order"));
}

static void print_schedule(json_object *one)
{
	const char *of = text(one, "of");

	printf("0x%09" PRIx64 "  AES-%" PRIu64 " schedule of %s%s%s%s\n",
	       number(one, "offset"), number(one, "bits"),
	       of ? of : "another key",
	       if_set(one, "backwards", ", backwards"),
	       if_set(one, "inv_mix_columns", ", InvMixColumns"),
	       if_set(one, "words_swapped", ", 32-bit words swapped"));
}

static void print_count(json_object *one)
{
	printf("%s: %" PRIu64 " times\n", text(one, "file"), number(one, "count"));
}

static size_t print_each(json_object *array, void (*print)(json_object *))
{
	size_t count = json_object_array_length(array);

	for (size_t i = 0; i < count; i++)
		print(json_object_array_get_idx(array, i));
	return count;
}

static size_t count_known(json_object *schedules)
{
	size_t known = 0;

	for (size_t i = 0; i < json_object_array_length(schedules); i++)
		known += !!text(json_object_array_get_idx(schedules, i), "of");
	return known;
}

static void print_text(const struct report *report)
{
	size_t known = count_known(report->schedules);
	size_t pieces = print_each(report->pieces, print_piece);
	size_t schedules = print_each(report->schedules, print_schedule);

	print_each(report->counts, print_count);
	printf("%s, %" PRIu64 " bytes: %zu pieces and %zu schedules of the key, %zu schedules of others\n",
	       text(report->all, "file"), number(report->all, "size"), pieces,
	       known, schedules - known);
}

void report_print(const struct report *report, bool json)
{
	if (json)
		puts(json_object_to_json_string_ext(report->all,
						    JSON_C_TO_STRING_PRETTY |
						    JSON_C_TO_STRING_NOSLASHESCAPE));
	else
		print_text(report);
}
