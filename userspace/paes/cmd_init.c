// SPDX-License-Identifier: GPL-2.0
#include "cmd.h"

#include "hold.h"
#include "log.h"
#include "output.h"
#include "session.h"
#include "user.h"

#include <errno.h>
#include <stdio.h>

struct init_options {
	struct token_options token;
	struct peer_options replicas;
	const char *user;
	bool another;
};

enum { KEY_NEW = 0x200, KEY_USER, KEY_REPLICA, KEY_REPLICA_PIN_FILE };

static error_t parse(int key, char *value, struct argp_state *state)
{
	struct init_options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->token;
		return 0;
	case KEY_NEW:
		options->another = true;
		return 0;
	case KEY_REPLICA:
		peer_options_add(&options->replicas, value, PEERS_MAX, state);
		return 0;
	case KEY_REPLICA_PIN_FILE:
		peer_options_last(&options->replicas, state)->pin_file = value;
		return 0;
	case KEY_USER:
		options->user = value;
		return 0;
	default:
		return options_no_argument(key, value, state);
	}
}

static const struct argp_option list[] = {
	{ "new", KEY_NEW, NULL, 0,
	  "Make another KEK though the token has one; \"generate\" and \"import\" then need --kek", 0 },
	{ "replica", KEY_REPLICA, "URI", 0,
	  "Make the same KEK in this token, too: later that can't be done.  May be given several times", 0 },
	{ "replica-pin-file", KEY_REPLICA_PIN_FILE, "FILE", 0,
	  "The PIN of the replica named before; else that of the configured token with this URI, the systemd credential paes-pin, or the terminal", 0 },
	{ "user", KEY_USER, "NAME", 0,
	  "Make it as this user, who then owns its files in the token; for root the default is paesd's user, \"" USER_OF_PAESD "\", where there is one", 0 },
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
	.doc = "Makes a key-encryption key (KEK) and the authenticator beside it in the token."
	       "\v"
	       "Neither can be read out of the token.  Whoever loses them loses every wrapped key made under them: use the token's own means of backup, or --replica.  Replicas get them under RSA keys of their own, and are seen to have the same.\n"
	       CMD_EXIT_CODES,
};

/* What is there was not replicated, whatever was asked for now. */
static void say_second(struct token *token, int count, unsigned int replicas)
{
	const char *label = token_label(token), *s = count == 1 ? "" : "s";

	if (replicas)
		log_error("token \"%s\" has %d KEK%s already, and none can be replicated any more: nothing is made, --new makes another one in all %u tokens named",
			  label, count, s, 1 + replicas);
	else
		log_error("token \"%s\" has %d KEK%s already: nothing is made, --new makes another",
			  label, count, s);
}

static int refuse_second(struct token *token, const struct init_options *options)
{
	unsigned char ids[1][PAES_ID_SIZE];
	int count = token_list_keks(token, ids, 1);

	if (count <= 0 || options->another)
		return count < 0 ? count : 0;
	say_second(token, count, options->replicas.count);
	return -EEXIST;
}

static int refuse_seconds(const struct session_tokens *all,
			  const struct init_options *options)
{
	int error = 0;

	for (unsigned int i = 0; !error && i < all->count; i++)
		error = refuse_second(all->tokens[i], options);
	return error;
}

static void explain(struct token *token, bool wraps, bool enforced)
{
	if (!wraps)
		log_info("token \"%s\" doesn't wrap keys (CKM_AES_KEY_WRAP), so it can only keep them itself: \"paes generate --resident\"; this KEK is but its name",
			 token_label(token));
	if (!enforced && wraps)
		log_warning("token \"%s\" doesn't enforce the restrictions of the KEK: whoever has its PIN and a wrapped key can read the key in it",
			    token_label(token));
	if (!enforced && !wraps)
		log_warning("token \"%s\" doesn't enforce the restrictions of the KEK: it can be used for other things, which does its resident keys no harm",
			    token_label(token));
}

static void describe(struct json_object *to, struct token *token, bool enforced)
{
	bool wraps = token_wraps(token);

	output_add_text(to, "token", token_label(token));
	output_add(to, "wraps", json_object_new_boolean(wraps));
	output_add(to, "restrictions_enforced", json_object_new_boolean(enforced));
	explain(token, wraps, enforced);
}

static struct json_object *describe_replicas(const struct session_tokens *all,
					     const bool enforced[])
{
	struct json_object *replicas = json_object_new_array();

	for (unsigned int i = 1; i < all->count; i++) {
		struct json_object *replica = json_object_new_object();

		describe(replica, all->tokens[i], enforced[i]);
		json_object_array_add(replicas, replica);
	}
	return replicas;
}

static void print_result(const struct session_tokens *all,
			 const unsigned char id[PAES_ID_SIZE],
			 const bool enforced[], bool json)
{
	CLEANUP(json) struct json_object *result = json_object_new_object();

	describe(result, all->tokens[0], enforced[0]);
	output_add_hex(result, "kek_id", id, PAES_ID_SIZE);
	if (all->count > 1)
		output_add(result, "replicas", describe_replicas(all, enforced));
	output_print(result, json);
}

/* Alone, a token makes its KEK as what it will be. */
static int create_kek(const struct session_tokens *all,
		      const unsigned char id[PAES_ID_SIZE], bool enforced[])
{
	if (all->count == 1)
		return token_create_kek(all->tokens[0], id, &enforced[0]);
	return token_create_kek_in(all->tokens, all->count, id, enforced);
}

static int make_kek(const struct session_tokens *all, bool json)
{
	bool enforced[1 + PEERS_MAX] = { false };
	unsigned char id[PAES_ID_SIZE];

	if (token_random(all->tokens[0], id, sizeof(id)) ||
	    create_kek(all, id, enforced))
		return EXIT_FAILED;
	print_result(all, id, enforced, json);
	/* A signal that was held ends the program before it does this itself. */
	fflush(stdout);
	return EXIT_OK;
}

/* Neither half a KEK nor one in some of the tokens is to be left by a Ctrl-C. */
static int make_whole(const struct session_tokens *all, bool json)
{
	struct hold hold;
	int code;

	hold_begin(&hold);
	code = make_kek(all, json);
	hold_end(&hold);
	return code;
}

int cmd_init(int argc, char **argv)
{
	struct init_options options = { .token = TOKEN_OPTIONS_DEFAULTS };
	CLEANUP(session_tokens) struct session_tokens all = { .count = 0 };

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	if (session_open_all(&all, &options.token, &options.replicas,
			     user_become, options.user) ||
	    refuse_seconds(&all, &options))
		return EXIT_FAILED;
	return make_whole(&all, options.token.json);
}
