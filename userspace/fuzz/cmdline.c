// SPDX-License-Identifier: GPL-2.0
/*
 * The command line of paes, and of paesd: the words are the lines of the input.
 * Linked with a program's main() under the name program_main(), and with
 * --wrap=argp_parse, --wrap=argp_error: what comes after a command line was
 * understood, or not, isn't done.
 */
#include "fuzz.h"

#include <argp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

enum { WORDS_MAX = 64 };

int program_main(int argc, char **argv);
error_t __wrap_argp_parse(const struct argp *argp, int argc, char **argv,
			  unsigned int flags, int *index, void *input);
error_t __real_argp_parse(const struct argp *argp, int argc, char **argv,
			  unsigned int flags, int *index, void *input);
void __wrap_argp_error(const struct argp_state *state, const char *format, ...)
	__attribute__((__format__(printf, 2, 3)));

static jmp_buf parsed;

/* libc's argp would end the program; longjmp() there would leak its memory. */
error_t __wrap_argp_parse(const struct argp *argp, int argc, char **argv,
			  unsigned int flags, int *index, void *input)
{
	__real_argp_parse(argp, argc, argv, flags | ARGP_NO_EXIT, index, input);
	longjmp(parsed, 1);
}

/* The caller goes on as if it were right, with what it must not trip over. */
void __wrap_argp_error(const struct argp_state *state, const char *format, ...)
{
	char text[1024];
	va_list values;

	MUST(state && state->name);
	va_start(values, format);
	MUST(vsnprintf(text, sizeof(text), format, values) > 0);
	va_end(values);
}

/* argp has an option of its own, --HANG, which sleeps for an hour. */
static bool hangs(const char *word)
{
	return !strncmp(word, "--H", 3);
}

static int split(char *line, char *argv[])
{
	int argc = 0;

	while (argc < WORDS_MAX && line) {
		char *word = strsep(&line, "\n");

		if (!hangs(word))
			argv[argc++] = word;
	}
	argv[argc] = NULL;
	return argc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *words = fuzz_string(data, size);
	char *argv[WORDS_MAX + 2] = { (char *)"program" };
	int argc = split(words, argv + 1) + 1;

	if (!setjmp(parsed))
		program_main(argc, argv);
	free(words);
	return 0;
}
