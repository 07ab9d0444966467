// SPDX-License-Identifier: GPL-2.0
#include "volumes.h"

#include "blob.h"
#include "cleanup.h"
#include "output.h"

#include <libdevmapper.h>
#include <string.h>

#define CONTROL "/dev/mapper/control"

static void cleanup_task(struct dm_task **task)
{
	if (*task)
		dm_task_destroy(*task);
}

/* What fails is told by this program, in its own words. */
static void be_quiet(int level, const char *file, int line, int dm_errno,
		     const char *format, ...)
{
	(void)level;
	(void)file;
	(void)line;
	(void)dm_errno;
	(void)format;
}

/* The parameters' first word is the cipher. */
static bool is_paes(const char *parameters)
{
	const char *end = strchrnul(parameters, ' ');

	return strncmp(parameters, "paes-", 5) == 0 ||
	       memmem(parameters, (size_t)(end - parameters), "(paes)", 6);
}

/* From the table's hexadecimal key. */
static bool parse_blob(struct paes_blob *blob, const char *text)
{
	return blob_parse_hex(text, blob, sizeof(*blob)) &&
	       paes_blob_check(blob, sizeof(*blob)) == PAES_BLOB_OK;
}

/* Of ":512:logon:cryptsetup:..." all but the size; NULL for what isn't that. */
static struct json_object *describe_keyring(const char *text)
{
	const char *colon = text[0] == ':' ? strchr(text + 1, ':') : NULL;
	const char *end = strchrnul(text, ' ');

	return colon && colon < end ?
	       json_object_new_string_len(colon + 1, (int)(end - colon - 1)) :
	       NULL;
}

static struct json_object *text_or_null(const char *text)
{
	return text ? json_object_new_string(text) : NULL;
}

static struct json_object *describe(const char *name, const char *key)
{
	struct json_object *volume = json_object_new_object();
	char id[2 * PAES_ID_SIZE + 1];
	struct paes_blob blob;
	bool known = parse_blob(&blob, key);

	if (known)
		blob_format_id(blob.key_id, id);
	output_add_text(volume, "name", name);
	json_object_object_add(volume, "key_id", text_or_null(known ? id : NULL));
	json_object_object_add(volume, "keyring", describe_keyring(key));
	json_object_object_add(volume, "found_by",
			       text_or_null(known ? "table" : NULL));
	explicit_bzero(&blob, sizeof(blob));
	return volume;
}

/* Nothing is copied: of other ciphers' volumes this is the key in the clear. */
struct json_object *volumes_describe(const char *name, const char *parameters)
{
	const char *key = strchr(parameters, ' ');

	return key && is_paes(parameters) ? describe(name, key + 1) : NULL;
}

static void add_targets(struct json_object *volumes, struct dm_task *task,
			const char *name)
{
	char *type = NULL, *parameters = NULL;
	uint64_t start, length;
	void *next = NULL;

	do {
		struct json_object *volume = NULL;

		next = dm_get_next_target(task, next, &start, &length, &type,
					  &parameters);
		if (type && parameters && strcmp(type, "crypt") == 0)
			volume = volumes_describe(name, parameters);
		if (volume)
			json_object_array_add(volumes, volume);
	} while (next);
}

/* One that went away meanwhile is none. */
static void add_device(struct json_object *volumes, const char *name)
{
	CLEANUP(task) struct dm_task *task = dm_task_create(DM_DEVICE_TABLE);

	if (task && dm_task_secure_data(task) && dm_task_set_name(task, name) &&
	    dm_task_run(task))
		add_targets(volumes, task, name);
}

static void add_devices(struct json_object *volumes,
			const struct dm_names *names)
{
	if (!names->dev)
		return;
	for (;;) {
		add_device(volumes, names->name);
		if (!names->next)
			return;
		names = (const void *)((const char *)names + names->next);
	}
}

struct json_object *volumes_read(void)
{
	CLEANUP(task) struct dm_task *task = NULL;
	struct json_object *volumes;
	struct dm_names *names;

	/* The library would make it. */
	if (access(CONTROL, F_OK))
		return json_object_new_array();
	if (access(CONTROL, R_OK | W_OK))
		return NULL;
	dm_log_with_errno_init(be_quiet);
	task = dm_task_create(DM_DEVICE_LIST);
	if (!task || !dm_task_run(task))
		return NULL;
	names = dm_task_get_names(task);
	volumes = json_object_new_array();
	if (names)
		add_devices(volumes, names);
	return volumes;
}

static const char *text_of(struct json_object *object, const char *name)
{
	return json_object_get_string(json_member(object, name));
}

static struct json_object *at(struct json_object *array, size_t i)
{
	return json_object_array_get_idx(array, i);
}

/* "a,b": all volumes with this key. */
static struct json_object *names_with(struct json_object *volumes,
				      const char *key_id)
{
	char text[512] = "";
	size_t used = 0;

	for (size_t i = 0; i < json_object_array_length(volumes); i++) {
		const char *id = text_of(at(volumes, i), "key_id");

		if (id && strcmp(id, key_id) == 0 && used < sizeof(text))
			used += (size_t)snprintf(text + used, sizeof(text) - used,
						 "%s%s", used ? "," : "",
						 text_of(at(volumes, i), "name"));
	}
	return text_or_null(used ? text : NULL);
}

static void name_keys(struct json_object *volumes, struct json_object *keys)
{
	for (size_t i = 0; i < json_object_array_length(keys); i++) {
		const char *id = text_of(at(keys, i), "key_id");

		json_object_object_add(at(keys, i), "volume",
				       names_with(volumes, id ? id : ""));
	}
}

/* The one of an array that has nothing under a name; NULL when more have. */
static struct json_object *only_without(struct json_object *array,
					const char *name)
{
	struct json_object *only = NULL;

	for (size_t i = 0; i < json_object_array_length(array); i++) {
		if (text_of(at(array, i), name))
			continue;
		if (only)
			return NULL;
		only = at(array, i);
	}
	return only;
}

static void match_the_last(struct json_object *volumes,
			   struct json_object *keys)
{
	struct json_object *volume = only_without(volumes, "key_id");
	struct json_object *key = only_without(keys, "volume");

	if (!volume || !key || !text_of(volume, "keyring") ||
	    !text_of(key, "key_id"))
		return;
	output_add_text(volume, "key_id", text_of(key, "key_id"));
	output_add_text(volume, "found_by", "elimination");
	output_add_text(key, "volume", text_of(volume, "name"));
}

void volumes_join(struct json_object *volumes, struct json_object *keys)
{
	name_keys(volumes, keys);
	match_the_last(volumes, keys);
}
