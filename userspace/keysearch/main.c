// SPDX-License-Identifier: GPL-2.0
/* keysearch: is a key in this memory? */
#include "log.h"
#include "map.h"
#include "report.h"
#include "search.h"

#include <argp.h>
#include <errno.h>

enum {
	KEY_JSON = 0x100,
	KEY_KEY_FILE,
	KEY_COUNT,

	EXIT_NOTHING	= 0,
	EXIT_FOUND	= 1,
	EXIT_TROUBLE	= 2,

	COUNTS_MAX	= 16,
	XTS_128_SIZE	= 32,
	XTS_256_SIZE	= 64,
};

const char *argp_program_version = "keysearch " PAES_VERSION;

struct options {
	const char *memory;
	const char *key_file;
	const char *counts[COUNTS_MAX];
	unsigned int count;
	bool json;
};

static const struct argp_option list[] = {
	{ "key-file", KEY_KEY_FILE, "FILE", 0,
	  "The key to look for: 32 or 64 raw bytes, K1 then K2, as dm-crypt takes them", 0 },
	{ "count", KEY_COUNT, "FILE", 0,
	  "Say how often all that is in FILE is in MEMORY; may be given again", 0 },
	{ "json", KEY_JSON, NULL, 0, "Print JSON", 0 },
	{ 0 }
};

static const char doc[] =
	"Searches a file, such as a dump of memory, for an AES-XTS key: for any round key of either half, in several byte orders and as hexadecimal text, and for AES-128 and AES-256 schedules of any key, at any address."
	"\v"
	"The first round keys are the key itself.  Schedules that are in a form of their own (bit-sliced ones) aren't found as such.\n"
	"\n"
	"Exit status:\n"
	"  0  nothing of this key was found\n"
	"  1  it was\n"
	"  2  the command line is wrong, or a file can't be read";

static error_t parse(int key, char *value, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case KEY_JSON:
		options->json = true;
		return 0;
	case KEY_KEY_FILE:
		options->key_file = value;
		return 0;
	case KEY_COUNT:
		if (options->count == COUNTS_MAX)
			argp_error(state, "--count: at most %d files", COUNTS_MAX);
		options->counts[options->count++] = value;
		return 0;
	case ARGP_KEY_ARG:
		if (options->memory)
			argp_error(state, "unexpected \"%s\": one file is searched",
				   value);
		options->memory = value;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "expected a file to search");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = list,
	.parser = parse,
	.args_doc = "MEMORY",
	.doc = doc,
};

static int read_key(struct map *key, const char *path)
{
	int error = map_file(key, path);

	if (error)
		return error;
	if (key->size == XTS_128_SIZE || key->size == XTS_256_SIZE)
		return 0;
	log_error("%s: found %zu bytes, expected exactly %d (AES-128-XTS) or %d (AES-256-XTS) raw bytes",
		  path, key->size, XTS_128_SIZE, XTS_256_SIZE);
	return -EINVAL;
}

static int count_parts(struct report *report, const struct map *memory,
		       const struct options *options)
{
	for (unsigned int i = 0; i < options->count; i++) {
		struct map part;
		int error = map_file(&part, options->counts[i]);

		if (error)
			return error;
		report_count(report, &part,
			     search_count(memory->bytes, memory->size,
					  part.bytes, part.size));
		map_free(&part);
	}
	return 0;
}

/* How often the key was found, or a negative errno. */
static long run(const struct options *options, const struct map *memory,
		const struct map *key)
{
	struct report *report = report_new(memory);
	struct search_report sink;
	long found;
	int error;

	if (!report)
		return -ENOMEM;
	sink = report_sink(report);
	found = search(memory->bytes, memory->size,
		       &(struct search_key){ key->bytes, key->size }, &sink);
	error = count_parts(report, memory, options);
	if (found >= 0 && !error)
		report_print(report, options->json);
	report_free(report);
	return error ? error : found;
}

static int exit_status(long found)
{
	if (found == -ENOMEM)
		log_error("out of memory");
	/* What wasn't written can't have been read. */
	if (fflush(stdout) || ferror(stdout)) {
		log_error("can't write to standard output: %m");
		return EXIT_TROUBLE;
	}
	return found < 0 ? EXIT_TROUBLE : found ? EXIT_FOUND : EXIT_NOTHING;
}

int main(int argc, char **argv)
{
	struct options options = { 0 };
	struct map memory = { 0 }, key = { 0 };
	int status = EXIT_TROUBLE;

	log_setup("keysearch", LOG_LEVEL_INFO);
	argp_err_exit_status = EXIT_TROUBLE;
	argp_parse(&argp, argc, argv, 0, NULL, &options);
	if (!map_file(&memory, options.memory) &&
	    (!options.key_file || !read_key(&key, options.key_file)))
		status = exit_status(run(&options, &memory, &key));
	map_free(&key);
	map_free(&memory);
	return status;
}
