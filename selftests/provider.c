// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "provider.h"

int provider_open(struct provider *p)
{
	memset(p, 0, sizeof(*p));
	p->fd = open(PAES_DEVICE, O_RDWR | O_CLOEXEC);
	return p->fd < 0 ? -errno : 0;
}

int provider_setup(struct provider *p, unsigned int depth, const char *name)
{
	p->setup.version = PAES_ABI_VERSION;
	p->setup.depth = depth;
	snprintf((char *)p->setup.name, sizeof(p->setup.name), "%s", name);
	return ioctl(p->fd, PAES_IOC_SETUP, &p->setup) ? -errno : 0;
}

static bool is_power_of_two(uint32_t n)
{
	return n && !(n & (n - 1));
}

bool provider_layout_holds(const struct paes_setup *s)
{
	uint64_t sq_end = s->sq_offset + (uint64_t)s->entries * sizeof(struct paes_desc);
	uint64_t cq_end = s->cq_offset + (uint64_t)s->entries * sizeof(struct paes_cqe);

	return is_power_of_two(s->entries) && s->entries >= s->depth &&
	       s->depth >= PAES_DEPTH_MIN && s->depth <= PAES_DEPTH_MAX &&
	       s->slot_size >= 4096 &&
	       s->data_size >= (uint64_t)s->depth * s->slot_size &&
	       s->sq_offset >= sizeof(struct paes_ring) &&
	       s->cq_offset >= sq_end && s->data_offset >= cq_end &&
	       s->map_size >= (uint64_t)s->data_offset + s->data_size &&
	       s->sq_offset % PAES_CACHE_LINE == 0 &&
	       s->cq_offset % PAES_CACHE_LINE == 0 &&
	       s->data_offset % 4096 == 0 && s->map_size % 4096 == 0;
}

int provider_map(struct provider *p)
{
	void *map = mmap(NULL, p->setup.map_size, PROT_READ | PROT_WRITE,
			 MAP_SHARED, p->fd, 0);

	if (map == MAP_FAILED)
		return -errno;
	p->map = map;
	p->ring = map;
	p->sq = (const void *)(p->map + p->setup.sq_offset);
	p->cq = (void *)(p->map + p->setup.cq_offset);
	p->data = p->map + p->setup.data_offset;
	return 0;
}

int provider_serve(struct provider *p, const void *kek_ids, unsigned int count)
{
	struct paes_serve serve = {
		.count = count,
		.kek_ids = (uintptr_t)kek_ids,
	};

	return ioctl(p->fd, PAES_IOC_SERVE, &serve) ? -errno : 0;
}

void provider_close(struct provider *p)
{
	if (p->map)
		munmap(p->map, p->setup.map_size);
	if (p->fd >= 0)
		close(p->fd);
	memset(p, 0, sizeof(*p));
	p->fd = -1;
}

int provider_start(struct provider *p, unsigned int depth, const char *name,
		   const uint8_t *kek_id)
{
	int ret = provider_open(p);

	if (ret)
		return ret;
	ret = provider_setup(p, depth, name);
	if (!ret)
		ret = provider_map(p);
	if (!ret)
		ret = provider_serve(p, kek_id, 1);
	if (ret)
		provider_close(p);
	return ret;
}

bool provider_next(struct provider *p, struct paes_desc *desc)
{
	if (__atomic_load_n(&p->ring->sq_tail, __ATOMIC_ACQUIRE) == p->sq_head)
		return false;
	*desc = p->sq[p->sq_head++ & (p->setup.entries - 1)];
	return true;
}

uint8_t *provider_data(const struct provider *p, const struct paes_desc *desc)
{
	return p->data + desc->offset;
}

void provider_post(struct provider *p, const struct paes_cqe *cqe)
{
	p->cq[p->cq_tail++ & (p->setup.entries - 1)] = *cqe;
}

void provider_publish(struct provider *p)
{
	__atomic_store_n(&p->ring->cq_tail, p->cq_tail, __ATOMIC_RELEASE);
	/* The kernel sets the flag, then looks at cq_tail: we the other way. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

bool provider_must_enter(const struct provider *p)
{
	return __atomic_load_n(&p->ring->flags, __ATOMIC_RELAXED) &
	       PAES_RING_NEED_ENTER;
}

int provider_enter(struct provider *p, unsigned int timeout_ms)
{
	struct paes_enter enter = {
		.flags = timeout_ms ? PAES_ENTER_WAIT : 0,
		.sq_head = p->sq_head,
		.timeout_ms = timeout_ms,
	};

	return ioctl(p->fd, PAES_IOC_ENTER, &enter) ? -errno : 0;
}

int provider_wait(struct provider *p, struct paes_desc *desc,
		  unsigned int timeout_ms)
{
	int ret;

	while (!provider_next(p, desc)) {
		ret = provider_enter(p, timeout_ms);
		if (ret)
			return ret;
	}
	return 0;
}
