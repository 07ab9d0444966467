// SPDX-License-Identifier: GPL-2.0
#include "user.h"

#include "log.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

static int become(const struct passwd *user)
{
	if (initgroups(user->pw_name, user->pw_gid) || setgid(user->pw_gid) ||
	    setuid(user->pw_uid)) {
		log_error("can't become user \"%s\": %m: run it by root, or by that user",
			  user->pw_name);
		return -EPERM;
	}
	/* The kernel resets it to what a setuid program has. */
	prctl(PR_SET_DUMPABLE, 0);
	return 0;
}

/* NULL with 0: nobody else than who this is. */
static int find_user(const char *name, const struct passwd **user)
{
	*user = NULL;
	if (!name && geteuid())
		return 0;
	*user = getpwnam(name ? name : USER_OF_PAESD);
	if (*user && (*user)->pw_uid == geteuid())
		*user = NULL;
	else if (!*user && name) {
		log_error("--user %s: there is no such user", name);
		return -ENOENT;
	}
	return 0;
}

int user_become(const char *name)
{
	const struct passwd *user;
	int error = find_user(name, &user);

	return error || !user ? error : become(user);
}

/* Who called, while this acts as somebody else. */
static struct {
	bool waits;
	uid_t uid;
	gid_t gid;
	gid_t groups[NGROUPS_MAX];
	int count;
} caller;

static int act_as(const struct passwd *user)
{
	caller.uid = geteuid();
	caller.gid = getegid();
	caller.count = getgroups(NGROUPS_MAX, caller.groups);
	if (caller.count < 0 || initgroups(user->pw_name, user->pw_gid) ||
	    setegid(user->pw_gid) || seteuid(user->pw_uid)) {
		log_error("can't act as user \"%s\": %m: run it by root, or by that user",
			  user->pw_name);
		return -EPERM;
	}
	prctl(PR_SET_DUMPABLE, 0);
	caller.waits = true;
	return 0;
}

int user_act_as(const char *name)
{
	const struct passwd *user;
	int error = find_user(name, &user);

	return error || !user ? error : act_as(user);
}

int user_act_as_caller(void)
{
	if (!caller.waits)
		return 0;
	if (seteuid(caller.uid) || setegid(caller.gid) ||
	    setgroups((size_t)caller.count, caller.groups)) {
		log_error("can't act as the caller again: %m");
		return -EPERM;
	}
	prctl(PR_SET_DUMPABLE, 0);
	caller.waits = false;
	return 0;
}

int user_become_owner(int fd)
{
	const struct passwd *owner;
	struct stat st;

	if (geteuid())
		return 0;
	if (fstat(fd, &st))
		return -errno;
	owner = getpwuid(st.st_uid);
	return owner ? user_become(owner->pw_name) : 0;
}
