// SPDX-License-Identifier: GPL-2.0
/* What paesd_cli.sh can't do in a shell; one small job a subcommand. */
#include "pin.h"
#include "token.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

static struct sockaddr_un address_of(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	return address;
}

/* kek URI PIN-FILE: makes a KEK of a known id. */
static int make_kek(const char *uri, const char *pin_file)
{
	CLEANUP(secret) struct secret *pin = pin_get(pin_file, "test");
	CLEANUP(token) struct token *token = NULL;
	unsigned char id[PAES_ID_SIZE];
	bool enforced;

	memset(id, 0x4b, sizeof(id));
	if (!pin || token_open(&token, uri, pin) < 0)
		return 1;
	return token_create_kek(token, id, &enforced) < 0;
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = address_of(path);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&address,
			      sizeof(address)) < 0)
		return -1;
	return fd;
}

/* ask SOCKET: prints what it has to say. */
static int ask(const char *path)
{
	CLEANUP(fd) int fd = connect_to(path);
	char text[4096];
	ssize_t got;

	if (fd < 0)
		return 1;
	while ((got = read(fd, text, sizeof(text))) > 0)
		fwrite(text, 1, (size_t)got, stdout);
	return got < 0;
}

/* hold SOCKET SECONDS: connects more often than is served, and reads nothing. */
static int hold(const char *path, const char *seconds)
{
	for (int i = 0; i < 12; i++)
		if (connect_to(path) < 0)
			return 1;
	sleep((unsigned int)atoi(seconds));
	return 0;
}

/* notify SOCKET: prints what comes for sd_notify(3), until it is killed. */
static int notify(const char *path)
{
	struct sockaddr_un address = address_of(path);
	CLEANUP(fd) int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	char text[4096];
	ssize_t got;

	if (fd < 0 || bind(fd, (struct sockaddr *)&address,
			   sizeof(address)) < 0)
		return 1;
	while ((got = recv(fd, text, sizeof(text), 0)) >= 0) {
		printf("%.*s\n", (int)got, text);
		fflush(stdout);
	}
	return 1;
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "kek") == 0)
		return make_kek(argv[2], argv[3]);
	if (argc == 3 && strcmp(argv[1], "ask") == 0)
		return ask(argv[2]);
	if (argc == 4 && strcmp(argv[1], "hold") == 0)
		return hold(argv[2], argv[3]);
	if (argc == 3 && strcmp(argv[1], "notify") == 0)
		return notify(argv[2]);
	return 2;
}
