// SPDX-License-Identifier: GPL-2.0
/*
 * The claim of setkey.c, through dm-crypt: for kernels whose AF_ALG doesn't
 * give out the cipher, and because there it is where keys really come from.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "broker.h"
#include "module.h"
#include "reference.h"
#include "testkey.h"
#include "volume.h"

PREREQUISITES(need_root, need_module, need_disk);

enum {
	SHORT_MS = 20,		/* for setkeys that nobody will answer */
	SLACK_MS = 3000,	/* scheduling in an emulated guest */
};

FIXTURE(setkey_dm) {
	struct testkey key;
	struct broker *broker;
	long timeout;
};

FIXTURE_SETUP(setkey_dm)
{
	module_limit_hold();
	testkey_make(&self->key, 256, NULL);
	self->timeout = module_param("setkey_timeout_ms");
	self->broker = broker_new(self->key.kek_id);
	ASSERT_NE(NULL, self->broker);
	ASSERT_EQ(0, broker_start(self->broker));
}

FIXTURE_TEARDOWN(setkey_dm)
{
	module_set_param("setkey_timeout_ms", self->timeout);
	broker_free(self->broker);
}

/* What making a volume ends with; one that was made is removed again. */
static int set_bytes(const void *bytes, size_t size)
{
	struct volume_spec spec = {
		.key = bytes,
		.key_size = size,
		.size = 65536,
	};
	struct volume v;
	int ret = volume_open(&v, &spec);

	return ret ? ret : volume_close(&v);
}

static int set(const struct testkey *k)
{
	return set_bytes(k->bytes, PAES_BLOB_SIZE);
}

TEST_F(setkey_dm, a_good_key_is_taken_and_closed)
{
	EXPECT_EQ(0, set(&self->key));
	EXPECT_EQ(1, self->broker->opens);
	EXPECT_TRUE(broker_reaches(&self->broker->closes, 1, SLACK_MS));
}

TEST_F(setkey_dm, refuses_other_lengths)
{
	static const size_t lengths[] = { 16, 32, 64, 128, 256, 500, 511 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(lengths); i++)
		EXPECT_EQ(-EINVAL, set_bytes(self->key.bytes, lengths[i]));
	EXPECT_EQ(0, self->broker->opens);
}

TEST_F(setkey_dm, refuses_random_bytes)
{
	uint8_t random[PAES_BLOB_SIZE];
	unsigned int i;

	for (i = 0; i < 20; i++) {
		reference_random(random, sizeof(random));
		EXPECT_EQ(-EINVAL, set_bytes(random, sizeof(random)));
	}
	EXPECT_EQ(0, self->broker->opens);
}

/* One bit of each byte; setkey.c does all of them. */
TEST_F_TIMEOUT(setkey_dm, refuses_every_blob_with_one_byte_changed, 240)
{
	unsigned int byte;
	uint8_t bit;
	int ret;

	for (byte = 0; byte < PAES_BLOB_SIZE; byte++) {
		reference_random(&bit, 1);
		bit = 1 << bit % 8;
		self->key.bytes[byte] ^= bit;
		module_set_param("setkey_timeout_ms",
				 byte >= 104 && byte < 120 ? SHORT_MS : self->timeout);
		ret = set(&self->key);
		EXPECT_TRUE(ret == -EINVAL || ret == -EKEYREJECTED || ret == -ENOKEY) {
			TH_LOG("byte %u ^ %#x: expected EINVAL, EKEYREJECTED or ENOKEY, found %d",
			       byte, bit, ret);
		}
		self->key.bytes[byte] ^= bit;
	}
	EXPECT_EQ(0, set(&self->key));
}

TEST_F(setkey_dm, refuses_halves_of_two_keys)
{
	struct testkey other;

	testkey_make(&other, 256, self->key.kek_id);
	memcpy(self->key.blob.recipient[0].k2, other.blob.recipient[0].k2,
	       PAES_WRAPPED_MAX);
	EXPECT_EQ(-EKEYREJECTED, set(&self->key));
}

TEST_F(setkey_dm, refuses_equal_halves)
{
	memcpy(self->key.key + 32, self->key.key, 32);
	testkey_wrap(&self->key);
	EXPECT_EQ(-EKEYREJECTED, set(&self->key));
}

TEST_F(setkey_dm, waits_as_long_as_told_for_a_broker)
{
	long begin = now_ms();

	broker_kill(self->broker);
	module_set_param("setkey_timeout_ms", 700);
	EXPECT_EQ(-ENOKEY, set(&self->key));
	EXPECT_LE(700 - TICK_MS, now_ms() - begin);
	EXPECT_GT(700 + SLACK_MS, now_ms() - begin);
}

TEST_F(setkey_dm, can_be_killed_while_it_waits)
{
	struct volume_spec spec = {
		.key = self->key.bytes,
		.key_size = PAES_BLOB_SIZE,
	};
	struct volume v;
	long begin;
	pid_t pid;

	broker_kill(self->broker);
	module_set_param("setkey_timeout_ms", 25000);
	pid = fork();
	if (!pid)
		_exit(volume_open(&v, &spec) != 0);
	usleep(500000);
	begin = now_ms();
	kill(pid, SIGKILL);
	EXPECT_EQ(pid, waitpid(pid, NULL, 0));
	EXPECT_GT(SLACK_MS, now_ms() - begin);
	/* It left an empty device behind. */
	EXPECT_EQ(0, volume_forget(pid));
}

/* Before, while and after it answers OPEN; with the next broker it opens. */
TEST_F_TIMEOUT(setkey_dm, outlives_brokers_that_die, 240)
{
	unsigned int round;
	uint8_t random;
	int status;
	pid_t pid;

	for (round = 0; round < 100; round++) {
		pid = fork();
		if (!pid)
			_exit(-set(&self->key));
		reference_random(&random, 1);
		usleep(random * 100);
		broker_kill(self->broker);
		ASSERT_EQ(0, broker_start(self->broker));
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_EQ(0, status);
	}
	EXPECT_EQ(0, module_table("keys"));
}

TEST_F(setkey_dm, passes_on_the_brokers_refusal)
{
	self->broker->open_status = -EKEYREJECTED;
	EXPECT_EQ(-EKEYREJECTED, set(&self->key));
}

TEST_HARNESS_MAIN
