// SPDX-License-Identifier: GPL-2.0
/*
 * The claim: what debugfs says of a key is what happens to its requests: with
 * a provider, held for want of one, reissued, answered, failed, and how long
 * they took.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "broker.h"
#include "module.h"
#include "reference.h"
#include "testkey.h"
#include "volume.h"

static const char *need_table(void)
{
	return access("/sys/kernel/debug/paes/keys", R_OK) ?
	       "no /sys/kernel/debug/paes/keys: needs debugfs" : NULL;
}

PREREQUISITES(need_root, need_module, need_disk, need_table);

enum {
	SECTOR = 512,
	SECTORS = 64,
	SIZE = SECTORS * SECTOR,
	WAIT_MS = 30000,
	DELAY_MS = 20,
};

FIXTURE(figures) {
	struct testkey key;
	struct broker *broker;
	struct volume volume;
	uint8_t *data;
	long hold;
};

FIXTURE_SETUP(figures)
{
	struct volume_spec spec = {
		.key = self->key.bytes,
		.key_size = PAES_BLOB_SIZE,
	};

	module_limit_hold();
	self->hold = module_param("hold_seconds");
	testkey_make(&self->key, 256, NULL);
	self->data = volume_buffer(SIZE);
	self->broker = broker_new(self->key.kek_id);
	ASSERT_EQ(0, broker_start(self->broker));
	ASSERT_EQ(0, volume_open(&self->volume, &spec));
}

FIXTURE_TEARDOWN(figures)
{
	module_set_param("hold_seconds", self->hold);
	broker_kill(self->broker);
	self->broker->fault = BROKER_HONEST;
	self->broker->paused = false;
	broker_start(self->broker);
	EXPECT_EQ(0, volume_close(&self->volume));
	broker_free(self->broker);
}

/* The figure may be a little late. */
static bool figure_is(const char *column, long expected)
{
	long begin = now_ms();

	do {
		if (module_key_figure(column) == expected)
			return true;
		usleep(10000);
	} while (now_ms() - begin < 10000);
	printf("# %s: expected %ld, found %ld\n", column, expected,
	       module_key_figure(column));
	return false;
}

/* udev may have read the volume: counted from here. */
static long count(const char *column)
{
	long before, now = module_key_figure(column);

	do {
		before = now;
		usleep(200000);
		now = module_key_figure(column);
	} while (now != before);
	return now;
}

TEST_F_TIMEOUT(figures, answered_requests_are_counted_by_their_time, 90)
{
	long done = count("latency"), us = count("latency_us"), begin, took;

	self->broker->delay_ms = DELAY_MS;
	begin = now_ms();
	ASSERT_EQ(0, volume_write(&self->volume, self->data, SECTOR, 0));
	took = now_ms() - begin;
	self->broker->delay_ms = 0;
	EXPECT_TRUE(figure_is("latency", done + 1));
	us = module_key_figure("latency_us") - us;
	EXPECT_LE(DELAY_MS * 1000, us);
	EXPECT_GE((took + 1) * 1000, us);
	EXPECT_TRUE(figure_is("in_flight", 0));
	EXPECT_EQ(0, module_key_figure("failed"));
	EXPECT_EQ(1, module_key_figure("providers"));
}

TEST_F_TIMEOUT(figures, requests_are_in_flight_or_held, 90)
{
	long done = count("latency");

	self->broker->paused = true;
	ASSERT_EQ(0, volume_submit(&self->volume, IOCB_CMD_PWRITE, self->data,
				   SIZE, 0));
	EXPECT_TRUE(figure_is("in_flight", SECTORS));
	EXPECT_TRUE(figure_is("held", 0));
	broker_kill(self->broker);
	EXPECT_TRUE(figure_is("held", SECTORS));
	EXPECT_TRUE(figure_is("in_flight", 0));
	EXPECT_TRUE(figure_is("reissued", SECTORS));
	EXPECT_TRUE(figure_is("providers", 0));
	self->broker->paused = false;
	ASSERT_EQ(0, broker_start(self->broker));
	ASSERT_EQ(0, volume_reap_all(&self->volume, SIZE, WAIT_MS));
	EXPECT_TRUE(figure_is("held", 0));
	EXPECT_TRUE(figure_is("in_flight", 0));
	EXPECT_TRUE(figure_is("latency", done + SECTORS));
	EXPECT_EQ(0, module_key_figure("failed"));
}

TEST_F_TIMEOUT(figures, errors_are_no_latency, 90)
{
	long done = count("latency");

	self->broker->fault = BROKER_ANSWERS_STATUS;
	self->broker->fault_value = -EIO;
	EXPECT_EQ(-EIO, volume_write(&self->volume, self->data, SECTOR, 0));
	EXPECT_TRUE(figure_is("failed", 1));
	EXPECT_EQ(done, module_key_figure("latency"));
	EXPECT_TRUE(figure_is("in_flight", 0));
}

TEST_F_TIMEOUT(figures, what_waits_in_vain_has_failed, 90)
{
	long done = count("latency");

	module_set_param("hold_seconds", 0);
	broker_kill(self->broker);
	EXPECT_EQ(-EIO, volume_write(&self->volume, self->data, SECTOR, 0));
	EXPECT_TRUE(figure_is("failed", 1));
	EXPECT_TRUE(figure_is("in_flight", 0));
	EXPECT_TRUE(figure_is("held", 0));
	EXPECT_EQ(done, module_key_figure("latency"));
}

TEST_HARNESS_MAIN
