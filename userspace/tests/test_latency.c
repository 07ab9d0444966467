// SPDX-License-Identifier: GPL-2.0
/* Percentiles of counts by time: rounded up, never less than it was. */
#include "support.h"

#include "../paes/latency.h"

static void expect(const char *buckets, unsigned int percent, const char *right)
{
	struct json_object *json = json_tokener_parse(buckets);
	char text[32];

	latency_percentile(json, percent, text, sizeof(text));
	assert_string_equal(text, right);
	json_object_put(json);
}

/* One request, in this bucket. */
static void expect_bucket(unsigned int n, const char *right)
{
	struct json_object *json = json_object_new_array();
	char text[32];

	for (unsigned int i = 0; i <= n; i++)
		json_object_array_add(json, json_object_new_int(i == n));
	latency_percentile(json, 50, text, sizeof(text));
	assert_string_equal(text, right);
	assert_int_equal(latency_total(json), 1);
	json_object_put(json);
}

static void test_units(void **state)
{
	(void)state;
	expect_bucket(0, "<1us");
	expect_bucket(1, "<2us");
	expect_bucket(9, "<512us");
	expect_bucket(10, "<1.1ms");
	expect_bucket(13, "<8.2ms");
	expect_bucket(14, "<17ms");
	expect_bucket(19, "<525ms");
	expect_bucket(20, "<1.1s");
	expect_bucket(26, "<68s");
	expect_bucket(27, ">=67s");
}

static void test_percentiles(void **state)
{
	(void)state;
	expect("[ 0, 0, 50, 49, 1 ]", 50, "<4us");
	expect("[ 0, 0, 50, 49, 1 ]", 99, "<8us");
	expect("[ 0, 0, 50, 48, 2 ]", 99, "<16us");
	expect("[ 1 ]", 99, "<1us");
}

static void test_nothing(void **state)
{
	(void)state;
	expect("[]", 50, "-");
	expect("[ 0, 0 ]", 50, "-");
	expect("\"not known\"", 50, "-");
	assert_int_equal(latency_total(NULL), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_units),
		cmocka_unit_test(test_percentiles),
		cmocka_unit_test(test_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
