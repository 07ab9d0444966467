// SPDX-License-Identifier: GPL-2.0
#include "cmd.h"

#include "blob.h"
#include "cleanup.h"
#include "log.h"
#include "options.h"
#include "output.h"

#include <stdio.h>

struct inspect_options {
	const char *blob;
	bool json;
};

enum { KEY_JSON = 0x200 };

static error_t parse(int key, char *value, struct argp_state *state)
{
	struct inspect_options *options = state->input;

	switch (key) {
	case KEY_JSON:
		options->json = true;
		return 0;
	default:
		return options_blob(key, value, state, &options->blob);
	}
}

static const struct argp_option list[] = {
	{ "json", KEY_JSON, NULL, 0, "Print the result as JSON", 0 },
	{ 0 }
};

static const struct argp argp = {
	.options = list,
	.parser = parse,
	.args_doc = "BLOB",
	.doc = "Shows every field of a wrapped key, or which one is wrong."
	       "\v"
	       "Needs no token, and so can't tell a genuine wrapped key from a forged one: \"paes verify\" does.  BLOB may be \"-\" for standard input.\n"
	       CMD_EXIT_CODES,
};

static void add_flags(struct json_object *to, unsigned int flags)
{
	struct json_object *names = json_object_new_array();

	if (flags & PAES_BLOB_F_IMPORTED)
		json_object_array_add(names, json_object_new_string("imported"));
	output_add(to, "flags", names);
}

static struct json_object *recipient(const struct paes_blob *blob,
				     const struct paes_blob_recipient *r)
{
	unsigned int wrapped = paes_blob_wrapped_size(blob, r);
	struct json_object *to = json_object_new_object();

	output_add_hex(to, "kek_id", r->kek_id, PAES_ID_SIZE);
	output_add_recipient(to, r);
	if (r->wrap == PAES_WRAP_AES_KW) {
		output_add_hex(to, "wrapped_k1", r->k1, wrapped);
		output_add_hex(to, "wrapped_k2", r->k2, wrapped);
	}
	output_add_hex(to, "mac", r->mac, PAES_MAC_SIZE);
	return to;
}

static struct json_object *describe(const struct paes_blob *blob)
{
	struct json_object *to = json_object_new_object();
	struct json_object *recipients = json_object_new_array();

	output_add_number(to, "version", paes_blob_le16(&blob->version));
	output_add_number(to, "size", paes_blob_le16(&blob->size));
	output_add_text(to, "cipher", "AES-XTS");
	output_add_number(to, "key_bits", paes_blob_le16(&blob->key_bits));
	add_flags(to, paes_blob_le32(&blob->flags));
	output_add_time(to, "created", paes_blob_le64(&blob->created));
	output_add_hex(to, "key_id", blob->key_id, PAES_ID_SIZE);
	output_add_hex(to, "verify", blob->verify, sizeof(blob->verify));
	for (unsigned int i = 0; i < paes_blob_recipients(blob); i++)
		json_object_array_add(recipients,
				      recipient(blob, &blob->recipient[i]));
	output_add(to, "recipients", recipients);
	return to;
}

static int show_fault(enum paes_blob_fault fault, const struct paes_blob *blob,
		      const struct inspect_options *options)
{
	CLEANUP(json) struct json_object *result = NULL;
	char text[256];

	blob_explain(fault, blob, sizeof(*blob), text, sizeof(text));
	log_error("%s: %s", options->blob, text);
	if (options->json) {
		result = json_object_new_object();
		output_add_text(result, "fault", text);
		output_print(result, true);
	}
	return EXIT_FAILED;
}

static void print_object(const unsigned char id[PAES_ID_SIZE])
{
	char text[2 * PAES_ID_SIZE + 1];

	blob_format_id(id, text);
	printf("  pkcs11-tool --module MODULE --login --list-objects --type secrkey --id %s\n",
	       text);
}

/* For people: where what isn't in the file can be found. */
static void print_resident(const struct paes_blob *blob)
{
	for (unsigned int i = 0; i < paes_blob_recipients(blob); i++) {
		const struct paes_blob_recipient *r = &blob->recipient[i];

		if (r->wrap != PAES_WRAP_RESIDENT)
			continue;
		printf("\nThe key of recipient [%u] is not in this file but resident in the token, and only there, as objects \"paes-key\":\n",
		       i);
		print_object(r->k1);
		print_object(r->k2);
	}
}

int cmd_inspect(int argc, char **argv)
{
	struct inspect_options options = { .blob = NULL };
	CLEANUP(json) struct json_object *result = NULL;
	enum paes_blob_fault fault;
	struct paes_blob blob;

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	if (blob_read(&blob, options.blob))
		return EXIT_FAILED;
	fault = paes_blob_check(&blob, sizeof(blob));
	if (fault)
		return show_fault(fault, &blob, &options);
	result = describe(&blob);
	output_print(result, options.json);
	if (!options.json)
		print_resident(&blob);
	return EXIT_OK;
}
