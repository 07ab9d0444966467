/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The keys that an administrator has closed, by their ids, and the file that
 * keeps them:
 *
 *	{ "revoked": [ "00112233445566778899aabbccddeeff", ... ] }
 *
 * A file that isn't there says that none is.  One that can't be read or isn't
 * all of this form is an error: a revocation must not be forgotten.
 *
 * Who changes the file holds the lock: paesd as long as it runs, `paes revoke`
 * only while there is no paesd.
 *
 * Functions that return int: 0 or a negative errno after logging.
 */
#ifndef PAES_REVOKED_H
#define PAES_REVOKED_H

#include <linux/paes_blob.h>
#include <stdbool.h>

#define REVOKED_PATH	"/var/lib/paes/revoked"

enum {
	REVOKED_MAX	= 1024,
};

struct revoked {
	unsigned int count;
	unsigned char ids[REVOKED_MAX][PAES_ID_SIZE];
};

bool revoked_has(const struct revoked *revoked,
		 const unsigned char id[PAES_ID_SIZE]);

/* What is so already is fine.  -ENOSPC when REVOKED_MAX are. */
int revoked_add(struct revoked *revoked, const unsigned char id[PAES_ID_SIZE]);
void revoked_remove(struct revoked *revoked,
		    const unsigned char id[PAES_ID_SIZE]);

int revoked_load(struct revoked *revoked, const char *path);

/* On the disk when this returns; the file is the old one or the new one. */
int revoked_save(const struct revoked *revoked, const char *path);

/*
 * Makes the directory when it is missing and locks it.  A descriptor, which is
 * the lock; or -EWOULDBLOCK, without a message, when somebody else has it.
 */
int revoked_lock(const char *path);

#endif
