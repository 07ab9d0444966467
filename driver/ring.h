/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The pages shared with one provider.  ring.c is the only code that touches
 * them.  Everything in them but what the kernel just wrote is hostile: read
 * once, checked by the caller against private state.
 */
#ifndef PAES_RING_H
#define PAES_RING_H

#include <linux/paes.h>
#include <linux/paes_blob.h>
#include <linux/types.h>

struct scatterlist;
struct vm_area_struct;

enum {
	PAES_SLOT_SIZE	= 4096,	/* data of one request; holds a blob too */
};

/**
 * struct paes_area - the shared pages and the kernel's private indices
 * @pages:	vmalloc_user() memory, zeroed
 * @size:	bytes of @pages
 * @entries:	of each ring, a power of two
 * @sq:		submission ring, in @pages
 * @cq:		completion ring, in @pages
 * @data:	slots, in @pages
 * @sq_tail:	private truth of ring->sq_tail; the provider's lock
 * @cq_head:	completions taken; the provider's mutex
 */
struct paes_area {
	struct paes_ring *pages;
	u32 size;
	u32 entries;
	struct paes_desc *sq;
	struct paes_cqe *cq;
	u8 *data;
	u32 sq_tail;
	u32 cq_head;
};

int paes_area_init(struct paes_area *area, u32 slots, struct paes_setup *setup);
void paes_area_free(struct paes_area *area);
int paes_area_mmap(struct paes_area *area, struct vm_area_struct *vma);

void paes_area_push(struct paes_area *area, const struct paes_desc *desc);
bool paes_area_idle(const struct paes_area *area, u32 sq_head);

u32 paes_area_posted(const struct paes_area *area);
void paes_area_peek(const struct paes_area *area, struct paes_cqe *cqe);
void paes_area_advance(struct paes_area *area);
void paes_area_need_enter(struct paes_area *area, bool need);

void paes_area_write(struct paes_area *area, u32 slot, const void *bytes,
		     u32 length);
void paes_area_copy_in(struct paes_area *area, u32 slot,
		       struct scatterlist *from, u32 start, u32 length);
void paes_area_copy_out(struct paes_area *area, u32 slot,
			struct scatterlist *to, u32 start, u32 length);

#endif
