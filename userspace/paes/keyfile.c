// SPDX-License-Identifier: GPL-2.0
#include "keyfile.h"

#include "file.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum {
	XTS_128_SIZE	= 32,	/* K1 and K2 */
	XTS_256_SIZE	= 64,
};

static void warn_readable(int fd, const char *path)
{
	unsigned int mode;

	if (file_others_may_read(fd, &mode))
		log_warning("%s: has mode %04o, others may have read the key: consider a new key (\"paes generate\")",
			    path, mode);
}

static int check_size(const struct secret *key, const char *path)
{
	if (key->size == XTS_128_SIZE || key->size == XTS_256_SIZE)
		return 0;
	log_error("%s: found %s%zu bytes, expected exactly %d (AES-128-XTS) or %d (AES-256-XTS) raw bytes",
		  path, key->size > XTS_256_SIZE ? "at least " : "", key->size,
		  XTS_128_SIZE, XTS_256_SIZE);
	return -EINVAL;
}

int keyfile_read(const char *path, struct secret **key)
{
	CLEANUP(fd) int fd = strcmp(path, "-") ?
			     open(path, O_RDONLY | O_CLOEXEC) :
			     fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
	ssize_t n;

	if (fd < 0) {
		log_error("%s: can't open the key file: %m", path);
		return -errno;
	}
	warn_readable(fd, path);
	/* One byte more shows a file that is too large. */
	*key = secret_new(XTS_256_SIZE + 1);
	if (!*key) {
		log_error("no locked memory for the key: %m: raise RLIMIT_MEMLOCK (ulimit -l)");
		return -errno;
	}
	n = file_read(fd, (*key)->bytes, (*key)->size);
	if (n < 0) {
		log_error("%s: can't read the key: %s", path, strerror((int)-n));
		return (int)n;
	}
	(*key)->size = (size_t)n;
	return check_size(*key, path);
}
