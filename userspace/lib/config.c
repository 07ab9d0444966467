// SPDX-License-Identifier: GPL-2.0
#include "config.h"

#include "cleanup.h"
#include "log.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

enum { CONFIG_SIZE_MAX = 65536 };

#define URI_SCHEME "pkcs11:"

static void cleanup_json(struct json_object **object)
{
	json_object_put(*object);
}

static void cleanup_tokener(struct json_tokener **tokener)
{
	if (*tokener)
		json_tokener_free(*tokener);
}

static int wrong(const char *path, const char *format, ...)
	__attribute__((__format__(printf, 2, 3)));

static int wrong(const char *path, const char *format, ...)
{
	char text[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	log_error("%s: %s", path, text);
	return -EINVAL;
}

/* The whole file and a NUL, or NULL with errno set and logged. */
static char *read_file(const char *path, size_t *size)
{
	CLEANUP(file) FILE *file = fopen(path, "re");
	char *text;

	if (!file) {
		log_error("%s: can't open the configuration: %m: expected a file such as { \"tokens\": [ { \"uri\": \"pkcs11:token=LABEL?module-path=MODULE\" } ] }",
			  path);
		return NULL;
	}
	text = calloc(1, CONFIG_SIZE_MAX + 2);
	if (!text)
		return NULL;
	*size = fread(text, 1, CONFIG_SIZE_MAX + 1, file);
	if (ferror(file)) {
		log_error("%s: can't read the configuration: %m", path);
	} else if (*size > CONFIG_SIZE_MAX) {
		log_error("%s: larger than %d bytes: expected a short JSON file",
			  path, CONFIG_SIZE_MAX);
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
	return wrong(path, "line %zu, column %zu: %s: expected JSON", line, column,
		     what);
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

static int copy_string(const char *path, const char *where, const char *name,
		       struct json_object *value, char **copy)
{
	if (!json_object_is_type(value, json_type_string))
		return wrong(path, "%s.%s: found %s, expected a string", where,
			     name, json_type_to_name(json_object_get_type(value)));
	if (!json_object_get_string_len(value))
		return wrong(path, "%s.%s: found an empty string", where, name);
	if (strlen(json_object_get_string(value)) !=
	    (size_t)json_object_get_string_len(value))
		return wrong(path, "%s.%s: holds a NUL character", where, name);
	*copy = strdup(json_object_get_string(value));
	return *copy ? 0 : -ENOMEM;
}

static int read_uri(const char *path, const char *where,
		    struct json_object *value, char **uri)
{
	int error = copy_string(path, where, "uri", value, uri);

	if (error)
		return error;
	if (strncmp(*uri, URI_SCHEME, strlen(URI_SCHEME)))
		return wrong(path, "%s.uri: expected a PKCS#11 URI (RFC 7512), which starts with \"%s\"",
			     where, URI_SCHEME);
	return 0;
}

static int read_workers(const char *path, const char *where,
			struct json_object *value, unsigned int *workers)
{
	int64_t n;

	if (!json_object_is_type(value, json_type_int))
		return wrong(path, "%s.workers: found %s, expected a number from 1 to %d",
			     where, json_type_to_name(json_object_get_type(value)),
			     CONFIG_WORKERS_MAX);
	n = json_object_get_int64(value);
	if (n < 1 || n > CONFIG_WORKERS_MAX)
		return wrong(path, "%s.workers: found %lld, expected a number from 1 to %d",
			     where, (long long)n, CONFIG_WORKERS_MAX);
	*workers = (unsigned int)n;
	return 0;
}

static int read_field(const char *path, const char *where, const char *name,
		      struct json_object *value, struct config_token *token)
{
	if (!strcmp(name, "uri"))
		return read_uri(path, where, value, &token->uri);
	if (!strcmp(name, "pin-file"))
		return copy_string(path, where, name, value, &token->pin_file);
	if (!strcmp(name, "workers"))
		return read_workers(path, where, value, &token->workers);
	return wrong(path, "%s.%s: unknown name, expected \"uri\", \"pin-file\" or \"workers\"",
		     where, name);
}

static unsigned int default_workers(void)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN);

	if (online < 1)
		return 1;
	return online > CONFIG_WORKERS_MAX ? CONFIG_WORKERS_MAX :
					     (unsigned int)online;
}

static int read_token(const char *path, size_t index, struct json_object *object,
		      struct config_token *token)
{
	char where[32];

	snprintf(where, sizeof(where), "tokens[%zu]", index);
	if (!json_object_is_type(object, json_type_object))
		return wrong(path, "%s: found %s, expected an object", where,
			     json_type_to_name(json_object_get_type(object)));
	token->workers = default_workers();
	json_object_object_foreach(object, name, value) {
		int error = read_field(path, where, name, value, token);

		if (error)
			return error;
	}
	if (!token->uri)
		return wrong(path, "%s.uri: missing, expected a PKCS#11 URI (RFC 7512)",
			     where);
	return 0;
}

static int read_tokens(struct config *config, const char *path,
		       struct json_object *tokens)
{
	size_t count;

	if (!json_object_is_type(tokens, json_type_array))
		return wrong(path, "tokens: found %s, expected an array",
			     json_type_to_name(json_object_get_type(tokens)));
	count = json_object_array_length(tokens);
	if (!count || count > CONFIG_TOKENS_MAX)
		return wrong(path, "tokens: found %zu, expected 1 to %d", count,
			     CONFIG_TOKENS_MAX);
	for (size_t i = 0; i < count; i++) {
		int error;

		config->count++;
		error = read_token(path, i, json_object_array_get_idx(tokens, i),
				   &config->tokens[i]);
		if (error)
			return error;
	}
	return 0;
}

static int read_root(struct config *config, const char *path,
		     struct json_object *root)
{
	struct json_object *tokens = NULL;

	if (!json_object_is_type(root, json_type_object))
		return wrong(path, "found %s, expected an object with \"tokens\"",
			     json_type_to_name(json_object_get_type(root)));
	json_object_object_foreach(root, name, value) {
		if (strcmp(name, "tokens"))
			return wrong(path, "%s: unknown name, expected \"tokens\"",
				     name);
		tokens = value;
	}
	if (!json_object_object_get_ex(root, "tokens", NULL))
		return wrong(path, "tokens: missing, expected an array");
	return read_tokens(config, path, tokens);
}

int config_load(struct config *config, const char *path)
{
	CLEANUP(json) struct json_object *root = NULL;
	CLEANUP(free) char *text = NULL;
	size_t size;
	int error;

	memset(config, 0, sizeof(*config));
	text = read_file(path, &size);
	if (!text)
		return -errno;
	error = parse(&root, path, text, size);
	if (!error)
		error = read_root(config, path, root);
	if (error)
		config_free(config);
	return error;
}

int config_single(struct config *config, const char *uri, const char *pin_file,
		  unsigned int workers)
{
	struct config_token *token = &config->tokens[0];

	memset(config, 0, sizeof(*config));
	config->count = 1;
	token->workers = workers ? workers : default_workers();
	token->uri = strdup(uri);
	token->pin_file = pin_file ? strdup(pin_file) : NULL;
	if (token->uri && (token->pin_file || !pin_file))
		return 0;
	config_free(config);
	return -ENOMEM;
}

void config_free(struct config *config)
{
	for (unsigned int i = 0; i < config->count; i++) {
		free(config->tokens[i].uri);
		free(config->tokens[i].pin_file);
	}
	memset(config, 0, sizeof(*config));
}
