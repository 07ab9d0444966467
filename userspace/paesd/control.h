/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The control socket (SOCK_SEQPACKET, root only): one packet with a request,
 * one with the answer, then its end.
 *
 *	{ "command": "revoke" | "allow", "key_id": "hex" }
 *
 *	{ "done": true, "workers": 2, "killed": 0, "closed": 1, "recorded": true,
 *	  "unchanged": false }
 *	{ "done": false, "error": "..." }
 *
 * It is answered when every worker has heeded it, or is gone: "workers" have,
 * "killed" didn't in time, "closed" is the number of keys that were open, and
 * "recorded" is false where the file couldn't be written, so that a restart of
 * paesd would forget it.  "unchanged": it was revoked, or allowed, already.
 */
#ifndef PAESD_CONTROL_H
#define PAESD_CONTROL_H

struct control_server;
struct supervisor;

enum {
	CONTROL_PACKET_MAX = 4096,
};

/* 0 or -errno after logging. */
int control_open(struct control_server **server, struct supervisor *supervisor);
void control_close(struct control_server *server);	/* NULL is fine */

/* A worker heeded something, or ended: somebody may have waited for it. */
void control_look(struct control_server *server);

#endif
