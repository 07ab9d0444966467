// SPDX-License-Identifier: GPL-2.0
#include "uri.h"
#include "cleanup.h"

#include <p11-kit/uri.h>
#include <string.h>

static void cleanup_uri(P11KitUri **uri)
{
	p11_kit_uri_free(*uri);
}

static const P11KitUriType uri_parts = P11_KIT_URI_FOR_TOKEN |
				       P11_KIT_URI_FOR_SLOT |
				       P11_KIT_URI_FOR_MODULE_WITH_VERSION;

/* Blank-padded; or all NUL bytes, when the URI doesn't name it. */
static size_t attribute_length(const unsigned char *padded, size_t size)
{
	size = strnlen((const char *)padded, size);
	while (size && padded[size - 1] == ' ')
		size--;
	return size;
}

void uri_label(const char *uri, char *label, size_t size)
{
	CLEANUP(uri) P11KitUri *parsed = p11_kit_uri_new();
	const CK_TOKEN_INFO *info;
	size_t length = 0;

	if (parsed &&
	    p11_kit_uri_parse(uri, uri_parts, parsed) == P11_KIT_URI_OK) {
		info = p11_kit_uri_get_token_info(parsed);
		length = attribute_length(info->label, sizeof(info->label));
		snprintf(label, size, "%.*s", (int)length,
			 (const char *)info->label);
	}
	if (!length)
		snprintf(label, size, "%s", uri);
}
