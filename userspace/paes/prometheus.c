// SPDX-License-Identifier: GPL-2.0
#include "prometheus.h"

#include "latency.h"

#include <stdbool.h>
#include <string.h>

enum {
	INDEX_SIZE	= 21,		/* of any size_t, and its NUL */
};

/* What stands between the braces: names and values in turn, up to a NULL. */
struct labels {
	const char *pairs[9];
};

static const char *text_of(struct json_object *object, const char *name)
{
	struct json_object *value = json_member(object, name);

	return value ? json_object_get_string(value) : "";
}

static long long number_of(struct json_object *object, const char *name)
{
	return json_object_get_int64(json_member(object, name));
}

/* The nth object of an array, or of what isn't there. */
static struct json_object *nth(struct json_object *array, size_t n)
{
	if (!json_object_is_type(array, json_type_array) ||
	    n >= json_object_array_length(array))
		return NULL;
	return json_object_array_get_idx(array, n);
}

static void print_escaped(FILE *to, const char *text)
{
	for (; *text; text++) {
		if (*text == '\n')
			fputs("\\n", to);
		else if (*text == '\\' || *text == '"')
			fprintf(to, "\\%c", *text);
		else
			putc(*text, to);
	}
}

static void print_labels(FILE *to, const struct labels *labels, const char *le)
{
	const char *before = "{";

	for (const char *const *pair = labels->pairs; *pair; pair += 2) {
		fprintf(to, "%s%s=\"", before, pair[0]);
		print_escaped(to, pair[1]);
		fputc('"', to);
		before = ",";
	}
	if (le)
		fprintf(to, "%sle=\"%s\"", before, le);
	if (le || *before == ',')
		fputc('}', to);
}

static void head(FILE *to, const char *name, const char *type, const char *help)
{
	fprintf(to, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void sample(FILE *to, const char *name, const struct labels *labels,
		   long long value)
{
	fputs(name, to);
	print_labels(to, labels, NULL);
	fprintf(to, " %lld\n", value);
}

static void histogram(FILE *to, const char *name, const struct labels *labels,
		      struct json_object *buckets, long long sum_us)
{
	long long count = 0;
	char le[32];

	for (size_t i = 0; i < LATENCY_BUCKETS; i++) {
		count += latency_count(buckets, i);
		if (i < LATENCY_BUCKETS - 1)
			snprintf(le, sizeof(le), "%.9g", (double)(1ull << i) / 1e6);
		else
			snprintf(le, sizeof(le), "+Inf");
		fprintf(to, "%s_bucket", name);
		print_labels(to, labels, le);
		fprintf(to, " %lld\n", count);
	}
	fprintf(to, "%s_sum", name);
	print_labels(to, labels, NULL);
	fprintf(to, " %.6f\n", (double)sum_us / 1e6);
	fprintf(to, "%s_count", name);
	print_labels(to, labels, NULL);
	fprintf(to, " %lld\n", count);
}

static const struct labels no_labels;

static const struct {
	const char *name, *help;
} counters[] = {
	{ "submitted", "Data requests taken from dm-crypt." },
	{ "completed", "Data requests answered with success." },
	{ "failed", "Data requests answered with an error." },
	{ "backlogged", "Data requests that found their key's queue full." },
	{ "issued", "Descriptors given to providers." },
	{ "reissued", "Data requests taken back from a provider that went away." },
	{ "held", "Data requests that found no provider and waited." },
	{ "expired", "Data requests that waited for a provider in vain." },
	{ "opened", "Wrapped keys accepted." },
	{ "rejected", "Wrapped keys refused." },
	{ "stale", "Requests refused for their session token." },
	{ "rotated", "Session tokens that were replaced by their successors." },
	{ "revoked", "Requests refused because their key is revoked." },
	{ "invalid", "Providers broken by an invalid completion." },
	{ "overdue", "Providers broken because they did not answer." },
};

static void print_counters(FILE *to, struct json_object *found)
{
	char name[64];

	for (size_t i = 0; i < sizeof(counters) / sizeof(*counters); i++) {
		if (!json_member(found, counters[i].name))
			continue;
		snprintf(name, sizeof(name), "paes_%s_total", counters[i].name);
		head(to, name, "counter", counters[i].help);
		sample(to, name, &no_labels, number_of(found, counters[i].name));
	}
}

/* One figure of each row of a table. */
struct column {
	const char *metric, *type, *help, *column;
};

typedef struct labels labels_of(struct json_object *row);

static void print_column(FILE *to, struct json_object *rows,
			 const struct column *column, labels_of *of)
{
	struct json_object *row;

	head(to, column->metric, column->type, column->help);
	for (size_t i = 0; (row = nth(rows, i)); i++) {
		struct labels labels = of(row);

		sample(to, column->metric, &labels,
		       number_of(row, column->column));
	}
}

static struct labels provider_labels(struct json_object *row)
{
	return (struct labels){ { "number", text_of(row, "number"),
				  "name", text_of(row, "name") } };
}

static struct labels key_labels(struct json_object *row)
{
	return (struct labels){ { "number", text_of(row, "number"),
				  "key_id", text_of(row, "key_id") } };
}

static void print_providers(FILE *to, struct json_object *rows)
{
	static const struct column columns[] = {
		{ "paes_provider_depth", "gauge", "Requests that a provider may have at a time.", "depth" },
		{ "paes_provider_in_flight", "gauge", "Requests that a provider works on.", "in_flight" },
		{ "paes_provider_served_total", "counter", "Requests answered by a provider.", "served" },
	};

	for (size_t i = 0; nth(rows, 0) && i < sizeof(columns) / sizeof(*columns); i++)
		print_column(to, rows, &columns[i], provider_labels);
}

static void print_key_info(FILE *to, struct json_object *rows)
{
	struct json_object *row;

	head(to, "paes_key_info", "gauge", "A key in use: its state, and the volume where that is known.");
	for (size_t i = 0; (row = nth(rows, i)); i++) {
		struct labels labels = key_labels(row);

		labels.pairs[4] = "state";
		labels.pairs[5] = text_of(row, "state");
		labels.pairs[6] = "volume";
		labels.pairs[7] = text_of(row, "volume");
		sample(to, "paes_key_info", &labels, 1);
	}
}

static void print_key_latency(FILE *to, struct json_object *rows)
{
	struct json_object *row;

	head(to, "paes_key_latency_seconds", "histogram", "Time from dm-crypt's request to its answer.");
	for (size_t i = 0; (row = nth(rows, i)); i++) {
		struct labels labels = key_labels(row);

		histogram(to, "paes_key_latency_seconds", &labels,
			  json_member(row, "latency"), number_of(row, "latency_us"));
	}
}

static void print_keys(FILE *to, struct json_object *rows)
{
	static const struct column columns[] = {
		{ "paes_key_providers", "gauge", "Providers where a key is open.", "providers" },
		{ "paes_key_in_flight", "gauge", "Requests under a key that providers work on.", "in_flight" },
		{ "paes_key_queued", "gauge", "Requests under a key that wait for their turn.", "queued" },
		{ "paes_key_held", "gauge", "Requests under a key that wait for a provider to come back.", "held" },
		{ "paes_key_reissued_total", "counter", "Requests under a key taken back from a provider that went away.", "reissued" },
		{ "paes_key_failed_total", "counter", "Requests under a key answered with an error.", "failed" },
	};

	if (!nth(rows, 0))
		return;
	print_key_info(to, rows);
	for (size_t i = 0; i < sizeof(columns) / sizeof(*columns); i++)
		print_column(to, rows, &columns[i], key_labels);
	print_key_latency(to, rows);
}

/* Two tokens may have one label: their place in the configuration is unique. */
static struct labels token_labels(struct json_object *tokens, size_t i,
				  char index[INDEX_SIZE])
{
	snprintf(index, INDEX_SIZE, "%zu", i);
	return (struct labels){ { "index", index,
				  "token", text_of(nth(tokens, i), "label") } };
}

static void print_token_states(FILE *to, struct json_object *tokens)
{
	static const char *const states[] = {
		"starting", "serving", "pin-refused", "failed",
	};
	char index[INDEX_SIZE];

	head(to, "paes_token_state", "gauge", "1 for the state that a token is in.");
	for (size_t i = 0; nth(tokens, i); i++) {
		struct labels labels = token_labels(tokens, i, index);

		labels.pairs[4] = "state";
		for (size_t j = 0; j < sizeof(states) / sizeof(*states); j++) {
			labels.pairs[5] = states[j];
			sample(to, "paes_token_state", &labels,
			       !strcmp(text_of(nth(tokens, i), "state"), states[j]));
		}
	}
}

static long long workers_in(struct json_object *workers, const char *state)
{
	struct json_object *worker;
	long long count = 0;

	for (size_t i = 0; (worker = nth(workers, i)); i++)
		count += !strcmp(text_of(worker, "state"), state);
	return count;
}

static void print_token_workers(FILE *to, struct json_object *tokens)
{
	static const char *const states[] = { "starting", "serving", "waiting" };
	char index[INDEX_SIZE];

	head(to, "paes_token_workers", "gauge", "Workers of a token by their state.");
	for (size_t i = 0; nth(tokens, i); i++) {
		struct labels labels = token_labels(tokens, i, index);

		labels.pairs[4] = "state";
		for (size_t j = 0; j < sizeof(states) / sizeof(*states); j++) {
			labels.pairs[5] = states[j];
			sample(to, "paes_token_workers", &labels,
			       workers_in(json_member(nth(tokens, i), "workers"), states[j]));
		}
	}
}

static void print_token_restarts(FILE *to, struct json_object *tokens)
{
	struct json_object *worker;
	char index[INDEX_SIZE];

	head(to, "paes_token_worker_restarts_total", "counter", "Workers of a token that had to be replaced.");
	for (size_t i = 0; nth(tokens, i); i++) {
		struct json_object *workers = json_member(nth(tokens, i), "workers");
		struct labels labels = token_labels(tokens, i, index);
		unsigned long long restarts = 0;

		for (size_t j = 0; (worker = nth(workers, j)); j++)
			restarts += (unsigned long long)number_of(worker, "restarts");
		sample(to, "paes_token_worker_restarts_total", &labels,
		       (long long)restarts);
	}
}

static void print_token_errors(FILE *to, struct json_object *tokens)
{
	char index[INDEX_SIZE];

	head(to, "paes_token_errors_total", "counter", "Errors of a token by their PKCS#11 name.");
	for (size_t i = 0; nth(tokens, i); i++) {
		struct json_object *errors = json_member(nth(tokens, i), "errors");
		struct labels labels = token_labels(tokens, i, index);

		labels.pairs[4] = "error";
		if (!json_object_is_type(errors, json_type_object))
			continue;
		json_object_object_foreach(errors, name, count) {
			labels.pairs[5] = name;
			sample(to, "paes_token_errors_total", &labels,
			       json_object_get_int64(count));
		}
	}
}

static void print_token_calls(FILE *to, struct json_object *tokens)
{
	char index[INDEX_SIZE];

	head(to, "paes_token_call_seconds", "histogram", "Time that a token takes for a call with data; one in 16 is timed.");
	for (size_t i = 0; nth(tokens, i); i++) {
		struct labels labels = token_labels(tokens, i, index);

		histogram(to, "paes_token_call_seconds", &labels,
			  json_member(nth(tokens, i), "calls"),
			  number_of(nth(tokens, i), "calls_us"));
	}
}

static void print_tokens(FILE *to, struct json_object *tokens)
{
	if (!nth(tokens, 0))
		return;
	print_token_states(to, tokens);
	print_token_workers(to, tokens);
	print_token_restarts(to, tokens);
	print_token_errors(to, tokens);
	print_token_calls(to, tokens);
}

static void print_revoked(FILE *to, struct json_object *ids)
{
	if (!json_object_is_type(ids, json_type_array))
		return;
	head(to, "paes_revoked_keys", "gauge", "Keys that are revoked.");
	sample(to, "paes_revoked_keys", &no_labels,
	       (long long)json_object_array_length(ids));
}

static void print_flag(FILE *to, const char *name, const char *help, bool flag)
{
	head(to, name, "gauge", help);
	sample(to, name, &no_labels, flag);
}

void prometheus_print(struct json_object *status, FILE *to)
{
	struct json_object *daemon = json_member(status, "daemon");

	print_flag(to, "paes_module_loaded", "Whether the kernel module is loaded.",
		   !strcmp(text_of(status, "module"), "loaded"));
	print_flag(to, "paes_daemon_up", "Whether paesd answers.",
		   json_object_is_type(daemon, json_type_object));
	print_counters(to, json_member(status, "counters"));
	print_providers(to, json_member(status, "providers"));
	print_keys(to, json_member(status, "keys"));
	print_tokens(to, json_member(daemon, "tokens"));
	print_revoked(to, json_member(status, "revoked"));
}
