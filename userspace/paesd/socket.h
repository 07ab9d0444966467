/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A socket in the file system that only root may connect to.
 */
#ifndef PAESD_SOCKET_H
#define PAESD_SOCKET_H

#include <stdbool.h>
#include <sys/un.h>

struct listener {
	int fd;				/* -1: none */
	bool bound;
	struct sockaddr_un address;
};

enum {
	SOCKET_BACKLOG = 8,
};

/*
 * Listens, doesn't block.  `type` is SOCK_STREAM or SOCK_SEQPACKET, `option`
 * what a user would name another path with.  Makes the directory.  0 or -errno
 * after logging; -EADDRINUSE when another paesd answers there.
 */
int socket_listen(struct listener *listener, const char *path, int type,
		  const char *option);

/* Removes its name too.  One that never listened is fine if fd is -1. */
void socket_close(struct listener *listener);

#endif
