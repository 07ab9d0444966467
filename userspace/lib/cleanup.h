/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Scope-bound clean-up: `CLEANUP(free) char *name = ...` frees at the end of
 * the scope, on every path.  Each type's own header declares its CLEANUP
 * function; the common ones are here.
 */
#ifndef PAES_CLEANUP_H
#define PAES_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CLEANUP(noun) __attribute__((__cleanup__(cleanup_##noun)))

static inline void cleanup_free(void *pointer)
{
	free(*(void **)pointer);
}

static inline void cleanup_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_file(FILE **file)
{
	if (*file)
		fclose(*file);
}

#endif
