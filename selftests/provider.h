/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The mechanics of the broker protocol (linux/paes.h) and nothing else: what
 * is put into the rings, and whether it is right, is the caller's business.
 * Functions that can fail return 0 or a negative errno.
 */
#ifndef PAES_TEST_PROVIDER_H
#define PAES_TEST_PROVIDER_H

#include <stdbool.h>
#include <stdint.h>
#include <linux/paes.h>
#include <linux/paes_blob.h>

struct provider {
	int fd;
	struct paes_setup setup;
	uint8_t *map;
	struct paes_ring *ring;
	const struct paes_desc *sq;
	struct paes_cqe *cq;
	uint8_t *data;
	uint32_t sq_head;
	uint32_t cq_tail;
};

/* Opens the device; later steps may then be tried one by one. */
int provider_open(struct provider *p);
int provider_setup(struct provider *p, unsigned int depth, const char *name);
int provider_map(struct provider *p);
int provider_serve(struct provider *p, const void *kek_ids, unsigned int count);
void provider_close(struct provider *p);

/* What every setup that was granted must hold, whatever was asked for. */
bool provider_layout_holds(const struct paes_setup *setup);

/* All the steps above for one KEK. */
int provider_start(struct provider *p, unsigned int depth, const char *name,
		   const uint8_t *kek_id);

/* Takes the next descriptor, when there is one. */
bool provider_next(struct provider *p, struct paes_desc *desc);
uint8_t *provider_data(const struct provider *p, const struct paes_desc *desc);

/* Fills the next completion entry; provider_publish() shows all so filled. */
void provider_post(struct provider *p, const struct paes_cqe *cqe);
void provider_publish(struct provider *p);
bool provider_must_enter(const struct provider *p);

/* timeout_ms 0: publishes completions and doesn't wait. */
int provider_enter(struct provider *p, unsigned int timeout_ms);

/* Waits for the next descriptor and takes it. */
int provider_wait(struct provider *p, struct paes_desc *desc,
		  unsigned int timeout_ms);

#endif
