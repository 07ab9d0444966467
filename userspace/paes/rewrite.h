/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A wrapped key's file that another takes the place of, made from what was read
 * of it: nothing that somebody else did to it meanwhile is lost.
 */
#ifndef PAES_REWRITE_H
#define PAES_REWRITE_H

#include <linux/paes_blob.h>
#include <stdlib.h>
#include <unistd.h>

struct rewrite {
	char *path;		/* where it is, also behind a symbolic link */
	int lock;		/* the file, for no other paes to do the same */
	struct paes_blob found;
};

#define REWRITE_NONE { .lock = -1 }

/* Reads it.  0 or -errno after logging; the form is not checked. */
int rewrite_begin(struct rewrite *rewrite, const char *path);

/* Replaces it: -ESTALE, logged, if it's no longer what was read. */
int rewrite_end(const struct rewrite *rewrite, const struct paes_blob *blob);

static inline void cleanup_rewrite(struct rewrite *rewrite)
{
	if (rewrite->lock >= 0)
		close(rewrite->lock);
	free(rewrite->path);
}

#endif
