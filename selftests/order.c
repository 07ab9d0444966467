// SPDX-License-Identifier: GPL-2.0
/*
 * The claim: any number of requests in flight come back right, whatever the
 * order and the number of those who answer them.
 */
#include <errno.h>
#include <string.h>
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
	SIZE = 2 << 20,			/* 4096 requests of a sector */
	WAIT_MS = 60000,
	BROKERS = 3,
};

FIXTURE(order) {
	struct testkey key;
	struct broker *brokers[BROKERS];
	struct volume volume;
	uint8_t *plain;
	uint8_t *cipher;		/* by OpenSSL */
	uint8_t *found;
};

FIXTURE_SETUP(order)
{
	unsigned int i;

	module_limit_hold();
	testkey_make(&self->key, 256, NULL);
	for (i = 0; i < BROKERS; i++) {
		self->brokers[i] = broker_new(self->key.kek_id);
		ASSERT_NE(NULL, self->brokers[i]);
	}
	self->plain = volume_buffer(SIZE);
	self->cipher = volume_buffer(SIZE);
	self->found = volume_buffer(SIZE);
	reference_random(self->plain, SIZE);
	memcpy(self->cipher, self->plain, SIZE);
	reference_disk(self->key.key, 256, self->cipher, SIZE);
}

FIXTURE_TEARDOWN(order)
{
	unsigned int i;

	/* Whatever is still held finds somebody. */
	if (self->brokers[0]->pid <= 0)
		broker_start(self->brokers[0]);
	for (i = 0; i < BROKERS; i++)
		self->brokers[i]->paused = false;
	EXPECT_EQ(0, volume_close(&self->volume));
	for (i = 0; i < BROKERS; i++)
		broker_free(self->brokers[i]);
}

static int open_volume(FIXTURE_DATA(order) *self)
{
	struct volume_spec spec = {
		.key = self->key.bytes,
		.key_size = PAES_BLOB_SIZE,
	};

	return volume_open(&self->volume, &spec);
}

/* Writes and reads with as much in flight as dm-crypt lets through. */
static void write_and_read(struct __test_metadata *_metadata,
			   FIXTURE_DATA(order) *self, size_t chunk)
{
	struct volume *v = &self->volume;
	size_t at;

	for (at = 0; at < SIZE; at += chunk)
		ASSERT_EQ(0, volume_submit(v, IOCB_CMD_PWRITE, self->plain + at, chunk, at));
	ASSERT_EQ(0, volume_reap_all(v, chunk, WAIT_MS));
	ASSERT_EQ(0, disk_read(self->found, SIZE, 0));
	EXPECT_EQ(0, memcmp(self->cipher, self->found, SIZE));
	memset(self->found, 0, SIZE);
	for (at = 0; at < SIZE; at += chunk)
		ASSERT_EQ(0, volume_submit(v, IOCB_CMD_PREAD, self->found + at, chunk, at));
	ASSERT_EQ(0, volume_reap_all(v, chunk, WAIT_MS));
	EXPECT_EQ(0, memcmp(self->plain, self->found, SIZE));
}

TEST_F_TIMEOUT(order, one_broker, 120)
{
	ASSERT_EQ(0, broker_start(self->brokers[0]));
	ASSERT_EQ(0, open_volume(self));
	write_and_read(_metadata, self, 65536);
}

TEST_F_TIMEOUT(order, small_requests, 120)
{
	ASSERT_EQ(0, broker_start(self->brokers[0]));
	ASSERT_EQ(0, open_volume(self));
	write_and_read(_metadata, self, 4096);
}

TEST_F_TIMEOUT(order, answers_backwards, 120)
{
	self->brokers[0]->backwards = true;
	ASSERT_EQ(0, broker_start(self->brokers[0]));
	ASSERT_EQ(0, open_volume(self));
	write_and_read(_metadata, self, 65536);
}

TEST_F_TIMEOUT(order, a_ring_of_two, 120)
{
	self->brokers[0]->depth = PAES_DEPTH_MIN;
	ASSERT_EQ(0, broker_start(self->brokers[0]));
	ASSERT_EQ(0, open_volume(self));
	write_and_read(_metadata, self, 65536);
	EXPECT_GE(PAES_DEPTH_MIN, self->brokers[0]->outstanding_max);
}

TEST_F_TIMEOUT(order, more_than_the_queue_holds, 120)
{
	long backlogged = module_stat("backlogged");

	self->brokers[0]->depth = 16;
	ASSERT_EQ(0, broker_start(self->brokers[0]));
	ASSERT_EQ(0, open_volume(self));
	self->brokers[0]->paused = true;
	ASSERT_EQ(0, volume_submit(&self->volume, IOCB_CMD_PWRITE, self->plain, 1 << 20, 0));
	EXPECT_TRUE(broker_reaches(&self->brokers[0]->outstanding_max, 16, WAIT_MS));
	usleep(200000);
	self->brokers[0]->paused = false;
	EXPECT_EQ(0, volume_reap_all(&self->volume, 1 << 20, WAIT_MS));
	EXPECT_LT(backlogged, module_stat("backlogged"));
	EXPECT_EQ(16, self->brokers[0]->outstanding_max);
	write_and_read(_metadata, self, 1 << 20);
}

TEST_F_TIMEOUT(order, several_brokers_share_the_load, 120)
{
	unsigned int i;

	for (i = 0; i < BROKERS; i++) {
		self->brokers[i]->backwards = i == 1;
		self->brokers[i]->depth = 32;
		ASSERT_EQ(0, broker_start(self->brokers[i]));
	}
	ASSERT_EQ(0, open_volume(self));
	write_and_read(_metadata, self, 65536);
	for (i = 0; i < BROKERS; i++)
		EXPECT_LT(SIZE / SECTOR / 20,
			  self->brokers[i]->encrypts + self->brokers[i]->decrypts) {
			TH_LOG("broker %u was left out", i);
		}
}

/* With two processors, another broker would take one from who submits. */
TEST_F_TIMEOUT(order, a_broker_that_computes_gets_more, 120)
{
	enum { COUNT = 24 };	/* more than half of what one may get */
	struct broker *first = self->brokers[0], *second = self->brokers[1];
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	if (processors > 2)
		SKIP(return, "%ld processors: one broker leaves enough", processors);
	first->busy = true;
	second->busy = true;
	ASSERT_EQ(0, broker_start(first));
	ASSERT_EQ(0, broker_start(second));
	ASSERT_EQ(0, open_volume(self));
	first->paused = true;
	second->paused = true;
	ASSERT_EQ(0, volume_submit(&self->volume, IOCB_CMD_PWRITE, self->plain,
				   COUNT * SECTOR, 0));
	EXPECT_TRUE(broker_reaches(&first->outstanding_max, COUNT, 5000) ||
		    broker_reaches(&second->outstanding_max, COUNT, 5000));
	first->paused = false;
	second->paused = false;
	EXPECT_EQ(0, volume_reap_all(&self->volume, COUNT * SECTOR, WAIT_MS));
}

/* Whatever is in flight: nothing shows a token that another has followed. */
static void rotate(struct __test_metadata *_metadata, FIXTURE_DATA(order) *self,
		   unsigned int brokers, int requests)
{
	long rotated = module_stat("rotated");
	unsigned int i;

	for (i = 0; i < brokers; i++) {
		self->brokers[i]->rotate = requests;
		ASSERT_EQ(0, broker_start(self->brokers[i]));
	}
	ASSERT_EQ(0, open_volume(self));
	write_and_read(_metadata, self, 65536);
	for (i = 0; i < brokers; i++) {
		EXPECT_EQ(0, self->brokers[i]->stale);
		EXPECT_LT(brokers > 1 ? 2 : 10, self->brokers[i]->rotations);
		rotated += self->brokers[i]->rotations;
	}
	EXPECT_EQ(rotated, module_stat("rotated"));
}

TEST_F_TIMEOUT(order, session_tokens_that_change_with_each_batch, 120)
{
	rotate(_metadata, self, 1, 1);
}

TEST_F_TIMEOUT(order, session_tokens_that_change_backwards, 120)
{
	self->brokers[0]->backwards = true;
	rotate(_metadata, self, 1, 7);
}

TEST_F_TIMEOUT(order, session_tokens_of_several_brokers, 120)
{
	rotate(_metadata, self, BROKERS, 1);
}

TEST_F_TIMEOUT(order, a_slow_broker_does_not_hold_up_the_other, 120)
{
	self->brokers[0]->depth = PAES_DEPTH_MIN;
	self->brokers[0]->delay_ms = 100;
	ASSERT_EQ(0, broker_start(self->brokers[0]));
	ASSERT_EQ(0, broker_start(self->brokers[1]));
	ASSERT_EQ(0, open_volume(self));
	write_and_read(_metadata, self, 65536);
	EXPECT_LT(self->brokers[0]->encrypts, self->brokers[1]->encrypts);
}

TEST_F_TIMEOUT(order, a_broker_that_comes_later_gets_work, 120)
{
	ASSERT_EQ(0, broker_start(self->brokers[0]));
	ASSERT_EQ(0, open_volume(self));
	ASSERT_EQ(0, broker_start(self->brokers[1]));
	write_and_read(_metadata, self, 65536);
	EXPECT_EQ(1, self->brokers[1]->opens);
	EXPECT_LT(0, self->brokers[1]->encrypts);
}

TEST_F_TIMEOUT(order, a_broker_that_leaves_is_not_missed, 120)
{
	ASSERT_EQ(0, broker_start(self->brokers[0]));
	ASSERT_EQ(0, broker_start(self->brokers[1]));
	ASSERT_EQ(0, open_volume(self));
	broker_kill(self->brokers[0]);
	write_and_read(_metadata, self, 65536);
}

TEST_F_TIMEOUT(order, two_keys_do_not_mix, 120)
{
	enum { LENGTH = 65536, START = 16384 };
	struct testkey other;
	struct volume_spec spec = {
		.key = other.bytes,
		.key_size = PAES_BLOB_SIZE,
		.start = START / 2,
		.size = LENGTH,
	};
	struct volume second;

	testkey_make(&other, 128, self->key.kek_id);
	self->brokers[0]->rotate = 1;
	ASSERT_EQ(0, broker_start(self->brokers[0]));
	ASSERT_EQ(0, open_volume(self));
	ASSERT_EQ(0, volume_open(&second, &spec));
	EXPECT_EQ(0, volume_submit(&self->volume, IOCB_CMD_PWRITE, self->plain, 1 << 20, 0));
	EXPECT_EQ(0, volume_submit(&second, IOCB_CMD_PWRITE, self->plain, LENGTH, 0));
	EXPECT_EQ(0, volume_reap_all(&second, LENGTH, WAIT_MS));
	EXPECT_EQ(0, volume_reap_all(&self->volume, 1 << 20, WAIT_MS));
	EXPECT_EQ(0, disk_read(self->found, 1 << 20, 0));
	EXPECT_EQ(0, memcmp(self->cipher, self->found, 1 << 20));
	EXPECT_EQ(0, disk_read(self->found, LENGTH, START / 2 * SECTOR));
	reference_disk(other.key, 128, self->plain, LENGTH);
	EXPECT_EQ(0, memcmp(self->plain, self->found, LENGTH));
	EXPECT_EQ(0, self->brokers[0]->stale);
	EXPECT_EQ(0, volume_close(&second));
}

TEST_HARNESS_MAIN
