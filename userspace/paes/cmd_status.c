// SPDX-License-Identifier: GPL-2.0
#include "cmd.h"

#include "cleanup.h"
#include "daemon.h"
#include "latency.h"
#include "options.h"
#include "output.h"
#include "prometheus.h"
#include "revoked.h"
#include "system.h"
#include "table.h"
#include "volumes.h"

#include <errno.h>
#include <string.h>

struct status_options {
	const char *root;
	bool json;
	bool prometheus;
	bool quiet;
};

enum { KEY_JSON = 0x200, KEY_PROMETHEUS, KEY_ROOT };

static error_t parse(int key, char *value, struct argp_state *state)
{
	struct status_options *options = state->input;

	switch (key) {
	case KEY_JSON:
		options->json = true;
		return 0;
	case KEY_PROMETHEUS:
		options->prometheus = true;
		return 0;
	case 'q':
		options->quiet = true;
		return 0;
	case KEY_ROOT:
		options->root = value;
		return 0;
	case ARGP_KEY_END:
		if (options->json + options->prometheus + options->quiet > 1)
			argp_error(state, "--json, --prometheus and --quiet exclude each other");
		return 0;
	default:
		return options_no_argument(key, value, state);
	}
}

static const struct argp_option list[] = {
	{ "quiet", 'q', NULL, 0, "Print nothing, just set the exit code", 0 },
	{ "json", KEY_JSON, NULL, 0, "Print the result as JSON", 0 },
	{ "prometheus", KEY_PROMETHEUS, NULL, 0,
	  "Print metrics for Prometheus, as its node exporter's textfile collector takes them", 0 },
	{ "root", KEY_ROOT, "DIR", 0,
	  "Look below DIR instead of /, as for a container or a test", 0 },
	{ 0 }
};

static const struct argp argp = {
	.options = list,
	.parser = parse,
	.doc = "Shows the module's counters and parameters, its providers and keys, the volumes, and what the daemon says of itself."
	       "\v"
	       "Providers and keys are read from debugfs, volumes from the device mapper, which takes root.\n"
	       "Exit code: 0 the module is loaded and a provider is serving (a token, by paesd's word, where debugfs can't be read), or --prometheus was printed; 1 not, or not known, 2 wrong usage.",
};

static void add_daemon(struct json_object *to, const char *root)
{
	struct json_object *answer = daemon_status(root);
	char text[128];

	if (answer) {
		output_add(to, "daemon", answer);
		return;
	}
	if (errno == ENOENT || errno == ECONNREFUSED)
		snprintf(text, sizeof(text), "not running");
	else
		snprintf(text, sizeof(text), "not known (%s: %m)", DAEMON_STATUS);
	output_add_text(to, "daemon", text);
}
/* An array, or NULL where there is none. */
static struct json_object *array_member(struct json_object *object,
					const char *name)
{
	struct json_object *value = json_member(object, name);

	return json_object_is_type(value, json_type_array) ? value : NULL;
}

/* Those of this machine: they aren't below any other root. */
static void add_volumes(struct json_object *status, const char *root)
{
	struct json_object *keys = array_member(status, "keys");
	struct json_object *volumes = NULL;
	char text[128];

	if (!*root)
		volumes = volumes_read();
	if (volumes) {
		if (keys)
			volumes_join(volumes, keys);
		output_add(status, "volumes", volumes);
		return;
	}
	snprintf(text, sizeof(text), "not known (device mapper: %m)");
	output_add_text(status, "volumes", *root ? "not known (--root)" : text);
}

/* A file that is no such list is a matter of paesd, which won't start then. */
static struct json_object *read_revoked(const char *root)
{
	CLEANUP(free) char *path = NULL;
	CLEANUP(file) FILE *file = NULL;
	CLEANUP(json) struct json_object *json = NULL;

	if (asprintf(&path, "%s" REVOKED_PATH, root) < 0)
		return NULL;
	file = fopen(path, "re");
	if (!file && errno == ENOENT)
		return json_object_new_array();
	if (!file || jsonfile_read(&json, file, path))
		return NULL;
	return json_object_get(array_member(json, "revoked"));
}

/* The daemon's word counts; without a daemon, what it will start with. */
static void add_revoked(struct json_object *status, const char *root)
{
	struct json_object *revoked =
		array_member(json_member(status, "daemon"), "revoked");

	if (revoked) {
		json_object_get(revoked);
		json_object_object_del(json_member(status, "daemon"), "revoked");
	} else {
		revoked = read_revoked(root);
	}
	if (revoked)
		output_add(status, "revoked", revoked);
	else
		output_add_text(status, "revoked", "not known (" REVOKED_PATH ")");
}

/* What the daemon or its file says may be anything, null too. */
static bool is_text(struct json_object *value, const char *text)
{
	return json_object_is_type(value, json_type_string) &&
	       strcmp(json_object_get_string(value), text) == 0;
}

static bool is_in(struct json_object *texts, const char *text)
{
	for (size_t i = 0; texts && i < json_object_array_length(texts); i++)
		if (is_text(json_object_array_get_idx(texts, i), text))
			return true;
	return false;
}

/* To the module such a key is open at providers that refuse to use it. */
static void mark_revoked(struct json_object *status)
{
	struct json_object *revoked = array_member(status, "revoked");
	struct json_object *keys = array_member(status, "keys");

	for (size_t i = 0; keys && i < json_object_array_length(keys); i++) {
		struct json_object *key = json_object_array_get_idx(keys, i);
		struct json_object *id = json_member(key, "key_id");

		if (id && is_in(revoked, json_object_get_string(id)))
			output_add_text(key, "state", "revoked");
	}
}

static bool one_is_serving(struct json_object *rows)
{
	for (size_t i = 0; rows && i < json_object_array_length(rows); i++)
		if (is_text(json_member(json_object_array_get_idx(rows, i), "state"),
			    "serving"))
			return true;
	return false;
}

/* Where the module's providers can't be seen, the daemon's word counts. */
static bool is_serving(struct json_object *status)
{
	struct json_object *providers = array_member(status, "providers");

	if (providers || !is_text(json_member(status, "module"), "loaded"))
		return one_is_serving(providers);
	return one_is_serving(array_member(json_member(status, "daemon"), "tokens"));
}

static struct json_object *gather(const char *root)
{
	struct json_object *status = json_object_new_object();

	system_add(status, root);
	add_daemon(status, root);
	add_volumes(status, root);
	add_revoked(status, root);
	mark_revoked(status);
	return status;
}

/* People want to know how long it takes, not 28 numbers. */
static void summarize_latency(struct json_object *key)
{
	struct json_object *buckets = array_member(key, "latency");
	char half[32], most[32];

	if (!buckets)
		return;
	latency_percentile(buckets, 50, half, sizeof(half));
	latency_percentile(buckets, 99, most, sizeof(most));
	json_object_object_del(key, "latency_us");
	json_object_object_del(key, "latency");
	output_add_text(key, "median", half);
	output_add_text(key, "99%", most);
}

static void summarize_keys(struct json_object *keys)
{
	for (size_t i = 0; keys && i < json_object_array_length(keys); i++) {
		struct json_object *key = json_object_array_get_idx(keys, i);

		summarize_latency(key);
		json_object_object_del(key, "bits");
		json_object_object_del(key, "providers");
	}
}

/* "12 timed, median <8us, 99% <1.1ms" */
static void summarize_calls(struct json_object *token)
{
	struct json_object *buckets = array_member(token, "calls");
	char half[32], most[32], text[128];

	if (!buckets)
		return;
	latency_percentile(buckets, 50, half, sizeof(half));
	latency_percentile(buckets, 99, most, sizeof(most));
	snprintf(text, sizeof(text), "%lld timed, median %s, 99%% %s",
		 latency_total(buckets), half, most);
	json_object_object_del(token, "calls_us");
	output_add_text(token, "calls", text);
}

/* "CKR_DEVICE_ERROR 2, other 1": as names of members they lose their form. */
static void summarize_errors(struct json_object *token)
{
	struct json_object *errors = json_member(token, "errors");
	struct json_object *texts = json_object_new_array();
	char text[128];

	if (json_object_is_type(errors, json_type_object)) {
		json_object_object_foreach(errors, name, count) {
			snprintf(text, sizeof(text), "%s %s", name,
				 table_text(count));
			json_object_array_add(texts, json_object_new_string(text));
		}
	}
	output_add(token, "errors", texts);
}

static void summarize_tokens(struct json_object *tokens)
{
	for (size_t i = 0; tokens && i < json_object_array_length(tokens); i++) {
		struct json_object *token = json_object_array_get_idx(tokens, i);

		if (!json_object_is_type(token, json_type_object))
			continue;
		summarize_calls(token);
		summarize_errors(token);
	}
}

static void print_for_people(struct json_object *status)
{
	summarize_keys(array_member(status, "keys"));
	summarize_tokens(array_member(json_member(status, "daemon"), "tokens"));
	output_print(status, false);
}

int cmd_status(int argc, char **argv)
{
	struct status_options options = { .root = "" };
	CLEANUP(json) struct json_object *status = NULL;
	bool serving;

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	status = gather(options.root);
	serving = is_serving(status);
	if (options.prometheus)
		prometheus_print(status, stdout);
	else if (options.json)
		output_print(status, true);
	else if (!options.quiet)
		print_for_people(status);
	return serving || options.prometheus ? EXIT_OK : EXIT_FAILED;
}
