/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The module, played by the test itself: a temporary file is the device, and
 * the linker's --wrap=ioctl brings its ioctls here.
 */
#ifndef TESTS_PAESD_KERNEL_H
#define TESTS_PAESD_KERNEL_H

#include <errno.h>
#include <fcntl.h>
#include <linux/paes.h>
#include <linux/paes_blob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

enum {
	KERNEL_ENTRIES	= 512,
	KERNEL_SLOT	= 512,
	KERNEL_SQ	= 4096,
	KERNEL_CQ	= KERNEL_SQ + KERNEL_ENTRIES * sizeof(struct paes_desc),
	KERNEL_DATA	= KERNEL_CQ + KERNEL_ENTRIES * sizeof(struct paes_cqe),
	KERNEL_DATA_SIZE = KERNEL_ENTRIES * KERNEL_SLOT,
	KERNEL_MAP	= KERNEL_DATA + KERNEL_DATA_SIZE,
};

struct kernel {
	char path[32];
	unsigned char *map;
	struct paes_setup grant;	/* what SETUP answers */
	struct paes_setup asked;	/* what it was asked */
	struct paes_serve served;
	struct paes_enter entered;	/* the last one */
	int setup_errno, enter_errno;
	unsigned int enters, waits;
	uint32_t sq_tail, cq_head;
	void (*on_wait)(void);		/* instead of sleeping */
};

static struct kernel kernel;

static inline struct paes_ring *kernel_ring(void)
{
	return (struct paes_ring *)kernel.map;
}

static int kernel_setup_ioctl(struct paes_setup *setup)
{
	kernel.asked = *setup;
	*setup = kernel.grant;
	errno = kernel.setup_errno;
	return kernel.setup_errno ? -1 : 0;
}

static int kernel_enter_ioctl(const struct paes_enter *enter)
{
	kernel.entered = *enter;
	kernel.enters++;
	if (enter->flags & PAES_ENTER_WAIT) {
		kernel.waits++;
		if (kernel.on_wait)
			kernel.on_wait();
	}
	errno = kernel.enter_errno;
	return kernel.enter_errno ? -1 : 0;
}

int __wrap_ioctl(int fd, unsigned long request, ...);

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	void *argument;
	va_list values;

	(void)fd;
	va_start(values, request);
	argument = va_arg(values, void *);
	va_end(values);
	switch (request) {
	case PAES_IOC_SETUP:
		return kernel_setup_ioctl(argument);
	case PAES_IOC_SERVE:
		kernel.served = *(struct paes_serve *)argument;
		return 0;
	case PAES_IOC_ENTER:
		return kernel_enter_ioctl(argument);
	default:
		fail_msg("unknown ioctl %lx", request);
		return -1;
	}
}

static inline void kernel_start(void)
{
	int fd;

	kernel = (struct kernel){
		.path = "/tmp/paesd-test-XXXXXX",
		.grant = {
			.version = PAES_ABI_VERSION,
			.depth = KERNEL_ENTRIES / 2,
			.entries = KERNEL_ENTRIES,
			.slot_size = KERNEL_SLOT,
			.sq_offset = KERNEL_SQ,
			.cq_offset = KERNEL_CQ,
			.data_offset = KERNEL_DATA,
			.data_size = KERNEL_DATA_SIZE,
			.map_size = KERNEL_MAP,
		},
	};
	fd = mkstemp(kernel.path);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, KERNEL_MAP), 0);
	kernel.map = mmap(NULL, KERNEL_MAP, PROT_READ | PROT_WRITE, MAP_SHARED,
			  fd, 0);
	assert_ptr_not_equal(kernel.map, MAP_FAILED);
	close(fd);
}

static inline void kernel_stop(void)
{
	munmap(kernel.map, KERNEL_MAP);
	unlink(kernel.path);
}

/* The tag, the data's place and the index are one number here. */
static inline uint8_t *kernel_data(uint32_t tag)
{
	return kernel.map + KERNEL_DATA + tag * KERNEL_SLOT;
}

static inline void kernel_submit(struct paes_desc desc)
{
	struct paes_desc *sq = (void *)(kernel.map + KERNEL_SQ);

	sq[kernel.sq_tail++ & (KERNEL_ENTRIES - 1)] = desc;
	__atomic_store_n(&kernel_ring()->sq_tail, kernel.sq_tail,
			 __ATOMIC_RELEASE);
}

/* All zeroes when there is none. */
static inline bool kernel_reap(struct paes_cqe *cqe)
{
	const struct paes_cqe *cq = (void *)(kernel.map + KERNEL_CQ);

	*cqe = (struct paes_cqe){ 0 };
	if (kernel_ring()->cq_tail == kernel.cq_head)
		return false;
	*cqe = cq[kernel.cq_head++ & (KERNEL_ENTRIES - 1)];
	return true;
}

#endif
