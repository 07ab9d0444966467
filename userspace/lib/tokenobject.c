// SPDX-License-Identifier: GPL-2.0
/* Objects that stay in the token: how they are found and written. */
#include "token_internal.h"

#include "blob.h"
#include "log.h"

#include <errno.h>
#include <string.h>

CK_RV token_find_objects(struct token *token, struct token_template *template,
			 CK_OBJECT_HANDLE *found, CK_ULONG max, CK_ULONG *count)
{
	CK_FUNCTION_LIST *module = token->module;
	CK_ULONG n = 0;
	CK_RV rv;

	*count = 0;
	rv = module->C_FindObjectsInit(token->session, template->attributes,
				       template->count);
	if (rv != CKR_OK)
		return rv;
	/* A token may hand out fewer than fit: only an empty answer is the end. */
	do {
		rv = module->C_FindObjects(token->session, found + *count,
					   max - *count, &n);
		*count += rv == CKR_OK ? n : 0;
	} while (rv == CKR_OK && n && *count < max);
	module->C_FindObjectsFinal(token->session);
	return rv;
}

int token_find(struct token *token, const char *label, CK_KEY_TYPE type,
	       const unsigned char id[PAES_ID_SIZE], CK_OBJECT_HANDLE *key)
{
	struct token_template template = { .count = 0 };
	CK_OBJECT_HANDLE found[2];
	CK_ULONG count;
	CK_RV rv;

	token_template_class(&template, &type);
	token_template_bool(&template, CKA_TOKEN, true);
	token_template_add(&template, CKA_LABEL, label, strlen(label));
	token_template_add(&template, CKA_ID, id, PAES_ID_SIZE);
	rv = token_find_objects(token, &template, found, 2, &count);
	if (rv != CKR_OK)
		return token_fail(token, "C_FindObjects", rv);
	if (count > 1) {
		log_error("token \"%s\": several keys \"%s\" with the same CKA_ID: remove all but the right one",
			  token->label, label);
		return -ENOTUNIQ;
	}
	*key = found[0];
	return count ? 0 : -ENOENT;
}

void token_say_left(const struct token *token, const char *label,
		    const unsigned char id[PAES_ID_SIZE], const char *why)
{
	char text[2 * PAES_ID_SIZE + 1];

	blob_format_id(id, text);
	log_error("token \"%s\": \"%s\" of the KEK that is given up, CKA_ID %s, can't be removed (%s): remove it by hand, it is of no use and no replica",
		  token->label, label, text, why);
}

void token_give_up(struct token *token, CK_SESSION_HANDLE session,
		   CK_OBJECT_HANDLE object, const char *label,
		   const unsigned char id[PAES_ID_SIZE])
{
	CK_RV rv = token->module->C_DestroyObject(session, object);

	if (rv != CKR_OK)
		token_say_left(token, label, id, token_ckr_name(rv));
}

/* All else is done in the token's own session, which only reads. */
int token_open_writable(struct token *token, CK_SESSION_HANDLE *session)
{
	CK_RV rv = token->module->C_OpenSession(token->slot,
						CKF_SERIAL_SESSION | CKF_RW_SESSION,
						NULL, NULL, session);

	return rv == CKR_OK ? 0 :
	       token_fail(token, "C_OpenSession (read-write)", rv);
}
