// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>
#include <linux/dm-ioctl.h>

#include "volume.h"

enum {
	SECTOR = 512,
	MAX_IN_FLIGHT = 1024,
	TRIES = 100,			/* at opening or removing, 50 ms each */
};

struct dm_call {
	struct dm_ioctl head;
	char targets[];
};

struct dm_target {
	struct dm_target_spec head;
	char params[2 * 512 + 256];
};

/* What libdevmapper puts into the cookie to keep udev's hands off. */
#define UDEV_KEEP_OUT (0x0002u | 0x0004u | 0x0008u | 0x0010u)

static void dm_prepare(struct dm_call *call, const char *name,
		       unsigned int targets)
{
	size_t size = sizeof(*call) + targets * sizeof(struct dm_target);

	memset(call, 0, size);
	call->head.version[0] = 4;
	call->head.data_size = size;
	call->head.data_start = sizeof(*call);
	call->head.target_count = targets;
	snprintf(call->head.name, sizeof(call->head.name), "%s", name);
}

static int dm_ioctl(unsigned long request, struct dm_call *call)
{
	int fd = open("/dev/mapper/control", O_RDWR | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return -errno;
	ret = ioctl(fd, request, call) ? -errno : 0;
	close(fd);
	return ret;
}

static int dm_simple(unsigned long request, const char *name)
{
	struct dm_call call;

	dm_prepare(&call, name, 0);
	return dm_ioctl(request, &call);
}

static void print_hex(char *to, const uint8_t *bytes, size_t length)
{
	*to = 0;
	for (; length--; to += 2)
		sprintf(to, "%02x", *bytes++);
}

static void describe_target(struct dm_target *t, const struct volume_spec *spec,
			    unsigned int n)
{
	uint64_t length = (spec->size ?: VOLUME_MAX) / SECTOR;
	char hex[2 * 512 + 1];

	t->head.sector_start = n * length;
	t->head.length = length;
	t->head.next = sizeof(*t);
	strcpy(t->head.target_type, "crypt");
	print_hex(hex, spec->key, spec->key_size);
	snprintf(t->params, sizeof(t->params), "%s %s %llu %s %llu %d sector_size:%u%s",
		 spec->cipher ?: "paes-xts-plain64", hex,
		 (unsigned long long)(spec->targets ? spec->iv_offsets[n] : 0),
		 VOLUME_DISK, (unsigned long long)(spec->start + n * length),
		 1 + spec->large_iv, spec->sector_size ?: SECTOR,
		 spec->large_iv ? " iv_large_sectors" : "");
}

static int load_table(const char *name, const struct volume_spec *spec)
{
	unsigned int targets = spec->targets ?: 1, n;
	struct dm_call *call;
	int ret;

	if (spec->key_size > 512)
		return -EINVAL;
	call = malloc(sizeof(*call) + targets * sizeof(struct dm_target));
	if (!call)
		return -ENOMEM;
	dm_prepare(call, name, targets);
	for (n = 0; n < targets; n++)
		describe_target((struct dm_target *)call->targets + n, spec, n);
	ret = dm_ioctl(DM_TABLE_LOAD, call);
	free(call);
	return ret;
}

static int resume(const char *name, unsigned int *device_minor)
{
	struct dm_call call;
	int ret;

	dm_prepare(&call, name, 0);
	call.head.event_nr = UDEV_KEEP_OUT << 16;
	ret = dm_ioctl(DM_DEV_SUSPEND, &call);
	*device_minor = minor(call.head.dev);
	return ret;
}

static void nap(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
}

static int open_node(unsigned int device_minor)
{
	char path[32];
	int fd, try;

	snprintf(path, sizeof(path), "/dev/dm-%u", device_minor);
	for (try = 0; try < TRIES; try++) {
		fd = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
		if (fd >= 0)
			return fd;
		nap();
	}
	return -errno;
}

static int remove_device(const char *name)
{
	int ret = -EBUSY, try;

	for (try = 0; ret == -EBUSY && try < TRIES; try++) {
		ret = dm_simple(DM_DEV_REMOVE, name);
		if (ret == -EBUSY)
			nap();
	}
	return ret;
}

static void name_volume(char *name, pid_t pid, unsigned int number)
{
	snprintf(name, VOLUME_NAME, "paes-test-%d-%u", pid, number);
}

int volume_forget(pid_t pid)
{
	char name[VOLUME_NAME];

	name_volume(name, pid, 0);
	return remove_device(name);
}

int volume_open(struct volume *v, const struct volume_spec *spec)
{
	static unsigned int number;
	unsigned int device_minor;
	int ret;

	memset(v, 0, sizeof(*v));
	v->fd = -1;
	name_volume(v->name, getpid(), number++);
	ret = dm_simple(DM_DEV_CREATE, v->name);
	if (ret)
		return ret;
	ret = load_table(v->name, spec);
	if (!ret)
		ret = resume(v->name, &device_minor);
	if (!ret) {
		v->fd = open_node(device_minor);
		ret = v->fd < 0 ? v->fd : 0;
	}
	if (!ret && syscall(SYS_io_setup, MAX_IN_FLIGHT, &v->aio))
		ret = -errno;
	if (ret)
		volume_close(v);
	return ret;
}

int volume_close(struct volume *v)
{
	int ret;

	if (!v->name[0])
		return 0;
	if (v->aio)
		syscall(SYS_io_destroy, v->aio);
	if (v->fd >= 0)
		close(v->fd);
	ret = remove_device(v->name);
	memset(v, 0, sizeof(*v));
	v->fd = -1;
	return ret;
}

int volume_write(struct volume *v, const void *data, size_t length, size_t at)
{
	ssize_t n = pwrite(v->fd, data, length, at);

	return n < 0 ? -errno : n == (ssize_t)length ? 0 : -EIO;
}

int volume_read(struct volume *v, void *data, size_t length, size_t at)
{
	ssize_t n = pread(v->fd, data, length, at);

	return n < 0 ? -errno : n == (ssize_t)length ? 0 : -EIO;
}

int volume_submit(struct volume *v, int opcode, void *data, size_t length,
		  size_t at)
{
	struct iocb iocb = {
		.aio_lio_opcode = opcode,
		.aio_fildes = v->fd,
		.aio_buf = (uintptr_t)data,
		.aio_nbytes = length,
		.aio_offset = at,
	};
	struct iocb *list[] = { &iocb };

	if (syscall(SYS_io_submit, v->aio, 1, list) != 1)
		return -errno;
	v->in_flight++;
	return 0;
}

long volume_reap(struct volume *v, unsigned int timeout_ms)
{
	struct timespec t = { timeout_ms / 1000, timeout_ms % 1000 * 1000000L };
	struct io_event event;

	if (syscall(SYS_io_getevents, v->aio, 1, 1, &event, &t) != 1)
		return -ETIME;
	v->in_flight--;
	return event.res;
}

int volume_reap_all(struct volume *v, long length, unsigned int timeout_ms)
{
	long result;

	while (v->in_flight) {
		result = volume_reap(v, timeout_ms);
		if (result != length)
			return result < 0 ? result : -EIO;
	}
	return 0;
}

static int disk_io(int opcode, void *data, size_t length, size_t at)
{
	int fd = open(VOLUME_DISK, O_RDWR | O_DIRECT | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = opcode == IOCB_CMD_PREAD ? pread(fd, data, length, at) :
				       pwrite(fd, data, length, at);
	close(fd);
	return n == (ssize_t)length ? 0 : -EIO;
}

int disk_read(void *data, size_t length, size_t at)
{
	return disk_io(IOCB_CMD_PREAD, data, length, at);
}

int disk_write(const void *data, size_t length, size_t at)
{
	return disk_io(IOCB_CMD_PWRITE, (void *)data, length, at);
}

void *volume_buffer(size_t length)
{
	void *buffer = aligned_alloc(VOLUME_ALIGN, length);

	if (!buffer)
		abort();
	return memset(buffer, 0, length);
}
