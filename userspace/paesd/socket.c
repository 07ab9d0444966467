// SPDX-License-Identifier: GPL-2.0
#include "socket.h"
#include "cleanup.h"
#include "file.h"
#include "log.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

static int set_address(struct sockaddr_un *address, const char *path,
		       const char *option)
{
	if (strlen(path) >= sizeof(address->sun_path)) {
		log_error("%s \"%s\": a socket's path has at most %zu bytes",
			  option, path, sizeof(address->sun_path) - 1);
		return -ENAMETOOLONG;
	}
	address->sun_family = AF_UNIX;
	memcpy(address->sun_path, path, strlen(path) + 1);
	return 0;
}

static int make_directory(const char *path)
{
	CLEANUP(fd) int fd = file_open_directory(path, 0755);

	if (fd < 0)
		log_error("can't make the directory of the socket %s: %s", path,
			  strerror(-fd));
	return fd < 0 ? fd : 0;
}

static int try_connect(const struct listener *listener, int type)
{
	CLEANUP(fd) int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&listener->address,
		    sizeof(listener->address)) == 0 || errno == EAGAIN)
		return 0;
	return -errno;
}

/* What a paesd that was killed left behind; nothing else is removed. */
static int remove_stale(const struct listener *listener, int type,
			const char *option)
{
	const char *path = listener->address.sun_path;
	struct stat found;

	if (lstat(path, &found) < 0)
		return 0;
	if (!S_ISSOCK(found.st_mode)) {
		log_error("%s is there and is no socket: remove it, or give another %s",
			  path, option);
		return -EEXIST;
	}
	if (try_connect(listener, type) == 0) {
		log_error("another paesd answers at %s: stop it first, or give this one another %s",
			  path, option);
		return -EADDRINUSE;
	}
	return unlink(path) == 0 ? 0 : -errno;
}

static int bind_and_listen(struct listener *listener, int type)
{
	/* Nobody but root may connect, from the moment it is there. */
	mode_t mask = umask(0177);
	int error = 0;

	listener->fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	listener->bound = listener->fd >= 0 &&
			  bind(listener->fd,
			       (const struct sockaddr *)&listener->address,
			       sizeof(listener->address)) == 0;
	if (!listener->bound || listen(listener->fd, SOCKET_BACKLOG) < 0)
		error = -errno;
	umask(mask);
	if (error)
		log_error("can't listen at %s: %s", listener->address.sun_path,
			  strerror(-error));
	return error;
}

int socket_listen(struct listener *listener, const char *path, int type,
		  const char *option)
{
	int error;

	*listener = (struct listener){ .fd = -1 };
	error = set_address(&listener->address, path, option);
	if (!error && strchr(path, '/'))
		error = make_directory(path);
	if (!error)
		error = remove_stale(listener, type, option);
	if (!error)
		error = bind_and_listen(listener, type);
	return error;
}

void socket_close(struct listener *listener)
{
	if (listener->bound)
		unlink(listener->address.sun_path);
	if (listener->fd >= 0)
		close(listener->fd);
	*listener = (struct listener){ .fd = -1 };
}
