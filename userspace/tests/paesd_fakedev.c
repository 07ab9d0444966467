// SPDX-License-Identifier: GPL-2.0
/*
 * LD_PRELOAD for the tests of paesd as a whole: a regular file named by
 * PAES_FAKE_DEVICE plays /dev/paes.  SETUP grants a small ring in that file,
 * SERVE is fine, ENTER sleeps until a signal.  Nothing is ever submitted.
 * While there is a file of that name and ".denied", SETUP is refused as open(2)
 * is before udev has given the device to its group: root may open it always.
 */
#include <dlfcn.h>
#include <errno.h>
#include <linux/paes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	ENTRIES	= 8,
	SLOT	= 4096,
};

int ioctl(int fd, unsigned long request, ...);

static bool is_fake(int fd)
{
	const char *path = getenv("PAES_FAKE_DEVICE");
	struct stat wanted, found;

	return path && stat(path, &wanted) == 0 && fstat(fd, &found) == 0 &&
	       wanted.st_dev == found.st_dev && wanted.st_ino == found.st_ino;
}

/* As paes_name_valid() in driver/chardev.c. */
static bool is_name(const __u8 name[PAES_NAME_SIZE])
{
	size_t length = strnlen((const char *)name, PAES_NAME_SIZE);

	if (!length || length == PAES_NAME_SIZE)
		return false;
	for (size_t i = 0; i < length; i++)
		if (name[i] <= ' ' || name[i] > '~')
			return false;
	for (size_t i = length; i < PAES_NAME_SIZE; i++)
		if (name[i])
			return false;
	return true;
}

static bool is_denied(void)
{
	char path[256];

	snprintf(path, sizeof(path), "%s.denied", getenv("PAES_FAKE_DEVICE"));
	return access(path, F_OK) == 0;
}

static int fake_setup(int fd, struct paes_setup *setup)
{
	if (is_denied()) {
		errno = EACCES;
		return -1;
	}
	if (setup->version != PAES_ABI_VERSION || setup->flags ||
	    !is_name(setup->name)) {
		errno = EINVAL;
		return -1;
	}
	setup->depth = ENTRIES / 2;
	setup->entries = ENTRIES;
	setup->slot_size = SLOT;
	setup->sq_offset = 4096;
	setup->cq_offset = 8192;
	setup->data_offset = 12288;
	setup->data_size = ENTRIES * SLOT;
	setup->map_size = setup->data_offset + setup->data_size;
	return ftruncate(fd, setup->map_size);
}

static int fake_enter(const struct paes_enter *enter)
{
	if (!(enter->flags & PAES_ENTER_WAIT))
		return 0;
	if (poll(NULL, 0, (int)enter->timeout_ms) < 0)
		return -1;
	errno = ETIME;
	return -1;
}

static int fake_ioctl(int fd, unsigned long request, void *argument)
{
	switch (request) {
	case PAES_IOC_SETUP:
		return fake_setup(fd, argument);
	case PAES_IOC_SERVE:
		return 0;
	case PAES_IOC_ENTER:
		return fake_enter(argument);
	default:
		errno = ENOTTY;
		return -1;
	}
}

int ioctl(int fd, unsigned long request, ...)
{
	int (*real)(int, unsigned long, ...);
	void *argument;
	va_list values;

	va_start(values, request);
	argument = va_arg(values, void *);
	va_end(values);
	if (is_fake(fd))
		return fake_ioctl(fd, request, argument);
	*(void **)&real = dlsym(RTLD_NEXT, "ioctl");
	return real(fd, request, argument);
}
