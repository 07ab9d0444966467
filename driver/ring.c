// SPDX-License-Identifier: GPL-2.0
/* Shared pages: layout, rings, copies.  See ring.h for who may be believed. */

#include <crypto/scatterwalk.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "compat.h"
#include "ring.h"

static_assert((int)PAES_SLOT_SIZE >= (int)PAES_BLOB_SIZE);

/* Offsets in the order of the manual; u32 can't overflow: see PAES_DEPTH_MAX. */
static void paes_area_layout(struct paes_setup *setup, u32 slots)
{
	u32 entries = roundup_pow_of_two(slots);
	u32 end;

	setup->entries = entries;
	setup->slot_size = PAES_SLOT_SIZE;
	setup->sq_offset = sizeof(struct paes_ring);
	setup->cq_offset = setup->sq_offset + entries * sizeof(struct paes_desc);
	end = setup->cq_offset + entries * sizeof(struct paes_cqe);
	setup->data_offset = PAGE_ALIGN(end);
	setup->data_size = slots * PAES_SLOT_SIZE;
	setup->map_size = PAGE_ALIGN(setup->data_offset + setup->data_size);
}

/**
 * paes_area_init() - allocate the shared pages, zeroed
 * @area:	filled in
 * @slots:	number of requests that can be outstanding
 * @setup:	the layout is written here for the provider
 *
 * Return: 0 or -ENOMEM.  May sleep.
 */
int paes_area_init(struct paes_area *area, u32 slots, struct paes_setup *setup)
{
	paes_area_layout(setup, slots);
	area->pages = vmalloc_user(setup->map_size);
	if (!area->pages)
		return -ENOMEM;
	area->size = setup->map_size;
	area->entries = setup->entries;
	area->sq = (void *)area->pages + setup->sq_offset;
	area->cq = (void *)area->pages + setup->cq_offset;
	area->data = (void *)area->pages + setup->data_offset;
	area->sq_tail = 0;
	area->cq_head = 0;
	paes_area_need_enter(area, true);
	return 0;
}

/**
 * paes_area_free() - wipe and free the shared pages
 * @area:	may be one that was never initialised, if zeroed
 *
 * No mapping is left by then: each holds the file, which holds the provider.
 */
void paes_area_free(struct paes_area *area)
{
	if (!area->pages)
		return;
	memzero_explicit(area->pages, area->size);
	vfree(area->pages);
	area->pages = NULL;
}

/**
 * paes_area_mmap() - map all shared pages into the provider
 * @area:	the pages
 * @vma:	shared, of exactly setup.map_size bytes at file offset 0
 *
 * Not inherited by fork, not dumped, never executable.
 *
 * Return: 0 or -EINVAL.
 */
int paes_area_mmap(struct paes_area *area, struct vm_area_struct *vma)
{
	if (vma->vm_pgoff || vma->vm_end - vma->vm_start != area->size)
		return -EINVAL;
	if (!(vma->vm_flags & VM_SHARED) || (vma->vm_flags & VM_EXEC))
		return -EINVAL;
	vm_flags_mod(vma, VM_DONTCOPY | VM_DONTEXPAND | VM_DONTDUMP,
		     VM_MAYEXEC);
	return remap_vmalloc_range(vma, area->pages, 0);
}

/**
 * paes_area_push() - submit one descriptor
 * @area:	the ring; the caller holds the provider's lock
 * @desc:	copied
 *
 * Can't overflow: there are at least as many entries as slots.
 */
void paes_area_push(struct paes_area *area, const struct paes_desc *desc)
{
	area->sq[area->sq_tail & (area->entries - 1)] = *desc;
	WRITE_ONCE(area->sq_tail, area->sq_tail + 1);
	/* The provider load-acquires the tail and then reads the descriptor. */
	smp_store_release(&area->pages->sq_tail, area->sq_tail);
}

/**
 * paes_area_idle() - has the provider seen all descriptors?
 * @area:	the ring
 * @sq_head:	what the provider says it has taken
 *
 * Lockless: a descriptor pushed meanwhile is followed by a wake-up.
 */
bool paes_area_idle(const struct paes_area *area, u32 sq_head)
{
	return READ_ONCE(area->sq_tail) == sq_head;
}

/**
 * paes_area_posted() - completions that the provider claims to have posted
 * @area:	the ring
 *
 * Hostile: hold it against what is outstanding.
 */
u32 paes_area_posted(const struct paes_area *area)
{
	/* Pairs with the provider's store-release after filling the entry. */
	return smp_load_acquire(&area->pages->cq_tail) -
	       READ_ONCE(area->cq_head);
}

/**
 * paes_area_peek() - copy out the next completion
 * @area:	the ring; who takes completions only
 * @cqe:	a private copy that can be checked and then used
 *
 * The next look may find something else there.
 */
void paes_area_peek(const struct paes_area *area, struct paes_cqe *cqe)
{
	const struct paes_cqe *shared =
		&area->cq[area->cq_head & (area->entries - 1)];

	cqe->tag = READ_ONCE(shared->tag);
	cqe->generation = READ_ONCE(shared->generation);
	cqe->status = READ_ONCE(shared->status);
	cqe->length = READ_ONCE(shared->length);
	memcpy(cqe->token, shared->token, sizeof(cqe->token));
}

/**
 * paes_area_advance() - the completion looked at is taken
 * @area:	the ring; who takes completions only
 */
void paes_area_advance(struct paes_area *area)
{
	WRITE_ONCE(area->cq_head, area->cq_head + 1);
}

/**
 * paes_area_need_enter() - tell the provider whether to announce completions
 * @area:	the ring
 * @need:	whether it has to call PAES_IOC_ENTER
 *
 * Full barrier: when it returns, completions posted by a provider that saw the
 * old value are seen by paes_area_posted().
 */
void paes_area_need_enter(struct paes_area *area, bool need)
{
	WRITE_ONCE(area->pages->flags, need ? PAES_RING_NEED_ENTER : 0);
	/* Pairs with the provider's barrier between cq_tail and flags. */
	smp_mb();
}

static u8 *paes_area_slot(struct paes_area *area, u32 slot)
{
	return area->data + (size_t)slot * PAES_SLOT_SIZE;
}

/**
 * paes_area_write() - put bytes into a slot
 * @area:	the pages
 * @slot:	reserved by the caller
 * @bytes:	source
 * @length:	at most PAES_SLOT_SIZE
 */
void paes_area_write(struct paes_area *area, u32 slot, const void *bytes,
		     u32 length)
{
	memcpy(paes_area_slot(area, slot), bytes, length);
}

/**
 * paes_area_copy_in() - copy request data into a slot
 * @area:	the pages
 * @slot:	reserved by the caller
 * @from:	the request's source
 * @start:	first byte of it
 * @length:	at most PAES_SLOT_SIZE
 */
void paes_area_copy_in(struct paes_area *area, u32 slot,
		       struct scatterlist *from, u32 start, u32 length)
{
	scatterwalk_map_and_copy(paes_area_slot(area, slot), from, start,
				 length, 0);
}

/**
 * paes_area_copy_out() - copy an answer from a slot
 * @area:	the pages
 * @slot:	reserved by the caller, its answer accepted
 * @to:		the request's destination
 * @start:	first byte of it
 * @length:	of the request, not of the answer
 */
void paes_area_copy_out(struct paes_area *area, u32 slot,
			struct scatterlist *to, u32 start, u32 length)
{
	scatterwalk_map_and_copy(paes_area_slot(area, slot), to, start,
				 length, 1);
}
