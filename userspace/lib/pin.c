// SPDX-License-Identifier: GPL-2.0
#include "pin.h"

#include "file.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <termios.h>

enum { PIN_MAX = 255 };

#define CREDENTIAL_NAME "paes-pin"

/* Editors end a file with a newline, some with CR LF: not part of the PIN. */
static void strip_newline(struct secret *pin)
{
	if (pin->size && pin->bytes[pin->size - 1] == '\n') {
		pin->size--;
		if (pin->size && pin->bytes[pin->size - 1] == '\r')
			pin->size--;
	}
}

static bool has_control(const struct secret *pin)
{
	for (size_t i = 0; i < pin->size; i++)
		if (pin->bytes[i] < ' ' || pin->bytes[i] == 0x7f)
			return true;
	return false;
}

/* `from` names the source in the message; nothing of the PIN is ever shown. */
static bool usable(struct secret *pin, const char *from)
{
	strip_newline(pin);
	if (!pin->size)
		log_error("%s: the PIN is empty: expected 1 to %d characters; not tried, since some tokens count it as a wrong one",
			  from, PIN_MAX);
	else if (pin->size > PIN_MAX)
		log_error("%s: the PIN is longer than %d characters: expected the PIN alone on one line",
			  from, PIN_MAX);
	else if (has_control(pin))
		log_error("%s: the PIN holds a control character or a second line: expected the PIN alone on one line",
			  from);
	else
		return true;
	return false;
}

static struct secret *checked(struct secret *pin, const char *from)
{
	if (usable(pin, from))
		return pin;
	secret_free(pin);
	return NULL;
}

/* One byte more than the longest PIN and its CR LF shows that it is too long. */
static struct secret *new_pin(void)
{
	struct secret *pin = secret_new(PIN_MAX + 3);

	if (!pin)
		log_error("no locked memory for the PIN: %m: raise RLIMIT_MEMLOCK (ulimit -l)");
	return pin;
}

static void warn_readable(int fd, const char *path)
{
	unsigned int mode;

	if (file_others_may_read(fd, &mode))
		log_warning("%s: the PIN file has mode %04o, others may read it: chmod 600 it and consider a new PIN",
			    path, mode);
}

/* Straight into locked memory. */
static struct secret *from_fd(int fd, const char *path)
{
	struct secret *pin = new_pin();
	ssize_t n;

	if (!pin)
		return NULL;
	n = file_read(fd, pin->bytes, pin->size);
	if (n >= 0) {
		pin->size = (size_t)n;
		return checked(pin, path);
	}
	log_error("%s: can't read the PIN: %s", path, strerror((int)-n));
	secret_free(pin);
	return NULL;
}

static struct secret *explain_open(const char *path)
{
	if (errno == EACCES)
		log_error("%s: can't open the PIN file: %m: run by root, or in a service with LoadCredential=%s:%s (systemctl edit paesd)",
			  path, basename(path), path);
	else
		log_error("%s: can't open the PIN file: %m: expected a file with the PIN on one line",
			  path);
	return NULL;
}

static struct secret *from_file(const char *path)
{
	CLEANUP(fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return explain_open(path);
	warn_readable(fd, path);
	return from_fd(fd, path);
}

/*
 * The path of systemd's credential, or NULL where there is none.  A blank line
 * is what a unit sets for a file that needn't be there.
 */
static char *credential_path(const char *name)
{
	const char *directory = getenv("CREDENTIALS_DIRECTORY");
	struct stat st;
	char *path;

	if (!directory || !*directory)
		return NULL;
	if (asprintf(&path, "%s/%s", directory, name) < 0)
		return NULL;
	if (!stat(path, &st) && S_ISREG(st.st_mode) && st.st_size > 1)
		return path;
	free(path);
	return NULL;
}

/* systemd makes credentials readable by the service's user alone. */
static struct secret *from_credential(const char *path)
{
	CLEANUP(fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0) {
		log_error("%s: can't open the credential: %m", path);
		return NULL;
	}
	return from_fd(fd, path);
}

static void block_signals(sigset_t *blocked, sigset_t *old)
{
	static const int ending[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };

	sigemptyset(blocked);
	for (size_t i = 0; i < sizeof(ending) / sizeof(*ending); i++)
		sigaddset(blocked, ending[i]);
	sigprocmask(SIG_BLOCK, blocked, old);
}

/* A line from the terminal, or -EINTR: a signal must find echo turned on again. */
static int read_line(int tty, int signals, struct secret *pin)
{
	struct pollfd wait[] = {
		{ .fd = tty, .events = POLLIN },
		{ .fd = signals, .events = POLLIN },
	};
	ssize_t n;

	if (poll(wait, 2, -1) < 0)
		return -errno;
	if (wait[1].revents)
		return -EINTR;
	n = read(tty, pin->bytes, pin->size);
	if (n < 0)
		return -errno;
	pin->size = (size_t)n;
	return 0;
}

static int ask(int tty, const char *label, struct secret *pin)
{
	struct termios shown, hidden;
	sigset_t blocked, old;
	int error;

	if (tcgetattr(tty, &shown))
		return -errno;
	hidden = shown;
	hidden.c_lflag &= ~(tcflag_t)ECHO;
	block_signals(&blocked, &old);
	CLEANUP(fd) int signals = signalfd(-1, &blocked, SFD_CLOEXEC);

	tcsetattr(tty, TCSAFLUSH, &hidden);
	dprintf(tty, "PIN of token \"%s\": ", label);
	error = signals < 0 ? -errno : read_line(tty, signals, pin);
	tcsetattr(tty, TCSAFLUSH, &shown);
	dprintf(tty, "\n");
	/* A signal that came meanwhile takes effect here. */
	sigprocmask(SIG_SETMASK, &old, NULL);
	return error;
}

static struct secret *from_terminal(const char *label)
{
	CLEANUP(fd) int tty = open("/dev/tty", O_RDWR | O_CLOEXEC);
	struct secret *pin;
	int error;

	if (tty < 0) {
		log_error("no PIN for token \"%s\": no PIN file is configured, there is no systemd credential \"%s\" and no terminal to ask at: set \"pin-file\" or LoadCredentialEncrypted=%s",
			  label, CREDENTIAL_NAME, CREDENTIAL_NAME);
		return NULL;
	}
	pin = new_pin();
	if (!pin)
		return NULL;
	error = ask(tty, label, pin);
	if (!error)
		return checked(pin, "terminal");
	log_error("can't read the PIN from the terminal: %s", strerror(-error));
	secret_free(pin);
	return NULL;
}

struct secret *pin_get(const char *file, const char *label)
{
	CLEANUP(free) char *credential =
		credential_path(file ? basename(file) : CREDENTIAL_NAME);

	if (credential)
		return from_credential(credential);
	return file ? from_file(file) : from_terminal(label);
}

bool pin_is_asked_for(const char *file)
{
	CLEANUP(free) char *credential = file ? NULL : credential_path(CREDENTIAL_NAME);

	return !file && !credential;
}
