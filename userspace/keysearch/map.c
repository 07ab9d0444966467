// SPDX-License-Identifier: GPL-2.0
#include "map.h"

#include "cleanup.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

static int fail(const char *path, int error)
{
	log_error("%s: can't be read: %s", path, strerror(error));
	return -error;
}

static int check(const char *path, const struct stat *status)
{
	if (!S_ISREG(status->st_mode)) {
		log_error("%s: is no regular file", path);
		return -EINVAL;
	}
	if (!status->st_size) {
		log_error("%s: is empty: expected something to search in, or for",
			  path);
		return -ENODATA;
	}
	return 0;
}

int map_file(struct map *map, const char *path)
{
	/* A FIFO is refused, not waited for. */
	CLEANUP(fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat status;
	void *bytes;
	int error;

	*map = (struct map){ .path = path };
	if (fd < 0 || fstat(fd, &status))
		return fail(path, errno);
	error = check(path, &status);
	if (error)
		return error;
	bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		return fail(path, errno);
	map->bytes = bytes;
	map->size = (size_t)status.st_size;
	return 0;
}

void map_free(struct map *map)
{
	if (map->bytes)
		munmap((void *)map->bytes, map->size);
	map->bytes = NULL;
}
