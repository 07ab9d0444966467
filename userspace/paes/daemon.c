// SPDX-License-Identifier: GPL-2.0
#include "daemon.h"

#include "cleanup.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

enum {
	ANSWER_MAX	= 1 << 20,
	STATUS_TIMEOUT	= 5,	/* seconds */
	COMMAND_TIMEOUT	= 20,	/* the daemon itself gives up after ten */
};

static int connect_to(const char *root, const char *path, int type, int seconds)
{
	const struct timeval patience = { .tv_sec = seconds };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, n;

	n = snprintf(address.sun_path, sizeof(address.sun_path), "%s%s", root,
		     path);
	if (n < 0 || (size_t)n >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	/* connect() waits by this one, while the daemon accepts nobody. */
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (!connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return fd;
	n = errno;
	close(fd);
	errno = n;
	return -1;
}

static time_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec;
}

/*
 * Up to the end of the stream, or one packet.  No recv() waits for longer than
 * connect_to() said; nor does a stream that comes byte by byte last longer.
 */
static ssize_t receive(int fd, char *text, bool packet)
{
	time_t end = now() + STATUS_TIMEOUT;
	ssize_t got, size = 0;

	do {
		got = recv(fd, text + size, (size_t)(ANSWER_MAX - size), 0);
		if (got < 0)
			return -1;
		size += got;
		if (!packet && got && now() > end) {
			errno = ETIMEDOUT;
			return -1;
		}
	} while (!packet && got && size < ANSWER_MAX);
	return size;
}

static struct json_object *read_answer(int fd, bool packet)
{
	CLEANUP(free) char *text = calloc(1, ANSWER_MAX + 1);
	struct json_object *answer;
	ssize_t size;

	if (!text)
		return NULL;
	size = receive(fd, text, packet);
	if (size <= 0) {
		errno = size ? errno : ENODATA;
		return NULL;
	}
	answer = json_tokener_parse(text);
	if (!json_object_is_type(answer, json_type_object)) {
		json_object_put(answer);
		errno = EPROTO;
		return NULL;
	}
	return answer;
}

struct json_object *daemon_status(const char *root)
{
	CLEANUP(fd) int fd = connect_to(root, DAEMON_STATUS, SOCK_STREAM,
					STATUS_TIMEOUT);

	return fd < 0 ? NULL : read_answer(fd, false);
}

struct json_object *daemon_command(const char *path, struct json_object *request)
{
	CLEANUP(fd) int fd = connect_to("", path, SOCK_SEQPACKET,
					COMMAND_TIMEOUT);
	const char *text = json_object_to_json_string(request);

	if (fd < 0 || send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
		return NULL;
	return read_answer(fd, true);
}
