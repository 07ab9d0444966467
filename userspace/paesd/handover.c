// SPDX-License-Identifier: GPL-2.0
#include "handover.h"
#include "channel.h"
#include "cleanup.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	HANDOVER_VERSION	= 1,
};

static int add_array(struct json_object *root, const char *name)
{
	struct json_object *array = json_object_new_array();

	if (array && json_object_object_add(root, name, array) == 0)
		return 0;
	json_object_put(array);
	return -ENOMEM;
}

static int fill(struct json_object *root)
{
	struct json_object *version = json_object_new_int(HANDOVER_VERSION);

	if (!version || json_object_object_add(root, "version", version))
		return -ENOMEM;
	return add_array(root, "workers") || add_array(root, "pins") ||
	       add_array(root, "refused") ? -ENOMEM : 0;
}

static const char *pins_name(bool refused)
{
	return refused ? "refused" : "pins";
}

static struct json_object *array_of(const struct handover *handover,
				    const char *name)
{
	struct json_object *array = NULL;

	json_object_object_get_ex(handover->root, name, &array);
	return array;
}

static int add_entry(struct handover *handover, const char *array,
		     const char *uri, const char *name, int number)
{
	struct json_object *entry = json_object_new_object();

	if (entry &&
	    json_object_object_add(entry, "token", json_object_new_string(uri)) == 0 &&
	    json_object_object_add(entry, name, json_object_new_int(number)) == 0 &&
	    json_object_array_add(array_of(handover, array), entry) == 0)
		return 0;
	json_object_put(entry);
	return -ENOMEM;
}

int handover_add_worker(struct handover *handover, const char *uri, pid_t pid)
{
	return add_entry(handover, "workers", uri, "pid", (int)pid);
}

/* The other end is closed: what is in the buffer stays. */
static int store_pin(const struct secret *pin)
{
	int ends[2], error = channel_pair(ends);

	if (error)
		return error;
	error = channel_send_pin(ends[0], pin);
	close(ends[0]);
	if (!error)
		return ends[1];
	close(ends[1]);
	return error;
}

int handover_add_pin(struct handover *handover, const char *uri,
		     const struct secret *pin, bool refused)
{
	int socket = store_pin(pin), error;

	if (socket < 0)
		return socket;
	error = add_entry(handover, pins_name(refused), uri, "socket", socket);
	if (error)
		close(socket);
	return error;
}

/* The lock is the description's, and so this one's as long as either is open. */
int handover_add_lock(struct handover *handover, int lock)
{
	int copy = fcntl(lock, F_DUPFD_CLOEXEC, 0);
	struct json_object *number;

	if (copy < 0)
		return -errno;
	number = json_object_new_int(copy);
	if (number && json_object_object_add(handover->root, "lock", number) == 0)
		return 0;
	json_object_put(number);
	close(copy);
	return -ENOMEM;
}

static int number_in(struct json_object *entry, const char *name)
{
	struct json_object *number = NULL;

	if (!json_object_object_get_ex(entry, name, &number) ||
	    !json_object_is_type(number, json_type_int))
		return -1;
	return json_object_get_int(number);
}

static const char *uri_in(struct json_object *entry)
{
	struct json_object *uri = NULL;

	json_object_object_get_ex(entry, "token", &uri);
	return json_object_is_type(uri, json_type_string) ?
		       json_object_get_string(uri) : NULL;
}

static void each_socket(struct json_object *pins, void (*each)(int fd))
{
	for (size_t i = 0; pins && i < json_object_array_length(pins); i++)
		each(number_in(json_object_array_get_idx(pins, i), "socket"));
}

static void each_fd(const struct handover *handover, void (*each)(int fd))
{
	each_socket(array_of(handover, pins_name(false)), each);
	each_socket(array_of(handover, pins_name(true)), each);
	if (number_in(handover->root, "lock") > 0)
		each(number_in(handover->root, "lock"));
}

static void forget(struct handover *handover)
{
	json_object_put(handover->root);
	free(handover);
}

struct handover *handover_new(void)
{
	struct handover *handover = calloc(1, sizeof(*handover));

	if (!handover)
		return NULL;
	handover->root = json_object_new_object();
	if (handover->root && fill(handover->root) == 0)
		return handover;
	forget(handover);
	return NULL;
}

static void close_one(int fd)
{
	close(fd);
}

void handover_free(struct handover *handover)
{
	if (!handover)
		return;
	each_fd(handover, close_one);
	forget(handover);
}

static void keep_open(int fd)
{
	fcntl(fd, F_SETFD, 0);
}

int handover_write(const struct handover *handover)
{
	const char *text = json_object_to_json_string(handover->root);
	size_t size = strlen(text);
	int fd = memfd_create("paesd-handover", 0);

	if (fd < 0)
		return -errno;
	if (write(fd, text, size) != (ssize_t)size) {
		close(fd);
		return -EIO;
	}
	each_fd(handover, keep_open);
	return fd;
}

static bool is_entry(struct json_object *entry, const char *name)
{
	return json_object_is_type(entry, json_type_object) && uri_in(entry) &&
	       number_in(entry, name) > 0;
}

static bool is_array_of(const struct handover *handover, const char *array,
			const char *name)
{
	struct json_object *entries = array_of(handover, array);

	if (!json_object_is_type(entries, json_type_array))
		return false;
	for (size_t i = 0; i < json_object_array_length(entries); i++)
		if (!is_entry(json_object_array_get_idx(entries, i), name))
			return false;
	return true;
}

static bool is_valid(const struct handover *handover)
{
	return json_object_is_type(handover->root, json_type_object) &&
	       number_in(handover->root, "version") == HANDOVER_VERSION &&
	       is_array_of(handover, "workers", "pid") &&
	       is_array_of(handover, "pins", "socket") &&
	       (!array_of(handover, "refused") ||
		is_array_of(handover, "refused", "socket"));
}

static void explain(const struct handover *handover, int fd)
{
	int version = number_in(handover->root, "version");

	if (version > 0 && version != HANDOVER_VERSION)
		log_error("found version %d of what a paesd leaves to its successor, expected version %d: restart paesd instead of reloading it",
			  version, HANDOVER_VERSION);
	else
		log_error("descriptor %d holds nothing that paesd left to a successor: --adopt is for its own use",
			  fd);
}

static void close_on_exec(int fd)
{
	fcntl(fd, F_SETFD, FD_CLOEXEC);
}

struct handover *handover_read(int fd)
{
	struct handover *handover = calloc(1, sizeof(*handover));

	if (!handover)
		return NULL;
	if (lseek(fd, 0, SEEK_SET) == 0)
		handover->root = json_object_from_fd(fd);
	if (is_valid(handover)) {
		each_fd(handover, close_on_exec);
		close(fd);
		return handover;
	}
	explain(handover, fd);
	/* Nor are the numbers in it any of this one's descriptors. */
	forget(handover);
	return NULL;
}

void handover_each_worker(const struct handover *handover,
			  void (*each)(void *context, const char *uri, pid_t pid),
			  void *context)
{
	struct json_object *workers = array_of(handover, "workers");

	for (size_t i = 0; i < json_object_array_length(workers); i++) {
		struct json_object *worker = json_object_array_get_idx(workers, i);

		each(context, uri_in(worker), number_in(worker, "pid"));
	}
}

struct secret *handover_take_pin(struct handover *handover, const char *uri,
				 bool refused)
{
	struct json_object *pins = array_of(handover, pins_name(refused));

	for (size_t i = 0; pins && i < json_object_array_length(pins); i++) {
		struct json_object *pin = json_object_array_get_idx(pins, i);
		CLEANUP(fd) int socket = -1;

		if (strcmp(uri_in(pin), uri) != 0)
			continue;
		socket = number_in(pin, "socket");
		json_object_array_del_idx(pins, i, 1);
		return channel_receive_pin(socket);
	}
	return NULL;
}

int handover_take_lock(struct handover *handover)
{
	int lock = number_in(handover->root, "lock");

	json_object_object_del(handover->root, "lock");
	return lock > 0 ? lock : -1;
}
