/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a token really does, as opposed to what it says: each thing that paes
 * asks of a token, or counts on, is tried with keys made for that.  Where it
 * can, a key with a known answer is brought along.
 *
 * Nothing is left behind.  The keys are the session's, gone with it whatever
 * happens.  Where PROBE_TOKEN_OBJECTS allows it, a pair of token objects
 * "paes-probe" is made, and all the others where a token makes none for a
 * session; signals that would end the program wait until these are destroyed.
 *
 * What a token refuses is an answer and isn't logged.
 */
#ifndef PAES_PROBE_H
#define PAES_PROBE_H

#include "token.h"

enum probe_answer {
	PROBE_UNTRIED,		/* something it takes wasn't there */
	PROBE_NO,
	PROBE_YES,
};

enum probe_mechanism {
	PROBE_XTS,
	PROBE_ECB,
	PROBE_CBC,
	PROBE_WRAP,
	PROBE_HMAC,
	PROBE_MECHANISMS,
};

enum probe_rule {
	PROBE_GENERATED_SECRET,	/* keys generated sensitive can't be read */
	PROBE_UNWRAPPED_SECRET,	/* nor can unwrapped ones */
	PROBE_SENSITIVE_STAYS,	/* CKA_SENSITIVE, CKA_EXTRACTABLE don't go back */
	PROBE_EXTRACTABLE,	/* without CKA_EXTRACTABLE, no wrapping */
	PROBE_UNWRAP_TEMPLATE,	/* CKA_UNWRAP_TEMPLATE of a KEK is heeded */
	PROBE_ALLOWED_MECHANISMS, /* and so is CKA_ALLOWED_MECHANISMS */
	PROBE_PAIRS,		/* two keys can have the same CKA_ID */
	PROBE_CHANGED_REFUSED,	/* a changed wrapped key isn't unwrapped */
	PROBE_STREAMS,		/* C_EncryptUpdate answers at once, all of it */
	PROBE_LARGE_CALLS,	/* as much in a call as the engine gives it */
	PROBE_RULES,
};

/* What comes of it, the best first. */
enum probe_verdict {
	PROBE_USABLE,		/* for wrapped keys */
	PROBE_RESIDENT,		/* only for keys that stay in it */
	PROBE_UNKNOWN,		/* it makes no session's keys to try it with */
	PROBE_READABLE,		/* keys stay readable */
	PROBE_REFUSED,
};

enum { PROBE_WHY = 64 };

struct probe {
	struct {
		bool offered;	/* by C_GetMechanismInfo */
		enum probe_answer works;
		char why[PROBE_WHY];	/* it doesn't; "" if it does */
	} mechanisms[PROBE_MECHANISMS];
	enum probe_answer rules[PROBE_RULES];
	bool left;		/* a key couldn't be destroyed, see the log */
};

#define PROBE_TOKEN_OBJECTS	0x1
#define PROBE_CHANGED_KEY	0x2	/* SoftHSM writes of it to the system's log */

void probe_run(struct probe *probe, struct token *token, unsigned int flags);

/* "CKM_AES_ECB"; "unwrap_template". */
const char *probe_mechanism_name(enum probe_mechanism mechanism);
const char *probe_rule_name(enum probe_rule rule);

/* The verdict, and in a line how paes uses such a token, or why it doesn't. */
enum probe_verdict probe_judge(const struct probe *probe);
void probe_explain(const struct probe *probe, bool allow_readable, char *text,
		   size_t size);

/* May it be used?  Keys that stay readable have to be allowed. */
bool probe_accepts(const struct probe *probe, bool allow_readable);

/* What who uses it should know, sentence by sentence. */
typedef void probe_warning(void *context, const char *text);
void probe_warn(const struct probe *probe, probe_warning *warning, void *context);

#endif
