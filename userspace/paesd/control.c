// SPDX-License-Identifier: GPL-2.0
#include "control.h"
#include "blob.h"
#include "jsonfile.h"
#include "log.h"
#include "socket.h"
#include "supervisor.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

enum {
	CLIENTS_MAX	= 8,
	REQUEST_US	= 5000000,	/* to say what it wants */
	HEED_US		= 5000000,	/* for workers to heed, and then to die */
};

struct client {
	struct control_server *server;
	int fd;
	uint32_t serial;		/* waited for; 0: no request yet */
	bool recorded;
	bool unchanged;			/* it was so already */
	unsigned int killed;
	sd_event_source *on_request;
	sd_event_source *on_time;
};

struct control_server {
	struct supervisor *supervisor;
	struct listener socket;
	sd_event_source *on_connect;
	struct client clients[CLIENTS_MAX];
};

static void client_close(struct client *client)
{
	sd_event_source_disable_unref(client->on_request);
	sd_event_source_disable_unref(client->on_time);
	if (client->fd >= 0)
		close(client->fd);
	*client = (struct client){ .server = client->server, .fd = -1 };
}

/* A packet this small finds room, or nobody is there to read it. */
static void client_answer(struct client *client, struct json_object *json)
{
	const char *text = json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN);

	if (send(client->fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		log_warning("whoever asked over the control socket isn't there for the answer: %s",
			    strerror(errno));
	json_object_put(json);
	client_close(client);
}

__attribute__((__format__(printf, 2, 3)))
static void client_fail(struct client *client, const char *format, ...)
{
	struct json_object *json = json_object_new_object();
	char text[256];
	va_list values;

	va_start(values, format);
	vsnprintf(text, sizeof(text), format, values);
	va_end(values);
	json_object_object_add(json, "done", json_object_new_boolean(false));
	json_object_object_add(json, "error", json_object_new_string(text));
	client_answer(client, json);
}

static void client_succeed(struct client *client)
{
	struct json_object *json = json_object_new_object();
	unsigned int closed, heeded;

	heeded = revocation_heeded(&client->server->supervisor->revocation,
				   client->serial, &closed);
	json_object_object_add(json, "done", json_object_new_boolean(true));
	json_object_object_add(json, "workers", json_object_new_int64(heeded));
	json_object_object_add(json, "killed",
			       json_object_new_int64(client->killed));
	json_object_object_add(json, "closed", json_object_new_int64(closed));
	json_object_object_add(json, "recorded",
			       json_object_new_boolean(client->recorded));
	json_object_object_add(json, "unchanged",
			       json_object_new_boolean(client->unchanged));
	client_answer(client, json);
}

static int client_wait(struct client *client, uint64_t us);

/* The first time: those who don't heed are killed.  The second time: in vain. */
static int client_on_time(sd_event_source *source, uint64_t when,
			  void *userdata)
{
	struct client *client = userdata;
	const struct revocation *revocation =
		&client->server->supervisor->revocation;
	unsigned int deaf;

	(void)source;
	(void)when;
	if (!client->serial) {
		client_close(client);
		return 0;
	}
	deaf = revocation_deaf(revocation, client->serial);
	if (client->killed) {
		client_fail(client, "%u workers neither heed it nor can be killed: they hang in the kernel, and the key may be in use until they end",
			    deaf);
		return 0;
	}
	client->killed = deaf;
	revocation_kill_deaf(revocation, client->serial);
	return client_wait(client, HEED_US);
}

static int client_wait(struct client *client, uint64_t us)
{
	client->on_time = sd_event_source_disable_unref(client->on_time);
	return sd_event_add_time_relative(client->server->supervisor->event,
					  &client->on_time, CLOCK_MONOTONIC, us,
					  0, client_on_time, client);
}

static const char *text_of(struct json_object *json, const char *name)
{
	struct json_object *value = json_member(json, name);

	return json_object_is_type(value, json_type_string) ?
	       json_object_get_string(value) : "";
}

static void client_change(struct client *client,
			  const unsigned char id[PAES_ID_SIZE], bool revoke)
{
	struct supervisor *supervisor = client->server->supervisor;
	struct revocation *revocation = &supervisor->revocation;
	char text[2 * PAES_ID_SIZE + 1];
	int error;

	client->unchanged = revoked_has(&revocation->set, id) == revoke;
	error = revocation_change(revocation, id, revoke, &client->recorded);
	blob_format_id(id, text);
	if (error) {
		client_fail(client, "key %s can't be %s: %s; the log of paesd says more",
			    text, revoke ? "revoked" : "allowed",
			    strerror(-error));
		return;
	}
	log_info("key %s is %s", text, revoke ? "revoked" : "allowed");
	client->serial = revocation->serial;
	client->on_request = sd_event_source_disable_unref(client->on_request);
	if (client_wait(client, HEED_US) < 0)
		client_fail(client, "out of memory");
	else
		control_look(client->server);
}

static void client_request(struct client *client, struct json_object *json)
{
	const char *command = text_of(json, "command");
	bool revoke = strcmp(command, "revoke") == 0;
	unsigned char id[PAES_ID_SIZE];

	if (!revoke && strcmp(command, "allow") != 0)
		client_fail(client, "unknown command: expected \"revoke\" or \"allow\"");
	else if (!blob_parse_id(text_of(json, "key_id"), id))
		client_fail(client, "no key id: expected %d hexadecimal digits",
			    2 * PAES_ID_SIZE);
	else
		client_change(client, id, revoke);
}

static int client_on_request(sd_event_source *source, int fd, uint32_t events,
			     void *userdata)
{
	struct client *client = userdata;
	char text[CONTROL_PACKET_MAX + 1];
	ssize_t got = recv(fd, text, CONTROL_PACKET_MAX, MSG_DONTWAIT);
	struct json_object *json;

	(void)source;
	(void)events;
	if (got <= 0) {
		client_close(client);
		return 0;
	}
	text[got] = '\0';
	json = json_tokener_parse(text);
	client_request(client, json);
	json_object_put(json);
	return 0;
}

/* The socket's mode says so already; a descriptor may have been passed on. */
static bool is_allowed(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
	       (peer.uid == 0 || peer.uid == geteuid());
}

static void client_open(struct client *client, int fd)
{
	client->fd = fd;
	if (sd_event_add_io(client->server->supervisor->event,
			    &client->on_request, fd, EPOLLIN,
			    client_on_request, client) < 0 ||
	    client_wait(client, REQUEST_US) < 0)
		client_close(client);
}

static struct client *control_free_client(struct control_server *server)
{
	for (unsigned int i = 0; i < CLIENTS_MAX; i++)
		if (server->clients[i].fd < 0)
			return &server->clients[i];
	return NULL;
}

static int control_on_connect(sd_event_source *source, int fd, uint32_t events,
			      void *userdata)
{
	struct control_server *server = userdata;
	struct client *client = control_free_client(server);
	int connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)source;
	(void)events;
	if (connection < 0)
		return 0;
	if (client && is_allowed(connection))
		client_open(client, connection);
	else
		close(connection);
	return 0;
}

void control_look(struct control_server *server)
{
	for (unsigned int i = 0; i < CLIENTS_MAX; i++) {
		struct client *client = &server->clients[i];

		if (client->serial &&
		    !revocation_deaf(&server->supervisor->revocation,
				     client->serial))
			client_succeed(client);
	}
}

static int control_start(struct control_server *server)
{
	int error = socket_listen(&server->socket,
				  server->supervisor->options->control_socket,
				  SOCK_SEQPACKET, "--control-socket");

	if (error)
		return error;
	error = sd_event_add_io(server->supervisor->event, &server->on_connect,
				server->socket.fd, EPOLLIN, control_on_connect,
				server);
	return error < 0 ? error : 0;
}

int control_open(struct control_server **server, struct supervisor *supervisor)
{
	struct control_server *made = calloc(1, sizeof(*made));
	int error;

	if (!made)
		return -ENOMEM;
	made->supervisor = supervisor;
	made->socket.fd = -1;
	for (unsigned int i = 0; i < CLIENTS_MAX; i++)
		made->clients[i] = (struct client){ .server = made, .fd = -1 };
	error = control_start(made);
	if (error)
		control_close(made);
	else
		*server = made;
	return error;
}

void control_close(struct control_server *server)
{
	if (!server)
		return;
	for (unsigned int i = 0; i < CLIENTS_MAX; i++)
		client_close(&server->clients[i]);
	sd_event_source_disable_unref(server->on_connect);
	socket_close(&server->socket);
	free(server);
}
