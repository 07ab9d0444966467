// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "rng.h"

enum {
	SHOWN = 20,			/* findings of a claim */
	STREAM_KEYS = 1000000,
};

struct fuzz *fuzz;

static void make_key(struct rng *r, struct testkey *k)
{
	k->bits = rng_one_in(r, 2) ? 128 : 256;
	rng_fill(r, k->key, sizeof(k->key));
	rng_fill(r, k->kek_id, sizeof(k->kek_id));
	testkey_wrap(k);
}

bool fuzz_init(uint64_t seed)
{
	struct rng r;
	unsigned int i;

	fuzz = mmap(NULL, sizeof(*fuzz), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (fuzz == MAP_FAILED)
		return false;
	fuzz->seed = seed;
	rng_seed(&r, seed, STREAM_KEYS);
	for (i = 0; i < FUZZ_KEKS; i++)
		make_key(&r, &fuzz->keys[i]);
	rng_fill(&r, fuzz->mark, sizeof(fuzz->mark));
	return true;
}

void fuzz_found(enum fuzz_claim claim, const char *format, ...)
{
	char text[512];
	va_list args;
	int n;

	if (fuzz->findings[claim]++ >= SHOWN)
		return;
	n = snprintf(text, sizeof(text), "# seed %lu, operation %lu: ",
		     (unsigned long)fuzz->seed, fuzz_operations());
	va_start(args, format);
	vsnprintf(text + n, sizeof(text) - n - 1, format, args);
	va_end(args);
	strcat(text, "\n");
	/* One write: several processes say something. */
	if (write(STDOUT_FILENO, text, strlen(text)) < 0)
		return;
}

unsigned long fuzz_operations(void)
{
	return fuzz->counts[FUZZ_SYSCALLS] + fuzz->counts[FUZZ_ANSWERS];
}
