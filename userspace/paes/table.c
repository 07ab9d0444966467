// SPDX-License-Identifier: GPL-2.0
#include "table.h"

#include "plain.h"

#include <stdio.h>
#include <string.h>

enum { TABLE_WIDTH_MAX = 120, TABLE_GAP = 2 };

const char *table_text(struct json_object *value)
{
	if (json_object_is_type(value, json_type_boolean))
		return json_object_get_boolean(value) ? "yes" : "no";
	return value ? json_object_get_string(value) : "-";
}

static bool is_plain(struct json_object *value)
{
	return !json_object_is_type(value, json_type_object) &&
	       !json_object_is_type(value, json_type_array);
}

static struct json_object *row_at(struct json_object *array, size_t i)
{
	return json_object_array_get_idx(array, i);
}

static struct json_object *cell(struct json_object *row, const char *name)
{
	struct json_object *value = NULL;

	json_object_object_get_ex(row, name, &value);
	return value;
}

static int column_width(struct json_object *array, const char *name)
{
	size_t width = strlen(name);

	for (size_t i = 0; i < json_object_array_length(array); i++) {
		size_t length = strlen(table_text(cell(row_at(array, i), name)));

		if (length > width)
			width = length;
	}
	return width > TABLE_WIDTH_MAX ? TABLE_WIDTH_MAX : (int)width;
}

static bool row_fits(struct json_object *row, struct json_object *first)
{
	if (!json_object_is_type(row, json_type_object) ||
	    json_object_object_length(row) > json_object_object_length(first))
		return false;
	json_object_object_foreach(row, name, value)
		if (!is_plain(value) ||
		    !json_object_object_get_ex(first, name, NULL))
			return false;
	return true;
}

bool table_fits(struct json_object *array)
{
	struct json_object *first = row_at(array, 0);
	int width = 0;

	if (!json_object_is_type(first, json_type_object))
		return false;
	for (size_t i = 0; i < json_object_array_length(array); i++)
		if (!row_fits(row_at(array, i), first))
			return false;
	json_object_object_foreach(first, name, value) {
		(void)value;
		width += column_width(array, name) + TABLE_GAP;
	}
	return width <= TABLE_WIDTH_MAX;
}

static void print_cell(const char *text, int width, bool last)
{
	int put = (int)plain_print(text);

	if (!last)
		printf("%*s", width - put + TABLE_GAP, "");
}

/* Names of the first row, or the values of `row` under them. */
static void print_row(struct json_object *array, struct json_object *row,
		      int indent)
{
	int left = json_object_object_length(row_at(array, 0));

	printf("%*s", indent, "");
	json_object_object_foreach(row_at(array, 0), name, value) {
		(void)value;
		print_cell(row ? table_text(cell(row, name)) : name,
			   column_width(array, name), --left == 0);
	}
	putchar('\n');
}

void table_print(struct json_object *array, int indent)
{
	print_row(array, NULL, indent);
	for (size_t i = 0; i < json_object_array_length(array); i++)
		print_row(array, row_at(array, i), indent);
}
