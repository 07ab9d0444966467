// SPDX-License-Identifier: GPL-2.0
#include "cmd.h"

#include "cleanup.h"
#include "log.h"
#include "output.h"

#include <argp.h>
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define MODULE_PATH	"/sys/module/paes"
#define PARAMETERS_PATH	MODULE_PATH "/parameters"
#define STATS_PATH	"/sys/class/misc/paes/stats"
#define PROVIDERS_PATH	"/sys/kernel/debug/paes/providers"
#define KEYS_PATH	"/sys/kernel/debug/paes/keys"
#define DAEMON_PATH	"/run/paes/paesd.sock"

enum { COLUMNS_MAX = 32, DAEMON_ANSWER_MAX = 1 << 20, DAEMON_TIMEOUT = 5 };

struct status_options {
	const char *root;
	bool json;
	bool quiet;
};

enum { KEY_JSON = 0x200, KEY_ROOT };

static error_t parse(int key, char *value, struct argp_state *state)
{
	struct status_options *options = state->input;

	switch (key) {
	case KEY_JSON:
		options->json = true;
		return 0;
	case 'q':
		options->quiet = true;
		return 0;
	case KEY_ROOT:
		options->root = value;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "unexpected argument \"%s\"", value);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option list[] = {
	{ "quiet", 'q', NULL, 0, "Print nothing, just set the exit code", 0 },
	{ "json", KEY_JSON, NULL, 0, "Print the result as JSON", 0 },
	{ "root", KEY_ROOT, "DIR", 0,
	  "Look below DIR instead of /, as for a container or a test", 0 },
	{ 0 }
};

static const struct argp argp = {
	.options = list,
	.parser = parse,
	.doc = "Shows the module's counters and parameters, its providers and keys, and what the daemon says of itself."
	       "\v"
	       "Providers and keys are read from debugfs, which takes root.\n"
	       "Exit code: 0 the module is loaded and a provider is serving, 1 not, 2 wrong usage.",
};

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

static int connect_daemon(const char *root)
{
	const struct timeval patience = { .tv_sec = DAEMON_TIMEOUT };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, n;

	n = snprintf(address.sun_path, sizeof(address.sun_path), "%s%s", root,
		     DAEMON_PATH);
	if (n < 0 || (size_t)n >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (!connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return fd;
	n = errno;
	close(fd);
	errno = n;
	return -1;
}

static struct json_object *parse_answer(FILE *stream)
{
	CLEANUP(free) char *text = calloc(1, DAEMON_ANSWER_MAX + 1);
	struct json_object *answer;

	if (!text)
		return NULL;
	errno = 0;
	if (!fread(text, 1, DAEMON_ANSWER_MAX, stream) || ferror(stream)) {
		errno = errno ? errno : ENODATA;
		return NULL;
	}
	answer = json_tokener_parse(text);
	if (!json_object_is_type(answer, json_type_object)) {
		json_object_put(answer);
		errno = EPROTO;
		return NULL;
	}
	return answer;
}

static struct json_object *ask_daemon(const char *root)
{
	CLEANUP(file) FILE *stream = NULL;
	int fd = connect_daemon(root);

	if (fd < 0)
		return NULL;
	stream = fdopen(fd, "r");
	if (!stream) {
		close(fd);
		return NULL;
	}
	return parse_answer(stream);
}

static void add_daemon(struct json_object *to, const char *root)
{
	struct json_object *answer = ask_daemon(root);
	char text[128];

	if (answer) {
		output_add(to, "daemon", answer);
		return;
	}
	if (errno == ENOENT || errno == ECONNREFUSED)
		snprintf(text, sizeof(text), "not running");
	else
		snprintf(text, sizeof(text), "not known (%s: %m)", DAEMON_PATH);
	output_add_text(to, "daemon", text);
}

static bool module_is_loaded(const char *root)
{
	CLEANUP(free) char *path = NULL;

	return asprintf(&path, "%s%s", root, MODULE_PATH) > 0 &&
	       !access(path, F_OK);
}

static bool is_serving(struct json_object *status)
{
	struct json_object *providers, *state;

	if (!json_object_object_get_ex(status, "providers", &providers) ||
	    !json_object_is_type(providers, json_type_array))
		return false;
	for (size_t i = 0; i < json_object_array_length(providers); i++) {
		struct json_object *row = json_object_array_get_idx(providers, i);

		if (json_object_object_get_ex(row, "state", &state) &&
		    !strcmp(json_object_get_string(state), "serving"))
			return true;
	}
	return false;
}

static struct json_object *gather(const char *root)
{
	struct json_object *status = json_object_new_object();
	bool loaded = module_is_loaded(root);

	output_add_text(status, "module", loaded ? "loaded" : "not loaded");
	if (loaded) {
		add_directory(status, "parameters", root, PARAMETERS_PATH);
		add_directory(status, "counters", root, STATS_PATH);
		add_table(status, "providers", root, PROVIDERS_PATH);
		add_table(status, "keys", root, KEYS_PATH);
	}
	add_daemon(status, root);
	return status;
}

int cmd_status(int argc, char **argv)
{
	struct status_options options = { .root = "" };
	CLEANUP(json) struct json_object *status = NULL;

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	status = gather(options.root);
	if (!options.quiet)
		output_print(status, options.json);
	return is_serving(status) ? EXIT_OK : EXIT_FAILED;
}
