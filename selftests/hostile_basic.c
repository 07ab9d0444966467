// SPDX-License-Identifier: GPL-2.0
/*
 * The claim: a broker that breaks the protocol is cut off at once, its
 * requests are served by another, and nothing it said reaches the disk.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "broker.h"
#include "module.h"
#include "provider.h"
#include "reference.h"
#include "testkey.h"
#include "volume.h"

PREREQUISITES(need_root, need_module, need_disk);

enum {
	SIZE = 65536,
	WAIT_MS = 20000,
};

FIXTURE(hostile_basic) {
	struct testkey key;
	struct broker *bad;
	struct broker *good;
	struct volume volume;
	uint8_t *plain;
	uint8_t *cipher;		/* by OpenSSL */
	uint8_t *found;
	int klog;
};

FIXTURE_VARIANT(hostile_basic) {
	int fault;
	int value;
};

/* The first request and one in the midst of others show the same. */
#define BREACH(breach_name, what, val)				\
	FIXTURE_VARIANT_ADD(hostile_basic, breach_name) {	\
		.fault = what,					\
		.value = val,					\
	}

BREACH(wrong_tag, BROKER_WRONG_TAG, 0);
BREACH(tag_out_of_range, BROKER_TAG_OUT_OF_RANGE, 0);
BREACH(wrong_generation, BROKER_WRONG_GENERATION, 0);
BREACH(too_short, BROKER_WRONG_LENGTH, -1);
BREACH(too_long, BROKER_WRONG_LENGTH, 1);
BREACH(answers_twice, BROKER_ANSWERS_TWICE, 0);
BREACH(positive_status, BROKER_ANSWERS_STATUS, 1);
BREACH(unknown_status, BROKER_ANSWERS_STATUS, -EHWPOISON);
BREACH(no_errno, BROKER_ANSWERS_STATUS, -100000);
BREACH(tail_jumps_ahead, BROKER_TAIL_JUMPS, 1000);
BREACH(tail_goes_back, BROKER_TAIL_JUMPS, -2);

FIXTURE_SETUP(hostile_basic)
{
	struct volume_spec spec = {
		.key = self->key.bytes,
		.key_size = PAES_BLOB_SIZE,
	};

	module_limit_hold();
	self->klog = klog_open();
	testkey_make(&self->key, 256, NULL);
	self->plain = volume_buffer(SIZE);
	self->cipher = volume_buffer(SIZE);
	self->found = volume_buffer(SIZE);
	reference_random(self->plain, SIZE);
	memcpy(self->cipher, self->plain, SIZE);
	reference_disk(self->key.key, 256, self->cipher, SIZE);
	ASSERT_EQ(0, disk_write(self->plain, SIZE, 0));
	self->bad = broker_new(self->key.kek_id);
	self->good = broker_new(self->key.kek_id);
	self->bad->fault = variant->fault;
	self->bad->fault_value = variant->value;
	self->bad->fault_at = 1;
	ASSERT_EQ(0, broker_start(self->bad));
	ASSERT_EQ(0, volume_open(&self->volume, &spec));
}

FIXTURE_TEARDOWN(hostile_basic)
{
	/* Whatever is still held finds somebody. */
	broker_kill(self->bad);
	if (self->good->pid <= 0)
		broker_start(self->good);
	EXPECT_EQ(0, volume_close(&self->volume));
	broker_free(self->bad);
	broker_free(self->good);
	EXPECT_FALSE(klog_has(self->klog, "Call Trace"));
}

static void expect_breach_then_service(struct __test_metadata *_metadata,
				       FIXTURE_DATA(hostile_basic) *self)
{
	long invalid = module_stat("invalid");

	ASSERT_EQ(0, volume_submit(&self->volume, IOCB_CMD_PWRITE, self->plain, SIZE, 0));
	EXPECT_TRUE(broker_reaches(&self->bad->ended, ESHUTDOWN, WAIT_MS)) {
		TH_LOG("expected its ENTER to fail with ESHUTDOWN, found %d",
		       self->bad->ended);
	}
	EXPECT_EQ(invalid + 1, module_stat("invalid"));
	ASSERT_EQ(0, broker_start(self->good));
	ASSERT_EQ(0, volume_reap_all(&self->volume, SIZE, WAIT_MS));
	ASSERT_EQ(0, disk_read(self->found, SIZE, 0));
	EXPECT_EQ(0, memcmp(self->cipher, self->found, SIZE));
}

TEST_F_TIMEOUT(hostile_basic, breaks_the_provider_at_the_first_request, 60)
{
	expect_breach_then_service(_metadata, self);
}

TEST_F_TIMEOUT(hostile_basic, breaks_the_provider_amid_requests, 60)
{
	self->bad->fault_at = 50;
	expect_breach_then_service(_metadata, self);
}

/* It may go on as long as it likes. */
TEST(breaks_only_once)
{
	uint8_t kek_id[PAES_ID_SIZE];
	long invalid = module_stat("invalid");
	struct provider p;
	unsigned int n;

	reference_random(kek_id, sizeof(kek_id));
	ASSERT_EQ(0, provider_start(&p, 8, "breaks", kek_id));
	for (n = 0; n < 4; n++) {
		p.cq_tail++;
		provider_publish(&p);
		EXPECT_EQ(-ESHUTDOWN, provider_enter(&p, 0));
	}
	EXPECT_EQ(invalid + 1, module_stat("invalid"));
	provider_close(&p);
}

/* What is allowed to go wrong: one request fails, or nothing at all. */
FIXTURE(allowed) {
	struct testkey key;
	struct broker *broker;
	struct volume volume;
	uint8_t *plain;
	uint8_t *before;
	uint8_t *found;
};

FIXTURE_SETUP(allowed)
{
	struct volume_spec spec = {
		.key = self->key.bytes,
		.key_size = PAES_BLOB_SIZE,
	};

	module_limit_hold();
	testkey_make(&self->key, 256, NULL);
	self->plain = volume_buffer(SIZE);
	self->before = volume_buffer(SIZE);
	self->found = volume_buffer(SIZE);
	reference_random(self->plain, SIZE);
	reference_random(self->before, SIZE);
	ASSERT_EQ(0, disk_write(self->before, SIZE, 0));
	self->broker = broker_new(self->key.kek_id);
	ASSERT_EQ(0, broker_start(self->broker));
	ASSERT_EQ(0, volume_open(&self->volume, &spec));
}

FIXTURE_TEARDOWN(allowed)
{
	EXPECT_EQ(0, volume_close(&self->volume));
	broker_free(self->broker);
}

TEST_F(allowed, an_error_answer_fails_the_request_alone)
{
	self->broker->fault = BROKER_ANSWERS_STATUS;
	self->broker->fault_value = -EIO;
	EXPECT_EQ(-EIO, volume_write(&self->volume, self->plain, 4096, 0));
	EXPECT_EQ(0, disk_read(self->found, 4096, 0));
	EXPECT_EQ(0, memcmp(self->before, self->found, 4096));
	self->broker->fault = BROKER_HONEST;
	EXPECT_EQ(0, volume_write(&self->volume, self->plain, 4096, 0));
	EXPECT_EQ(0, self->broker->ended);
}

TEST_F(allowed, a_session_token_with_an_error_counts_for_nothing)
{
	long rotated = module_stat("rotated");

	self->broker->slips = true;
	self->broker->fault = BROKER_ANSWERS_STATUS;
	self->broker->fault_value = -EIO;
	EXPECT_EQ(-EIO, volume_write(&self->volume, self->plain, 4096, 0));
	self->broker->fault = BROKER_HONEST;
	EXPECT_EQ(0, volume_write(&self->volume, self->plain, 4096, 0));
	EXPECT_EQ(0, self->broker->stale);
	EXPECT_EQ(rotated, module_stat("rotated"));
}

TEST_F(allowed, a_request_refused_for_its_session_token_is_counted)
{
	long stale = module_stat("stale");

	self->broker->forgets = true;
	EXPECT_EQ(-EIO, volume_write(&self->volume, self->plain, 4096, 0));
	EXPECT_EQ(0, disk_read(self->found, 4096, 0));
	EXPECT_EQ(0, memcmp(self->before, self->found, 4096));
	EXPECT_LT(0, self->broker->stale);
	EXPECT_EQ(stale + self->broker->stale, module_stat("stale"));
}

TEST_F(allowed, scribbling_over_descriptors_harms_nobody)
{
	self->broker->fault = BROKER_SCRIBBLES;
	EXPECT_EQ(0, volume_submit(&self->volume, IOCB_CMD_PWRITE, self->plain, 4096, 0));
	volume_reap(&self->volume, 2000);
	/* It may have confused itself, but the module goes on. */
	broker_kill(self->broker);
	self->broker->fault = BROKER_HONEST;
	ASSERT_EQ(0, broker_start(self->broker));
	while (self->volume.in_flight)
		EXPECT_EQ(4096, volume_reap(&self->volume, WAIT_MS));
	EXPECT_EQ(0, volume_write(&self->volume, self->plain, 4096, 0));
	EXPECT_EQ(0, volume_read(&self->volume, self->found, 4096, 0));
	EXPECT_EQ(0, memcmp(self->plain, self->found, 4096));
}

/* It lives and answers nothing: its requests go to one that answers. */
TEST_F(allowed, a_silent_broker_loses_its_requests)
{
	struct broker *other = broker_new(self->key.kek_id);
	long patience = module_param("request_seconds");
	long overdue = module_stat("overdue");

	ASSERT_TRUE(module_set_param("request_seconds", 1));
	self->broker->fault = BROKER_IS_SILENT;
	EXPECT_EQ(0, volume_submit(&self->volume, IOCB_CMD_PWRITE, self->plain, SIZE, 0));
	ASSERT_EQ(0, broker_start(other));
	EXPECT_EQ(0, volume_reap_all(&self->volume, SIZE, WAIT_MS));
	EXPECT_TRUE(broker_reaches(&self->broker->ended, ESHUTDOWN, WAIT_MS));
	EXPECT_EQ(overdue + 1, module_stat("overdue"));
	EXPECT_EQ(0, volume_read(&self->volume, self->found, SIZE, 0));
	EXPECT_EQ(0, memcmp(self->plain, self->found, SIZE));
	module_set_param("request_seconds", patience);
	broker_free(other);
}

TEST_F(allowed, a_silent_broker_is_replaced_when_it_dies)
{
	self->broker->fault = BROKER_IS_SILENT;
	EXPECT_EQ(0, volume_submit(&self->volume, IOCB_CMD_PWRITE, self->plain, SIZE, 0));
	EXPECT_EQ(-ETIME, volume_reap(&self->volume, 500));
	broker_kill(self->broker);
	self->broker->fault = BROKER_HONEST;
	ASSERT_EQ(0, broker_start(self->broker));
	EXPECT_EQ(0, volume_reap_all(&self->volume, SIZE, WAIT_MS));
	EXPECT_EQ(0, volume_read(&self->volume, self->found, SIZE, 0));
	EXPECT_EQ(0, memcmp(self->plain, self->found, SIZE));
}

TEST_HARNESS_MAIN
