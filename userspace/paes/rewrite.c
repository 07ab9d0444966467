// SPDX-License-Identifier: GPL-2.0
#include "rewrite.h"

#include "blob.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

static int open_file(struct rewrite *rewrite, const char *path)
{
	struct stat st;

	rewrite->path = realpath(path, NULL);
	/* Not to wait for a FIFO, which can't be replaced either. */
	if (rewrite->path)
		rewrite->lock = open(rewrite->path,
				     O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (rewrite->lock < 0 || fstat(rewrite->lock, &st)) {
		log_error("%s: can't open the wrapped key: %m", path);
		return -errno;
	}
	if (S_ISREG(st.st_mode))
		return 0;
	log_error("%s: is no regular file, expected one, to replace it", path);
	return -EINVAL;
}

/* Who had the lock before may have put another file there. */
static bool is_in_place(const struct rewrite *rewrite)
{
	struct stat locked, there;

	return !fstat(rewrite->lock, &locked) && !stat(rewrite->path, &there) &&
	       locked.st_dev == there.st_dev && locked.st_ino == there.st_ino;
}

/* Where there are no locks, rewrite_end() has to do. */
static int lock_file(const struct rewrite *rewrite)
{
	bool taken = flock(rewrite->lock, LOCK_EX | LOCK_NB) &&
		     errno == EWOULDBLOCK;

	if (!taken && is_in_place(rewrite))
		return 0;
	log_error("%s: another paes is changing it just now: run this again when that is done",
		  rewrite->path);
	return -EBUSY;
}

int rewrite_begin(struct rewrite *rewrite, const char *path)
{
	int error = open_file(rewrite, path);

	if (!error)
		error = lock_file(rewrite);
	return error ? error : blob_read(&rewrite->found, rewrite->path);
}

int rewrite_end(const struct rewrite *rewrite, const struct paes_blob *blob)
{
	struct paes_blob now;

	/* cp and the like know of no lock. */
	if (!blob_read(&now, rewrite->path) &&
	    !memcmp(&now, &rewrite->found, sizeof(now)))
		return blob_write(blob, rewrite->path, true);
	log_error("%s: was changed meanwhile, left as it is: run this again",
		  rewrite->path);
	return -ESTALE;
}
