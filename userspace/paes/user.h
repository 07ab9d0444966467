/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Whose files a token's files become.
 */
#ifndef PAES_USER_H
#define PAES_USER_H

#define USER_OF_PAESD	"paes"

/*
 * Becomes user `name` for good.  With NULL: the user that paesd.service runs
 * as, if this is root and there is that user.  Its supplementary groups come
 * with it, environment and working directory stay.  0, or -errno after logging.
 */
int user_become(const char *name);

/* The same until user_act_as_caller(): for what also writes a file of the caller's. */
int user_act_as(const char *name);
int user_act_as_caller(void);

/*
 * Root becomes, for good, the owner of the directory that `fd` is: so that what
 * it makes there can be read by whom the directory is for.  Others stay.
 */
int user_become_owner(int fd);

#endif
