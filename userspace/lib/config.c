// SPDX-License-Identifier: GPL-2.0
#include "config.h"

#include "cleanup.h"
#include "jsonfile.h"
#include "log.h"
#include "processors.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#define URI_SCHEME "pkcs11:"

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

struct range {
	int least;
	int most;
};

static int read_number(const char *path, const char *where, const char *name,
		       struct json_object *value, struct range range,
		       unsigned int *number)
{
	int64_t n;

	if (!json_object_is_type(value, json_type_int))
		return wrong(path, "%s.%s: found %s, expected a number from %d to %d",
			     where, name,
			     json_type_to_name(json_object_get_type(value)),
			     range.least, range.most);
	n = json_object_get_int64(value);
	if (n < range.least || n > range.most)
		return wrong(path, "%s.%s: found %lld, expected a number from %d to %d",
			     where, name, (long long)n, range.least, range.most);
	*number = (unsigned int)n;
	return 0;
}

static int read_bool(const char *path, const char *where, const char *name,
		     struct json_object *value, bool *truth)
{
	if (!json_object_is_type(value, json_type_boolean))
		return wrong(path, "%s.%s: found %s, expected true or false",
			     where, name,
			     json_type_to_name(json_object_get_type(value)));
	*truth = json_object_get_boolean(value);
	return 0;
}

static const struct range rotate_range = { 0, CONFIG_ROTATE_MAX };

static int read_rotation_field(const char *path, const char *where,
			       const char *name, struct json_object *value,
			       struct rotation *rotation)
{
	if (!strcmp(name, "requests"))
		return read_number(path, where, name, value, rotate_range,
				   &rotation->requests);
	if (!strcmp(name, "seconds"))
		return read_number(path, where, name, value, rotate_range,
				   &rotation->seconds);
	return wrong(path, "%s.%s: unknown name, expected \"requests\" or \"seconds\"",
		     where, name);
}

/* What isn't named is never, so that an empty object is, too. */
static int read_rotation(const char *path, const char *where,
			 struct json_object *object, struct rotation *rotation)
{
	char inside[64];

	snprintf(inside, sizeof(inside), "%s.rotate", where);
	if (!json_object_is_type(object, json_type_object))
		return wrong(path, "%s: found %s, expected an object", inside,
			     json_type_to_name(json_object_get_type(object)));
	*rotation = (struct rotation){ 0 };
	json_object_object_foreach(object, name, value) {
		int error = read_rotation_field(path, inside, name, value,
						rotation);

		if (error)
			return error;
	}
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
		return read_number(path, where, name, value,
				   (struct range){ 1, CONFIG_WORKERS_MAX },
				   &token->workers);
	if (!strcmp(name, "call-seconds"))
		return read_number(path, where, name, value,
				   (struct range){ CONFIG_CALL_MIN,
						   CONFIG_CALL_MAX },
				   &token->call_seconds);
	if (!strcmp(name, "rotate"))
		return read_rotation(path, where, value, &token->rotate);
	if (!strcmp(name, "allow-readable-keys"))
		return read_bool(path, where, name, value,
				 &token->allow_readable);
	return wrong(path, "%s.%s: unknown name, expected \"uri\", \"pin-file\", \"workers\", \"call-seconds\", \"rotate\" or \"allow-readable-keys\"",
		     where, name);
}

static unsigned int default_workers(void)
{
	unsigned int processors = processors_usable();

	return processors < CONFIG_WORKERS_MAX ? processors : CONFIG_WORKERS_MAX;
}

static void set_defaults(struct config_token *token)
{
	token->call_seconds = CONFIG_CALL_DEFAULT;
	token->rotate.seconds = CONFIG_ROTATE_DEFAULT;
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
	set_defaults(token);
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

static bool same_credential(const char *one, const char *other)
{
	return one && other && strcmp(one, other) &&
	       strcmp(basename(one), basename(other)) == 0;
}

/* A systemd credential goes by the name without the path: one PIN for both. */
static int check_pin_files(const struct config *config, const char *path)
{
	const struct config_token *tokens = config->tokens;

	for (unsigned int i = 1; i < config->count; i++)
		for (unsigned int j = 0; j < i; j++)
			if (same_credential(tokens[i].pin_file, tokens[j].pin_file))
				return wrong(path, "tokens[%u].pin-file: found \"%s\", which would be the same systemd credential as \"%s\" of tokens[%u], so that one token would get the other's PIN: expected files with different names, or the same path",
					     i, tokens[i].pin_file,
					     tokens[j].pin_file, j);
	return 0;
}

/* Its PIN, if wrong, would be tried twice. */
static int check_unique(const struct config *config, const char *path)
{
	unsigned int last = config->count - 1;

	for (unsigned int i = 0; i < last; i++)
		if (!strcmp(config->tokens[i].uri, config->tokens[last].uri))
			return wrong(path, "tokens[%u].uri: the same as tokens[%u].uri, expected each token once: for more sessions raise its \"workers\"",
				     last, i);
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
		if (!error)
			error = check_unique(config, path);
		if (error)
			return error;
	}
	return check_pin_files(config, path);
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
	CLEANUP(file) FILE *file = fopen(path, "re");
	CLEANUP(json) struct json_object *root = NULL;
	int error;

	memset(config, 0, sizeof(*config));
	if (!file) {
		log_error("%s: can't open the configuration: %m: expected a file such as { \"tokens\": [ { \"uri\": \"pkcs11:token=LABEL?module-path=MODULE\" } ] }",
			  path);
		return -errno;
	}
	error = jsonfile_read(&root, file, path);
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
	set_defaults(token);
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
