// SPDX-License-Identifier: GPL-2.0
/*
 * The claim: when there is no memory for the module, who asked is told so,
 * nothing is left behind, and what follows works; and I/O needs none.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "alg.h"
#include "broker.h"
#include "faults.h"
#include "module.h"
#include "provider.h"
#include "reference.h"
#include "testkey.h"
#include "volume.h"

PREREQUISITES(need_root, need_module, need_alg, need_disk, need_faults);

enum {
	MOST = 4000,			/* allocations of one call */
	SIZE = 65536,
	ROUNDS = 200,
	WAIT_MS = 60000,
	GONE_MS = 20000,
	INIT = 100,			/* allocations, at most, of the module's init */
};

FIXTURE(failalloc) {
	struct testkey key;
	struct broker *broker;
	int tfm;
	int providers;
};

/* Nothing of the test's own may need memory meanwhile. */
FIXTURE_SETUP(failalloc)
{
	ASSERT_TRUE(faults_prepare());
	module_limit_hold();
	testkey_make(&self->key, 256, NULL);
	self->broker = broker_new(self->key.kek_id);
	ASSERT_EQ(0, broker_start(self->broker));
	self->tfm = alg_open();
	ASSERT_LE(0, self->tfm);
	self->providers = module_table("providers");
	ASSERT_EQ(0, mlockall(MCL_CURRENT));
}

FIXTURE_TEARDOWN(failalloc)
{
	EXPECT_TRUE(faults_of_module(0));
	close(self->tfm);
	broker_free(self->broker);
}

static bool providers_go_back_to(int count)
{
	long start = now_ms();

	while (module_table("providers") != count && now_ms() - start < GONE_MS)
		usleep(10000);
	return module_table("providers") == count;
}

typedef int (*attempt)(FIXTURE_DATA(failalloc) *self);

/* Each allocation in turn fails, until there are no more. */
static void fail_each(struct __test_metadata *_metadata,
		      FIXTURE_DATA(failalloc) *self, attempt attempt)
{
	unsigned int n, failed = 0;
	bool came_to_it = true;
	int ret;

	EXPECT_EQ(0, attempt(self));
	for (n = 1; came_to_it && n < MOST; n++) {
		faults_arm(n);
		ret = attempt(self);
		came_to_it = !faults_disarm();
		failed += !!ret;
		EXPECT_TRUE(!ret || (came_to_it && ret == -ENOMEM)) {
			TH_LOG("allocation %u %s: %s", n, came_to_it ?
			       "failed" : "wasn't reached", strerror(-ret));
		}
	}
	TH_LOG("%u allocations, %u of them needed", n - 2, failed);
	EXPECT_GT(MOST, n);
	EXPECT_LT(0, failed);
	EXPECT_EQ(0, attempt(self));
	EXPECT_TRUE(providers_go_back_to(self->providers));
}

/* That, too, may fail for want of memory, and leaves the provider alive. */
static void unmap(struct provider *p)
{
	while (p->map && munmap(p->map, p->setup.map_size))
		;
	p->map = NULL;
}

static int become_provider(FIXTURE_DATA(failalloc) *self)
{
	static struct provider p;
	uint8_t other[PAES_ID_SIZE];
	int ret = provider_open(&p);

	(void)self;
	if (ret)
		return ret;
	memset(other, 0x77, sizeof(other));
	ret = provider_setup(&p, 8, "failalloc");
	if (!ret)
		ret = provider_map(&p);
	if (!ret)
		ret = provider_serve(&p, other, 1);
	unmap(&p);
	provider_close(&p);
	return ret;
}

TEST_F_TIMEOUT(failalloc, becoming_a_provider, 300)
{
	fail_each(_metadata, self, become_provider);
}

/* Large enough for memory that isn't the slab's. */
static int set_up_deeply(FIXTURE_DATA(failalloc) *self)
{
	static struct provider p;
	int ret = provider_open(&p);

	(void)self;
	if (ret)
		return ret;
	ret = provider_setup(&p, 256, "failalloc");
	provider_close(&p);
	return ret;
}

TEST_F_TIMEOUT(failalloc, setting_up_many_slots, 590)
{
	fail_each(_metadata, self, set_up_deeply);
}

/* Of a KEK whose key is in use: a session is opened meanwhile. */
static int serve_a_key(FIXTURE_DATA(failalloc) *self)
{
	static struct provider p;
	int ret = provider_open(&p);

	if (ret)
		return ret;
	ret = provider_setup(&p, 2, "failalloc");
	if (!ret)
		ret = provider_serve(&p, self->key.kek_id, 1);
	provider_close(&p);
	return ret;
}

TEST_F_TIMEOUT(failalloc, serving_a_key_in_use, 300)
{
	ASSERT_EQ(0, alg_setkey(self->tfm, self->key.bytes, PAES_BLOB_SIZE));
	fail_each(_metadata, self, serve_a_key);
}

static int set_key(FIXTURE_DATA(failalloc) *self)
{
	return alg_setkey(self->tfm, self->key.bytes, PAES_BLOB_SIZE);
}

TEST_F_TIMEOUT(failalloc, setting_a_key, 300)
{
	fail_each(_metadata, self, set_key);
	EXPECT_EQ(1, module_table("keys"));
}

static int use_key(FIXTURE_DATA(failalloc) *self)
{
	uint8_t iv[16] = {}, data[32] = {};
	int op = alg_accept(self->tfm), ret;

	if (op < 0)
		return op;
	ret = alg_crypt(op, true, iv, data, data, sizeof(data));
	close(op);
	return ret;
}

/* A key that couldn't be set leaves none in use. */
TEST_F(failalloc, no_key_after_a_failure)
{
	ASSERT_EQ(0, set_key(self));
	EXPECT_EQ(0, use_key(self));
	ASSERT_TRUE(faults_of_module(100));
	EXPECT_EQ(-ENOMEM, set_key(self));
	ASSERT_TRUE(faults_of_module(0));
	EXPECT_EQ(-ENOKEY, use_key(self));
	EXPECT_EQ(0, set_key(self));
	EXPECT_EQ(0, use_key(self));
}

/* All that the module itself allocates, again and again. */
TEST_F_TIMEOUT(failalloc, half_of_all, 300)
{
	unsigned int n, failed = 0;
	int ret;

	ASSERT_TRUE(faults_of_module(50));
	for (n = 0; n < ROUNDS; n++) {
		ret = n % 2 ? set_key(self) : become_provider(self);
		EXPECT_TRUE(!ret || ret == -ENOMEM) {
			TH_LOG("round %u: %s", n, strerror(-ret));
		}
		failed += !!ret;
	}
	ASSERT_TRUE(faults_of_module(0));
	EXPECT_LT(ROUNDS / 4, failed);
	EXPECT_EQ(0, set_key(self));
	EXPECT_EQ(0, use_key(self));
	EXPECT_TRUE(providers_go_back_to(self->providers));
}

TEST_F_TIMEOUT(failalloc, io_needs_no_memory_of_the_module, 120)
{
	struct volume_spec spec = {
		.key = self->key.bytes,
		.key_size = PAES_BLOB_SIZE,
	};
	uint8_t *plain = volume_buffer(SIZE), *found = volume_buffer(SIZE);
	struct volume volume;

	reference_random(plain, SIZE);
	ASSERT_EQ(0, volume_open(&volume, &spec));
	/* What the RAM disk needs once. */
	EXPECT_EQ(0, volume_write(&volume, found, SIZE, 0));
	ASSERT_TRUE(faults_of_module(100));
	EXPECT_EQ(0, volume_write(&volume, plain, SIZE, 0));
	EXPECT_EQ(0, volume_read(&volume, found, SIZE, 0));
	ASSERT_TRUE(faults_of_module(0));
	EXPECT_EQ(0, memcmp(plain, found, SIZE));
	EXPECT_EQ(0, volume_close(&volume));
}

/* Not a provider's or a key's: the module itself. */
FIXTURE(load) {
	int file;
};

static int open_module_file(void)
{
	char path[256] = "";
	FILE *f = popen("modinfo -n paes", "re");

	if (!f || fscanf(f, "%255s", path) != 1)
		path[0] = 0;
	if (f)
		pclose(f);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static int load(int file)
{
	return syscall(SYS_finit_module, file, "", 0) ? -errno : 0;
}

/* What a test before this one closed may be going away yet. */
static int unload(void)
{
	long start = now_ms();

	while (syscall(SYS_delete_module, "paes", O_NONBLOCK)) {
		if (errno != EAGAIN || now_ms() - start > GONE_MS)
			return -errno;
		usleep(10000);
	}
	return 0;
}

FIXTURE_SETUP(load)
{
	ASSERT_TRUE(faults_prepare());
	self->file = open_module_file();
	ASSERT_LE(0, self->file);
	ASSERT_EQ(0, unload());
	ASSERT_EQ(0, mlockall(MCL_CURRENT));
}

FIXTURE_TEARDOWN(load)
{
	EXPECT_EQ(0, load(self->file));
	close(self->file);
}

/* How many allocations loading it takes; the module's own are the last. */
static unsigned int count_allocations(int file)
{
	unsigned int n;

	faults_arm(INT_MAX);
	load(file);
	n = INT_MAX - faults_disarm();
	unload();
	return n;
}

TEST_F_TIMEOUT(load, fails_or_loads_whole, 590)
{
	unsigned int all = count_allocations(self->file), n, failed = 0;
	int ret;

	ASSERT_LT(INIT, all);
	for (n = all - INIT; n <= all; n++) {
		faults_arm(n);
		ret = load(self->file);
		faults_disarm();
		failed += !!ret;
		EXPECT_TRUE(!ret || ret == -ENOMEM) {
			TH_LOG("allocation %u of %u: %s", n, all, strerror(-ret));
		}
		if (!ret)
			ASSERT_EQ(0, unload());
	}
	TH_LOG("%u allocations, %u of the last %d needed", all, failed, INIT);
	EXPECT_LT(0, failed);
}

TEST_HARNESS_MAIN
