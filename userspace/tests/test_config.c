// SPDX-License-Identifier: GPL-2.0
/* The configuration file: each error says where and what. */
#include "support.h"

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void write_text(const char *text)
{
	support_write("c.json", text, strlen(text), 0600);
}

static void refuse(const char *text, const char *message)
{
	struct config config;

	write_text(text);
	support_capture();
	assert_int_equal(config_load(&config, "c.json"), -EINVAL);
	support_assert_holds(support_captured(), message);
	assert_int_equal(config.count, 0);
}

static void test_full(void **state)
{
	CLEANUP(config) struct config config;

	(void)state;
	write_text("{ \"tokens\": [ { \"uri\": \"pkcs11:token=a\", \"pin-file\": \"/p\", \"workers\": 3,\n"
		   " \"call-seconds\": 15, \"allow-readable-keys\": true,\n"
		   " \"rotate\": { \"requests\": 7 } },\n"
		   " { \"uri\": \"pkcs11:token=b\" } ] }\n");
	assert_int_equal(config_load(&config, "c.json"), 0);
	assert_int_equal(config.count, 2);
	assert_string_equal(config.tokens[0].uri, "pkcs11:token=a");
	assert_string_equal(config.tokens[0].pin_file, "/p");
	assert_int_equal(config.tokens[0].workers, 3);
	assert_int_equal(config.tokens[0].call_seconds, 15);
	assert_true(config.tokens[0].allow_readable);
	assert_false(config.tokens[1].allow_readable);
	assert_null(config.tokens[1].pin_file);
	assert_int_equal(config.tokens[1].workers, sysconf(_SC_NPROCESSORS_ONLN));
	assert_int_equal(config.tokens[1].call_seconds, CONFIG_CALL_DEFAULT);
	assert_int_equal(config.tokens[0].rotate.requests, 7);
	assert_int_equal(config.tokens[0].rotate.seconds, 0);
	assert_int_equal(config.tokens[1].rotate.requests, 0);
	assert_int_equal(config.tokens[1].rotate.seconds, CONFIG_ROTATE_DEFAULT);
}

static void test_syntax(void **state)
{
	(void)state;
	refuse("", "line 1, column 1: unexpected end of data");
	refuse("{\n \"tokens\": [\n", "unexpected end of data");
	refuse("{\n  \"tokens\": [ } ]\n}", "line 2, column");
	refuse("{ \"tokens\": [] } x", "line 1, column 18");
	refuse("{ \"tokens\": [ { \"uri\": \"pkcs11:\xff\" } ] }", "expected JSON");
}

static void test_root(void **state)
{
	(void)state;
	refuse("[]", "found array, expected an object");
	refuse("3", "found int, expected an object");
	refuse("null", "expected an object");
	refuse("{}", "tokens: missing");
	refuse("{ \"tokens\": [ { \"uri\": \"pkcs11:a\" } ], \"workers\": 1 }",
	       "workers: unknown name");
}

static void test_tokens(void **state)
{
	char many[2048] = "{ \"tokens\": [ {}";

	(void)state;
	refuse("{ \"tokens\": 3 }", "tokens: found int, expected an array");
	refuse("{ \"tokens\": null }", "tokens: found null, expected an array");
	refuse("{ \"tokens\": [] }", "tokens: found 0, expected 1 to 16");
	refuse("{ \"tokens\": [ 3 ] }", "tokens[0]: found int, expected an object");
	refuse("{ \"tokens\": [ { \"uri\": \"pkcs11:token=a\" }, null ] }",
	       "tokens[1]: found null");
	for (int i = 0; i < CONFIG_TOKENS_MAX; i++)
		strcat(many, ", {}");
	refuse(strcat(many, " ] }"), "tokens: found 17, expected 1 to 16");
}

static void test_uri(void **state)
{
	(void)state;
	refuse("{ \"tokens\": [ { \"workers\": 2 } ] }", "tokens[0].uri: missing");
	refuse("{ \"tokens\": [ { \"uri\": 1 } ] }", "tokens[0].uri: found int, expected a string");
	refuse("{ \"tokens\": [ { \"uri\": \"\" } ] }", "tokens[0].uri: found an empty string");
	refuse("{ \"tokens\": [ { \"uri\": \"token=a\" } ] }", "tokens[0].uri: expected a PKCS#11 URI");
	refuse("{ \"tokens\": [ { \"uri\": \"pkcs11:a\\u0000b\" } ] }", "NUL");
	refuse("{ \"tokens\": [ { \"uri\": \"pkcs11:a\" }, { \"uri\": \"pkcs11:b\" }, { \"uri\": \"pkcs11:a\" } ] }",
	       "tokens[2].uri: the same as tokens[0].uri");
}

static void test_pin_file(void **state)
{
	(void)state;
	refuse("{ \"tokens\": [ { \"uri\": \"pkcs11:a\", \"pin-file\": [] } ] }",
	       "tokens[0].pin-file: found array, expected a string");
	refuse("{ \"tokens\": [ { \"uri\": \"pkcs11:a\", \"pin-file\": \"\" } ] }",
	       "tokens[0].pin-file: found an empty string");
	refuse("{ \"tokens\": [ { \"uri\": \"pkcs11:a\", \"pin_file\": \"/p\" } ] }",
	       "tokens[0].pin_file: unknown name, expected \"uri\", \"pin-file\", \"workers\", \"call-seconds\", \"rotate\" or \"allow-readable-keys\"");
}

/* Beside each other in $CREDENTIALS_DIRECTORY there is room for one "pin". */
static void test_pin_files_of_one_name(void **state)
{
	CLEANUP(config) struct config config;

	(void)state;
	refuse("{ \"tokens\": [ { \"uri\": \"pkcs11:token=a\", \"pin-file\": \"/etc/a/pin\" },\n"
	       " { \"uri\": \"pkcs11:token=b\" },\n"
	       " { \"uri\": \"pkcs11:token=c\", \"pin-file\": \"/etc/c/pin\" } ] }",
	       "tokens[2].pin-file: found \"/etc/c/pin\", which would be the same systemd credential as \"/etc/a/pin\" of tokens[0]");
	write_text("{ \"tokens\": [ { \"uri\": \"pkcs11:token=a\", \"pin-file\": \"/etc/pin\" },\n"
		   " { \"uri\": \"pkcs11:token=b\", \"pin-file\": \"/etc/pin\" },\n"
		   " { \"uri\": \"pkcs11:token=c\", \"pin-file\": \"/etc/pin2\" } ] }");
	assert_int_equal(config_load(&config, "c.json"), 0);
}

static void test_allow_readable(void **state)
{
	(void)state;
	refuse("{ \"tokens\": [ { \"uri\": \"pkcs11:a\", \"allow-readable-keys\": 1 } ] }",
	       "tokens[0].allow-readable-keys: found int, expected true or false");
	refuse("{ \"tokens\": [ { \"uri\": \"pkcs11:a\", \"allow-readable-keys\": \"true\" } ] }",
	       "found string, expected true or false");
}

static void test_rotate(void **state)
{
	(void)state;
	refuse("{ \"tokens\": [ { \"uri\": \"pkcs11:a\", \"rotate\": \"seconds:1\" } ] }",
	       "tokens[0].rotate: found string, expected an object");
	refuse("{ \"tokens\": [ { \"uri\": \"pkcs11:a\", \"rotate\": { \"minutes\": 1 } } ] }",
	       "tokens[0].rotate.minutes: unknown name, expected \"requests\" or \"seconds\"");
	refuse("{ \"tokens\": [ { \"uri\": \"pkcs11:a\", \"rotate\": { \"seconds\": -1 } } ] }",
	       "tokens[0].rotate.seconds: found -1, expected a number from 0 to 1000000000");
	refuse("{ \"tokens\": [ { \"uri\": \"pkcs11:a\", \"rotate\": { \"requests\": true } } ] }",
	       "tokens[0].rotate.requests: found boolean, expected a number");
}

static void test_workers(void **state)
{
	static const char *const bad[][2] = {
		{ "0", "found 0" }, { "-1", "found -1" }, { "257", "found 257" },
		{ "1.5", "found double" }, { "\"2\"", "found string" },
		{ "true", "found boolean" }, { "99999999999999999999", "found " },
	};
	char text[256], message[128];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		snprintf(text, sizeof(text),
			 "{ \"tokens\": [ { \"uri\": \"pkcs11:a\", \"workers\": %s } ] }",
			 bad[i][0]);
		snprintf(message, sizeof(message), "tokens[0].workers: %s", bad[i][1]);
		refuse(text, message);
		refuse(text, "expected a number from 1 to 256");
	}
	refuse("{ \"tokens\": [ { \"uri\": \"pkcs11:a\", \"call-seconds\": 14 } ] }",
	       "tokens[0].call-seconds: found 14, expected a number from 15 to 3600");
}

static void test_files(void **state)
{
	static char large[70000];
	struct config config;

	(void)state;
	memset(large, ' ', sizeof(large));
	support_write("large.json", large, sizeof(large), 0600);
	support_capture();
	assert_int_equal(config_load(&config, "large.json"), -EFBIG);
	assert_int_equal(config_load(&config, "missing.json"), -ENOENT);
	assert_true(config_load(&config, ".") < 0);
	support_write("nul.json", "{ \"tokens\": [] }\0x", 18, 0600);
	assert_int_equal(config_load(&config, "nul.json"), -EINVAL);
	const char *log = support_captured();

	support_assert_holds(log, "large.json: larger than 65536 bytes");
	support_assert_holds(log, "missing.json: can't open the configuration");
	support_assert_holds(log, "nul.json: line 1, column 17: a NUL byte");
}

static void test_single(void **state)
{
	struct config config;
	char uri[] = "pkcs11:token=a", pin[] = "/pin";

	(void)state;
	assert_int_equal(config_single(&config, uri, pin, 2), 0);
	uri[0] = pin[0] = 'X';
	assert_string_equal(config.tokens[0].uri, "pkcs11:token=a");
	assert_string_equal(config.tokens[0].pin_file, "/pin");
	assert_int_equal(config.tokens[0].workers, 2);
	config_free(&config);
	assert_int_equal(config.count, 0);
	assert_int_equal(config_single(&config, uri, NULL, 0), 0);
	assert_null(config.tokens[0].pin_file);
	assert_true(config.tokens[0].workers >= 1);
	config_free(&config);
	config_free(&config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_syntax),
		cmocka_unit_test(test_root),
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_uri),
		cmocka_unit_test(test_pin_file),
		cmocka_unit_test(test_pin_files_of_one_name),
		cmocka_unit_test(test_allow_readable),
		cmocka_unit_test(test_rotate),
		cmocka_unit_test(test_workers),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_single),
	};

	return cmocka_run_group_tests_name("config", tests, support_enter, support_leave);
}
