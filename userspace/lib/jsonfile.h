/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A small file that is one JSON value and nothing else.
 */
#ifndef PAES_JSONFILE_H
#define PAES_JSONFILE_H

#include <json-c/json.h>
#include <stdio.h>

/*
 * 0; or -errno after logging `path`, the place in it and what is wrong:
 * -EINVAL for what isn't JSON, -EFBIG.
 */
int jsonfile_read(struct json_object **root, FILE *file, const char *path);

/* Of an object; NULL where there is none. */
static inline struct json_object *json_member(struct json_object *object,
					      const char *name)
{
	struct json_object *value = NULL;

	if (json_object_is_type(object, json_type_object))
		json_object_object_get_ex(object, name, &value);
	return value;
}

static inline void cleanup_json(struct json_object **object)
{
	json_object_put(*object);
}

#endif
