// SPDX-License-Identifier: GPL-2.0
#include "system.h"

#include "cleanup.h"
#include "output.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

#define MODULE_PATH	"/sys/module/paes"
#define PARAMETERS_PATH	MODULE_PATH "/parameters"
#define STATS_PATH	"/sys/class/misc/paes/stats"
#define PROVIDERS_PATH	"/sys/kernel/debug/paes/providers"
#define KEYS_PATH	"/sys/kernel/debug/paes/keys"

enum { COLUMNS_MAX = 32 };

static FILE *open_below(const char *root, const char *path, const char *name)
{
	CLEANUP(free) char *whole = NULL;

	if (asprintf(&whole, "%s%s%s%s", root, path, name ? "/" : "",
		     name ? name : "") < 0)
		return NULL;
	return fopen(whole, "re");
}

/* An id of sixteen bytes may consist of digits, and is no number all the same. */
static bool is_number(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	return digits && digits < 19 && !text[digits] &&
	       (text[0] != '0' || digits == 1);
}

static void add_value(struct json_object *to, const char *name, const char *text)
{
	if (is_number(text))
		output_add_number(to, name, strtoll(text, NULL, 10));
	else
		output_add_text(to, name, text);
}

static void add_file(struct json_object *to, const char *root, const char *path,
		     const char *name)
{
	CLEANUP(file) FILE *file = open_below(root, path, name);
	char line[256];

	if (!file || !fgets(line, sizeof(line), file))
		return;
	line[strcspn(line, "\n")] = '\0';
	add_value(to, name, line);
}

static void cleanup_names(struct dirent ***names)
{
	free(*names);
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* A directory of files with one value each, as sysfs has them. */
static void add_directory(struct json_object *to, const char *name,
			  const char *root, const char *path)
{
	CLEANUP(names) struct dirent **names = NULL;
	CLEANUP(free) char *whole = NULL;
	struct json_object *values = json_object_new_object();
	int count;

	output_add(to, name, values);
	if (asprintf(&whole, "%s%s", root, path) < 0)
		return;
	count = scandir(whole, &names, is_visible, alphasort);
	for (int i = 0; i < count; i++) {
		add_file(values, root, path, names[i]->d_name);
		free(names[i]);
	}
}

/* Splits in place; the last column of a table takes the rest of its line. */
static unsigned int split(char *line, char *words[], unsigned int max)
{
	unsigned int count = 0;

	while (count < max) {
		line += strspn(line, " \t\n");
		if (!*line)
			break;
		words[count++] = line;
		if (count == max)
			break;
		line += strcspn(line, " \t\n");
		if (*line)
			*line++ = '\0';
	}
	if (count)
		words[count - 1][strcspn(words[count - 1], "\n")] = '\0';
	return count;
}

static struct json_object *read_row(char *line, char *columns[], unsigned int count)
{
	struct json_object *row = json_object_new_object();
	char *words[COLUMNS_MAX];
	unsigned int found = split(line, words, count);

	for (unsigned int i = 0; i < found; i++)
		add_value(row, columns[i], words[i]);
	return row;
}

/* A text table with a header line; NULL with errno where it can't be read. */
static struct json_object *read_table(const char *root, const char *path)
{
	CLEANUP(file) FILE *file = open_below(root, path, NULL);
	CLEANUP(free) char *header = NULL;
	CLEANUP(free) char *line = NULL;
	size_t header_room = 0, room = 0;
	char *columns[COLUMNS_MAX];
	struct json_object *table;
	unsigned int count;

	if (!file)
		return NULL;
	table = json_object_new_array();
	if (getline(&header, &header_room, file) < 0)
		return table;
	count = split(header, columns, COLUMNS_MAX);
	while (count && getline(&line, &room, file) > 0)
		json_object_array_add(table, read_row(line, columns, count));
	return table;
}

static void add_table(struct json_object *to, const char *name, const char *root,
		      const char *path)
{
	struct json_object *table = read_table(root, path);
	char text[128];

	if (table) {
		output_add(to, name, table);
		return;
	}
	snprintf(text, sizeof(text), "not known (%s: %m)", path);
	output_add_text(to, name, text);
}

static bool module_is_loaded(const char *root)
{
	CLEANUP(free) char *path = NULL;

	return asprintf(&path, "%s%s", root, MODULE_PATH) > 0 &&
	       !access(path, F_OK);
}

/* "0,5,12" as an array of numbers, in all rows. */
static void split_latency(struct json_object *row)
{
	struct json_object *numbers, *text;
	const char *at;
	char *end;

	if (!json_object_object_get_ex(row, "latency", &text))
		return;
	numbers = json_object_new_array();
	for (at = json_object_get_string(text); *at; at = *end ? end + 1 : end) {
		json_object_array_add(numbers,
				      json_object_new_int64(strtoll(at, &end, 10)));
		if (end == at)
			break;
	}
	output_add(row, "latency", numbers);
}

static void split_latencies(struct json_object *system)
{
	struct json_object *keys;

	if (!json_object_object_get_ex(system, "keys", &keys) ||
	    !json_object_is_type(keys, json_type_array))
		return;
	for (size_t i = 0; i < json_object_array_length(keys); i++)
		split_latency(json_object_array_get_idx(keys, i));
}

void system_add(struct json_object *to, const char *root)
{
	bool loaded = module_is_loaded(root);

	output_add_text(to, "module", loaded ? "loaded" : "not loaded");
	if (!loaded)
		return;
	add_directory(to, "parameters", root, PARAMETERS_PATH);
	add_directory(to, "counters", root, STATS_PATH);
	add_table(to, "providers", root, PROVIDERS_PATH);
	add_table(to, "keys", root, KEYS_PATH);
	split_latencies(to);
}
