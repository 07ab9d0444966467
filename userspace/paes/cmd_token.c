// SPDX-License-Identifier: GPL-2.0
#include "cmd.h"

#include "crew.h"
#include "log.h"
#include "output.h"
#include "probe.h"
#include "session.h"
#include "speed.h"
#include "tune.h"

#include <stdio.h>
#include <string.h>

enum { KEY_NO_SPEED = 0x200, KEY_CREW };

enum { CREW_MOST = 8 };

/* What a further process has to bring, of what the first one does. */
static const double WORTH_IT = 1.25;

struct probe_options {
	struct token_options token;
	bool no_speed;
	bool crew;
};

static error_t parse(int key, char *value, struct argp_state *state)
{
	struct probe_options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->token;
		return 0;
	case KEY_NO_SPEED:
		options->no_speed = true;
		return 0;
	case KEY_CREW:
		options->crew = true;
		return 0;
	case ARGP_KEY_END:
		if (options->crew && !options->token.token)
			argp_error(state, "--crew is for paes's own use");
		return 0;
	default:
		return options_no_argument(key, value, state);
	}
}

static const struct argp_option list[] = {
	{ "no-speed", KEY_NO_SPEED, NULL, 0,
	  "Leave out what takes some seconds: how fast it is", 0 },
	{ "crew", KEY_CREW, NULL, OPTION_HIDDEN, NULL, 0 },
	{ 0 }
};

static const struct argp_child children[] = {
	{ &token_options_argp, 0, "", 1 },
	{ 0 }
};

static const struct argp argp = {
	.options = list,
	.parser = parse,
	.children = children,
	.doc = "Finds out what a token really does, not what it says: which mechanisms work, which rules for keys it keeps, how fast it is; and how paes would use it."
	       "\v"
	       "The keys it is tried with are gone afterwards.  With several configured tokens it's the first, or name one by --token.\n"
	       "Exit code: 0 paes can use the token, 1 it can't, or failed (a message says why), 2 wrong usage.",
};

static const char *answer_name(enum probe_answer answer)
{
	static const char *const names[] = {
		[PROBE_UNTRIED] = "untried",
		[PROBE_NO] = "no",
		[PROBE_YES] = "yes",
	};

	return names[answer];
}

static void add_row(struct json_object *array, struct json_object *row)
{
	if (!json_object_array_add(array, row))
		return;
	log_error("out of memory");
	exit(EXIT_FAILED);
}

static void add_mechanisms(struct json_object *result, const struct probe *probe)
{
	struct json_object *array = json_object_new_array();

	for (int i = 0; i < PROBE_MECHANISMS; i++) {
		struct json_object *row = json_object_new_object();

		output_add_text(row, "mechanism", probe_mechanism_name(i));
		output_add(row, "offered",
			   json_object_new_boolean(probe->mechanisms[i].offered));
		output_add_text(row, "works",
				answer_name(probe->mechanisms[i].works));
		output_add_text(row, "why", probe->mechanisms[i].why);
		add_row(array, row);
	}
	output_add(result, "mechanisms", array);
}

static void add_rules(struct json_object *result, const struct probe *probe)
{
	struct json_object *array = json_object_new_array();

	for (int i = 0; i < PROBE_RULES; i++) {
		struct json_object *row = json_object_new_object();

		output_add_text(row, "rule", probe_rule_name(i));
		output_add_text(row, "kept", answer_name(probe->rules[i]));
		add_row(array, row);
	}
	output_add(result, "rules", array);
}

static void add_decimal(struct json_object *to, const char *name, double number)
{
	char text[32];

	snprintf(text, sizeof(text), "%.1f", number);
	output_add(to, name, json_object_new_double_s(number, text));
}

static void add_speed(struct json_object *array, size_t size,
		      const struct speed *speed)
{
	struct json_object *row = json_object_new_object();

	output_add_number(row, "bytes_per_call", (long long)size);
	add_decimal(row, "encrypt_mb_s", speed->encrypt / 1e6);
	add_decimal(row, "decrypt_mb_s", speed->decrypt / 1e6);
	add_row(array, row);
}

/* Up to the first size that the token doesn't take. */
static void sweep(struct json_object *result, struct token *token, token_key key)
{
	struct json_object *array = json_object_new_array();
	size_t best = 0;
	double most = 0;

	for (int i = 0; i < SPEED_SIZES; i++) {
		struct speed speed;

		if (speed_measure(token, key, speed_sizes[i], &speed))
			break;
		add_speed(array, speed_sizes[i], &speed);
		/* What is a little better isn't, the next time. */
		if (speed.encrypt + speed.decrypt > most * 1.05) {
			most = speed.encrypt + speed.decrypt;
			best = speed_sizes[i];
		}
	}
	output_add(result, "speed", array);
	output_add_number(result, "best_bytes_per_call", (long long)best);
}

static void measure_calls(struct json_object *result, struct token *token)
{
	token_key key;
	double us;

	if (token_generate_key(token, 32, &key))
		return;
	if (!speed_latency(token, key, &us))
		add_decimal(result, "small_call_us", us);
	sweep(result, token, key);
	token_destroy_key(token, key);
}

/* One, two, four... as long as more are worth it; returns how many are. */
static unsigned int measure_crews(struct json_object *result,
				  const struct config_token *from,
				  const struct secret *pin)
{
	struct json_object *array = json_object_new_array();
	unsigned int worth = 0;
	double rate, before = 0;

	for (unsigned int n = 1; n <= CREW_MOST; n *= 2) {
		struct json_object *row = json_object_new_object();

		if (crew_measure(from->uri, pin, n, &rate)) {
			json_object_put(row);
			break;
		}
		output_add_number(row, "processes", n);
		add_decimal(row, "mb_s", rate / 1e6);
		add_row(array, row);
		if (rate < before * WORTH_IT)
			break;
		worth = n;
		before = rate;
	}
	output_add(result, "processes", array);
	return worth;
}

static void add_verdict(struct json_object *result, const struct probe *probe,
			bool allow_readable, unsigned int worth)
{
	char verdict[256], text[320];

	probe_explain(probe, allow_readable, verdict, sizeof(verdict));
	if (!worth)
		snprintf(text, sizeof(text), "%s", verdict);
	else if (worth == 1)
		snprintf(text, sizeof(text), "%s; more workers than one don't help",
			 verdict);
	else
		snprintf(text, sizeof(text), "%s; %u workers help", verdict,
			 worth);
	output_add(result, "accepted", json_object_new_boolean(probe_accepts(probe, allow_readable)));
	output_add_text(result, "verdict", text);
}

struct warnings {
	struct json_object *array;
	const char *label;
};

static void note_warning(void *context, const char *text)
{
	struct warnings *warnings = context;

	if (warnings->array)
		add_row(warnings->array, json_object_new_string(text));
	else
		log_warning("token \"%s\": %s", warnings->label, text);
}

/* People are told on standard error, as by all other commands. */
static void add_warnings(struct json_object *result, const struct probe *probe,
			 const char *label, bool json)
{
	struct warnings warnings = { .label = label };

	if (json)
		warnings.array = json_object_new_array();
	probe_warn(probe, note_warning, &warnings);
	if (json)
		output_add(result, "warnings", warnings.array);
}

static int look(const struct config_token *from, const struct secret *pin,
		const struct probe_options *options)
{
	CLEANUP(json) struct json_object *result = json_object_new_object();
	CLEANUP(free) char *label = NULL;
	bool fast = !options->no_speed;
	struct token *token = NULL;
	unsigned int worth = 0;
	struct probe probe;

	if (session_open_with(&token, from, pin))
		return EXIT_FAILED;
	label = strdup(token_label(token));
	probe_run(&probe, token, PROBE_TOKEN_OBJECTS | PROBE_CHANGED_KEY);
	fast = fast && probe.rules[PROBE_LARGE_CALLS] == PROBE_YES;
	output_add_text(result, "token", label ? label : "");
	add_mechanisms(result, &probe);
	add_rules(result, &probe);
	if (fast)
		measure_calls(result, token);
	token_close(token);
	if (fast)
		worth = measure_crews(result, from, pin);
	add_verdict(result, &probe, from->allow_readable, worth);
	add_warnings(result, &probe, label, options->token.json);
	output_print(result, options->token.json);
	return probe_accepts(&probe, from->allow_readable) ? EXIT_OK :
							     EXIT_FAILED;
}

int cmd_token(int argc, char **argv)
{
	struct probe_options options = { .token = TOKEN_OPTIONS_DEFAULTS };
	CLEANUP(config) struct config config = { .count = 0 };
	CLEANUP(secret) struct secret *pin = NULL;

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	tune_malloc();	/* as paesd's workers do */
	if (options.crew)
		return crew_member(options.token.token) ? EXIT_FAILED : EXIT_OK;
	if (session_config(&config, &options.token))
		return EXIT_FAILED;
	pin = session_pin(&config.tokens[0]);
	if (!pin)
		return EXIT_FAILED;
	return look(&config.tokens[0], pin, &options);
}
