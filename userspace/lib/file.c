// SPDX-License-Identifier: GPL-2.0
#include "file.h"

#include "cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <string.h>
#include <sys/stat.h>

ssize_t file_read(int fd, void *bytes, size_t size)
{
	unsigned char *at = bytes;
	size_t done = 0;
	ssize_t n;

	while (done < size) {
		n = read(fd, at + done, size - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

bool file_others_may_read(int fd, unsigned int *mode)
{
	struct stat st;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		return false;
	*mode = st.st_mode & 07777;
	return *mode & 077;
}

int file_write_out(int fd, const void *bytes, size_t size)
{
	const unsigned char *at = bytes;
	ssize_t n;

	while (size) {
		n = write(fd, at, size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		at += n;
		size -= (size_t)n;
	}
	return fsync(fd) ? -errno : 0;
}

int file_sync_directory(const char *path)
{
	CLEANUP(free) char *copy = strdup(path);
	CLEANUP(fd) int fd = -1;

	if (!copy)
		return -ENOMEM;
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	return fsync(fd) && errno != EINVAL ? -errno : 0;
}

int file_open_directory(const char *path, unsigned int mode)
{
	CLEANUP(free) char *copy = strdup(path);
	const char *directory;
	int fd;

	if (!copy)
		return -ENOMEM;
	directory = dirname(copy);
	if (mkdir(directory, mode) && errno != EEXIST)
		return -errno;
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int move_into_place(int fd, const char *temporary, const char *path,
			   const void *bytes, size_t size)
{
	int error = file_write_out(fd, bytes, size);

	if (!error && rename(temporary, path))
		error = -errno;
	if (error)
		unlink(temporary);
	return error ? error : file_sync_directory(path);
}

int file_replace(const char *path, const void *bytes, size_t size)
{
	CLEANUP(free) char *temporary = NULL;
	CLEANUP(fd) int fd = -1;

	if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
		return -ENOMEM;
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	return move_into_place(fd, temporary, path, bytes, size);
}
