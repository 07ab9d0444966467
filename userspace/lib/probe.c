// SPDX-License-Identifier: GPL-2.0
/* What comes of a probe, in words. */
#include "probe_internal.h"

#include "engine.h"

#include <stdio.h>
#include <string.h>

void probe_run(struct probe *probe, struct token *token, unsigned int flags)
{
	struct probing p = { .probe = probe, .token = token, .flags = flags };

	memset(probe, 0, sizeof(*probe));
	probe_begin(&p);
	probe_mechanisms(&p);
	probe_rules(&p);
	probe_end(&p);
}

const char *probe_mechanism_name(enum probe_mechanism mechanism)
{
	static const char *const names[PROBE_MECHANISMS] = {
		[PROBE_XTS] = "CKM_AES_XTS",
		[PROBE_ECB] = "CKM_AES_ECB",
		[PROBE_CBC] = "CKM_AES_CBC",
		[PROBE_WRAP] = "CKM_AES_KEY_WRAP",
		[PROBE_HMAC] = "CKM_SHA256_HMAC",
	};

	return names[mechanism];
}

const char *probe_rule_name(enum probe_rule rule)
{
	static const char *const names[PROBE_RULES] = {
		[PROBE_GENERATED_SECRET] = "generated_keys_unreadable",
		[PROBE_UNWRAPPED_SECRET] = "unwrapped_keys_unreadable",
		[PROBE_SENSITIVE_STAYS] = "sensitive_stays",
		[PROBE_EXTRACTABLE] = "extractable",
		[PROBE_UNWRAP_TEMPLATE] = "unwrap_template",
		[PROBE_ALLOWED_MECHANISMS] = "allowed_mechanisms",
		[PROBE_PAIRS] = "pairs",
		[PROBE_CHANGED_REFUSED] = "changed_keys_refused",
		[PROBE_STREAMS] = "streams",
		[PROBE_LARGE_CALLS] = "large_calls",
	};

	return names[rule];
}

static bool works(const struct probe *probe, enum probe_mechanism mechanism)
{
	return probe->mechanisms[mechanism].works == PROBE_YES;
}

static bool fails(const struct probe *probe, enum probe_rule rule)
{
	return probe->rules[rule] == PROBE_NO;
}

/* Of either kind of key a blob is, and its MAC's key stands beside the KEK. */
static bool authenticates(const struct probe *probe)
{
	return works(probe, PROBE_HMAC) && !fails(probe, PROBE_PAIRS);
}

enum probe_verdict probe_judge(const struct probe *probe)
{
	if (probe->mechanisms[PROBE_ECB].works == PROBE_UNTRIED)
		return PROBE_UNKNOWN;
	if (!works(probe, PROBE_ECB) || fails(probe, PROBE_LARGE_CALLS) ||
	    !authenticates(probe))
		return PROBE_REFUSED;
	if (fails(probe, PROBE_GENERATED_SECRET) ||
	    fails(probe, PROBE_UNWRAPPED_SECRET))
		return PROBE_READABLE;
	return works(probe, PROBE_WRAP) ? PROBE_USABLE : PROBE_RESIDENT;
}

bool probe_accepts(const struct probe *probe, bool allow_readable)
{
	enum probe_verdict verdict = probe_judge(probe);

	return verdict < PROBE_READABLE ||
	       (verdict == PROBE_READABLE && allow_readable);
}

static const char *native(const struct probe *probe)
{
	return works(probe, PROBE_XTS) ? ", though the token has native XTS" : "";
}

/* The engine's way, which is the same for all tokens. */
static void explain_use(const struct probe *probe, const char *keys,
			char *text, size_t size)
{
	snprintf(text, size, "usable: %s, ECB in calls of %d KiB, or what it is quicker with%s",
		 keys, TOKEN_CHUNK / 1024, native(probe));
}

static const char *of_mechanism(const struct probe *probe,
				enum probe_mechanism mechanism)
{
	if (!probe->mechanisms[mechanism].offered)
		return "not offered";
	return probe->mechanisms[mechanism].why;
}

static void explain_no_ecb(const struct probe *probe, char *text, size_t size)
{
	if (works(probe, PROBE_CBC))
		snprintf(text, size, "refused: no ECB (%s), and by CBC each block of 16 bytes would be a call",
			 of_mechanism(probe, PROBE_ECB));
	else
		snprintf(text, size, "refused: no ECB (%s)",
			 of_mechanism(probe, PROBE_ECB));
}

static void explain_refusal(const struct probe *probe, char *text, size_t size)
{
	if (!works(probe, PROBE_ECB))
		explain_no_ecb(probe, text, size);
	else if (fails(probe, PROBE_LARGE_CALLS))
		snprintf(text, size, "refused: it takes no call of %d KiB, which paes makes",
			 TOKEN_CHUNK / 1024);
	else if (fails(probe, PROBE_PAIRS))
		snprintf(text, size, "refused: no two keys in the token can have the same CKA_ID, as KEK and authenticator do");
	else
		snprintf(text, size, "refused: no CKM_SHA256_HMAC (%s), which authenticates blobs",
			 of_mechanism(probe, PROBE_HMAC));
}

static void explain_resident(const struct probe *probe, char *text, size_t size)
{
	snprintf(text, size, "usable for resident keys only: no CKM_AES_KEY_WRAP (%s)%s",
		 of_mechanism(probe, PROBE_WRAP), native(probe));
}

void probe_explain(const struct probe *probe, bool allow_readable, char *text,
		   size_t size)
{
	const char *which = fails(probe, PROBE_GENERATED_SECRET) ?
			    "generated" : "unwrapped";

	switch (probe_judge(probe)) {
	case PROBE_USABLE:
		explain_use(probe, "wrapped keys", text, size);
		break;
	case PROBE_RESIDENT:
		explain_resident(probe, text, size);
		break;
	case PROBE_UNKNOWN:
		snprintf(text, size, "not known: no key to try it with (%s)",
			 probe->mechanisms[PROBE_ECB].why);
		break;
	case PROBE_READABLE:
		if (allow_readable)
			explain_use(probe, "keys stay readable, which is allowed",
				    text, size);
		else
			snprintf(text, size, "refused: %s keys stay readable, and --allow-readable-keys isn't given",
				 which);
		break;
	case PROBE_REFUSED:
		explain_refusal(probe, text, size);
		break;
	}
}

static const char *const broken[PROBE_RULES] = {
	[PROBE_GENERATED_SECRET] =
		"keys that were generated sensitive can be read: this token protects nothing",
	[PROBE_UNWRAPPED_SECRET] =
		"unwrapped keys can be read by whoever has the PIN and the wrapped key, and by what gets into paesd",
	[PROBE_SENSITIVE_STAYS] =
		"a key that was made sensitive can be made readable",
	[PROBE_EXTRACTABLE] =
		"keys that aren't extractable can be wrapped, and so leave the token",
	[PROBE_UNWRAP_TEMPLATE] =
		"CKA_UNWRAP_TEMPLATE isn't enforced: whoever has the PIN and a wrapped key can unwrap it as a key that can be read",
	[PROBE_ALLOWED_MECHANISMS] =
		"CKA_ALLOWED_MECHANISMS isn't enforced: a key can be used in other ways than it was made for",
	[PROBE_CHANGED_REFUSED] =
		"a changed wrapped key is unwrapped: only its authenticator tells",
	[PROBE_STREAMS] =
		"C_EncryptUpdate can't be used, so each call begins an operation: small writes are slower",
};

static void warn_lies(const struct probe *probe, probe_warning *warning,
		      void *context)
{
	char text[PROBE_WHY + 128];

	for (int i = 0; i < PROBE_MECHANISMS; i++) {
		if (!probe->mechanisms[i].offered ||
		    probe->mechanisms[i].works != PROBE_NO)
			continue;
		snprintf(text, sizeof(text), "the token offers %s, and it doesn't work (%s)",
			 probe_mechanism_name(i), probe->mechanisms[i].why);
		warning(context, text);
	}
}

void probe_warn(const struct probe *probe, probe_warning *warning, void *context)
{
	warn_lies(probe, warning, context);
	for (int i = 0; i < PROBE_RULES; i++)
		if (broken[i] && fails(probe, i))
			warning(context, broken[i]);
	if (probe->left)
		warning(context, "a key made to try the token may have been left in it: look for the label \"" PROBE_LABEL "\"");
}
