// SPDX-License-Identifier: GPL-2.0
/*
 * The claim: setkey takes a genuine wrapped key from root and nothing else,
 * says why not, ends in bounded time, and never leaves an old key in use.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "alg.h"
#include "broker.h"
#include "module.h"
#include "reference.h"
#include "testkey.h"

PREREQUISITES(need_root, need_module, need_alg);

enum {
	SHORT_MS = 20,		/* for setkeys that nobody will answer */
	SLACK_MS = 3000,	/* scheduling in an emulated guest */
};

FIXTURE(setkey) {
	struct testkey key;
	struct broker *broker;
	int tfm;
	int klog;
	long timeout;
};

FIXTURE_SETUP(setkey)
{
	testkey_make(&self->key, 256, NULL);
	self->timeout = module_param("setkey_timeout_ms");
	self->klog = klog_open();
	self->tfm = alg_open();
	ASSERT_LE(0, self->tfm);
	self->broker = broker_new(self->key.kek_id);
	ASSERT_NE(NULL, self->broker);
	ASSERT_EQ(0, broker_start(self->broker));
}

FIXTURE_TEARDOWN(setkey)
{
	module_set_param("setkey_timeout_ms", self->timeout);
	close(self->tfm);
	broker_free(self->broker);
}

static int set(int tfm, const struct testkey *k)
{
	return alg_setkey(tfm, k->bytes, sizeof(k->bytes));
}

/* One request under the key that was set last. */
static int crypt_once(int tfm)
{
	uint8_t iv[16] = {}, data[32] = {};
	int op = alg_accept(tfm), ret;

	if (op < 0)
		return op;
	ret = alg_crypt(op, true, iv, data, data, sizeof(data));
	close(op);
	return ret;
}

TEST_F(setkey, a_good_key_is_taken)
{
	EXPECT_EQ(0, set(self->tfm, &self->key));
	EXPECT_EQ(1, self->broker->opens);
	EXPECT_EQ(0, crypt_once(self->tfm));
}

TEST_F(setkey, a_good_128_bit_key_is_taken)
{
	testkey_make(&self->key, 128, self->key.kek_id);
	EXPECT_EQ(0, set(self->tfm, &self->key));
	EXPECT_EQ(0, crypt_once(self->tfm));
}

TEST_F(setkey, closing_the_transform_closes_the_key)
{
	EXPECT_EQ(0, set(self->tfm, &self->key));
	close(self->tfm);
	EXPECT_TRUE(broker_reaches(&self->broker->closes, 1, SLACK_MS));
}

static void hex_of(char *hex, const uint8_t *bytes, unsigned int n)
{
	for (; n--; hex += 2)
		sprintf(hex, "%02x", *bytes++);
}

TEST_F(setkey, the_log_says_that_nobody_serves_the_kek)
{
	char hex[2 * PAES_ID_SIZE + 1];

	module_set_param("setkey_timeout_ms", SHORT_MS);
	testkey_make(&self->key, 256, NULL);
	hex_of(hex, self->key.kek_id, PAES_ID_SIZE);
	EXPECT_EQ(-ENOKEY, set(self->tfm, &self->key));
	EXPECT_TRUE(klog_has(self->klog, hex)) {
		TH_LOG("expected %s in the kernel log", hex);
	}
}

/* What cryptsetup makes up when it isn't given a volume key file. */
TEST_F(setkey, the_log_says_what_random_keys_come_from)
{
	uint8_t random[PAES_BLOB_SIZE];

	reference_random(random, sizeof(random));
	EXPECT_EQ(-EINVAL, alg_setkey(self->tfm, random, sizeof(random)));
	EXPECT_TRUE(klog_has(self->klog, "volume-key-file"));
}

TEST_F(setkey, refuses_every_other_length)
{
	uint8_t bytes[PAES_BLOB_SIZE + 512] = {};
	unsigned int length;

	memcpy(bytes, self->key.bytes, PAES_BLOB_SIZE);
	for (length = 0; length <= sizeof(bytes); length++) {
		if (length == PAES_BLOB_SIZE)
			continue;
		EXPECT_EQ(-EINVAL, alg_setkey(self->tfm, bytes, length)) {
			TH_LOG("length %u", length);
		}
	}
	EXPECT_EQ(0, self->broker->opens);
}

TEST_F(setkey, refuses_random_bytes)
{
	uint8_t random[PAES_BLOB_SIZE];
	unsigned int i;

	for (i = 0; i < 200; i++) {
		reference_random(random, sizeof(random));
		EXPECT_EQ(-EINVAL, alg_setkey(self->tfm, random, sizeof(random)));
		memcpy(random, PAES_BLOB_MAGIC, 8);
		EXPECT_EQ(-EINVAL, alg_setkey(self->tfm, random, sizeof(random)));
	}
	EXPECT_EQ(0, self->broker->opens);
}

static bool is_refusal(int ret)
{
	return ret == -EINVAL || ret == -EKEYREJECTED || ret == -ENOKEY;
}

TEST_F_TIMEOUT(setkey, refuses_every_blob_with_one_bit_flipped, 240)
{
	unsigned int bit;
	int ret;

	/* Only flipped KEK ids find nobody and wait. */
	module_set_param("setkey_timeout_ms", SHORT_MS * 10);
	for (bit = 0; bit < 8 * PAES_BLOB_SIZE; bit++) {
		self->key.bytes[bit / 8] ^= 1 << bit % 8;
		if (paes_blob_check(self->key.bytes, PAES_BLOB_SIZE) == PAES_BLOB_OK &&
		    memcmp(self->key.blob.recipient[0].kek_id, self->key.kek_id, PAES_ID_SIZE))
			module_set_param("setkey_timeout_ms", SHORT_MS);
		else
			module_set_param("setkey_timeout_ms", self->timeout);
		ret = set(self->tfm, &self->key);
		EXPECT_TRUE(is_refusal(ret)) {
			TH_LOG("byte %u bit %u: expected EINVAL, EKEYREJECTED or ENOKEY, found %d",
			       bit / 8, bit % 8, ret);
		}
		self->key.bytes[bit / 8] ^= 1 << bit % 8;
	}
	EXPECT_EQ(0, set(self->tfm, &self->key));
}

/* Every field's own fault, with the MAC right: so only the form is wrong. */
static const struct {
	const char *name;
	unsigned int offset;
	uint8_t value;
} forms[] = {
	{ "magic", 0, 'p' },
	{ "version", 8, 2 },
	{ "size", 11, 3 },
	{ "cipher", 12, 2 },
	{ "reserved after cipher", 13, 1 },
	{ "key bits", 15, 0 },
	{ "flags", 16, 2 },
	{ "reserved after flags", 20, 1 },
	{ "reserved after verify", 103, 1 },
	{ "wrap", 120, 3 },
	{ "no recipient", 120, 0 },
	{ "recipient's reserved", 127, 0xff },
	{ "unused recipient", 300, 1 },
	{ "last byte", 511, 1 },
};

TEST_F(setkey, refuses_every_wrong_form)
{
	struct testkey bad;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(forms); i++) {
		bad = self->key;
		bad.bytes[forms[i].offset] = forms[i].value;
		testkey_seal(&bad.blob);
		EXPECT_EQ(-EINVAL, set(self->tfm, &bad)) {
			TH_LOG("%s", forms[i].name);
		}
	}
	EXPECT_EQ(0, self->broker->opens);
}

TEST_F(setkey, refuses_padding_behind_a_short_key)
{
	testkey_make(&self->key, 128, self->key.kek_id);
	self->key.blob.recipient[0].k1[24] = 1;
	testkey_seal(&self->key.blob);
	EXPECT_EQ(-EINVAL, set(self->tfm, &self->key));
}

/* The broker's names are its keys, and one of 128 bits is as long as a CKA_ID. */
static void make_resident(struct testkey *key)
{
	testkey_make(key, 128, key->kek_id);
	key->blob.recipient[0].wrap = PAES_WRAP_RESIDENT;
	testkey_seal(&key->blob);
}

TEST_F(setkey, takes_a_resident_key)
{
	make_resident(&self->key);
	EXPECT_EQ(0, set(self->tfm, &self->key));
	EXPECT_EQ(0, crypt_once(self->tfm));
}

TEST_F(setkey, refuses_a_resident_key_of_wrong_form)
{
	struct paes_blob_recipient *r;
	struct testkey bad;
	unsigned int i;

	make_resident(&self->key);
	for (i = 0; i < 4; i++) {
		bad = self->key;
		r = bad.blob.recipient;
		if (i == 0)
			memset(r->k1, 0, PAES_ID_SIZE);
		else if (i == 1)
			memcpy(r->k2, r->k1, PAES_ID_SIZE);
		else if (i == 2)
			r->k1[PAES_ID_SIZE] = 1;
		else
			r->k2[PAES_WRAPPED_MAX - 1] = 1;
		testkey_seal(&bad.blob);
		EXPECT_EQ(-EINVAL, set(self->tfm, &bad)) {
			TH_LOG("case %u", i);
		}
	}
	EXPECT_EQ(0, self->broker->opens);
}

TEST_F(setkey, refuses_zero_ids)
{
	struct testkey bad = self->key;

	memset(bad.blob.key_id, 0, PAES_ID_SIZE);
	testkey_seal(&bad.blob);
	EXPECT_EQ(-EINVAL, set(self->tfm, &bad));
	bad = self->key;
	memset(bad.blob.recipient[0].kek_id, 0, PAES_ID_SIZE);
	testkey_seal(&bad.blob);
	EXPECT_EQ(-EINVAL, set(self->tfm, &bad));
}

TEST_F(setkey, refuses_a_kek_named_twice)
{
	self->key.blob.recipient[1] = self->key.blob.recipient[0];
	testkey_seal(&self->key.blob);
	EXPECT_EQ(-EINVAL, set(self->tfm, &self->key));
}

TEST_F(setkey, refuses_halves_of_two_keys)
{
	struct testkey other;

	testkey_make(&other, 256, self->key.kek_id);
	memcpy(self->key.blob.recipient[0].k2, other.blob.recipient[0].k2,
	       PAES_WRAPPED_MAX);
	EXPECT_EQ(-EKEYREJECTED, set(self->tfm, &self->key));
}

TEST_F(setkey, refuses_the_header_of_another_key)
{
	struct testkey other;

	testkey_make(&other, 256, self->key.kek_id);
	memcpy(self->key.bytes, other.bytes, PAES_BLOB_HEADER);
	EXPECT_EQ(-EKEYREJECTED, set(self->tfm, &self->key));
}

TEST_F(setkey, refuses_equal_halves)
{
	memcpy(self->key.key + 32, self->key.key, 32);
	testkey_wrap(&self->key);
	EXPECT_EQ(-EKEYREJECTED, set(self->tfm, &self->key));
	/* The same, hidden from the module: the broker sees it. */
	reference_random(self->key.blob.verify, 32);
	self->key.blob.recipient[0].k1[39] = 1;
	testkey_seal(&self->key.blob);
	EXPECT_EQ(-EKEYREJECTED, set(self->tfm, &self->key));
}

TEST_F(setkey, finds_the_recipient_that_is_served)
{
	struct paes_blob_recipient *r = self->key.blob.recipient;

	r[2] = r[0];
	r[1] = r[0];
	reference_random(r[0].kek_id, PAES_ID_SIZE);
	reference_random(r[1].kek_id, PAES_ID_SIZE);
	testkey_seal(&self->key.blob);
	EXPECT_EQ(0, set(self->tfm, &self->key));
	EXPECT_EQ(0, crypt_once(self->tfm));
}

TEST_F(setkey, waits_as_long_as_told_for_a_broker)
{
	long begin = now_ms();

	broker_kill(self->broker);
	module_set_param("setkey_timeout_ms", 700);
	EXPECT_EQ(-ENOKEY, set(self->tfm, &self->key));
	EXPECT_LE(700 - TICK_MS, now_ms() - begin);
	EXPECT_GT(700 + SLACK_MS, now_ms() - begin);
}

static pid_t set_in_child(int tfm, const struct testkey *k)
{
	pid_t pid = fork();

	if (!pid)
		_exit(-set(tfm, k));
	return pid;
}

static int exit_status_of(pid_t pid)
{
	int status;

	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

TEST_F(setkey, takes_a_broker_that_comes_while_it_waits)
{
	pid_t pid;

	broker_kill(self->broker);
	module_set_param("setkey_timeout_ms", 20000);
	pid = set_in_child(self->tfm, &self->key);
	usleep(300000);
	ASSERT_EQ(0, broker_start(self->broker));
	EXPECT_EQ(0, exit_status_of(pid));
}

TEST_F(setkey, can_be_killed_while_it_waits_for_a_broker)
{
	long begin;
	pid_t pid;

	broker_kill(self->broker);
	module_set_param("setkey_timeout_ms", 25000);
	pid = set_in_child(self->tfm, &self->key);
	usleep(300000);
	begin = now_ms();
	kill(pid, SIGKILL);
	EXPECT_EQ(-SIGKILL, exit_status_of(pid));
	EXPECT_GT(SLACK_MS, now_ms() - begin);
}

TEST_F(setkey, can_be_killed_while_the_broker_is_slow)
{
	long begin;
	pid_t pid;

	self->broker->open_delay_ms = 8000;
	module_set_param("setkey_timeout_ms", 25000);
	pid = set_in_child(self->tfm, &self->key);
	ASSERT_TRUE(broker_reaches(&self->broker->opens, 1, SLACK_MS));
	begin = now_ms();
	kill(pid, SIGKILL);
	EXPECT_EQ(-SIGKILL, exit_status_of(pid));
	EXPECT_GT(SLACK_MS, now_ms() - begin);
}

TEST_F(setkey, waits_for_a_slow_broker)
{
	self->broker->open_delay_ms = 500;
	EXPECT_EQ(0, set(self->tfm, &self->key));
	EXPECT_EQ(0, crypt_once(self->tfm));
}

TEST_F(setkey, gives_up_a_broker_that_is_too_slow)
{
	long begin = now_ms();

	self->broker->open_delay_ms = 2000;
	module_set_param("setkey_timeout_ms", 500);
	EXPECT_GT(0, set(self->tfm, &self->key));
	EXPECT_LE(500 - TICK_MS, now_ms() - begin);
	EXPECT_GT(500 + SLACK_MS, now_ms() - begin);
	/* The late answer is no fault of the broker's. */
	self->broker->open_delay_ms = 0;
	module_set_param("setkey_timeout_ms", self->timeout);
	EXPECT_EQ(0, set(self->tfm, &self->key));
	EXPECT_EQ(0, self->broker->ended);
}

TEST_F(setkey, passes_on_the_brokers_refusal)
{
	self->broker->open_status = -EKEYREJECTED;
	EXPECT_EQ(-EKEYREJECTED, set(self->tfm, &self->key));
	EXPECT_EQ(-ENOKEY, crypt_once(self->tfm));
}

TEST_F(setkey, passes_on_that_the_key_is_revoked)
{
	long revoked = module_stat("revoked");

	self->broker->revoked = true;
	EXPECT_EQ(-EKEYREVOKED, set(self->tfm, &self->key));
	EXPECT_EQ(-ENOKEY, crypt_once(self->tfm));
	EXPECT_TRUE(klog_has(self->klog, "paes allow"));
	EXPECT_TRUE(broker_reaches(&self->broker->closes, 1, SLACK_MS));
	/* Nothing of it stays: no request was sent. */
	EXPECT_EQ(revoked, module_stat("revoked"));
	self->broker->revoked = false;
	EXPECT_EQ(0, set(self->tfm, &self->key));
	EXPECT_EQ(0, crypt_once(self->tfm));
	EXPECT_EQ(0, self->broker->ended);
}

TEST_F(setkey, a_revoked_key_fails_at_once_until_it_is_allowed)
{
	long revoked = module_stat("revoked"), held = module_stat("held");

	ASSERT_EQ(0, set(self->tfm, &self->key));
	self->broker->revoked = true;
	EXPECT_EQ(-EIO, crypt_once(self->tfm));
	EXPECT_EQ(revoked + 1, module_stat("revoked"));
	self->broker->revoked = false;
	EXPECT_EQ(0, crypt_once(self->tfm));
	/* Opened again as revoked, at the next broker: no request waits. */
	broker_kill(self->broker);
	self->broker->revoked = true;
	ASSERT_EQ(0, broker_start(self->broker));
	ASSERT_TRUE(broker_reaches(&self->broker->opens, 2, SLACK_MS));
	EXPECT_EQ(-EIO, crypt_once(self->tfm));
	EXPECT_EQ(revoked + 2, module_stat("revoked"));
	self->broker->revoked = false;
	EXPECT_EQ(0, crypt_once(self->tfm));
	EXPECT_GE(held + 1, module_stat("held"));
	EXPECT_EQ(0, self->broker->ended);
}

TEST_F(setkey, fails_where_the_brokers_hsm_fails)
{
	module_set_param("setkey_timeout_ms", 500);
	self->broker->open_status = -EIO;
	EXPECT_GT(0, set(self->tfm, &self->key));
	self->broker->open_status = -ENOKEY;
	EXPECT_EQ(-ENOKEY, set(self->tfm, &self->key));
	EXPECT_EQ(0, self->broker->ended);
}

TEST_F(setkey, asks_another_broker_where_one_has_trouble)
{
	struct broker *good = broker_new(self->key.kek_id);

	ASSERT_NE(NULL, good);
	self->broker->open_status = -EIO;
	EXPECT_EQ(0, broker_start(good));
	EXPECT_EQ(0, set(self->tfm, &self->key));
	EXPECT_EQ(0, crypt_once(self->tfm));
	EXPECT_LE(1, good->opens);
	broker_free(good);
}

TEST_F(setkey, rubbish_closes_the_old_key)
{
	uint8_t rubbish[PAES_BLOB_SIZE];

	ASSERT_EQ(0, set(self->tfm, &self->key));
	ASSERT_EQ(0, crypt_once(self->tfm));
	reference_random(rubbish, sizeof(rubbish));
	EXPECT_EQ(-EINVAL, alg_setkey(self->tfm, rubbish, sizeof(rubbish)));
	EXPECT_EQ(-ENOKEY, crypt_once(self->tfm));
	EXPECT_TRUE(broker_reaches(&self->broker->closes, 1, SLACK_MS));
}

TEST_F(setkey, a_new_key_closes_the_old_one)
{
	struct testkey other;

	testkey_make(&other, 256, self->key.kek_id);
	ASSERT_EQ(0, set(self->tfm, &self->key));
	EXPECT_EQ(0, set(self->tfm, &other));
	EXPECT_TRUE(broker_reaches(&self->broker->closes, 1, SLACK_MS));
	EXPECT_EQ(0, crypt_once(self->tfm));
}

TEST_F(setkey, is_for_root_only)
{
	pid_t pid = fork();
	int tfm;

	if (!pid) {
		become_nobody();
		tfm = alg_open();
		_exit(-set(tfm >= 0 ? tfm : self->tfm, &self->key));
	}
	EXPECT_EQ(EPERM, exit_status_of(pid));
	EXPECT_EQ(0, self->broker->opens);
}

TEST_F(setkey, refusals_are_counted)
{
	long rejected = module_stat("rejected"), opened = module_stat("opened");

	EXPECT_EQ(0, set(self->tfm, &self->key));
	EXPECT_LT(opened, module_stat("opened"));
	self->broker->open_status = -EKEYREJECTED;
	EXPECT_EQ(-EKEYREJECTED, set(self->tfm, &self->key));
	EXPECT_LT(rejected, module_stat("rejected"));
}

TEST_HARNESS_MAIN
