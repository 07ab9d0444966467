// SPDX-License-Identifier: GPL-2.0
#include "revoked.h"

#include "blob.h"
#include "cleanup.h"
#include "file.h"
#include "jsonfile.h"
#include "log.h"

#include <errno.h>
#include <string.h>
#include <sys/file.h>

/* Its place, or `count`. */
static unsigned int place_of(const struct revoked *revoked,
			     const unsigned char id[PAES_ID_SIZE])
{
	unsigned int i;

	for (i = 0; i < revoked->count; i++)
		if (!memcmp(revoked->ids[i], id, PAES_ID_SIZE))
			break;
	return i;
}

bool revoked_has(const struct revoked *revoked,
		 const unsigned char id[PAES_ID_SIZE])
{
	return place_of(revoked, id) < revoked->count;
}

int revoked_add(struct revoked *revoked, const unsigned char id[PAES_ID_SIZE])
{
	if (revoked_has(revoked, id))
		return 0;
	if (revoked->count == REVOKED_MAX) {
		log_error("%u keys are revoked, which is all that can be: \"paes allow\" those that are gone for good",
			  REVOKED_MAX);
		return -ENOSPC;
	}
	memcpy(revoked->ids[revoked->count++], id, PAES_ID_SIZE);
	return 0;
}

void revoked_remove(struct revoked *revoked,
		    const unsigned char id[PAES_ID_SIZE])
{
	unsigned int place = place_of(revoked, id);

	if (place == revoked->count)
		return;
	revoked->count--;
	memmove(revoked->ids[place], revoked->ids[place + 1],
		(revoked->count - place) * PAES_ID_SIZE);
}

static int malformed(const char *path, const char *found)
{
	log_error("%s: %s: expected { \"revoked\": [ \"KEY-ID\", ... ] }", path,
		  found);
	return -EINVAL;
}

static int add_text(struct revoked *revoked, struct json_object *text,
		    const char *path)
{
	unsigned char id[PAES_ID_SIZE];

	if (!json_object_is_type(text, json_type_string) ||
	    !blob_parse_id(json_object_get_string(text), id))
		return malformed(path, "an entry is no key id of 32 hexadecimal digits");
	return revoked_add(revoked, id);
}

static int fill(struct revoked *revoked, struct json_object *json,
		const char *path)
{
	struct json_object *ids;
	int error = 0;

	if (!json_object_is_type(json, json_type_object) ||
	    json_object_object_length(json) != 1 ||
	    !json_object_object_get_ex(json, "revoked", &ids) ||
	    !json_object_is_type(ids, json_type_array))
		return malformed(path, "it holds something else than one list");
	for (size_t i = 0; !error && i < json_object_array_length(ids); i++)
		error = add_text(revoked, json_object_array_get_idx(ids, i), path);
	return error;
}

/* Said once more, after what is wrong with it. */
static int unknown(const char *path, int error)
{
	log_error("%s: which keys are revoked is not known, so nothing is served: put the file right, or remove it and revoke again what has to be",
		  path);
	return error;
}

int revoked_load(struct revoked *revoked, const char *path)
{
	CLEANUP(file) FILE *file = fopen(path, "re");
	CLEANUP(json) struct json_object *json = NULL;
	int error;

	revoked->count = 0;
	if (!file && errno == ENOENT)
		return 0;
	if (!file) {
		error = -errno;
		log_error("%s: can't be opened: %m", path);
		return unknown(path, error);
	}
	error = jsonfile_read(&json, file, path);
	if (!error)
		error = fill(revoked, json, path);
	return error ? unknown(path, error) : 0;
}

static struct json_object *to_json(const struct revoked *revoked)
{
	struct json_object *json = json_object_new_object();
	struct json_object *ids = json_object_new_array();
	char text[2 * PAES_ID_SIZE + 1];

	for (unsigned int i = 0; i < revoked->count; i++) {
		blob_format_id(revoked->ids[i], text);
		json_object_array_add(ids, json_object_new_string(text));
	}
	json_object_object_add(json, "revoked", ids);
	return json;
}

int revoked_save(const struct revoked *revoked, const char *path)
{
	CLEANUP(json) struct json_object *json = to_json(revoked);
	const char *text = json_object_to_json_string_ext(json, JSON_C_TO_STRING_PRETTY);
	int error = text ? file_replace(path, text, strlen(text)) : -ENOMEM;

	if (error)
		log_error("%s: can't be written: %s", path, strerror(-error));
	return error;
}

int revoked_lock(const char *path)
{
	int fd = file_open_directory(path, 0700);
	int error;

	if (fd < 0) {
		log_error("the directory of %s can't be made or opened: %s", path,
			  strerror(-fd));
		return fd;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	error = errno;
	close(fd);
	if (error != EWOULDBLOCK)
		log_error("the directory of %s can't be locked: %s", path,
			  strerror(error));
	return -error;
}
