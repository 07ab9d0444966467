/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the processes of the fuzzer share: the claims that are checked, how
 * often they were, what was found against them, and what was done meanwhile.
 */
#ifndef PAES_TEST_FUZZ_H
#define PAES_TEST_FUZZ_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "testkey.h"

enum fuzz_claim {
	FUZZ_HONEST_IO,		/* of a volume that honest brokers serve */
	FUZZ_OTHER_IO,		/* of one that hostile ones serve, too */
	FUZZ_BOUNDS,		/* bytes beside those asked for */
	FUZZ_CALLS,		/* what system calls return and write */
	FUZZ_ZEROED,		/* a mapping at first sight */
	FUZZ_OWN_ONLY,		/* what a provider sees later on */
	FUZZ_ALG,		/* AF_ALG: keys that come and go */
	FUZZ_CLAIMS,
};

enum fuzz_count {
	FUZZ_SYSCALLS,		/* of hostile brokers */
	FUZZ_ANSWERS,		/* posted by them, valid or not */
	FUZZ_BREACHES,		/* of these, those that break the protocol */
	FUZZ_SCRIBBLES,		/* changes of shared pages; no operations */
	FUZZ_LIVES,		/* providers set up */
	FUZZ_KILLS,		/* hostile processes killed in the midst of it */
	FUZZ_READS,		/* verified, of the honest volume */
	FUZZ_ERRORS,		/* EIO, of the other volume */
	FUZZ_COUNTS,
};

/*
 * KEK ids: of the honest volume, of the one that hostile brokers serve too, one
 * that only they serve, one that nobody does.
 */
enum fuzz_kek { FUZZ_HONEST, FUZZ_SHARED, FUZZ_HOSTILE, FUZZ_NOBODY, FUZZ_KEKS };

enum fuzz_phase {
	FUZZ_RUN,
	FUZZ_SETTLE,		/* no more hostile brokers: all must work */
	FUZZ_STOP,
};

enum {
	FUZZ_BLOCK	= 4096,
	FUZZ_MARK	= 16,	/* bytes of each sector of the honest volume */
	FUZZ_WATCHED	= 16,	/* threads that must get on */
};

struct fuzz {
	uint64_t seed;
	atomic_int phase;
	atomic_int ready;		/* loads that began */
	struct testkey keys[FUZZ_KEKS];
	uint8_t mark[FUZZ_MARK];
	atomic_ulong checks[FUZZ_CLAIMS];
	atomic_ulong findings[FUZZ_CLAIMS];
	atomic_ulong counts[FUZZ_COUNTS];
	atomic_ulong progress[FUZZ_WATCHED];
};

extern struct fuzz *fuzz;		/* shared memory */

/* Returns false when there's no memory. */
bool fuzz_init(uint64_t seed);

/* A claim was checked; where it doesn't hold, what was expected and found. */
#define fuzz_check(claim, holds, ...) do {		\
	fuzz->checks[claim]++;				\
	if (!(holds))					\
		fuzz_found(claim, __VA_ARGS__);		\
} while (0)

void __attribute__((format(printf, 2, 3)))
fuzz_found(enum fuzz_claim claim, const char *format, ...);

unsigned long fuzz_operations(void);

#endif
