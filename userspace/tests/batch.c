// SPDX-License-Identifier: GPL-2.0
#include "batch.h"

#include <errno.h>
#include <string.h>

struct batch the_batch;

/* Small, several units, stealing, and larger than a chunk. */
void batch_fill(struct batch *batch, bool encrypt)
{
	static const uint32_t sizes[BATCH_REQUESTS][2] = {
		{ 512, 512 }, { 4096, 512 }, { 4099, 4099 },
		{ 3 * 33, 33 }, { 2 * TOKEN_CHUNK + 40, 2 * TOKEN_CHUNK + 40 },
	};

	for (int i = 0; i < BATCH_REQUESTS; i++) {
		batch->requests[i] = (struct engine_request){
			.key = &mocked.key, .encrypt = encrypt,
			.length = sizes[i][0], .unit_size = sizes[i][1],
			.data = batch->data[i], .iv = { (uint8_t)i },
		};
		support_random(batch->before[i], sizes[i][0]);
		memcpy(batch->data[i], batch->before[i], sizes[i][0]);
	}
}

void batch_run(struct batch *batch)
{
	engine_run(mocked.engine, batch->requests, BATCH_REQUESTS, NULL, NULL);
}

void batch_run_rightly(struct batch *batch)
{
	mock_set_fault(MOCK_NONE, 0);
	batch_run(batch);
	for (int i = 0; i < BATCH_REQUESTS; i++) {
		assert_int_equal(batch->requests[i].status, 0);
		memcpy(batch->right[i], batch->data[i], batch->requests[i].length);
		memcpy(batch->data[i], batch->before[i], batch->requests[i].length);
	}
}

unsigned int batch_check(const struct batch *batch)
{
	unsigned int failed = 0;

	for (int i = 0; i < BATCH_REQUESTS; i++) {
		const struct engine_request *r = &batch->requests[i];

		assert_true(!r->status || r->status == -EIO ||
			    r->status == -EBADMSG);
		assert_memory_equal(r->data, r->status ? batch->before[i] :
				    batch->right[i], r->length);
		failed += r->status != 0;
	}
	return failed;
}

unsigned int batch_count_calls(struct batch *batch, bool encrypt)
{
	batch_fill(batch, encrypt);
	batch_run_rightly(batch);
	batch_fill(batch, encrypt);
	batch_run_rightly(batch);
	batch_fill(batch, encrypt);
	batch_run_rightly(batch);
	return mocked.mock->crypts;
}

void batch_check_fault(enum mock_fault fault, bool encrypt, bool once)
{
	struct batch *batch = &the_batch;
	unsigned int n;

	for (n = 0; n < batch_count_calls(batch, encrypt); n++) {
		mock_set_fault(fault, n);
		mocked.mock->once = once;
		support_capture();
		batch_run(batch);
		support_captured();
		assert_true(batch_check(batch) > 0);
	}
	assert_true(n >= 4);
}
