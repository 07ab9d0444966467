// SPDX-License-Identifier: GPL-2.0
#include "status.h"
#include "blob.h"
#include "socket.h"
#include "supervisor.h"
#include "token.h"

#include <errno.h>
#include <json-c/json.h>
#include <string.h>
#include <sys/socket.h>

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
	struct listener socket;
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

static struct json_object *status_revoked(const struct revoked *revoked)
{
	struct json_object *array = json_object_new_array();
	char text[2 * PAES_ID_SIZE + 1];
	unsigned int i;

	for (i = 0; i < revoked->count; i++) {
		blob_format_id(revoked->ids[i], text);
		json_object_array_add(array, json_object_new_string(text));
	}
	return array;
}

/* Up to the last bucket that isn't empty. */
static struct json_object *status_calls(const struct figures *figures)
{
	struct json_object *array = json_object_new_array();
	unsigned int i, used = FIGURES_BUCKETS;

	while (used && !figures->calls[used - 1])
		used--;
	for (i = 0; i < used; i++)
		json_object_array_add(array,
				      json_object_new_uint64(figures->calls[i]));
	return array;
}

static struct json_object *status_errors(const struct figures *figures)
{
	struct json_object *json = json_object_new_object();
	unsigned int i;

	for (i = 0; token_error_name(i); i++)
		if (figures->errors[i])
			json_object_object_add(json, token_error_name(i),
					       json_object_new_uint64(figures->errors[i]));
	return json;
}

static void status_add_figures(struct json_object *json,
			       const struct pool *pool)
{
	struct figures figures = { 0 };
	unsigned int i;

	for (i = 0; i < pool->count; i++)
		child_add_figures(&pool->children[i], &figures);
	json_object_object_add(json, "calls_us",
			       json_object_new_uint64(figures.calls_us));
	json_object_object_add(json, "calls", status_calls(&figures));
	json_object_object_add(json, "errors", status_errors(&figures));
}

/* The URI has no PIN in it: token_check_uri() saw to that. */
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
	status_add_figures(json, pool);
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
	json_object_object_add(json, "revoked",
			       status_revoked(&supervisor->revocation.set));
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

static int status_start(struct status_server *server)
{
	int error = socket_listen(&server->socket,
				  server->supervisor->options->status_socket,
				  SOCK_STREAM, "--status-socket");

	if (error)
		return error;
	error = sd_event_add_io(server->supervisor->event, &server->on_connect,
				server->socket.fd, EPOLLIN, status_on_connect,
				server);
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
	made->socket.fd = -1;
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
	socket_close(&server->socket);
	free(server);
}
