// SPDX-License-Identifier: GPL-2.0
#include "session.h"

#include "blob.h"
#include "log.h"
#include "pin.h"
#include "user.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int override_pin_file(struct config *config, const char *pin_file)
{
	char *copy = strdup(pin_file);

	if (!copy) {
		config_free(config);
		return -ENOMEM;
	}
	free(config->tokens[0].pin_file);
	config->tokens[0].pin_file = copy;
	return 0;
}

int session_config(struct config *config, const struct token_options *options)
{
	int error;

	if (options->token)
		error = config_single(config, options->token, options->pin_file, 1);
	else
		error = config_load(config, options->config);
	if (!error && !options->token && options->pin_file)
		error = override_pin_file(config, options->pin_file);
	for (unsigned int i = 0; !error && i < config->count; i++)
		config->tokens[i].allow_readable |= options->allow_readable;
	return error;
}

struct secret *session_pin(const struct config_token *from)
{
	/* Before the PIN is asked for: a URI is wrong more often than a PIN. */
	if (token_check_uri(from->uri))
		return NULL;
	return pin_get(from->pin_file, from->uri);
}

int session_open_with(struct token **token, const struct config_token *from,
		      const struct secret *pin)
{
	int error = token_open(token, from->uri, pin);

	if (!error && from->allow_readable)
		token_allow_readable(*token);
	return error;
}

int session_open(struct token **token, const struct config_token *from)
{
	CLEANUP(secret) struct secret *pin = session_pin(from);

	return pin ? session_open_with(token, from, pin) : -EACCES;
}

/* A token to be opened, with all that the caller may read, and maybe nobody else. */
struct opening {
	struct config config;	/* its first token */
	struct secret *pin;
};

static void cleanup_opening(struct opening *opening)
{
	secret_free(opening->pin);
	config_free(&opening->config);
}

static int prepare(struct opening *opening)
{
	opening->pin = session_pin(&opening->config.tokens[0]);
	return opening->pin ? 0 : -EACCES;
}

/* `caller` is who asked for it, maybe not who this is by now. */
static int open_prepared(struct token **token, const struct opening *opening,
			 uid_t caller, const char *user)
{
	int error = session_open_with(token, &opening->config.tokens[0],
				      opening->pin);

	if (error == -ENOENT && geteuid() != caller)
		log_error("it was looked for by user \"%s\", as paesd does: give it the token's files (SoftHSM: chown -R %s /var/lib/softhsm/tokens/ID), or name another by --user",
			  user ? user : USER_OF_PAESD,
			  user ? user : USER_OF_PAESD);
	return error;
}

/* What the configuration says of just this URI; or that it says nothing. */
static const struct config_token *find_configured(const struct config *config,
						  const char *uri)
{
	static const struct config_token nothing;

	for (unsigned int i = 0; i < config->count; i++)
		if (!strcmp(config->tokens[i].uri, uri))
			return &config->tokens[i];
	return &nothing;
}

static int prepare_peer(struct opening *opening, const struct peer *peer,
			const struct config *known, bool allow_readable)
{
	const struct config_token *of = find_configured(known, peer->token);
	int error = config_single(&opening->config, peer->token,
				  peer->pin_file ? peer->pin_file : of->pin_file,
				  1);

	if (error)
		return error;
	opening->config.tokens[0].allow_readable = allow_readable ||
						   of->allow_readable;
	return prepare(opening);
}

/* Also beside --token, where there may be none: then nothing is known of them. */
static int prepare_peers(struct opening openings[],
			 const struct token_options *options,
			 const struct peer_options *peers)
{
	CLEANUP(config) struct config known = { .count = 0 };
	int error = 0;

	if (peers->count && !access(options->config, R_OK))
		error = config_load(&known, options->config);
	for (unsigned int i = 0; !error && i < peers->count; i++)
		error = prepare_peer(&openings[i], &peers->peers[i], &known,
				     options->allow_readable);
	return error;
}

static int prepare_all(struct opening openings[],
		       const struct token_options *options,
		       const struct peer_options *peers)
{
	int error = session_config(&openings[0].config, options);

	if (!error)
		error = prepare(&openings[0]);
	return error ? error : prepare_peers(&openings[1], options, peers);
}

static int open_all(struct session_tokens *all, const struct opening openings[],
		    unsigned int count, uid_t caller, const char *user)
{
	int error = 0;

	all->count = 0;
	while (!error && all->count < count) {
		unsigned int i = all->count;

		error = open_prepared(&all->tokens[i], &openings[i], caller, user);
		all->count += !error;
	}
	return error;
}

int session_open_all(struct session_tokens *all,
		     const struct token_options *options,
		     const struct peer_options *peers,
		     int (*become)(const char *name), const char *user)
{
	struct opening openings[1 + PEERS_MAX] = { 0 };
	uid_t caller = geteuid();
	int error = prepare_all(openings, options, peers);

	if (!error && become && become(user))
		error = -EACCES;
	if (!error)
		error = open_all(all, openings, 1 + peers->count, caller, user);
	for (unsigned int i = 0; i <= peers->count; i++)
		cleanup_opening(&openings[i]);
	return error;
}

/* A token looked at for a wrapped key, or all of them. */
struct search {
	const struct paes_blob *blob;
	/* Resident, of which a token had the KEK and no object; or NULL. */
	const struct paes_blob_recipient *missed;
};

/* Of several with one name neither is missing: who uses them says so. */
static bool has_object(struct token *token, const unsigned char *id)
{
	token_key key;
	int error = token_find_resident(token, id, &key);

	return !error || error == -ENOTUNIQ;
}

/* The KEK may have replicas, a resident key hasn't; half of one can be destroyed. */
static bool has_recipient(struct token *token,
			  const struct paes_blob_recipient *recipient,
			  struct search *search)
{
	if (token_has_kek(token, recipient->kek_id) <= 0)
		return false;
	if (recipient->wrap != PAES_WRAP_RESIDENT ||
	    has_object(token, recipient->k1) || has_object(token, recipient->k2))
		return true;
	search->missed = recipient;
	return false;
}

/* Quiet about a token that has none, for the next may. */
static bool has_any(struct token *token, struct search *search)
{
	const struct paes_blob *blob = search->blob;

	for (unsigned int i = 0; i < paes_blob_recipients(blob); i++)
		if (has_recipient(token, &blob->recipient[i], search))
			return true;
	return false;
}

static void say_missing(const struct search *search, const char *path)
{
	const struct paes_blob *blob = search->blob;
	char id[2 * PAES_ID_SIZE + 1], k1[sizeof(id)], k2[sizeof(id)];

	if (search->missed) {
		blob_format_id(search->missed->k1, k1);
		blob_format_id(search->missed->k2, k2);
		log_error("%s: the resident key isn't there: no \"paes-key\" with CKA_ID %s (K1) or %s (K2) in any token that could be asked and has its KEK: restore it from the token's backup; if it's to be destroyed, nothing is left to do",
			  path, k1, k2);
		return;
	}
	blob_format_id(blob->recipient[0].kek_id, id);
	log_error("%s: no token that could be asked has its KEK (%s%s)", path, id,
		  paes_blob_recipients(blob) > 1 ? " or the others'" : "");
}

/* A token that can't be opened doesn't end the search, but is told of. */
static int open_having(struct token **token, const struct config *config,
		       const struct paes_blob *blob, const char *path)
{
	struct search search = { .blob = blob };

	for (unsigned int i = 0; i < config->count; i++) {
		if (session_open(token, &config->tokens[i]))
			continue;
		if (has_any(*token, &search))
			return 0;
		token_close(*token);
		*token = NULL;
	}
	say_missing(&search, path);
	return -ENOKEY;
}

int session_open_having(struct token **token, const struct token_options *options,
			struct paes_blob *blob, const char *path)
{
	CLEANUP(config) struct config config = { .count = 0 };
	int error = blob_read(blob, path);

	if (!error)
		error = blob_check_form(blob, path);
	if (!error)
		error = session_config(&config, options);
	return error ? error : open_having(token, &config, blob, path);
}

static int parse_id(const char *hex, unsigned char id[PAES_ID_SIZE])
{
	if (blob_parse_id(hex, id))
		return 0;
	log_error("--kek: found \"%s\", expected the %d hexadecimal digits that \"paes init\" printed",
		  hex, 2 * PAES_ID_SIZE);
	return -EINVAL;
}

static int choose_named(struct token *token, const char *hex,
			unsigned char id[PAES_ID_SIZE])
{
	int found = parse_id(hex, id);

	if (found)
		return found;
	found = token_has_kek(token, id);
	if (found < 0)
		return found;
	if (!found)
		log_error("token \"%s\" has no KEK %s: \"paes init\" makes one",
			  token_label(token), hex);
	return found ? 0 : -ENOENT;
}

static void list_choice(struct token *token, unsigned char ids[][PAES_ID_SIZE],
			int count)
{
	char text[2 * PAES_ID_SIZE + 1];

	log_error("token \"%s\" has %d KEKs: choose one by --kek",
		  token_label(token), count);
	for (int i = 0; i < count && i < SESSION_KEKS_MAX; i++) {
		blob_format_id(ids[i], text);
		log_error("  there is: --kek %s", text);
	}
}

int session_choose_kek(struct token *token, const char *hex,
		       unsigned char id[PAES_ID_SIZE])
{
	unsigned char ids[SESSION_KEKS_MAX][PAES_ID_SIZE];
	int count;

	if (hex)
		return choose_named(token, hex, id);
	count = token_list_keks(token, ids, SESSION_KEKS_MAX);
	if (count < 0)
		return count;
	if (count == 1) {
		memcpy(id, ids[0], PAES_ID_SIZE);
		return 0;
	}
	if (!count)
		log_error("token \"%s\" has no KEK yet: run \"paes init\" first",
			  token_label(token));
	else
		list_choice(token, ids, count);
	return count ? -ENOTUNIQ : -ENOENT;
}
