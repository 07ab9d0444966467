// SPDX-License-Identifier: GPL-2.0
/*
 * The claim: a broker may die at any time; requests move to another or wait
 * for one, as long as hold_seconds allows, and not longer.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "broker.h"
#include "module.h"
#include "reference.h"
#include "testkey.h"
#include "volume.h"

PREREQUISITES(need_root, need_module, need_disk);

enum {
	SECTOR = 512,
	CHUNK = 65536,
	SIZE = 8 * CHUNK,
	WAIT_MS = 30000,
	SLACK_MS = 3000,
};

FIXTURE(death) {
	struct testkey key;
	struct broker *broker;
	struct broker *other;
	struct volume volume;
	uint8_t *plain;
	uint8_t *cipher;		/* by OpenSSL */
	uint8_t *found;
	long hold;
};

FIXTURE_SETUP(death)
{
	struct volume_spec spec = {
		.key = self->key.bytes,
		.key_size = PAES_BLOB_SIZE,
	};

	module_limit_hold();
	self->hold = module_param("hold_seconds");
	testkey_make(&self->key, 256, NULL);
	self->plain = volume_buffer(SIZE);
	self->cipher = volume_buffer(SIZE);
	self->found = volume_buffer(SIZE);
	reference_random(self->plain, SIZE);
	memcpy(self->cipher, self->plain, SIZE);
	reference_disk(self->key.key, 256, self->cipher, SIZE);
	self->broker = broker_new(self->key.kek_id);
	self->other = broker_new(self->key.kek_id);
	ASSERT_EQ(0, broker_start(self->broker));
	ASSERT_EQ(0, volume_open(&self->volume, &spec));
}

FIXTURE_TEARDOWN(death)
{
	module_set_param("hold_seconds", self->hold);
	/* Whatever is still held finds somebody. */
	broker_kill(self->broker);
	self->broker->fault = BROKER_HONEST;
	self->broker->paused = false;
	broker_start(self->broker);
	EXPECT_EQ(0, volume_close(&self->volume));
	broker_free(self->broker);
	broker_free(self->other);
}

static int submit(FIXTURE_DATA(death) *self, int opcode, uint8_t *data)
{
	size_t at;
	int ret = 0;

	for (at = 0; !ret && at < SIZE; at += CHUNK)
		ret = volume_submit(&self->volume, opcode, data + at, CHUNK, at);
	return ret;
}

/* Leaves the broker with requests that it won't answer. */
static void submit_and_pause(struct __test_metadata *_metadata,
			     FIXTURE_DATA(death) *self)
{
	self->broker->paused = true;
	self->broker->outstanding_max = 0;
	ASSERT_EQ(0, submit(self, IOCB_CMD_PWRITE, self->plain));
	ASSERT_TRUE(broker_reaches(&self->broker->outstanding_max, 8, WAIT_MS));
}

static void expect_written(struct __test_metadata *_metadata,
			   FIXTURE_DATA(death) *self)
{
	ASSERT_EQ(0, volume_reap_all(&self->volume, CHUNK, WAIT_MS));
	ASSERT_EQ(0, disk_read(self->found, SIZE, 0));
	EXPECT_EQ(0, memcmp(self->cipher, self->found, SIZE));
}

TEST_F_TIMEOUT(death, writes_move_to_another_broker, 90)
{
	long reissued = module_stat("reissued"), failed = module_stat("failed");

	submit_and_pause(_metadata, self);
	ASSERT_EQ(0, broker_start(self->other));
	broker_kill(self->broker);
	expect_written(_metadata, self);
	EXPECT_LT(reissued, module_stat("reissued"));
	EXPECT_EQ(failed, module_stat("failed"));
}

TEST_F_TIMEOUT(death, writes_wait_for_a_new_broker, 90)
{
	long held = module_stat("held");

	submit_and_pause(_metadata, self);
	broker_kill(self->broker);
	EXPECT_EQ(-ETIME, volume_reap(&self->volume, 1000));
	ASSERT_EQ(0, broker_start(self->other));
	expect_written(_metadata, self);
	EXPECT_LT(held, module_stat("held"));
}

TEST_F_TIMEOUT(death, reads_move_to_another_broker, 90)
{
	ASSERT_EQ(0, disk_write(self->cipher, SIZE, 0));
	self->broker->paused = true;
	ASSERT_EQ(0, submit(self, IOCB_CMD_PREAD, self->found));
	ASSERT_TRUE(broker_reaches(&self->broker->decrypts, 8, WAIT_MS));
	ASSERT_EQ(0, broker_start(self->other));
	broker_kill(self->broker);
	ASSERT_EQ(0, volume_reap_all(&self->volume, CHUNK, WAIT_MS));
	EXPECT_EQ(0, memcmp(self->plain, self->found, SIZE));
}

TEST_F_TIMEOUT(death, io_begun_without_a_broker_waits_for_one, 90)
{
	broker_kill(self->broker);
	ASSERT_EQ(0, submit(self, IOCB_CMD_PWRITE, self->plain));
	EXPECT_EQ(-ETIME, volume_reap(&self->volume, 500));
	ASSERT_EQ(0, broker_start(self->other));
	expect_written(_metadata, self);
}

/* Every death at another request, and at once after it. */
TEST_F_TIMEOUT(death, dies_again_and_again, 120)
{
	unsigned int deaths;

	/* However slow the machine: that isn't long for ten deaths. */
	ASSERT_TRUE(module_set_param("hold_seconds", 300));
	self->broker->fault = BROKER_DIES;
	self->broker->fault_at = 40;
	ASSERT_EQ(0, submit(self, IOCB_CMD_PWRITE, self->plain));
	for (deaths = 0; deaths < 10; deaths++) {
		EXPECT_TRUE(broker_reaches(&self->broker->encrypts,
					   self->broker->fault_at, WAIT_MS));
		broker_kill(self->broker);
		self->broker->encrypts = 0;
		self->broker->fault_at = 1 + deaths * 7;
		ASSERT_EQ(0, broker_start(self->broker));
	}
	broker_kill(self->broker);
	ASSERT_EQ(0, broker_start(self->other));
	expect_written(_metadata, self);
}

TEST_F_TIMEOUT(death, held_requests_fail_when_hold_seconds_are_over, 90)
{
	long expired = module_stat("expired"), begin, lasted;

	ASSERT_TRUE(module_set_param("hold_seconds", 2));
	submit_and_pause(_metadata, self);
	begin = now_ms();
	broker_kill(self->broker);
	EXPECT_EQ(-EIO, volume_reap(&self->volume, WAIT_MS));
	lasted = now_ms() - begin;
	EXPECT_LE(1900, lasted);
	EXPECT_GT(2000 + SLACK_MS, lasted);
	while (self->volume.in_flight)
		EXPECT_EQ(-EIO, volume_reap(&self->volume, WAIT_MS));
	EXPECT_LT(expired, module_stat("expired"));
}

/* The clock runs from the death, however long they had waited behind others. */
TEST_F_TIMEOUT(death, requests_that_queued_long_are_held_as_long, 90)
{
	ASSERT_TRUE(module_set_param("hold_seconds", 10));
	submit_and_pause(_metadata, self);
	sleep(11);
	broker_kill(self->broker);
	EXPECT_EQ(-ETIME, volume_reap(&self->volume, 1500));
	ASSERT_EQ(0, broker_start(self->other));
	expect_written(_metadata, self);
}

/* It may be what they die of. */
TEST_F_TIMEOUT(death, a_request_that_all_brokers_die_with_fails, 90)
{
	long begin = now_ms(), expired = module_stat("expired");
	int ret = -ETIME;

	ASSERT_TRUE(module_set_param("hold_seconds", 2));
	self->broker->fault = BROKER_DIES;
	self->broker->fault_at = 1;
	ASSERT_EQ(0, volume_submit(&self->volume, IOCB_CMD_PWRITE, self->plain,
				   SECTOR, 0));
	while (ret == -ETIME && now_ms() - begin < WAIT_MS) {
		broker_kill(self->broker);
		self->broker->encrypts = 0;
		ASSERT_EQ(0, broker_start(self->broker));
		ret = volume_reap(&self->volume, 200);
	}
	EXPECT_EQ(-EIO, ret);
	EXPECT_LE(1900, now_ms() - begin);
	EXPECT_LT(expired, module_stat("expired"));
	ASSERT_EQ(0, broker_start(self->other));
	ASSERT_EQ(0, submit(self, IOCB_CMD_PWRITE, self->plain));
	expect_written(_metadata, self);
}

TEST_F_TIMEOUT(death, works_again_after_requests_expired, 90)
{
	ASSERT_TRUE(module_set_param("hold_seconds", 1));
	submit_and_pause(_metadata, self);
	broker_kill(self->broker);
	while (self->volume.in_flight)
		EXPECT_EQ(-EIO, volume_reap(&self->volume, WAIT_MS));
	ASSERT_EQ(0, broker_start(self->other));
	ASSERT_EQ(0, submit(self, IOCB_CMD_PWRITE, self->plain));
	expect_written(_metadata, self);
}

TEST_F_TIMEOUT(death, no_hold_fails_at_once, 90)
{
	long begin;

	ASSERT_TRUE(module_set_param("hold_seconds", 0));
	submit_and_pause(_metadata, self);
	begin = now_ms();
	broker_kill(self->broker);
	while (self->volume.in_flight)
		EXPECT_EQ(-EIO, volume_reap(&self->volume, WAIT_MS));
	EXPECT_EQ(-EIO, volume_write(&self->volume, self->plain, SECTOR, 0));
	EXPECT_GT(SLACK_MS, now_ms() - begin);
}

TEST_F_TIMEOUT(death, a_failed_read_writes_nothing, 90)
{
	static const uint8_t untouched[SECTOR] = {};

	ASSERT_TRUE(module_set_param("hold_seconds", 0));
	broker_kill(self->broker);
	ASSERT_EQ(0, disk_write(self->cipher, SIZE, 0));
	memset(self->found, 0, SECTOR);
	EXPECT_EQ(-EIO, volume_read(&self->volume, self->found, SECTOR, 0));
	/* dm-crypt decrypts in place: the disk's data, or nothing at all. */
	EXPECT_TRUE(!memcmp(self->found, self->cipher, SECTOR) ||
		    !memcmp(self->found, untouched, SECTOR));
}

TEST_F_TIMEOUT(death, a_new_broker_that_refuses_the_key_serves_nothing, 90)
{
	ASSERT_TRUE(module_set_param("hold_seconds", 3));
	submit_and_pause(_metadata, self);
	self->other->open_status = -EKEYREJECTED;
	ASSERT_EQ(0, broker_start(self->other));
	broker_kill(self->broker);
	while (self->volume.in_flight)
		EXPECT_EQ(-EIO, volume_reap(&self->volume, WAIT_MS));
	EXPECT_EQ(0, self->other->encrypts);
}

TEST_F(death, the_module_stays_while_it_is_used)
{
	EXPECT_EQ(-1, syscall(SYS_delete_module, "paes", O_NONBLOCK));
	EXPECT_TRUE(errno == EWOULDBLOCK || errno == EBUSY);
	broker_kill(self->broker);
	EXPECT_EQ(-1, syscall(SYS_delete_module, "paes", O_NONBLOCK));
	EXPECT_TRUE(errno == EWOULDBLOCK || errno == EBUSY);
}

TEST_HARNESS_MAIN
