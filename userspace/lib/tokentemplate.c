// SPDX-License-Identifier: GPL-2.0
/* How a key that is to be made is described: PKCS#11's templates. */
#include "token_internal.h"

#include "blob.h"

#include <string.h>

static const CK_BBOOL yes = CK_TRUE;
static const CK_BBOOL no = CK_FALSE;

void token_template_add(struct token_template *template, CK_ATTRIBUTE_TYPE type,
			const void *value, size_t size)
{
	CK_ATTRIBUTE *attribute = &template->attributes[template->count++];

	attribute->type = type;
	attribute->pValue = (void *)value;
	attribute->ulValueLen = size;
}

void token_template_bool(struct token_template *template, CK_ATTRIBUTE_TYPE type,
			 bool value)
{
	token_template_add(template, type, value ? &yes : &no, sizeof(yes));
}

void token_template_class(struct token_template *template,
			  const CK_KEY_TYPE *type)
{
	static const CK_OBJECT_CLASS class = CKO_SECRET_KEY;

	token_template_add(template, CKA_CLASS, &class, sizeof(class));
	token_template_add(template, CKA_KEY_TYPE, type, sizeof(*type));
}

static const CK_KEY_TYPE aes = CKK_AES;

void token_template_session(struct token_template *template, bool extractable)
{
	token_template_class(template, &aes);
	token_template_bool(template, CKA_TOKEN, false);
	/* Session keys are seen by this process only; public ones are faster. */
	token_template_bool(template, CKA_PRIVATE, false);
	token_template_bool(template, CKA_SENSITIVE, true);
	token_template_bool(template, CKA_EXTRACTABLE, extractable);
	token_template_bool(template, CKA_ENCRYPT, true);
	token_template_bool(template, CKA_DECRYPT, true);
}

void token_template_object(struct token_template *template,
			   const CK_KEY_TYPE *type, const char *label,
			   const unsigned char *id)
{
	token_template_class(template, type);
	token_template_add(template, CKA_LABEL, label, strlen(label));
	token_template_add(template, CKA_ID, id, PAES_ID_SIZE);
	token_template_bool(template, CKA_TOKEN, true);
	token_template_bool(template, CKA_PRIVATE, true);
	token_template_bool(template, CKA_SENSITIVE, true);
	token_template_bool(template, CKA_EXTRACTABLE, false);
}

bool token_is_template_error(CK_RV rv)
{
	return rv == CKR_ATTRIBUTE_TYPE_INVALID ||
	       rv == CKR_ATTRIBUTE_VALUE_INVALID ||
	       rv == CKR_ATTRIBUTE_READ_ONLY ||
	       rv == CKR_TEMPLATE_INCONSISTENT || rv == CKR_ARGUMENTS_BAD;
}
