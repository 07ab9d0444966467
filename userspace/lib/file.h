/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Files that are read or written whole.  A negative errno for an error; nothing
 * is logged.
 */
#ifndef PAES_FILE_H
#define PAES_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Up to `size` bytes; fewer only at the end of the file. */
ssize_t file_read(int fd, void *bytes, size_t size);

/* Is it a file, not a pipe, that others than its owner may read?  Its mode. */
bool file_others_may_read(int fd, unsigned int *mode);

/* All of it, and on the disk when this returns. */
int file_write_out(int fd, const void *bytes, size_t size);

/* So that a new name outlives a power failure: the directory `path` is in. */
int file_sync_directory(const char *path);

/* The directory that `path` is in, made when it is missing: a descriptor. */
int file_open_directory(const char *path, unsigned int mode);

/* By a temporary file of mode 0600 beside it, which takes its place. */
int file_replace(const char *path, const void *bytes, size_t size);

#endif
