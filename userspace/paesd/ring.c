// SPDX-License-Identifier: GPL-2.0
#include "ring.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

/* The compiler must neither repeat nor delay what stands before this. */
#define COMPILER_BARRIER() __asm__ volatile("" ::: "memory")

static struct paes_ring *ring_shared(const struct ring *ring)
{
	return (struct paes_ring *)ring->map;
}

static const struct paes_desc *ring_desc(const struct ring *ring, uint32_t index)
{
	const struct paes_desc *sq =
		(const void *)(ring->map + ring->setup.sq_offset);

	return &sq[index & (ring->setup.entries - 1)];
}

static struct paes_cqe *ring_cqe(const struct ring *ring, uint32_t index)
{
	struct paes_cqe *cq = (void *)(ring->map + ring->setup.cq_offset);

	return &cq[index & (ring->setup.entries - 1)];
}

/* Does [offset, offset + size) lie behind the indices and inside the mapping? */
static bool range_fits(const struct paes_setup *setup, uint32_t offset,
		       uint64_t size, uint32_t align)
{
	return offset >= sizeof(struct paes_ring) && offset % align == 0 &&
	       offset + size <= setup->map_size;
}

static bool setup_makes_sense(const struct paes_setup *setup)
{
	uint64_t entries = setup->entries;

	return entries >= PAES_DEPTH_MIN && (entries & (entries - 1)) == 0 &&
	       range_fits(setup, setup->sq_offset,
			  entries * sizeof(struct paes_desc), PAES_CACHE_LINE) &&
	       range_fits(setup, setup->cq_offset,
			  entries * sizeof(struct paes_cqe), PAES_CACHE_LINE) &&
	       range_fits(setup, setup->data_offset, setup->data_size,
			  PAES_AES_BLOCK) &&
	       setup->slot_size >= PAES_BLOB_SIZE;
}

static int ring_explain_open(const char *device)
{
	int error = errno;

	if (error == ENOENT || error == ENODEV || error == ENXIO)
		log_error("%s is not there: load the module with \"modprobe paes\"",
			  device);
	else
		log_error("can't open %s: %s", device, strerror(error));
	return -error;
}

static int ring_explain_setup(const struct ring *ring, const char *device)
{
	int error = errno;

	if (error == EPROTONOSUPPORT)
		log_error("%s speaks version %u of the protocol, paesd version %u: install paesd and module of one release",
			  device, ring->setup.version, PAES_ABI_VERSION);
	else if (error == ENOTTY)
		log_error("%s is not the device of the paes module: expected " PAES_DEVICE,
			  device);
	else
		log_error("%s refuses a provider: %s", device, strerror(error));
	return -error;
}

static int ring_setup(struct ring *ring, const char *device, const char *name)
{
	struct paes_setup *setup = &ring->setup;
	size_t length = strnlen(name, sizeof(setup->name) - 1);

	setup->version = PAES_ABI_VERSION;
	memcpy(setup->name, name, length);
	if (ioctl(ring->fd, PAES_IOC_SETUP, setup) < 0)
		return ring_explain_setup(ring, device);
	if (setup_makes_sense(setup))
		return 0;
	log_error("%s: the module answered with a ring that doesn't fit its own mapping (%u entries in %u bytes): install paesd and module of one release",
		  device, setup->entries, setup->map_size);
	return -EPROTO;
}

static int ring_map(struct ring *ring, const char *device)
{
	void *map = mmap(NULL, ring->setup.map_size, PROT_READ | PROT_WRITE,
			 MAP_SHARED, ring->fd, 0);
	int error = errno;

	if (map == MAP_FAILED) {
		log_error("can't map %u bytes of %s: %s", ring->setup.map_size,
			  device, strerror(error));
		return -error;
	}
	ring->map = map;
	return 0;
}

int ring_open(struct ring *ring, const char *device, const char *name)
{
	int error;

	*ring = (struct ring){ .fd = -1, .enter.timeout_ms = RING_WAIT_MS };
	ring->fd = open(device, O_RDWR | O_CLOEXEC);
	if (ring->fd < 0)
		return ring_explain_open(device);
	error = ring_setup(ring, device, name);
	if (!error)
		error = ring_map(ring, device);
	if (error)
		ring_close(ring);
	return error;
}

int ring_serve(struct ring *ring, const unsigned char ids[][PAES_ID_SIZE],
	       unsigned int count)
{
	struct paes_serve serve = {
		.count = count,
		.kek_ids = (uintptr_t)ids,
	};
	int error;

	if (ioctl(ring->fd, PAES_IOC_SERVE, &serve) == 0)
		return 0;
	error = errno;
	log_error("the module refuses to be served with %u KEKs: %s", count,
		  strerror(error));
	return -error;
}

void ring_close(struct ring *ring)
{
	if (ring->map)
		munmap(ring->map, ring->setup.map_size);
	if (ring->fd >= 0)
		close(ring->fd);
	*ring = (struct ring){ .fd = -1 };
}

static uint32_t ring_submitted(const struct ring *ring)
{
	return __atomic_load_n(&ring_shared(ring)->sq_tail, __ATOMIC_ACQUIRE);
}

bool ring_pending(const struct ring *ring)
{
	return ring_submitted(ring) != ring->sq_head;
}

static bool data_fits(const struct ring *ring, const struct paes_desc *desc)
{
	return (uint64_t)desc->offset + desc->length <= ring->setup.data_size;
}

/* A piece of a unit comes alone: its place in the unit counts for all of it. */
static bool units_make_sense(const struct paes_desc *desc)
{
	if (desc->unit_size < PAES_AES_BLOCK || !desc->length)
		return false;
	return desc->unit_size == desc->length ||
	       (!desc->first_block && desc->length % desc->unit_size == 0);
}

/* The kernel is trusted; but a slip of it must not become one of paesd. */
static int request_check(const struct ring *ring, const struct paes_desc *desc)
{
	if (!data_fits(ring, desc))
		return -EIO;
	switch (desc->op) {
	case PAES_OP_OPEN:
		return desc->length == PAES_BLOB_SIZE ? 0 : -EKEYREJECTED;
	case PAES_OP_CLOSE:
		return 0;
	case PAES_OP_ENCRYPT:
	case PAES_OP_DECRYPT:
		return units_make_sense(desc) ? 0 : -EIO;
	default:
		return -EIO;
	}
}

int ring_next(struct ring *ring, struct ring_request *request)
{
	uint32_t queued = ring_submitted(ring) - ring->sq_head;

	if (!queued)
		return 0;
	if (queued > ring->setup.entries) {
		log_error("the module says that %u requests are queued in a ring of %u: leaving it",
			  queued, ring->setup.entries);
		return -EPROTO;
	}
	memcpy(&request->desc, ring_desc(ring, ring->sq_head++),
	       sizeof(request->desc));
	COMPILER_BARRIER();
	request->fault = request_check(ring, &request->desc);
	request->data = NULL;
	if (!request->fault)
		request->data = ring->map + ring->setup.data_offset +
				request->desc.offset;
	return 1;
}

void ring_answer(struct ring *ring, const struct ring_request *request,
		 int status, const uint8_t token[PAES_TOKEN_SIZE])
{
	struct paes_cqe cqe = {
		.tag = request->desc.tag,
		.generation = request->desc.generation,
		.status = status,
		.length = status ? 0 : request->desc.length,
	};

	if (token)
		memcpy(cqe.token, token, sizeof(cqe.token));
	memcpy(ring_cqe(ring, ring->cq_tail++), &cqe, sizeof(cqe));
}

bool ring_publish(struct ring *ring)
{
	struct paes_ring *shared = ring_shared(ring);

	__atomic_store_n(&shared->cq_tail, ring->cq_tail, __ATOMIC_RELEASE);
	/*
	 * The kernel sets the flag, then looks at cq_tail once more; so the
	 * tail has to be out before the flag is read.
	 */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return __atomic_load_n(&shared->flags, __ATOMIC_RELAXED) &
	       PAES_RING_NEED_ENTER;
}

static int ring_explain_enter(void)
{
	int error = errno;

	if (error == EINTR || error == ETIME)
		return 0;
	if (error == ESHUTDOWN)
		log_error("the module has closed this provider; its own log (dmesg) says why");
	else
		log_error("PAES_IOC_ENTER: %s", strerror(error));
	return -error;
}

int ring_enter(struct ring *ring, bool wait)
{
	ring->enter.flags = wait ? PAES_ENTER_WAIT : 0;
	ring->enter.sq_head = ring->sq_head;
	COMPILER_BARRIER();
	/* From here on ring_interrupt() undoes the flag itself. */
	if (ring->interrupted)
		ring->enter.flags = 0;
	if (ioctl(ring->fd, PAES_IOC_ENTER, &ring->enter) == 0)
		return 0;
	return ring_explain_enter();
}

void ring_resume(struct ring *ring)
{
	ring->interrupted = 0;
	COMPILER_BARRIER();
}

void ring_interrupt(struct ring *ring)
{
	ring->interrupted = 1;
	COMPILER_BARRIER();
	ring->enter.flags = 0;
	COMPILER_BARRIER();
}
