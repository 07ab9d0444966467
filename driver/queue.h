/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Data requests on their way from the crypto API to a provider and back.
 */
#ifndef PAES_QUEUE_H
#define PAES_QUEUE_H

#include <crypto/skcipher.h>

#include "key.h"
#include "provider.h"

/**
 * struct paes_data - the state of one skcipher request, in its context
 * @request:	the descriptor; its node is in key->pending or key->backlog
 * @owner:	the crypto API's request
 * @key:	holds a reference
 * @position:	bytes of @owner that are done
 * @since:	jiffies since when it waits for a provider
 */
struct paes_data {
	struct paes_request request;
	struct skcipher_request *owner;
	struct paes_key *key;
	u32 position;
	unsigned long since;
};

extern unsigned int paes_queue_depth;

int paes_queue_submit(struct paes_key *key, struct skcipher_request *owner,
		      enum paes_op op);
bool paes_queue_feed(struct paes_key *key);
void paes_queue_feed_provider(struct paes_provider *provider);
void paes_queue_fail(struct paes_key *key, int error);
void paes_queue_hold(struct work_struct *work);

#endif
