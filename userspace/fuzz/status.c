// SPDX-License-Identifier: GPL-2.0
/*
 * What "paes status" reads: the daemon's answer, the module's tables of
 * providers and keys, one counter; in the input one after the other, with a
 * line "--" between.
 */
#include "fuzz.h"

#include "../paes/cmd.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define SEPARATOR	"--\n"

struct part {
	const uint8_t *data;
	size_t size;
};

static char root[] = "/dev/shm/paes-fuzz-XXXXXX";
static int listener = -1;
static struct part answer;

static void make_directory(const char *below)
{
	char path[128];

	snprintf(path, sizeof(path), "%s%s", root, below);
	MUST(!mkdir(path, 0700));
}

static void write_file(const char *below, struct part part)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s%s", root, below);
	file = fopen(path, "we");
	MUST(file);
	MUST(fwrite(part.data, 1, part.size, file) == part.size);
	MUST(!fclose(file));
}

/* The reader may go away at any time. */
static void tell(int fd)
{
	size_t sent = 0;
	ssize_t n;

	while (sent < answer.size) {
		n = send(fd, answer.data + sent, answer.size - sent, MSG_NOSIGNAL);
		if (n < 0)
			break;
		sent += (size_t)n;
	}
	close(fd);
}

static void *daemon_thread(void *unused)
{
	(void)unused;
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		MUST(fd >= 0);
		tell(fd);
	}
	return NULL;
}

static void start_daemon(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	pthread_t thread;

	snprintf(address.sun_path, sizeof(address.sun_path),
		 "%s/run/paes/paesd.sock", root);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	MUST(listener >= 0);
	MUST(!bind(listener, (struct sockaddr *)&address, sizeof(address)));
	MUST(!listen(listener, 1));
	MUST(!pthread_create(&thread, NULL, daemon_thread, NULL));
}

static void remove_root(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf -- %s", root);
	if (system(command))
		fprintf(stderr, "%s is left behind\n", root);
}

static void make_root(void)
{
	static const char *const directories[] = {
		"/run", "/run/paes", "/sys", "/sys/module", "/sys/module/paes",
		"/sys/module/paes/parameters", "/sys/class", "/sys/class/misc",
		"/sys/class/misc/paes", "/sys/class/misc/paes/stats",
		"/sys/kernel", "/sys/kernel/debug", "/sys/kernel/debug/paes",
	};

	MUST(mkdtemp(root));
	atexit(remove_root);
	for (size_t i = 0; i < sizeof(directories) / sizeof(*directories); i++)
		make_directory(directories[i]);
	start_daemon();
}

static struct part next_part(struct part *rest)
{
	struct part part = *rest;
	const uint8_t *end = memmem(rest->data, rest->size, SEPARATOR,
				    strlen(SEPARATOR));

	if (end)
		part.size = (size_t)(end - rest->data);
	rest->data += part.size;
	rest->size -= part.size;
	if (end) {
		rest->data += strlen(SEPARATOR);
		rest->size -= strlen(SEPARATOR);
	}
	return part;
}

static void ask(const char *option)
{
	char *argv[] = { (char *)"paes status", (char *)"--root", root,
			 (char *)option, NULL };
	int code = cmd_status(option ? 4 : 3, argv);

	MUST(code == EXIT_OK || code == EXIT_FAILED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct part rest = { data, size };

	if (listener < 0)
		make_root();
	answer = next_part(&rest);
	write_file("/sys/kernel/debug/paes/providers", next_part(&rest));
	write_file("/sys/kernel/debug/paes/keys", next_part(&rest));
	write_file("/sys/class/misc/paes/stats/counter", rest);
	ask(NULL);
	ask("--json");
	ask("--prometheus");
	return 0;
}
