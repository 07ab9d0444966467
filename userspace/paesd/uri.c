// SPDX-License-Identifier: GPL-2.0
#include "uri.h"
#include "cleanup.h"
#include "log.h"

#include <errno.h>
#include <p11-kit/uri.h>
#include <string.h>

static void cleanup_uri(P11KitUri **uri)
{
	p11_kit_uri_free(*uri);
}

static const P11KitUriType uri_parts = P11_KIT_URI_FOR_TOKEN |
				       P11_KIT_URI_FOR_SLOT |
				       P11_KIT_URI_FOR_MODULE_WITH_VERSION;

/* Attributes of objects, and unknown ones, would make it match no token. */
static int uri_parse(P11KitUri *parsed, const char *uri)
{
	int result = p11_kit_uri_parse(uri, uri_parts, parsed);

	if (result == P11_KIT_URI_OK && !p11_kit_uri_any_unrecognized(parsed))
		return 0;
	log_error("the token's URI can't be used: %s; expected one like \"pkcs11:token=LABEL?module-path=/usr/lib/softhsm/libsofthsm2.so\"",
		  result == P11_KIT_URI_OK ?
		  "it has attributes that no token has" :
		  p11_kit_uri_message(result));
	return -EINVAL;
}

int uri_check(const char *uri)
{
	CLEANUP(uri) P11KitUri *parsed = p11_kit_uri_new();

	if (!parsed || uri_parse(parsed, uri) < 0)
		return -EINVAL;
	if (p11_kit_uri_get_pin_value(parsed)) {
		log_error("the token's URI holds a PIN (pin-value), where every user of this system can see it: take it out, put it into a file of mode 0600 and name that as pin-file");
		return -EINVAL;
	}
	if (p11_kit_uri_get_pin_source(parsed)) {
		log_error("the token's URI has pin-source, which paesd doesn't follow: name the file as pin-file");
		return -EINVAL;
	}
	return 0;
}

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
