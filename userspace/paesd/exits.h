/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PAESD_EXITS_H
#define PAESD_EXITS_H

/* Exit statuses of paesd and its workers; the first four are in --help. */
enum {
	EXIT_ENDED		= 0,
	EXIT_FAILED		= 1,
	EXIT_USAGE		= 2,
	EXIT_PIN_REFUSED	= 3,
	EXIT_TOKEN_LOST		= 4,	/* worker: start another one */
	EXIT_SOFTHSM		= 5,	/* worker: SoftHSM's own exit(5) */
};

#endif
