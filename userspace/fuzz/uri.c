// SPDX-License-Identifier: GPL-2.0
/* A token's URI, as paesd and paes take it. */
#include "fuzz.h"

#include "../paesd/uri.h"
#include "token.h"

#include <p11-kit/uri.h>
#include <string.h>

enum { LABEL_SIZE = 33 };

/* Whatever is spelled how: a PIN must not get through. */
static void check_accepted(const char *uri)
{
	P11KitUri *parsed = p11_kit_uri_new();

	MUST(parsed);
	MUST(!p11_kit_uri_parse(uri, P11_KIT_URI_FOR_ANY, parsed));
	MUST(!p11_kit_uri_get_pin_value(parsed));
	MUST(!p11_kit_uri_get_pin_source(parsed));
	p11_kit_uri_free(parsed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *uri = fuzz_string(data, size);
	char label[LABEL_SIZE];

	if (!token_check_uri(uri))
		check_accepted(uri);
	memset(label, 'x', sizeof(label));
	uri_label(uri, label, sizeof(label));
	MUST(memchr(label, '\0', sizeof(label)));
	MUST(*label || !*uri);
	free(uri);
	return 0;
}
