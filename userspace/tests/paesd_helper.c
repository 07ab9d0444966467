// SPDX-License-Identifier: GPL-2.0
/* What paesd_cli.sh can't do in a shell; one small job a subcommand. */
#include "pin.h"
#include "token.h"

#include <p11-kit/p11-kit.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

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

static int connect_to(const char *path, int type)
{
	struct sockaddr_un address = address_of(path);
	int fd = socket(AF_UNIX, type, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&address,
			      sizeof(address)) < 0)
		return -1;
	return fd;
}

/* ask SOCKET: prints what it has to say. */
static int ask(const char *path)
{
	CLEANUP(fd) int fd = connect_to(path, SOCK_STREAM);
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
		if (connect_to(path, SOCK_STREAM) < 0)
			return 1;
	sleep((unsigned int)atoi(seconds));
	return 0;
}

/* tell SOCKET TEXT ANSWER: the answer holds that; the end, when it's empty. */
static int tell(const char *path, const char *text, const char *answer)
{
	CLEANUP(fd) int fd = connect_to(path, SOCK_SEQPACKET);
	char found[4096] = "";
	ssize_t got;

	if (fd < 0 || (*text && send(fd, text, strlen(text), 0) < 0))
		return 1;
	got = recv(fd, found, sizeof(found) - 1, 0);
	printf("# answer: %s\n", found);
	return *answer ? !strstr(found, answer) : got != 0;
}

/* The slot whose token has this label, or 0 for the first. */
static CK_SLOT_ID slot_of(CK_FUNCTION_LIST *module, const char *label)
{
	CK_SLOT_ID slots[16];
	CK_ULONG count = 16;
	CK_TOKEN_INFO info;

	if (module->C_GetSlotList(CK_TRUE, slots, &count) != CKR_OK)
		return 0;
	for (CK_ULONG i = 0; i < count; i++)
		if (module->C_GetTokenInfo(slots[i], &info) == CKR_OK &&
		    !strncmp((const char *)info.label, label, strlen(label)))
			return slots[i];
	return 0;
}

static CK_RV change_pin(CK_FUNCTION_LIST *module, const char *label,
			const char *from, const char *to)
{
	CK_SESSION_HANDLE session;
	CK_RV rv = module->C_OpenSession(slot_of(module, label),
					 CKF_SERIAL_SESSION | CKF_RW_SESSION,
					 NULL, NULL, &session);

	if (rv == CKR_OK)
		rv = module->C_Login(session, CKU_USER, (CK_UTF8CHAR *)from,
				     strlen(from));
	if (rv == CKR_OK)
		rv = module->C_SetPIN(session, (CK_UTF8CHAR *)from,
				      strlen(from), (CK_UTF8CHAR *)to,
				      strlen(to));
	return rv;
}

/* newpin MODULE LABEL OLD NEW: what an administrator does to a token. */
static int new_pin(char **argv)
{
	CK_FUNCTION_LIST *module = p11_kit_module_load(argv[0], 0);

	if (!module || p11_kit_module_initialize(module) != CKR_OK)
		return 1;
	return change_pin(module, argv[1], argv[2], argv[3]) != CKR_OK;
}

/* trace PID: kills it, as one who traces it, and lets go of it a second later. */
static int trace(const char *pid)
{
	pid_t child = (pid_t)atoi(pid);

	if (ptrace(PTRACE_SEIZE, child, NULL, NULL) < 0) {
		perror("# can't trace it");
		return 1;
	}
	kill(child, SIGKILL);
	sleep(1);
	return waitpid(child, NULL, __WALL) != child;
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
	if (argc == 6 && strcmp(argv[1], "newpin") == 0)
		return new_pin(argv + 2);
	if (argc == 5 && strcmp(argv[1], "tell") == 0)
		return tell(argv[2], argv[3], argv[4]);
	if (argc == 3 && strcmp(argv[1], "trace") == 0)
		return trace(argv[2]);
	if (argc == 3 && strcmp(argv[1], "notify") == 0)
		return notify(argv[2]);
	return 2;
}
