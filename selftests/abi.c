// SPDX-License-Identifier: GPL-2.0
/*
 * The claim: /dev/paes takes exactly what linux/paes.h describes, and refuses
 * everything else with the error it names.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "module.h"
#include "provider.h"
#include "reference.h"

PREREQUISITES(need_root, need_module);

enum { KEKS = PAES_SERVE_MAX + 1 };

/* An open file, and KEK ids that nobody else has. */
FIXTURE(abi) {
	struct provider p;
	uint8_t keks[KEKS][PAES_ID_SIZE];
};

FIXTURE_SETUP(abi)
{
	reference_random(self->keks, sizeof(self->keks));
	ASSERT_EQ(0, provider_open(&self->p));
}

FIXTURE_TEARDOWN(abi)
{
	provider_close(&self->p);
}

static int setup_with(struct provider *p, struct paes_setup setup)
{
	int ret = ioctl(p->fd, PAES_IOC_SETUP, &setup) ? -errno : 0;

	p->setup = setup;
	return ret;
}

static struct paes_setup good_setup(void)
{
	return (struct paes_setup){
		.version = PAES_ABI_VERSION,
		.name = "abi",
	};
}

TEST_F(abi, setup_tells_a_version_mismatch)
{
	struct paes_setup setup = good_setup();

	setup.version = PAES_ABI_VERSION + 1;
	EXPECT_EQ(-EPROTONOSUPPORT, setup_with(&self->p, setup));
	EXPECT_EQ(PAES_ABI_VERSION, self->p.setup.version);
	setup.version = 0;
	EXPECT_EQ(-EPROTONOSUPPORT, setup_with(&self->p, setup));
	EXPECT_EQ(PAES_ABI_VERSION, self->p.setup.version);
	EXPECT_EQ(0, setup_with(&self->p, good_setup()));
}

TEST_F(abi, setup_refuses_reserved_fields)
{
	struct paes_setup setup;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(setup.reserved); i++) {
		setup = good_setup();
		setup.reserved[i] = 1u << 5 * i;
		EXPECT_EQ(-EINVAL, setup_with(&self->p, setup));
	}
}

TEST_F(abi, setup_refuses_unknown_flags)
{
	struct paes_setup setup = good_setup();
	unsigned int bit;

	for (bit = 0; bit < 32; bit++) {
		setup.flags = 1u << bit;
		EXPECT_EQ(-EINVAL, setup_with(&self->p, setup));
	}
}

TEST_F(abi, setup_refuses_a_name_without_end)
{
	struct paes_setup setup = good_setup();

	memset(setup.name, 'x', sizeof(setup.name));
	EXPECT_EQ(-EINVAL, setup_with(&self->p, setup));
}

TEST_F(abi, setup_refuses_an_unprintable_name)
{
	static const char *const names[] = { "a\nb", "\x1b[2J", "\x7f", "\xc3\xa4" };
	struct paes_setup setup;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		setup = good_setup();
		strcpy((char *)setup.name, names[i]);
		EXPECT_EQ(-EINVAL, setup_with(&self->p, setup)) {
			TH_LOG("name %u", i);
		}
	}
}

TEST_F(abi, setup_only_once)
{
	EXPECT_EQ(0, setup_with(&self->p, good_setup()));
	EXPECT_EQ(-EBUSY, setup_with(&self->p, good_setup()));
}

TEST_F(abi, setup_faults_on_a_bad_pointer)
{
	EXPECT_EQ(-1, ioctl(self->p.fd, PAES_IOC_SETUP, NULL));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, ioctl(self->p.fd, PAES_IOC_SETUP, (void *)-4096UL));
	EXPECT_EQ(EFAULT, errno);
}

TEST_F(abi, setup_grants_a_sound_layout_for_any_depth)
{
	static const unsigned int depths[] = { 0, 2, 3, 5, 63, 64, 65, 1000, PAES_DEPTH_MAX };
	struct paes_setup setup;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(depths); i++) {
		provider_close(&self->p);
		ASSERT_EQ(0, provider_open(&self->p));
		setup = good_setup();
		setup.depth = depths[i];
		ASSERT_EQ(0, setup_with(&self->p, setup)) {
			TH_LOG("depth %u", depths[i]);
		}
		EXPECT_TRUE(provider_layout_holds(&self->p.setup)) {
			TH_LOG("depth %u granted %u, entries %u, map %u", depths[i],
			       self->p.setup.depth, self->p.setup.entries,
			       self->p.setup.map_size);
		}
		if (depths[i])
			EXPECT_GE(depths[i], self->p.setup.depth);
	}
}

TEST_F(abi, setup_never_grants_a_depth_out_of_range)
{
	static const unsigned int depths[] = { 1, PAES_DEPTH_MAX + 1, ~0u };
	struct paes_setup setup;
	unsigned int i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(depths); i++) {
		provider_close(&self->p);
		ASSERT_EQ(0, provider_open(&self->p));
		setup = good_setup();
		setup.depth = depths[i];
		ret = setup_with(&self->p, setup);
		EXPECT_TRUE(ret == -EINVAL || (!ret && provider_layout_holds(&self->p.setup))) {
			TH_LOG("depth %u: %d, granted %u", depths[i], ret,
			       self->p.setup.depth);
		}
	}
}

TEST_F(abi, map_only_after_setup)
{
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				   MAP_SHARED, self->p.fd, 0));
	EXPECT_EQ(EINVAL, errno);
}

static void expect_no_map(struct __test_metadata *_metadata, struct provider *p,
			  size_t size, int prot, int flags, off_t offset)
{
	void *map = mmap(NULL, size, prot, flags, p->fd, offset);

	EXPECT_EQ(MAP_FAILED, map) {
		TH_LOG("mapped size %zu, prot %d, flags %d, offset %ld", size,
		       prot, flags, (long)offset);
		munmap(map, size);
	}
}

TEST_F(abi, map_refuses_other_sizes_and_offsets)
{
	int rw = PROT_READ | PROT_WRITE;
	size_t size;

	ASSERT_EQ(0, setup_with(&self->p, good_setup()));
	size = self->p.setup.map_size;
	expect_no_map(_metadata, &self->p, size - 4096, rw, MAP_SHARED, 0);
	expect_no_map(_metadata, &self->p, size + 4096, rw, MAP_SHARED, 0);
	expect_no_map(_metadata, &self->p, size, rw, MAP_SHARED, 4096);
	expect_no_map(_metadata, &self->p, size - 4096, rw, MAP_SHARED, 4096);
	expect_no_map(_metadata, &self->p, 4096, rw, MAP_SHARED, size);
}

TEST_F(abi, map_refuses_private_and_executable)
{
	int rw = PROT_READ | PROT_WRITE;
	size_t size;

	ASSERT_EQ(0, setup_with(&self->p, good_setup()));
	size = self->p.setup.map_size;
	expect_no_map(_metadata, &self->p, size, rw, MAP_PRIVATE, 0);
	expect_no_map(_metadata, &self->p, size, rw | PROT_EXEC, MAP_SHARED, 0);
}

TEST_F(abi, map_never_becomes_executable)
{
	ASSERT_EQ(0, setup_with(&self->p, good_setup()));
	ASSERT_EQ(0, provider_map(&self->p));
	EXPECT_EQ(-1, mprotect(self->p.map, 4096, PROT_READ | PROT_EXEC));
}

TEST_F(abi, map_is_zeroed)
{
	static const uint32_t flags = PAES_RING_NEED_ENTER;

	ASSERT_EQ(0, setup_with(&self->p, good_setup()));
	ASSERT_EQ(0, provider_map(&self->p));
	EXPECT_EQ(0, self->p.ring->flags & ~flags);
	self->p.ring->flags = 0;
	EXPECT_TRUE(paes_blob_all_zero(self->p.map, self->p.setup.map_size));
}

/* Returns the signal that a child gets for reading, or 0. */
static int signal_of_reading_child(const uint8_t *address)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		signal(SIGSEGV, _exit);	/* caught, it isn't logged */
		_exit(*(volatile const uint8_t *)address & 0);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_F(abi, map_is_not_inherited_by_fork)
{
	ASSERT_EQ(0, setup_with(&self->p, good_setup()));
	ASSERT_EQ(0, provider_map(&self->p));
	EXPECT_EQ(SIGSEGV, signal_of_reading_child(self->p.map));
	EXPECT_EQ(SIGSEGV, signal_of_reading_child(self->p.data));
}

/* In VmFlags of the mapping that begins at `start`. */
static bool map_has_flag(const void *start, const char *flag)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	bool ours = false, found = false;
	unsigned long begin, end;
	char line[512];

	while (f && !found && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx", &begin, &end) == 2)
			ours = begin == (unsigned long)start;
		else if (ours && !strncmp(line, "VmFlags:", 8))
			found = strstr(line, flag) != NULL;
	}
	if (f)
		fclose(f);
	return found;
}

TEST_F(abi, map_is_not_dumped)
{
	ASSERT_EQ(0, setup_with(&self->p, good_setup()));
	ASSERT_EQ(0, provider_map(&self->p));
	EXPECT_TRUE(map_has_flag(self->p.map, " dd"));
	EXPECT_TRUE(map_has_flag(self->p.map, " dc"));
}

TEST_F(abi, map_survives_close_of_the_file)
{
	ASSERT_EQ(0, setup_with(&self->p, good_setup()));
	ASSERT_EQ(0, provider_map(&self->p));
	close(self->p.fd);
	self->p.fd = -1;
	EXPECT_EQ(0, self->p.ring->sq_tail);
	self->p.data[0] = 1;
}

TEST_F(abi, serve_only_after_setup)
{
	EXPECT_EQ(-EINVAL, provider_serve(&self->p, self->keks, 1));
}

TEST_F(abi, serve_only_once)
{
	ASSERT_EQ(0, setup_with(&self->p, good_setup()));
	ASSERT_EQ(0, provider_map(&self->p));
	EXPECT_EQ(0, provider_serve(&self->p, self->keks, 1));
	EXPECT_EQ(-EBUSY, provider_serve(&self->p, self->keks[1], 1));
}

TEST_F(abi, serve_checks_the_count)
{
	ASSERT_EQ(0, setup_with(&self->p, good_setup()));
	ASSERT_EQ(0, provider_map(&self->p));
	EXPECT_EQ(-EINVAL, provider_serve(&self->p, self->keks, 0));
	EXPECT_EQ(-EINVAL, provider_serve(&self->p, self->keks, KEKS));
	EXPECT_EQ(-EINVAL, provider_serve(&self->p, self->keks, ~0u));
	EXPECT_EQ(0, provider_serve(&self->p, self->keks, PAES_SERVE_MAX));
}

TEST_F(abi, serve_refuses_an_id_twice)
{
	ASSERT_EQ(0, setup_with(&self->p, good_setup()));
	ASSERT_EQ(0, provider_map(&self->p));
	memcpy(self->keks[7], self->keks[2], PAES_ID_SIZE);
	EXPECT_EQ(-EINVAL, provider_serve(&self->p, self->keks, 8));
	EXPECT_EQ(0, provider_serve(&self->p, self->keks, 7));
}

TEST_F(abi, serve_refuses_the_reserved_field)
{
	struct paes_serve serve = {
		.count = 1,
		.reserved = 1,
		.kek_ids = (uintptr_t)self->keks,
	};

	ASSERT_EQ(0, setup_with(&self->p, good_setup()));
	ASSERT_EQ(0, provider_map(&self->p));
	EXPECT_EQ(-1, ioctl(self->p.fd, PAES_IOC_SERVE, &serve));
	EXPECT_EQ(EINVAL, errno);
}

TEST_F(abi, serve_faults_on_bad_pointers)
{
	ASSERT_EQ(0, setup_with(&self->p, good_setup()));
	ASSERT_EQ(0, provider_map(&self->p));
	EXPECT_EQ(-1, ioctl(self->p.fd, PAES_IOC_SERVE, NULL));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-EFAULT, provider_serve(&self->p, NULL, 1));
	EXPECT_EQ(-EFAULT, provider_serve(&self->p, (void *)-4096UL, 64));
	EXPECT_EQ(0, provider_serve(&self->p, self->keks, 1));
}

static int start(struct provider *p, const void *keks)
{
	int ret = provider_setup(p, 0, "abi");

	if (!ret)
		ret = provider_map(p);
	return ret ? ret : provider_serve(p, keks, 1);
}

static int enter_with(struct provider *p, struct paes_enter enter)
{
	return ioctl(p->fd, PAES_IOC_ENTER, &enter) ? -errno : 0;
}

TEST_F(abi, enter_only_after_setup)
{
	EXPECT_EQ(-EINVAL, provider_enter(&self->p, 0));
}

TEST_F(abi, enter_without_wait_returns_at_once)
{
	ASSERT_EQ(0, start(&self->p, self->keks));
	EXPECT_EQ(0, provider_enter(&self->p, 0));
}

TEST_F(abi, enter_refuses_unknown_flags)
{
	unsigned int bit;

	ASSERT_EQ(0, start(&self->p, self->keks));
	for (bit = 1; bit < 32; bit++) {
		struct paes_enter enter = { .flags = 1u << bit };

		EXPECT_EQ(-EINVAL, enter_with(&self->p, enter));
	}
}

TEST_F(abi, enter_refuses_the_reserved_field)
{
	struct paes_enter enter = { .reserved = 0x80000000 };

	ASSERT_EQ(0, start(&self->p, self->keks));
	EXPECT_EQ(-EINVAL, enter_with(&self->p, enter));
}

TEST_F(abi, enter_faults_on_a_bad_pointer)
{
	ASSERT_EQ(0, start(&self->p, self->keks));
	EXPECT_EQ(-1, ioctl(self->p.fd, PAES_IOC_ENTER, NULL));
	EXPECT_EQ(EFAULT, errno);
}

TEST_F(abi, enter_times_out)
{
	long begin;

	ASSERT_EQ(0, start(&self->p, self->keks));
	begin = now_ms();
	EXPECT_EQ(-ETIME, provider_enter(&self->p, 200));
	EXPECT_LE(200 - TICK_MS, now_ms() - begin);
	EXPECT_GT(5000, now_ms() - begin);
}

TEST_F(abi, enter_does_not_wait_when_the_head_is_behind)
{
	struct paes_enter enter = {
		.flags = PAES_ENTER_WAIT,
		.sq_head = self->p.sq_head - 1,
		.timeout_ms = 20000,
	};
	long begin = now_ms();

	ASSERT_EQ(0, start(&self->p, self->keks));
	EXPECT_EQ(0, enter_with(&self->p, enter));
	EXPECT_GT(5000, now_ms() - begin);
}

static void on_alarm(int number)
{
	(void)number;
}

TEST_F(abi, enter_is_interrupted_by_a_signal)
{
	/* The harness has SIGALRM for itself, in another process. */
	struct sigaction action = { .sa_handler = on_alarm };
	struct itimerval timer = { .it_value.tv_usec = 100000 };

	ASSERT_EQ(0, start(&self->p, self->keks));
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
	EXPECT_EQ(-EINTR, provider_enter(&self->p, 20000));
}

/* PF_NOFREEZE, which proc(5) shows, and what breaks a provider ends. */
static bool may_freeze(void)
{
	unsigned int flags = 0;
	FILE *f = fopen("/proc/self/stat", "re");

	if (!f || fscanf(f, "%*d %*s %*c %*d %*d %*d %*d %*d %u", &flags) != 1)
		return false;
	fclose(f);
	return !(flags & 0x8000);
}

TEST_F(abi, who_waits_is_not_frozen_until_the_provider_is_broken)
{
	ASSERT_EQ(0, start(&self->p, self->keks));
	EXPECT_EQ(0, provider_enter(&self->p, 0));
	EXPECT_TRUE(may_freeze());
	EXPECT_EQ(-ETIME, provider_enter(&self->p, 20));
	EXPECT_FALSE(may_freeze());
	self->p.cq_tail = 1;
	provider_publish(&self->p);
	EXPECT_EQ(-ESHUTDOWN, provider_enter(&self->p, 10000));
	EXPECT_TRUE(may_freeze());
}

TEST_F(abi, an_idle_provider_is_told_to_enter)
{
	ASSERT_EQ(0, start(&self->p, self->keks));
	EXPECT_TRUE(provider_must_enter(&self->p));
}

TEST_F(abi, unknown_ioctls)
{
	static const unsigned long unknown[] = {
		_IO(PAES_IOC_MAGIC, 0xa0),
		_IOW(PAES_IOC_MAGIC, 0xa3, struct paes_enter),
		_IOWR(PAES_IOC_MAGIC, 0xa0, struct paes_enter),
		_IO('X', 0),
	};
	char buffer[256] = {};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(unknown); i++) {
		EXPECT_EQ(-1, ioctl(self->p.fd, unknown[i], buffer));
		EXPECT_EQ(ENOTTY, errno);
	}
}

TEST_F(abi, no_reading_or_writing)
{
	char byte = 0;

	EXPECT_EQ(-1, read(self->p.fd, &byte, 1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, write(self->p.fd, &byte, 1));
	EXPECT_EQ(EINVAL, errno);
}

TEST_F(abi, a_tail_that_runs_ahead_breaks_the_provider)
{
	long invalid = module_stat("invalid");

	ASSERT_EQ(0, start(&self->p, self->keks));
	self->p.cq_tail = 1;
	provider_publish(&self->p);
	EXPECT_EQ(-ESHUTDOWN, provider_enter(&self->p, 10000));
	EXPECT_EQ(-ESHUTDOWN, provider_enter(&self->p, 0));
	EXPECT_LT(invalid, module_stat("invalid"));
}

TEST_F(abi, several_providers_at_once)
{
	struct provider more[8];
	unsigned int i;

	ASSERT_EQ(0, start(&self->p, self->keks));
	for (i = 0; i < ARRAY_SIZE(more); i++)
		EXPECT_EQ(0, provider_start(&more[i], PAES_DEPTH_MIN, "many",
					    self->keks[i % 2]));
	for (i = 0; i < ARRAY_SIZE(more); i++) {
		EXPECT_EQ(-ETIME, provider_enter(&more[i], 1));
		provider_close(&more[i]);
	}
}

/* KASAN keeps what was freed, until it's told to let go of it. */
static bool shrink_task_cache(void)
{
	int fd = open("/sys/kernel/slab/task_struct/shrink", O_WRONLY);
	bool done;

	if (fd < 0)
		return errno == ENOENT;
	done = write(fd, "1", 1) == 1;
	close(fd);
	return done;
}

/* Tasks that memory is kept for; -1 where the kernel doesn't tell. */
static long tasks(void)
{
	FILE *file = fopen("/proc/slabinfo", "r");
	char line[256];
	long count = -1;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "task_struct %ld", &count) == 1)
			break;
	if (file)
		fclose(file);
	return count;
}

static bool provides_and_ends(struct paes_setup setup)
{
	struct provider p;
	pid_t pid = fork();
	int status;

	if (!pid)
		_exit(provider_open(&p) || setup_with(&p, setup));
	return waitpid(pid, &status, 0) == pid && !status;
}

/* The module looks at the task of who set up, so it must keep that meanwhile. */
TEST_F_TIMEOUT(abi, who_provided_and_ended_is_forgotten, 60)
{
	enum { TIMES = 300 };
	long before = tasks(), end = now_ms() + 20000;
	int i;

	if (before < 0)
		SKIP(return, "no task_struct in /proc/slabinfo");
	for (i = 0; i < TIMES; i++)
		ASSERT_TRUE(provides_and_ends(good_setup()));
	while (tasks() > before + TIMES / 2 && now_ms() < end) {
		ASSERT_TRUE(shrink_task_cache());
		usleep(100000);
	}
	EXPECT_GE(before + TIMES / 2, tasks());
}

TEST_F(abi, nobody_may_not_open_the_device)
{
	pid_t pid = fork();
	int status, fd;

	if (!pid) {
		become_nobody();
		fd = open(PAES_DEVICE, O_RDWR);
		_exit(fd >= 0 ? 0 : errno);
	}
	waitpid(pid, &status, 0);
	EXPECT_TRUE(WIFEXITED(status) && (WEXITSTATUS(status) == EACCES ||
					  WEXITSTATUS(status) == EPERM)) {
		TH_LOG("expected EACCES or EPERM, found status %#x", status);
	}
}

TEST_HARNESS_MAIN
