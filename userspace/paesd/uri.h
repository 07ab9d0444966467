/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PKCS#11 URIs (RFC 7512) as paesd accepts them.
 */
#ifndef PAESD_URI_H
#define PAESD_URI_H

#include <stddef.h>

/*
 * 0, or -EINVAL after logging: no URI, or one with pin-value or pin-source.
 * The worker's command line shows the URI, so no PIN may be in it; the message
 * doesn't quote what it refuses.
 */
int uri_check(const char *uri);

/* What to call the token before it was opened: its label, else the URI. */
void uri_label(const char *uri, char *label, size_t size);

#endif
