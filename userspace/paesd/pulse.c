// SPDX-License-Identifier: GPL-2.0
#include "pulse.h"

#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* The coarse clock: read for each batch, and good to some milliseconds. */
static uint64_t pulse_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

struct pulse *pulse_map(int fd)
{
	void *map = mmap(NULL, sizeof(struct pulse), PROT_READ | PROT_WRITE,
			 MAP_SHARED, fd, 0);

	return map == MAP_FAILED ? NULL : map;
}

struct pulse *pulse_make(int *fd)
{
	struct pulse *pulse = NULL;
	int error;

	*fd = memfd_create("paesd-pulse", MFD_CLOEXEC);
	if (*fd < 0)
		return NULL;
	if (ftruncate(*fd, sizeof(*pulse)) == 0)
		pulse = pulse_map(*fd);
	if (!pulse) {
		error = errno;
		close(*fd);
		*fd = -1;
		errno = error;
	}
	return pulse;
}

void pulse_free(struct pulse *pulse)
{
	if (pulse)
		munmap(pulse, sizeof(*pulse));
}

void pulse_beat(struct pulse *pulse)
{
	__atomic_store_n(&pulse->beat, pulse_now(), __ATOMIC_RELAXED);
}

uint64_t pulse_age(const struct pulse *pulse)
{
	uint64_t beat = __atomic_load_n(&pulse->beat, __ATOMIC_RELAXED);
	uint64_t now = pulse_now();

	return beat && now > beat ? now - beat : 0;
}
