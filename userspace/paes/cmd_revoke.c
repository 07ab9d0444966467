// SPDX-License-Identifier: GPL-2.0
/*
 * paes revoke, paes allow.  A running paesd is asked; without one, the file
 * that it starts with is changed.
 */
#include "cmd.h"

#include "blob.h"
#include "cleanup.h"
#include "daemon.h"
#include "log.h"
#include "output.h"
#include "revoked.h"
#include "user.h"

#include <argp.h>
#include <errno.h>

struct revoke_options {
	bool revoke;
	const char *text;		/* the key id, as it was given */
	unsigned char id[PAES_ID_SIZE];
	const char *socket;
	const char *file;
	bool json;
};

enum {
	KEY_JSON = 0x200,
	KEY_SOCKET,
	KEY_FILE,
	TRIES = 100,			/* while paesd is starting or ending */
	TRY_US = 100000,
};

static void parse_key_id(struct revoke_options *options, const char *value,
			 const struct argp_state *state)
{
	if (options->text)
		argp_error(state, "unexpected argument \"%s\"", value);
	if (!blob_parse_id(value, options->id))
		argp_error(state, "found \"%s\", expected a KEY-ID of %d hexadecimal digits: \"paes status\" and \"paes inspect BLOB\" show it",
			   value, 2 * PAES_ID_SIZE);
	options->text = value;
}

static error_t parse(int key, char *value, struct argp_state *state)
{
	struct revoke_options *options = state->input;

	switch (key) {
	case KEY_JSON:
		options->json = true;
		return 0;
	case KEY_SOCKET:
		options->socket = value;
		return 0;
	case KEY_FILE:
		options->file = value;
		return 0;
	case ARGP_KEY_ARG:
		parse_key_id(options, value, state);
		return 0;
	case ARGP_KEY_END:
		if (!options->text)
			argp_error(state, "KEY-ID is missing: \"paes status\" and \"paes inspect BLOB\" show it");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option list[] = {
	{ "json", KEY_JSON, NULL, 0, "Print the result as JSON", 0 },
	{ "control-socket", KEY_SOCKET, "PATH", 0,
	  "Where paesd listens (default " DAEMON_CONTROL ")", 0 },
	{ "revoked", KEY_FILE, "FILE", 0,
	  "The file of revoked keys, for while paesd isn't running (default " REVOKED_PATH ")", 0 },
	{ 0 }
};

static const struct argp revoke_argp = {
	.options = list,
	.parser = parse,
	.args_doc = "KEY-ID",
	.doc = "Closes a key at once, wherever it is in use: I/O on its volumes fails, and they can't be opened, until \"paes allow\".  No other key is touched."
	       "\v"
	       "Done when all workers of paesd have destroyed the key in their tokens; one that doesn't within five seconds is killed.  The revocation is kept across restarts; while paesd isn't running, it is recorded for the next start.\n"
	       CMD_EXIT_CODES,
};

static const struct argp allow_argp = {
	.options = list,
	.parser = parse,
	.args_doc = "KEY-ID",
	.doc = "Undoes \"paes revoke\": the key may be opened, and volumes that are open work again."
	       "\v"
	       CMD_EXIT_CODES,
};

static struct json_object *make_request(const struct revoke_options *options)
{
	struct json_object *request = json_object_new_object();
	char id[2 * PAES_ID_SIZE + 1];

	blob_format_id(options->id, id);
	output_add_text(request, "command", options->revoke ? "revoke" : "allow");
	output_add_text(request, "key_id", id);
	return request;
}

static long long number_of(struct json_object *answer, const char *name)
{
	struct json_object *value;

	return json_object_object_get_ex(answer, name, &value) ?
	       json_object_get_int64(value) : 0;
}

static bool flag_of(struct json_object *answer, const char *name)
{
	struct json_object *value;

	return json_object_object_get_ex(answer, name, &value) &&
	       json_object_get_boolean(value);
}

static void add_number(struct json_object *result, struct json_object *answer,
		       const char *name)
{
	output_add_number(result, name, number_of(answer, name));
}

/* `answer` is NULL when there was no daemon to ask. */
static void print_result(const struct revoke_options *options,
			 struct json_object *answer)
{
	CLEANUP(json) struct json_object *result = json_object_new_object();
	char id[2 * PAES_ID_SIZE + 1];

	blob_format_id(options->id, id);
	output_add_text(result, "key_id", id);
	output_add(result, "revoked", json_object_new_boolean(options->revoke));
	output_add_text(result, "daemon", answer ? "running" : "not running");
	if (answer) {
		add_number(result, answer, "workers");
		add_number(result, answer, "killed");
	}
	if (answer && options->revoke)
		add_number(result, answer, "closed");
	output_print(result, options->json);
}

/* A typing mistake in the id would else look like a success. */
static void warn_not_revoked(void)
{
	log_warning("this key was not revoked: \"paes status\" lists those that are");
}

static void explain_success(const struct revoke_options *options,
			    struct json_object *answer)
{
	if (number_of(answer, "killed"))
		log_warning("%lld workers didn't answer and were killed; others have taken over",
			    number_of(answer, "killed"));
	if (!options->revoke && flag_of(answer, "unchanged"))
		warn_not_revoked();
	if (options->revoke && !number_of(answer, "closed"))
		log_info("no worker had this key open: if a volume is to be closed, see in \"paes status\" whether the id is right");
}

static int report_answer(const struct revoke_options *options,
			 struct json_object *answer)
{
	struct json_object *error;

	if (!flag_of(answer, "done")) {
		json_object_object_get_ex(answer, "error", &error);
		log_error("paesd: %s", error ? json_object_get_string(error) :
			  "no reason given");
		return EXIT_FAILED;
	}
	print_result(options, answer);
	explain_success(options, answer);
	if (flag_of(answer, "recorded"))
		return EXIT_OK;
	log_error("the key is closed now, but that couldn't be recorded: a restart of paesd would forget it; see its log, make room, and run this again");
	return EXIT_FAILED;
}

static int remove_or_warn(struct revoked *revoked,
			  const unsigned char id[PAES_ID_SIZE])
{
	if (!revoked_has(revoked, id))
		warn_not_revoked();
	revoked_remove(revoked, id);
	return 0;
}

static int change_file(const struct revoke_options *options)
{
	struct revoked revoked;
	int error = revoked_load(&revoked, options->file);

	if (!error)
		error = options->revoke ? revoked_add(&revoked, options->id) :
					  remove_or_warn(&revoked, options->id);
	if (!error)
		error = revoked_save(&revoked, options->file);
	if (error)
		return EXIT_FAILED;
	print_result(options, NULL);
	log_info("paesd isn't running: this counts from its next start on");
	return EXIT_OK;
}

/* An exit code, or -EWOULDBLOCK when there is a paesd after all. */
static int change_without_daemon(const struct revoke_options *options)
{
	CLEANUP(fd) int lock = revoked_lock(options->file);

	if (lock >= 0)
		return user_become_owner(lock) ? EXIT_FAILED : change_file(options);
	return lock == -EWOULDBLOCK ? lock : EXIT_FAILED;
}

static int explain_failure(const struct revoke_options *options)
{
	if (errno == EACCES || errno == EPERM)
		log_error("%s: %m: this takes root", options->socket);
	else if (errno == EAGAIN)
		log_error("paesd doesn't answer at %s: nothing is known of what it did; look at \"paes status\" and at its log, then run this again",
			  options->socket);
	else
		log_error("paesd ended, or refused, without an answer (%m): run this again");
	return EXIT_FAILED;
}

static bool is_absent(int error)
{
	return error == ENOENT || error == ECONNREFUSED;
}

/* An exit code, or -EWOULDBLOCK: try again. */
static int try_to_change(const struct revoke_options *options,
			 struct json_object *request)
{
	CLEANUP(json) struct json_object *answer =
		daemon_command(options->socket, request);

	if (answer)
		return report_answer(options, answer);
	if (is_absent(errno))
		return change_without_daemon(options);
	return explain_failure(options);
}

static int change(const struct revoke_options *options)
{
	CLEANUP(json) struct json_object *request = make_request(options);
	int code = -EWOULDBLOCK;

	for (int i = 0; i < TRIES && code == -EWOULDBLOCK; i++) {
		if (i)
			usleep(TRY_US);
		code = try_to_change(options, request);
	}
	if (code != -EWOULDBLOCK)
		return code;
	log_error("a paesd keeps its revoked keys in %s, but none listens at %s: name its socket by --control-socket",
		  options->file, options->socket);
	return EXIT_FAILED;
}

static int run(const struct argp *argp, bool revoke, int argc, char **argv)
{
	struct revoke_options options = {
		.revoke = revoke,
		.socket = DAEMON_CONTROL,
		.file = REVOKED_PATH,
	};

	argp_parse(argp, argc, argv, 0, NULL, &options);
	return change(&options);
}

int cmd_revoke(int argc, char **argv)
{
	return run(&revoke_argp, true, argc, argv);
}

int cmd_allow(int argc, char **argv)
{
	return run(&allow_argp, false, argc, argv);
}
