/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The broker protocol of the paes cipher.
 *
 * The kernel module offers the cipher xts(paes).  Its "keys" are wrapped keys
 * (linux/paes_blob.h) that it can't use itself: it hands each data unit to a
 * user space *provider*, which has an HSM do the AES.  This file is all that
 * is needed to write a provider.
 *
 * 1. Becoming a provider
 *
 *	fd = open("/dev/paes", O_RDWR | O_CLOEXEC);
 *	ioctl(fd, PAES_IOC_SETUP, &setup);
 *	map = mmap(NULL, setup.map_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
 *	ioctl(fd, PAES_IOC_SERVE, &serve);
 *
 * One open file is one provider with one queue.  To use more processors or
 * more HSMs, start more providers: the module spreads the load over all that
 * serve a KEK, and moves the requests of one that goes away to another.  It
 * sends them in runs, and longer ones while the threads that called SETUP are
 * found computing on half of the processors, rather than waiting for a token.
 * Closing the file, however it happens, ends the provider; nothing is lost.
 *
 * PAES_IOC_SERVE names the wrapping keys (KEKs) whose wrapped keys this
 * provider can use.  From then on the module sends requests.
 *
 * 2. The mapping
 *
 *	offset 0		struct paes_ring	the indices
 *	setup.sq_offset		struct paes_desc[setup.entries]
 *	setup.cq_offset		struct paes_cqe[setup.entries]
 *	setup.data_offset	setup.data_size bytes of request data
 *
 * Indices run freely modulo 2^32; an entry's place is index & (entries - 1).
 * `entries` is a power of two and at least the number of requests that can be
 * outstanding, so neither ring can overflow: a provider posts at most one
 * completion for each descriptor.
 *
 *   submission	the kernel fills descriptors, then store-releases sq_tail.
 *		The provider keeps its own head, load-acquires sq_tail and reads
 *		what lies between.
 *   completion	the provider fills entries, then store-releases cq_tail.
 *		The kernel keeps its own head.
 *
 * The kernel never reads back a descriptor, and of a completion believes only
 * {tag, generation, status, length}, after holding them against its own
 * table.  A completion that matches nothing outstanding, or cq_tail running
 * ahead of what is outstanding, breaks the provider: all its requests go
 * elsewhere and every later ioctl fails with ESHUTDOWN.  So does leaving a
 * request without an answer for longer than the module's request_seconds.
 *
 * 3. Working and waiting
 *
 *	struct paes_enter enter = { .flags = PAES_ENTER_WAIT, .sq_head = head };
 *	ioctl(fd, PAES_IOC_ENTER, &enter);
 *
 * tells the kernel of new completions and, with PAES_ENTER_WAIT, sleeps until
 * sq_tail != enter.sq_head, a signal (EINTR) or the timeout (ETIME).  It is
 * needed for completions only while ring.flags has PAES_RING_NEED_ENTER:
 *
 *	fill entries; store-release cq_tail; full barrier;
 *	if (ring.flags & PAES_RING_NEED_ENTER) ioctl(fd, PAES_IOC_ENTER, ...)
 *
 * Otherwise the kernel is looking at the ring already.  So a busy provider
 * makes one system call for many requests, or none.  A few answers may be taken
 * in the call itself, many are taken beside the provider: publish a batch's
 * answers as they come, not all at its end, and their slots are filled again
 * meanwhile.
 *
 * A thread that waits by PAES_ENTER_WAIT is a server from then on: it is not
 * frozen when the system goes to sleep, since those who wait for its answers
 * could not be frozen either.  That lasts until ESHUTDOWN, or exec.
 *
 * 4. The requests
 *
 *   PAES_OP_OPEN	data is a wrapped key (PAES_BLOB_SIZE bytes), `key` the
 *			number that the kernel will use for it with this
 *			provider.  Answer 0 and cqe.token = 16 random bytes, the
 *			*session token*; or -EKEYREJECTED (MAC wrong, K1 == K2,
 *			HSM refuses it), -ENOKEY (no such KEK), -EIO (HSM
 *			trouble: the kernel asks other providers); or
 *			-EKEYREVOKED, with a session token too: an administrator
 *			has closed this key.  Nobody may open it anew, but where
 *			it was in use it stays known under this token.
 *   PAES_OP_CLOSE	forget `key`, destroy its objects.  No data.  Answer 0.
 *   PAES_OP_ENCRYPT	AES-XTS (IEEE 1619) in place on `length` bytes of data
 *   PAES_OP_DECRYPT	at `offset`, under `key`.  desc.token is the session
 *			token; compare it in constant time, and answer a wrong
 *			one with -ESTALE.  Answer 0 and cqe.length =
 *			desc.length, or -EIO.  Never answer 0 for data that the
 *			HSM was not seen to process rightly: it would reach the
 *			disk.  -EKEYREVOKED under a right token: the key is
 *			closed until somebody allows it, and that is an I/O
 *			error at once.  Allowed again, the same token counts.
 *
 * Data of ENCRYPT and DECRYPT consists of length / unit_size data units, each
 * with a tweak of its own: `iv` is the first one's tweak value, 16 bytes as
 * XTS takes them (for dm-crypt's plain64 the sector number, little-endian),
 * and unit n's is that plus n, as a 128-bit little-endian number.  A unit_size
 * that is no multiple of 16 means ciphertext stealing at each unit's end; it
 * is never below 16.
 *
 * A data unit larger than a slot arrives in several descriptors, one after
 * the other, each with the same iv and one piece of the unit: first_block
 * 16-byte blocks of the unit come before it, so its first block's tweak is
 * AES(K2, iv) * alpha^first_block.  Then unit_size == length.
 *
 * A session token needn't live as long as its key.  A successful answer to
 * ENCRYPT or DECRYPT may carry the next one in cqe.token, 16 random bytes again:
 * once the kernel has taken that answer, each descriptor that it submits for
 * this key has the new token, and those before it in the ring have the old one.
 * So the first descriptor with the new token, in the ring's order, is the end of
 * the old: whatever shows it later is answered with -ESTALE.  Until then both
 * count.  Who gives another token before the last one was shown must know all.
 *
 * A request may arrive again at another provider, or at the same after the
 * kernel gave up on the first: XTS is deterministic and the caller's data is
 * only overwritten when an answer is accepted.
 *
 * 5. Trust
 *
 * The mapping is zeroed before it is shown and again when it goes away.  It
 * is not inherited by fork and not written to core dumps.  Reserved fields are
 * zero; the kernel checks that in every ioctl (EINVAL) and sends zeroes.
 */
#ifndef _UAPI_LINUX_PAES_H
#define _UAPI_LINUX_PAES_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define PAES_DEVICE	"/dev/paes"

/* Every number that both sides must agree on. */
enum {
	PAES_ABI_VERSION	= 1,
	PAES_TOKEN_SIZE		= 16,
	PAES_IV_SIZE		= 16,
	PAES_NAME_SIZE		= 32,
	PAES_DEPTH_MIN		= 2,
	PAES_DEPTH_MAX		= 4096,
	PAES_SERVE_MAX		= 64,	/* KEKs of one provider */
	PAES_CACHE_LINE		= 64,
};

/**
 * struct paes_setup - PAES_IOC_SETUP, once for each open file
 * @version:	in: PAES_ABI_VERSION, else EPROTONOSUPPORT and the kernel's
 *		version is written here
 * @flags:	in: 0
 * @depth:	in: data requests that may be outstanding, 0 for the module's
 *		default; out: what was granted
 * @entries:	out: entries of each ring
 * @slot_size:	out: largest data of one request, in bytes
 * @sq_offset:	out: of the submission ring, in bytes from the mapping's start
 * @cq_offset:	out: of the completion ring
 * @data_offset: out: of the data area
 * @data_size:	out: bytes of the data area
 * @map_size:	out: bytes to map, at file offset 0
 * @reserved:	in: 0
 * @name:	in: for logs and status: 1 to 31 printable ASCII characters
 *		without blanks, NUL up to the end
 */
struct paes_setup {
	__u32	version;
	__u32	flags;
	__u32	depth;
	__u32	entries;
	__u32	slot_size;
	__u32	sq_offset;
	__u32	cq_offset;
	__u32	data_offset;
	__u32	data_size;
	__u32	map_size;
	__u32	reserved[6];
	__u8	name[PAES_NAME_SIZE];
};

/**
 * struct paes_serve - PAES_IOC_SERVE, once, after SETUP
 * @count:	number of KEK ids, 1 to PAES_SERVE_MAX
 * @reserved:	0
 * @kek_ids:	user address of @count ids of PAES_ID_SIZE bytes, all different
 */
struct paes_serve {
	__u32	count;
	__u32	reserved;
	__u64	kek_ids;
};

#define PAES_ENTER_WAIT		0x1u

/**
 * struct paes_enter - PAES_IOC_ENTER
 * @flags:	PAES_ENTER_*
 * @sq_head:	with WAIT: the provider's own head of the submission ring
 * @timeout_ms:	with WAIT: 0 waits for ever
 * @reserved:	0
 */
struct paes_enter {
	__u32	flags;
	__u32	sq_head;
	__u32	timeout_ms;
	__u32	reserved;
};

#define PAES_IOC_MAGIC	'W'
#define PAES_IOC_SETUP	_IOWR(PAES_IOC_MAGIC, 0xa0, struct paes_setup)
#define PAES_IOC_SERVE	_IOW(PAES_IOC_MAGIC, 0xa1, struct paes_serve)
#define PAES_IOC_ENTER	_IOW(PAES_IOC_MAGIC, 0xa2, struct paes_enter)

/* In ring.flags: completions are only noticed by PAES_IOC_ENTER. */
#define PAES_RING_NEED_ENTER	0x1u

/**
 * struct paes_ring - the shared indices, one cache line for each writer
 * @sq_tail:	kernel: descriptors submitted so far
 * @flags:	kernel: PAES_RING_*
 * @pad_kernel:	0
 * @cq_tail:	provider: completions posted so far
 * @pad_provider: 0
 */
struct paes_ring {
	__u32	sq_tail;
	__u32	flags;
	__u32	pad_kernel[14];
	__u32	cq_tail;
	__u32	pad_provider[15];
};

enum paes_op {
	PAES_OP_OPEN	= 1,
	PAES_OP_CLOSE	= 2,
	PAES_OP_ENCRYPT	= 3,
	PAES_OP_DECRYPT	= 4,
};

/**
 * struct paes_desc - one request, written by the kernel
 * @tag:	names the request; below @entries of the setup
 * @generation:	of that tag; give both back unchanged
 * @op:		enum paes_op
 * @key:	number of the key
 * @offset:	of the data, in bytes from data_offset
 * @length:	of the data, in bytes
 * @unit_size:	bytes of one data unit
 * @first_block: 16-byte blocks of the data unit before this piece
 * @iv:		tweak value of the first data unit
 * @token:	session token of the key
 */
struct paes_desc {
	__u32	tag;
	__u32	generation;
	__u32	op;
	__u32	key;
	__u32	offset;
	__u32	length;
	__u32	unit_size;
	__u32	first_block;
	__u8	iv[PAES_IV_SIZE];
	__u8	token[PAES_TOKEN_SIZE];
};

/**
 * struct paes_cqe - one answer, written by the provider
 * @tag:	of the descriptor
 * @generation:	of the descriptor
 * @status:	0, or a negative errno named in section 4
 * @length:	bytes processed: the descriptor's length, 0 with an error
 * @token:	with OPEN: the session token; with ENCRYPT or DECRYPT and status 0:
 *		the next one, or 0; else 0
 */
struct paes_cqe {
	__u32	tag;
	__u32	generation;
	__s32	status;
	__u32	length;
	__u8	token[PAES_TOKEN_SIZE];
};

/* Compiles only where the layout is the one that both sides know. */
enum {
	PAES_LAYOUT_HOLDS = 1 /
		(sizeof(struct paes_setup) == 96 &&
		 sizeof(struct paes_serve) == 16 &&
		 sizeof(struct paes_enter) == 16 &&
		 sizeof(struct paes_ring) == 2 * PAES_CACHE_LINE &&
		 sizeof(struct paes_desc) == 64 &&
		 sizeof(struct paes_cqe) == 32),
};

#endif /* _UAPI_LINUX_PAES_H */
