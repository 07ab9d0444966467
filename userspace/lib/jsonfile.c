// SPDX-License-Identifier: GPL-2.0
#include "jsonfile.h"

#include "cleanup.h"
#include "log.h"

#include <errno.h>
#include <string.h>

enum { SIZE_MAX_OF_FILE = 65536 };

static void cleanup_tokener(struct json_tokener **tokener)
{
	if (*tokener)
		json_tokener_free(*tokener);
}

/* The whole file and a NUL, or NULL with errno set and logged. */
static char *read_text(FILE *file, const char *path, size_t *size)
{
	char *text = calloc(1, SIZE_MAX_OF_FILE + 2);

	if (!text)
		return NULL;
	*size = fread(text, 1, SIZE_MAX_OF_FILE + 1, file);
	if (ferror(file)) {
		log_error("%s: can't be read: %m", path);
	} else if (*size > SIZE_MAX_OF_FILE) {
		log_error("%s: larger than %d bytes: expected a short JSON file",
			  path, SIZE_MAX_OF_FILE);
		errno = EFBIG;
	} else {
		return text;
	}
	free(text);
	return NULL;
}

/* The tokener counts bytes, people count lines. */
static int wrong_syntax(const char *path, const char *text, size_t offset,
			const char *what)
{
	size_t line = 1, column = 1;

	for (size_t i = 0; i < offset && text[i]; i++) {
		column = text[i] == '\n' ? 1 : column + 1;
		line += text[i] == '\n';
	}
	log_error("%s: line %zu, column %zu: %s: expected JSON", path, line,
		  column, what);
	return -EINVAL;
}

static int parse(struct json_object **root, const char *path, const char *text,
		 size_t size)
{
	CLEANUP(tokener) struct json_tokener *tokener = json_tokener_new();
	enum json_tokener_error error;

	if (!tokener)
		return -ENOMEM;
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT |
					JSON_TOKENER_VALIDATE_UTF8);
	/* With its NUL, so that a text that ends too early is known to end. */
	*root = json_tokener_parse_ex(tokener, text, (int)size + 1);
	error = json_tokener_get_error(tokener);
	if (error == json_tokener_success && strlen(text) == size)
		return 0;
	json_object_put(*root);
	*root = NULL;
	if (error == json_tokener_success)
		return wrong_syntax(path, text, strlen(text), "a NUL byte");
	return wrong_syntax(path, text, json_tokener_get_parse_end(tokener),
			    error == json_tokener_continue ?
			    "the text ends too early" :
			    json_tokener_error_desc(error));
}

int jsonfile_read(struct json_object **root, FILE *file, const char *path)
{
	CLEANUP(free) char *text = NULL;
	size_t size;

	errno = ENOMEM;
	text = read_text(file, path, &size);
	return text ? parse(root, path, text, size) : -errno;
}
