/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Fuzz targets: each file defines LLVMFuzzerTestOneInput(), which libFuzzer
 * (make fuzz) calls with what it makes up, and replay.c (make check) with each
 * file of seeds/TARGET.  A target says by MUST() what is to hold beyond what
 * the sanitizers see.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Always 0.  `data` holds `size` bytes, no more. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition)							\
	do {								\
		if (!(condition)) {					\
			fprintf(stderr, "%s:%d: doesn't hold: %s\n",	\
				__FILE__, __LINE__, #condition);	\
			abort();					\
		}							\
	} while (0)

/*
 * The path of a file that holds just these bytes, until the next call.  It is
 * in memory; the path stays the same.
 */
const char *fuzz_file(const void *data, size_t size);

/* The bytes as a string, to be freed: it ends at the first NUL. */
char *fuzz_string(const uint8_t *data, size_t size);

#endif
