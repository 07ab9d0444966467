// SPDX-License-Identifier: GPL-2.0
/* Opening and closing: module, slot, session, login. */
#include "token_internal.h"

#include "log.h"

#include <errno.h>
#include <p11-kit/uri.h>
#include <string.h>
#include <unistd.h>

enum {
	SLOTS_MAX	= 64,
	MODULES_MAX	= 32,
	LOOKS		= 8,		/* for a token */
	LOOK_US		= 50000,	/* from one to the next */
};

/* What a URI is held against, and what is there to hold it against. */
struct search {
	const char *text;
	P11KitUri *uri;
	CK_FUNCTION_LIST *modules[MODULES_MAX + 1];	/* ends with NULL */
	unsigned int matches;
	CK_FUNCTION_LIST *module;
	CK_SLOT_ID slot;
	CK_TOKEN_INFO info;
};

static void cleanup_uri(P11KitUri **uri)
{
	p11_kit_uri_free(*uri);
}

void token_allow_readable(struct token *token)
{
	token->allow_readable = true;
}

const char *token_label(const struct token *token)
{
	return token->label;
}

/* PKCS#11 pads its strings with blanks and ends them with nothing. */
#define TEXT(field) (int)p11_kit_space_strlen(field, sizeof(field)), (const char *)(field)

#define WHITE_SPACE " \t\n\v\f\r"

static int parse_uri(P11KitUri *uri, const char *text)
{
	const P11KitUriType parts = P11_KIT_URI_FOR_TOKEN | P11_KIT_URI_FOR_SLOT |
				    P11_KIT_URI_FOR_MODULE_WITH_VERSION;
	int result = p11_kit_uri_parse(text, parts, uri);

	/*
	 * First: a PIN must not be quoted in any of the messages below.  As
	 * p11-kit passes over white space, it could be in any name there is.
	 */
	if (text[strcspn(text, WHITE_SPACE)]) {
		log_error("the token's URI has white space in it: write %%20 where it belongs to a name, else take it out");
		return -EINVAL;
	}
	if (strcasestr(text, "pin-value") || p11_kit_uri_get_pin_value(uri)) {
		log_error("the token's URI holds a PIN (pin-value): anybody who sees the command line or the file has it: remove it and name a PIN file instead");
		return -EINVAL;
	}
	if (result != P11_KIT_URI_OK || p11_kit_uri_any_unrecognized(uri)) {
		log_error("token URI \"%s\": %s: expected a token's URI as in RFC 7512, such as pkcs11:token=LABEL?module-path=/usr/lib/MODULE.so",
			  text, result == P11_KIT_URI_OK ?
			  "it has parts that don't describe a token" :
			  p11_kit_uri_message(result));
		return -EINVAL;
	}
	if (p11_kit_uri_get_pin_source(uri)) {
		log_error("token URI \"%s\": pin-source is not used: name the PIN file beside the URI (\"pin-file\", --pin-file)",
			  text);
		return -EINVAL;
	}
	return 0;
}

int token_check_uri(const char *uri)
{
	CLEANUP(uri) P11KitUri *parsed = p11_kit_uri_new();

	return parsed ? parse_uri(parsed, uri) : -ENOMEM;
}

static int load_named(struct token *token, const char *path,
		      struct search *search)
{
	CK_RV rv;

	search->modules[0] = p11_kit_module_load(path, P11_KIT_MODULE_UNMANAGED);
	if (!search->modules[0]) {
		const char *why = p11_kit_message();

		log_error("token URI \"%s\": can't load the PKCS#11 module %s: %s",
			  search->text, path, why ? why : "no reason given");
		return -ENOENT;
	}
	/* No arguments: this process has one thread, so no locks are needed. */
	rv = search->modules[0]->C_Initialize(NULL);
	if (rv == CKR_OK || rv == CKR_CRYPTOKI_ALREADY_INITIALIZED) {
		token->module = search->modules[0];
		token->initialised = rv == CKR_OK;
		return 0;
	}
	log_error("PKCS#11 module %s: C_Initialize: %s", path,
		  token_ckr_name(rv));
	p11_kit_module_release(search->modules[0]);
	return -EIO;
}

static void warn_module(void *module)
{
	CLEANUP(free) char *name = p11_kit_module_get_name(module);

	log_warning("PKCS#11 module \"%s\" can't be initialised, goes unused",
		    name ? name : "?");
}

/* All that p11-kit has configured, or the one of these that has this name. */
static int load_configured(struct token *token, const char *name,
			   struct search *search)
{
	CK_FUNCTION_LIST **all = p11_kit_modules_load(NULL, 0);

	if (!all) {
		log_error("p11-kit can't load its configured modules: %s",
			  p11_kit_message());
		return -ENOENT;
	}
	p11_kit_modules_initialize(all, warn_module);
	token->configured = all;
	if (name)
		search->modules[0] = p11_kit_module_for_name(all, name);
	for (size_t i = 0; !name && all[i] && i < MODULES_MAX; i++)
		search->modules[i] = all[i];
	return 0;
}

static int load_modules(struct token *token, struct search *search)
{
	const char *path = p11_kit_uri_get_module_path(search->uri);

	if (path)
		return load_named(token, path, search);
	return load_configured(token, p11_kit_uri_get_module_name(search->uri),
			       search);
}

static bool slot_matches(const struct search *search, CK_SLOT_ID slot,
			 const CK_SLOT_INFO *slot_info,
			 const CK_TOKEN_INFO *token_info)
{
	CK_SLOT_ID wanted = p11_kit_uri_get_slot_id(search->uri);

	return (wanted == (CK_SLOT_ID)-1 || wanted == slot) &&
	       p11_kit_uri_match_slot_info(search->uri, slot_info) &&
	       p11_kit_uri_match_token_info(search->uri, token_info);
}

/* Calls `visit` for each initialised token in any of the modules. */
static void each_slot(struct search *search,
		      void (*visit)(struct search *, CK_FUNCTION_LIST *,
				    CK_SLOT_ID, const CK_TOKEN_INFO *, bool))
{
	for (CK_FUNCTION_LIST **m = search->modules; *m; m++) {
		CK_SLOT_ID slots[SLOTS_MAX];
		CK_ULONG count = SLOTS_MAX;
		CK_SLOT_INFO slot_info;
		CK_TOKEN_INFO info;

		if ((*m)->C_GetSlotList(CK_TRUE, slots, &count) != CKR_OK)
			continue;
		for (CK_ULONG i = 0; i < count; i++) {
			if ((*m)->C_GetSlotInfo(slots[i], &slot_info) != CKR_OK ||
			    (*m)->C_GetTokenInfo(slots[i], &info) != CKR_OK ||
			    !(info.flags & CKF_TOKEN_INITIALIZED))
				continue;
			visit(search, *m, slots[i], &info,
			      slot_matches(search, slots[i], &slot_info, &info));
		}
	}
}

static void count_match(struct search *search, CK_FUNCTION_LIST *module,
			CK_SLOT_ID slot, const CK_TOKEN_INFO *info, bool matches)
{
	if (!matches)
		return;
	search->matches++;
	search->module = module;
	search->slot = slot;
	search->info = *info;
}

static void log_slot(struct search *search, CK_FUNCTION_LIST *module,
		     CK_SLOT_ID slot, const CK_TOKEN_INFO *info, bool matches)
{
	CLEANUP(free) char *path = p11_kit_module_get_filename(module);

	/* With several matches only these are of interest. */
	if (search->matches && !matches)
		return;
	log_error("  there is: token \"%.*s\", serial %.*s, manufacturer %.*s, model %.*s, slot-id %lu, module %s",
		  TEXT(info->label), TEXT(info->serialNumber),
		  TEXT(info->manufacturerID), TEXT(info->model), slot,
		  path ? path : "?");
}

static void unload(struct token *token)
{
	if (token->configured) {
		p11_kit_modules_finalize(token->configured);
		p11_kit_modules_release(token->configured);
	} else if (token->module) {
		if (token->initialised)
			token->module->C_Finalize(NULL);
		p11_kit_module_release(token->module);
	}
	token->configured = NULL;
	token->module = NULL;
	token->initialised = false;
}

/*
 * SoftHSM leaves out a token whose file somebody is writing when it is
 * initialised, as it is when somebody logs in: an absent one is looked for again.
 */
static int look(struct token *token, struct search *search)
{
	int error;

	for (unsigned int looks = 1;; looks++) {
		error = load_modules(token, search);
		if (error)
			return error;
		each_slot(search, count_match);
		if (search->matches || looks == LOOKS ||
		    !(token->initialised || token->configured))
			return 0;
		unload(token);
		usleep(LOOK_US);
	}
}

static int find_slot(struct token *token, struct search *search)
{
	if (search->matches == 1) {
		token->module = search->module;
		token->slot = search->slot;
		token->label = p11_kit_space_strdup(search->info.label,
						    sizeof(search->info.label));
		return token->label ? 0 : -ENOMEM;
	}
	if (!search->matches)
		log_error("no token matches \"%s\": check the label and the module, or initialise the token",
			  search->text);
	else
		log_error("%u tokens match \"%s\": add serial= or slot-id= to name one",
			  search->matches, search->text);
	each_slot(search, log_slot);
	return search->matches ? -ENOTUNIQ : -ENOENT;
}

/* A PIN that may be wrong must not be the one that locks the token. */
static int may_log_in(const struct token *token, CK_FLAGS flags)
{
	if (flags & CKF_USER_PIN_LOCKED)
		log_error("token \"%s\": the user PIN is locked: unlock it with the security officer's PIN",
			  token->label);
	else if (flags & CKF_USER_PIN_FINAL_TRY)
		log_error("token \"%s\": only one try is left before the PIN is locked, not risking it: log in once with another tool",
			  token->label);
	else
		return 0;
	return -EACCES;
}

/* Tried once, never again by this code, whatever the token says. */
static int log_in(struct token *token, CK_FLAGS flags, const struct secret *pin)
{
	int error = may_log_in(token, flags);
	CK_RV rv;

	if (error)
		return error;
	rv = token->module->C_Login(token->session, CKU_USER,
				    pin ? pin->bytes : NULL,
				    pin ? pin->size : 0);
	if (rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN)
		return 0;
	return token_fail(token, "C_Login (the PIN was tried once and won't be tried again)",
			  rv);
}

/* Read-only: see token_open_writable() for what writes. */
static int open_session(struct token *token, CK_FLAGS flags,
			const struct secret *pin)
{
	CK_RV rv = token->module->C_OpenSession(token->slot, CKF_SERIAL_SESSION,
						NULL, NULL, &token->session);

	if (rv != CKR_OK)
		return token_fail(token, "C_OpenSession", rv);
	return log_in(token, flags, pin);
}

static int open_parts(struct token *token, struct search *search,
		      const struct secret *pin)
{
	int error = parse_uri(search->uri, search->text);

	if (!error)
		error = look(token, search);
	if (!error)
		error = find_slot(token, search);
	if (!error)
		error = open_session(token, search->info.flags, pin);
	return error;
}

int token_open(struct token **token, const char *uri, const struct secret *pin)
{
	CLEANUP(uri) P11KitUri *parsed = p11_kit_uri_new();
	struct search search = { .text = uri, .uri = parsed };
	int error;

	*token = calloc(1, sizeof(**token));
	if (!parsed || !*token) {
		log_error("out of memory");
		free(*token);
		*token = NULL;
		return -ENOMEM;
	}
	token_begin_trials(*token);
	token_begin_chunks(*token);
	error = open_parts(*token, &search, pin);
	if (error) {
		token_close(*token);
		*token = NULL;
	}
	return error;
}

void token_close(struct token *token)
{
	if (!token)
		return;
	/* Takes the session's keys and the login with it. */
	if (token->session != CK_INVALID_HANDLE) {
		token_end_streams(token);
		token_leave_places(token);
		token->module->C_CloseSession(token->session);
	}
	unload(token);
	free(token->label);
	free(token);
}

int token_random(struct token *token, void *bytes, size_t size)
{
	CK_RV rv = token->module->C_GenerateRandom(token->session, bytes, size);

	return rv == CKR_OK ? 0 : token_fail(token, "C_GenerateRandom", rv);
}
