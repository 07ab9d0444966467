/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Data requests on their way from the crypto API to a provider and back.
 */
#ifndef PAES_QUEUE_H
#define PAES_QUEUE_H

#include <crypto/skcipher.h>

#include "key.h"
#include "provider.h"

struct paes_session;

/**
 * struct paes_data - the state of one skcipher request, in its context
 * @request:	the descriptor; its node is in key->pending, backlog or answered
 * @owner:	the crypto API's request
 * @key:	holds a reference
 * @session:	where it is, or on its way to; holds a reference, and so the slot's
 *		provider; NULL while it is @key's
 * @position:	bytes of @owner that are done
 * @error:	to tell @owner, once it is answered
 * @submitted:	when it came
 * @since:	jiffies since when it waits for a provider
 * @lost:	jiffies when it lost its provider for the first time
 * @losses:	providers that it lost
 */
struct paes_data {
	struct paes_request request;
	struct skcipher_request *owner;
	struct paes_key *key;
	struct paes_session *session;
	u32 position;
	int error;
	ktime_t submitted;
	unsigned long since;
	unsigned long lost;
	unsigned int losses;
};

extern unsigned int paes_queue_depth;

int paes_queue_submit(struct paes_key *key, struct skcipher_request *owner,
		      enum paes_op op);
bool paes_queue_feed(struct paes_key *key);
void paes_queue_feed_provider(struct paes_provider *provider);
void paes_queue_fail(struct paes_key *key, int error);
unsigned long paes_queue_in_flight(struct paes_key *key);
void paes_queue_hold(struct work_struct *work);
void paes_queue_answer(struct work_struct *work);

#endif
