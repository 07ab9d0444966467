// SPDX-License-Identifier: GPL-2.0
/* paes.json. */
#include "fuzz.h"

#include "config.h"

#include <string.h>

static void check_token(const struct config_token *token)
{
	MUST(token->uri && !strncmp(token->uri, "pkcs11:", 7));
	MUST(!token->pin_file || *token->pin_file);
	MUST(token->workers >= 1 && token->workers <= CONFIG_WORKERS_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config config;

	if (config_load(&config, fuzz_file(data, size)) < 0) {
		MUST(!config.count && !config.tokens[0].uri);
		return 0;
	}
	MUST(config.count >= 1 && config.count <= CONFIG_TOKENS_MAX);
	for (unsigned int i = 0; i < config.count; i++)
		check_token(&config.tokens[i]);
	config_free(&config);
	return 0;
}
