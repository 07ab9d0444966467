// SPDX-License-Identifier: GPL-2.0
#include "crew.h"

#include "engine.h"
#include "log.h"
#include "pin.h"
#include "speed.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum {
	MEMBERS_MAX = 8,
	PIN_MAX = 256,
	PATIENCE_MS = 60000,	/* with a login, and with a measurement */
};

struct member {
	pid_t pid;
	int socket;
};

extern char **environ;

/* By its path: where valgrind runs this program, /proc/self/exe isn't it. */
static int spawn(struct member *member, const char *uri, int theirs)
{
	char path[PATH_MAX] = "";
	char *argv[] = {
		(char *)"paes", (char *)"token", (char *)"--crew",
		(char *)"--token", (char *)uri, NULL,
	};
	posix_spawn_file_actions_t actions;
	int error;

	if (readlink("/proc/self/exe", path, sizeof(path) - 1) < 0)
		return -errno;
	posix_spawn_file_actions_init(&actions);
	error = posix_spawn_file_actions_adddup2(&actions, theirs,
						 STDIN_FILENO);
	if (!error)
		error = posix_spawn(&member->pid, path, &actions, NULL, argv,
				    environ);
	posix_spawn_file_actions_destroy(&actions);
	return -error;
}

static int start(struct member *member, const char *uri, const struct secret *pin)
{
	int ends[2], error;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	member->socket = ends[0];
	error = spawn(member, uri, ends[1]);
	close(ends[1]);
	if (error)
		return error;
	if (send(ends[0], pin->bytes, pin->size, MSG_NOSIGNAL) !=
	    (ssize_t)pin->size)
		return -EPIPE;
	return 0;
}

/* What it says next has this size, or it came to an end. */
static int hear(const struct member *member, void *said, size_t size)
{
	struct pollfd wait = { .fd = member->socket, .events = POLLIN };

	if (poll(&wait, 1, PATIENCE_MS) <= 0)
		return -ETIMEDOUT;
	return recv(member->socket, said, size, 0) == (ssize_t)size ? 0 : -EPIPE;
}

static int run(struct member *members, unsigned int count, const char *uri,
	       const struct secret *pin, double *sum)
{
	int error = 0;
	double rate;
	char ready;

	/* One after the other: should the PIN be refused, it is tried once. */
	for (unsigned int i = 0; !error && i < count; i++) {
		error = start(&members[i], uri, pin);
		if (!error)
			error = hear(&members[i], &ready, sizeof(ready));
	}
	for (unsigned int i = 0; !error && i < count; i++)
		if (send(members[i].socket, "g", 1, MSG_NOSIGNAL) != 1)
			error = -EPIPE;
	for (unsigned int i = 0; !error && i < count; i++) {
		error = hear(&members[i], &rate, sizeof(rate));
		*sum += error ? 0 : rate;
	}
	return error;
}

/* The end of the socket is their end; one that hangs doesn't see it. */
static void dismiss(struct member *member, bool by_force)
{
	if (member->socket >= 0)
		close(member->socket);
	if (!member->pid)
		return;
	if (by_force)
		kill(member->pid, SIGKILL);
	waitpid(member->pid, NULL, 0);
}

int crew_measure(const char *uri, const struct secret *pin, unsigned int count,
		 double *rate)
{
	struct member members[MEMBERS_MAX];
	int error;

	*rate = 0;
	if (count > MEMBERS_MAX)
		return -E2BIG;
	for (unsigned int i = 0; i < count; i++)
		members[i] = (struct member){ .socket = -1 };
	error = run(members, count, uri, pin, rate);
	for (unsigned int i = 0; i < count; i++)
		dismiss(&members[i], error);
	if (error)
		log_error("%u process%s at the token can't be measured: %s",
			  count, count == 1 ? "" : "es", strerror(-error));
	return error;
}

static struct secret *receive_pin(void)
{
	struct secret *pin = secret_new(PIN_MAX);
	ssize_t size = pin ? recv(STDIN_FILENO, pin->bytes, PIN_MAX, MSG_TRUNC) :
			     0;

	if (size > 0 && size <= PIN_MAX) {
		pin->size = (size_t)size;
		return pin;
	}
	log_error("--crew is for paes's own use");
	secret_free(pin);
	return NULL;
}

static int report(struct token *token, token_key key)
{
	struct speed speed;
	double rate;
	char go;
	int error;

	if (send(STDIN_FILENO, "r", 1, MSG_NOSIGNAL) != 1 ||
	    recv(STDIN_FILENO, &go, 1, 0) != 1)
		return -EPIPE;
	error = speed_measure(token, key, TOKEN_CHUNK, &speed);
	if (error)
		return error;
	rate = (speed.encrypt + speed.decrypt) / 2;
	return send(STDIN_FILENO, &rate, sizeof(rate), MSG_NOSIGNAL) ==
	       sizeof(rate) ? 0 : -EPIPE;
}

int crew_member(const char *uri)
{
	CLEANUP(secret) struct secret *pin = receive_pin();
	CLEANUP(token) struct token *token = NULL;
	token_key key;
	int error;

	if (!pin)
		return -EINVAL;
	error = token_open(&token, uri, pin);
	if (!error)
		error = token_generate_key(token, 32, &key);
	return error ? error : report(token, key);
}
