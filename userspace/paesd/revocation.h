/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which keys are revoked, in the file and in every worker.  Each change makes
 * a new set with the next number, its serial; a worker that has heeded it can't
 * use a key of it any more, and one that is still starting gets the newest before
 * it can use any.
 */
#ifndef PAESD_REVOCATION_H
#define PAESD_REVOCATION_H

#include "revoked.h"

#include <stdint.h>

struct child;
struct supervisor;

struct revocation {
	struct supervisor *supervisor;
	const char *path;
	int lock;
	uint32_t serial;
	struct revoked set;
};

/*
 * Locks and reads the file; `lock` is what a predecessor left, or -1.  0 or
 * -errno after logging.
 */
int revocation_open(struct revocation *revocation,
		    struct supervisor *supervisor, const char *path, int lock);
void revocation_close(struct revocation *revocation);

/*
 * Revokes or allows a key, for all workers.  What can't be written to the file
 * is revoked all the same, but not allowed: *recorded says whether it was.  0
 * or -errno after logging, and nothing has changed.
 */
int revocation_change(struct revocation *revocation,
		      const unsigned char id[PAES_ID_SIZE], bool revoke,
		      bool *recorded);

/* Sends the set to a worker that asks for it, or has done so. */
void revocation_tell(const struct revocation *revocation, struct child *child);

/* Workers that were told of this set, or a newer one, and didn't heed it yet. */
unsigned int revocation_deaf(const struct revocation *revocation,
			     uint32_t serial);

/* Kills those; they are replaced as ever. */
void revocation_kill_deaf(const struct revocation *revocation, uint32_t serial);

/* Workers that heeded it, and the most keys that one of them had to close. */
unsigned int revocation_heeded(const struct revocation *revocation,
			       uint32_t serial, unsigned int *closed);

#endif
