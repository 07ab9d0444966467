// SPDX-License-Identifier: GPL-2.0
#include "sample.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

void sample_print(const char *name, unsigned int run, double value,
		  const char *unit)
{
	struct json_object *sample = json_object_new_object();

	json_object_object_add(sample, "name", json_object_new_string(name));
	json_object_object_add(sample, "run", json_object_new_int((int)run));
	json_object_object_add(sample, "value", json_object_new_double(value));
	json_object_object_add(sample, "unit", json_object_new_string(unit));
	puts(json_object_to_json_string_ext(sample, JSON_C_TO_STRING_PLAIN));
	fflush(stdout);
	json_object_put(sample);
}

uint64_t sample_clock(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

double sample_speed(uint64_t bytes, uint64_t ns)
{
	return ns ? (double)bytes * 1000 / (double)ns : 0;
}

unsigned int sample_number(const char *what, const char *text)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	if (number > 0 && number < UINT32_MAX && !*end)
		return (unsigned int)number;
	fprintf(stderr, "%s: expected a number from 1 up, found '%s'\n", what, text);
	exit(2);
}
