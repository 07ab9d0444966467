// SPDX-License-Identifier: GPL-2.0
#include "status.h"
#include "blob.h"
#include "log.h"
#include "supervisor.h"

#include <errno.h>
#include <json-c/json.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

enum {
	READERS_MAX	= 8,
	READER_US	= 5000000,	/* to take it all, then it is cut off */
};

/* Somebody who is being told; slow ones must not stop the supervisor. */
struct reader {
	int fd;
	struct json_object *json;	/* owns `text` */
	const char *text;
	size_t left;
	sd_event_source *on_space;
	sd_event_source *on_time;
};

struct status_server {
	struct supervisor *supervisor;
	int fd;
	struct sockaddr_un address;
	sd_event_source *on_connect;
	struct reader readers[READERS_MAX];
};

static const char *supervisor_state(const struct supervisor *supervisor)
{
	if (supervisor->stopping)
		return "stopping";
	return supervisor->announced ? "serving" : "starting";
}

static struct json_object *status_child(const struct child *child)
{
	struct json_object *json = json_object_new_object();

	json_object_object_add(json, "number",
			       json_object_new_int64(child->number));
	json_object_object_add(json, "pid", json_object_new_int64(child->pid));
	json_object_object_add(json, "state",
			       json_object_new_string(child_state_name(child)));
	json_object_object_add(json, "restarts",
			       json_object_new_int64(child->restarts));
	json_object_object_add(json, "last_error",
			       *child->last_error ?
			       json_object_new_string(child->last_error) : NULL);
	return json;
}

static struct json_object *status_children(const struct pool *pool)
{
	struct json_object *array = json_object_new_array();
	unsigned int i;

	for (i = 0; i < pool->count; i++)
		json_object_array_add(array, status_child(&pool->children[i]));
	return array;
}

static struct json_object *status_keks(const struct pool *pool)
{
	struct json_object *array = json_object_new_array();
	char text[2 * PAES_ID_SIZE + 1];
	unsigned int i;

	for (i = 0; i < pool->kek_count; i++) {
		blob_format_id(pool->keks[i], text);
		json_object_array_add(array, json_object_new_string(text));
	}
	return array;
}

/* The URI has no PIN in it: uri_check() saw to that. */
static struct json_object *status_pool(const struct pool *pool)
{
	struct json_object *json = json_object_new_object();

	json_object_object_add(json, "uri",
			       json_object_new_string(pool->token->uri));
	json_object_object_add(json, "label",
			       json_object_new_string(pool->label));
	json_object_object_add(json, "state",
			       json_object_new_string(pool_state_name(pool)));
	json_object_object_add(json, "keks", status_keks(pool));
	json_object_object_add(json, "workers", status_children(pool));
	return json;
}

static struct json_object *status_json(const struct supervisor *supervisor)
{
	struct json_object *json = json_object_new_object();
	struct json_object *tokens = json_object_new_array();
	unsigned int i;

	for (i = 0; i < supervisor->count; i++)
		json_object_array_add(tokens,
				      status_pool(&supervisor->pools[i]));
	json_object_object_add(json, "version",
			       json_object_new_string(PAES_VERSION));
	json_object_object_add(json, "pid", json_object_new_int64(getpid()));
	json_object_object_add(json, "state",
			       json_object_new_string(supervisor_state(supervisor)));
	json_object_object_add(json, "tokens", tokens);
	return json;
}

static void reader_close(struct reader *reader)
{
	sd_event_source_disable_unref(reader->on_space);
	sd_event_source_disable_unref(reader->on_time);
	json_object_put(reader->json);
	close(reader->fd);
	*reader = (struct reader){ .fd = -1 };
}

static int reader_on_space(sd_event_source *source, int fd, uint32_t events,
			   void *userdata)
{
	struct reader *reader = userdata;
	ssize_t sent = send(fd, reader->text, reader->left,
			    MSG_NOSIGNAL | MSG_DONTWAIT);

	(void)source;
	(void)events;
	if (sent < 0 && errno == EAGAIN)
		return 0;
	if (sent > 0) {
		reader->text += sent;
		reader->left -= (size_t)sent;
	}
	if (sent <= 0 || !reader->left)
		reader_close(reader);
	return 0;
}

static int reader_on_time(sd_event_source *source, uint64_t when,
			  void *userdata)
{
	(void)source;
	(void)when;
	reader_close(userdata);
	return 0;
}

/* Takes `fd` over, and closes it when there is trouble. */
static void reader_open(struct reader *reader,
			const struct supervisor *supervisor, int fd)
{
	sd_event *event = supervisor->event;

	reader->fd = fd;
	reader->json = status_json(supervisor);
	reader->text = json_object_to_json_string_ext(reader->json,
						      JSON_C_TO_STRING_PLAIN |
						      JSON_C_TO_STRING_NOSLASHESCAPE);
	reader->left = strlen(reader->text);
	if (sd_event_add_io(event, &reader->on_space, fd, EPOLLOUT,
			    reader_on_space, reader) < 0 ||
	    sd_event_add_time_relative(event, &reader->on_time, CLOCK_MONOTONIC,
				       READER_US, 0, reader_on_time,
				       reader) < 0)
		reader_close(reader);
}

static struct reader *status_free_reader(struct status_server *server)
{
	unsigned int i;

	for (i = 0; i < READERS_MAX; i++)
		if (server->readers[i].fd < 0)
			return &server->readers[i];
	return NULL;
}

static int status_on_connect(sd_event_source *source, int fd, uint32_t events,
			     void *userdata)
{
	struct status_server *server = userdata;
	struct reader *reader = status_free_reader(server);
	int connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)source;
	(void)events;
	if (connection < 0)
		return 0;
	if (reader)
		reader_open(reader, server->supervisor, connection);
	else
		close(connection);
	return 0;
}

static int status_set_address(struct status_server *server, const char *path)
{
	struct sockaddr_un *address = &server->address;

	if (strlen(path) >= sizeof(address->sun_path)) {
		log_error("--status-socket \"%s\": a socket's path has at most %zu bytes",
			  path, sizeof(address->sun_path) - 1);
		return -ENAMETOOLONG;
	}
	address->sun_family = AF_UNIX;
	memcpy(address->sun_path, path, strlen(path) + 1);
	return 0;
}

static int status_make_directory(const struct status_server *server)
{
	char path[sizeof(server->address.sun_path)];
	char *slash;

	memcpy(path, server->address.sun_path, sizeof(path));
	slash = strrchr(path, '/');
	if (!slash || slash == path)
		return 0;
	*slash = '\0';
	if (mkdir(path, 0755) == 0 || errno == EEXIST)
		return 0;
	log_error("can't make %s for the status socket: %s", path,
		  strerror(errno));
	return -errno;
}

static int status_connect(const struct status_server *server)
{
	CLEANUP(fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&server->address,
		    sizeof(server->address)) == 0 || errno == EAGAIN)
		return 0;
	return -errno;
}

/* What a paesd that was killed left behind; nothing else is removed. */
static int status_remove_stale(const struct status_server *server)
{
	const char *path = server->address.sun_path;
	struct stat found;

	if (lstat(path, &found) < 0)
		return 0;
	if (!S_ISSOCK(found.st_mode)) {
		log_error("%s is there and is no socket: remove it, or give another --status-socket",
			  path);
		return -EEXIST;
	}
	if (status_connect(server) == 0) {
		log_error("another paesd answers at %s: stop it first, or give this one another --status-socket",
			  path);
		return -EADDRINUSE;
	}
	return unlink(path) == 0 ? 0 : -errno;
}

static int status_listen(struct status_server *server)
{
	/* Nobody but root may connect, from the moment it is there. */
	mode_t mask = umask(0177);
	int error = 0;

	server->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (server->fd < 0 ||
	    bind(server->fd, (const struct sockaddr *)&server->address,
		 sizeof(server->address)) < 0 ||
	    listen(server->fd, READERS_MAX) < 0)
		error = -errno;
	umask(mask);
	if (error)
		log_error("can't listen at %s: %s", server->address.sun_path,
			  strerror(-error));
	return error;
}

static int status_start(struct status_server *server)
{
	int error = status_set_address(server,
				       server->supervisor->options->status_socket);

	if (!error)
		error = status_make_directory(server);
	if (!error)
		error = status_remove_stale(server);
	if (!error)
		error = status_listen(server);
	if (!error)
		error = sd_event_add_io(server->supervisor->event,
					&server->on_connect, server->fd,
					EPOLLIN, status_on_connect, server);
	return error < 0 ? error : 0;
}

int status_open(struct status_server **server, struct supervisor *supervisor)
{
	struct status_server *made = calloc(1, sizeof(*made));
	unsigned int i;
	int error;

	if (!made)
		return -ENOMEM;
	made->supervisor = supervisor;
	made->fd = -1;
	for (i = 0; i < READERS_MAX; i++)
		made->readers[i].fd = -1;
	error = status_start(made);
	if (error)
		status_close(made);
	else
		*server = made;
	return error;
}

void status_close(struct status_server *server)
{
	unsigned int i;

	if (!server)
		return;
	for (i = 0; i < READERS_MAX; i++)
		if (server->readers[i].fd >= 0)
			reader_close(&server->readers[i]);
	sd_event_source_disable_unref(server->on_connect);
	if (server->on_connect)
		unlink(server->address.sun_path);
	if (server->fd >= 0)
		close(server->fd);
	free(server);
}
