/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The status socket: whoever connects (root) gets one JSON object, then the
 * end of file.
 *
 *	{ "version": "...", "pid": 1, "state": "serving|starting|stopping",
 *	  "tokens": [ { "uri": "pkcs11:...", "label": "...",
 *			"state": "serving|starting|pin-refused|failed",
 *			"keks": [ "hex", ... ],
 *			"workers": [ { "number": 1, "pid": 2,
 *				       "state": "serving|starting|waiting",
 *				       "restarts": 0,
 *				       "last_error": null | "..." } ],
 *			"calls_us": 12, "calls": [ 0, 0, 3 ],
 *			"errors": { "CKR_...": 1 } } ],
 *	  "revoked": [ "hex", ... ] }
 *
 * "pid" of a waiting worker is 0.  Of 16 calls with data one is timed: "calls"
 * counts those, as figures.h has it, "calls_us" is the sum; these and "errors" are
 * since the start of paesd, over all workers of the token.
 */
#ifndef PAESD_STATUS_H
#define PAESD_STATUS_H

struct supervisor;
struct status_server;

/* 0 or -errno after logging; -EADDRINUSE when another paesd answers there. */
int status_open(struct status_server **server, struct supervisor *supervisor);
void status_close(struct status_server *server);	/* NULL is fine */

#endif
