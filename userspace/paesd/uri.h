/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reads a PKCS#11 URI (RFC 7512) that token_check_uri() let pass.
 */
#ifndef PAESD_URI_H
#define PAESD_URI_H

#include <stddef.h>

/* What to call the token before it was opened: its label, else the URI. */
void uri_label(const char *uri, char *label, size_t size);

#endif
