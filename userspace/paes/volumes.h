/* SPDX-License-Identifier: GPL-2.0 */
/*
 * dm-crypt volumes with the cipher paes, and which key is whose.
 *
 *	{ "name": "vault", "key_id": "hex" | null, "keyring": "logon:..." | null,
 *	  "found_by": "table" | "elimination" | null }
 *
 * A wrapped key in a volume's table names its key.  One in the kernel's keyring
 * (cryptsetup's way with LUKS2) can't be read by anybody; but when one such
 * volume and one key are left over, they belong together.
 */
#ifndef PAES_VOLUMES_H
#define PAES_VOLUMES_H

#include "jsonfile.h"

/* An array of the above; NULL with errno. */
struct json_object *volumes_read(void);

/* One, by the parameters of its crypt target; NULL when it isn't of paes. */
struct json_object *volumes_describe(const char *name, const char *parameters);

/* Adds "volume" to each key, with the names of those that use it, or null. */
void volumes_join(struct json_object *volumes, struct json_object *keys);

#endif
