// SPDX-License-Identifier: GPL-2.0
/* A wrapped key as a file: the checker that the module shares, and what is said of it. */
#include "fuzz.h"

#include "../paes/cmd.h"
#include "blob.h"

#include <string.h>

/* Each fault in words, also those that this blob hasn't. */
static void explain(const struct paes_blob *blob, size_t size)
{
	for (int fault = -1; fault <= PAES_BLOB_BAD_OBJECT_ID + 1; fault++) {
		char text[256];

		memset(text, 'x', sizeof(text));
		blob_explain((enum paes_blob_fault)fault, blob, size, text,
			     sizeof(text));
		MUST(memchr(text, '\0', sizeof(text)));
		MUST(!*text == (fault == PAES_BLOB_OK));
	}
}

static void check_recipient(const struct paes_blob_recipient *r, unsigned int bits)
{
	static const uint8_t zeroes[PAES_WRAPPED_MAX];
	size_t used = r->wrap == PAES_WRAP_RESIDENT ? 16 : bits / 8 + 8;

	MUST(r->wrap == PAES_WRAP_AES_KW || r->wrap == PAES_WRAP_RESIDENT);
	MUST(memcmp(r->k1, r->k2, used));
	MUST(!memcmp(r->k1 + used, zeroes, sizeof(zeroes) - used));
	MUST(!memcmp(r->k2 + used, zeroes, sizeof(zeroes) - used));
	if (r->wrap == PAES_WRAP_RESIDENT)
		MUST(memcmp(r->k1, zeroes, used) && memcmp(r->k2, zeroes, used));
}

/* What is let pass is what linux/paes_blob.h promises. */
static void check_accepted(const struct paes_blob *blob)
{
	unsigned int bits = paes_blob_le16(&blob->key_bits);
	unsigned int count = paes_blob_recipients(blob);

	MUST(bits == 128 || bits == 256);
	MUST(count >= 1 && count <= PAES_BLOB_RECIPIENTS);
	for (unsigned int i = 0; i < count; i++)
		check_recipient(&blob->recipient[i], bits);
	for (unsigned int i = 0; i < count; i++)
		for (unsigned int j = 0; j < i; j++)
			MUST(memcmp(blob->recipient[i].kek_id,
				    blob->recipient[j].kek_id, PAES_ID_SIZE));
}

static int inspect(const char *path, const char *option)
{
	char *argv[] = { (char *)"paes inspect", (char *)path, (char *)option,
			 NULL };

	return cmd_inspect(option ? 3 : 2, argv);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *path = fuzz_file(data, size);
	bool good = paes_blob_check(data, size) == PAES_BLOB_OK;
	struct paes_blob blob;

	if (size == sizeof(blob)) {
		memcpy(&blob, data, size);
		explain(&blob, size);
		if (good)
			check_accepted(&blob);
	}
	MUST(inspect(path, NULL) == (good ? EXIT_OK : EXIT_FAILED));
	MUST(inspect(path, "--json") == (good ? EXIT_OK : EXIT_FAILED));
	return 0;
}
