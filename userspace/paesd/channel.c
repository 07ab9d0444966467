// SPDX-License-Identifier: GPL-2.0
#include "channel.h"
#include "log.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

int channel_pair(int ends[2])
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
		       0, ends) < 0)
		return -errno;
	return 0;
}

int channel_send_pin(int fd, const struct secret *pin)
{
	ssize_t sent;

	if (pin->size > CHANNEL_PIN_MAX)
		return -E2BIG;
	sent = send(fd, pin->bytes, pin->size, MSG_NOSIGNAL);
	if (sent < 0)
		return -errno;
	return (size_t)sent == pin->size ? 0 : -EIO;
}

struct secret *channel_receive_pin(int fd)
{
	struct secret *pin = secret_new(CHANNEL_PIN_MAX);
	ssize_t got;

	if (!pin) {
		log_error("no locked memory for the PIN: %s", strerror(errno));
		return NULL;
	}
	/* It was sent before this process could run. */
	got = recv(fd, pin->bytes, CHANNEL_PIN_MAX, 0);
	if (got <= 0) {
		log_error("no PIN on descriptor %d: --worker is for paesd's own use",
			  fd);
		secret_free(pin);
		return NULL;
	}
	pin->size = (size_t)got;
	return pin;
}

/* Of a set, what precedes the ids. */
struct revoked_header {
	uint32_t serial;
	uint32_t count;
};

int channel_send_revoked(int fd, uint32_t serial, const struct revoked *revoked)
{
	struct revoked_header header = { serial, revoked->count };
	struct iovec parts[] = {
		{ &header, sizeof(header) },
		{ (void *)revoked->ids, revoked->count * PAES_ID_SIZE },
	};
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };

	return sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ?
	       -errno : 0;
}

int channel_receive_revoked(int fd, uint32_t *serial, struct revoked *revoked,
			    bool wait)
{
	struct pollfd incoming = { .fd = fd, .events = POLLIN };
	struct revoked_header header;
	struct iovec parts[] = {
		{ &header, sizeof(header) },
		{ revoked->ids, sizeof(revoked->ids) },
	};
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
	ssize_t got;

	while (wait && poll(&incoming, 1, -1) < 0 && errno == EINTR)
		;
	got = recvmsg(fd, &message, MSG_DONTWAIT);
	if (got <= 0)
		return 0;
	if ((size_t)got < sizeof(header) || header.count > REVOKED_MAX ||
	    (size_t)got != sizeof(header) + header.count * PAES_ID_SIZE)
		return -EPROTO;
	*serial = header.serial;
	revoked->count = header.count;
	return 1;
}

int channel_send_report(int fd, const struct report *report)
{
	ssize_t sent = send(fd, report, sizeof(*report), MSG_NOSIGNAL);

	return sent == sizeof(*report) ? 0 : -errno;
}

bool channel_receive_report(int fd, struct report *report)
{
	ssize_t got = recv(fd, report, sizeof(*report), MSG_DONTWAIT);

	if (got != sizeof(*report) || report->kek_count > PAES_SERVE_MAX)
		return false;
	report->label[sizeof(report->label) - 1] = '\0';
	report->text[sizeof(report->text) - 1] = '\0';
	return true;
}
