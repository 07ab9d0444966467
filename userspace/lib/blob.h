/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Wrapped keys as files, and what is in them in words.
 */
#ifndef PAES_BLOB_H
#define PAES_BLOB_H

#include <linux/paes_blob.h>
#include <stdbool.h>
#include <stddef.h>

/* "-" is standard input.  0 or -errno after logging; the form is not checked. */
int blob_read(struct paes_blob *blob, const char *path);

/*
 * Writes mode 0600, by a temporary file, fsync and rename in the same
 * directory: never half a blob.  Refused unless `force`: a path that exists or
 * is a symbolic link (dangling too), and a file system or ACL under which the
 * new file turns out readable by others all the same.  Root leaves a file that it
 * replaces to owner and group.  0 once the file is in
 * place, though its directory may not be synced: that is a warning.
 */
int blob_write(const struct paes_blob *blob, const char *path, bool force);

/*
 * Which field is wrong, what was found and what was expected, for a log or
 * `paes inspect`; "" for PAES_BLOB_OK.  `length` is what was found.
 */
void blob_explain(enum paes_blob_fault fault, const struct paes_blob *blob,
		  unsigned long length, char *text, unsigned long size);

/* 0, or -EINVAL after logging what is wrong with it, headed by `what`. */
int blob_check_form(const struct paes_blob *blob, const char *what);

/* Lower-case hexadecimal and a NUL: 2 * PAES_ID_SIZE + 1 bytes. */
void blob_format_id(const unsigned char id[PAES_ID_SIZE],
		    char text[2 * PAES_ID_SIZE + 1]);

/* False, and nothing written, for all but 2 * PAES_ID_SIZE hexadecimal digits. */
bool blob_parse_id(const char *text, unsigned char id[PAES_ID_SIZE]);

/* The same for `size` bytes, with anything but such a digit behind them. */
bool blob_parse_hex(const char *text, void *bytes, size_t size);

#endif
