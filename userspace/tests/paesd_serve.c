// SPDX-License-Identifier: GPL-2.0
/* A worker's loop between a played module and a played token. */
#include "paesd_kernel.h"

#include "paesd_faketoken.h"

#include "../paesd/serve.h"

static struct ring ring;
static struct serve *serve;
static struct pulse pulse;
static uint8_t session[PAES_TOKEN_SIZE];

static void stop_at_wait(void)
{
	ring_interrupt(&ring);
}

static int start(void **state)
{
	(void)state;
	fake = (struct fake_token){ .keks = 1 };
	kernel_start();
	kernel.on_wait = stop_at_wait;
	assert_int_equal(ring_open(&ring, kernel.path, "1:test"), 0);
	serve = serve_new(NULL, &ring, &pulse);
	assert_non_null(serve);
	spin_setup(&serve->spin, 1, 0);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	serve_free(serve);
	ring_close(&ring);
	kernel_stop();
	return 0;
}

/* Serves what was submitted; returns as serve_run(). */
static int run(void)
{
	ring.interrupted = 0;
	return serve_run(serve);
}

static void submit_open(uint32_t tag, uint32_t key, unsigned char k1)
{
	struct paes_blob *blob = (struct paes_blob *)kernel_data(tag);

	memset(blob, 0, sizeof(*blob));
	blob->recipient[0].k1[0] = k1;
	blob->recipient[0].k2[0] = k1 + 1;
	kernel_submit((struct paes_desc){
		.tag = tag, .generation = tag + 1, .op = PAES_OP_OPEN,
		.key = key, .offset = tag * KERNEL_SLOT,
		.length = PAES_BLOB_SIZE,
	});
}

static void submit_close(uint32_t tag, uint32_t key)
{
	kernel_submit((struct paes_desc){
		.tag = tag, .generation = tag + 1, .op = PAES_OP_CLOSE,
		.key = key,
	});
}

static void submit_data(uint32_t tag, uint32_t key, uint32_t length)
{
	struct paes_desc desc = {
		.tag = tag, .generation = tag + 1, .op = PAES_OP_ENCRYPT,
		.key = key, .offset = tag * KERNEL_SLOT, .length = length,
		.unit_size = length,
	};

	memcpy(desc.token, session, sizeof(session));
	memset(kernel_data(tag), 0, KERNEL_SLOT);
	kernel_submit(desc);
}

static void expect_answer(uint32_t tag, int status)
{
	struct paes_cqe cqe;

	assert_true(kernel_reap(&cqe));
	assert_int_equal(cqe.tag, tag);
	assert_int_equal(cqe.generation, tag + 1);
	assert_int_equal(cqe.status, status);
}

static void expect_nothing(void)
{
	struct paes_cqe cqe;

	assert_false(kernel_reap(&cqe));
}

/* Opens key 1 under K1 = 0x5a and keeps its session token. */
static void open_key(void)
{
	struct paes_cqe cqe;

	submit_open(0, 1, 0x5a);
	assert_int_equal(run(), 0);
	assert_true(kernel_reap(&cqe));
	assert_int_equal(cqe.status, 0);
	assert_int_equal(cqe.length, PAES_BLOB_SIZE);
	memcpy(session, cqe.token, sizeof(session));
	assert_false(paes_blob_all_zero(session, sizeof(session)));
}

static void queued_requests_are_one_batch(void **state)
{
	(void)state;
	open_key();
	for (uint32_t tag = 1; tag <= 5; tag++)
		submit_data(tag, 1, 512);
	assert_int_equal(run(), 0);
	for (uint32_t tag = 1; tag <= 5; tag++) {
		expect_answer(tag, 0);
		assert_int_equal(kernel_data(tag)[511], 0x5a);
	}
	expect_nothing();
	assert_int_equal(fake.runs, 1);
	assert_int_equal(fake.run_sizes[0], 5);
}

static void a_batch_has_its_limit(void **state)
{
	(void)state;
	open_key();
	for (uint32_t tag = 0; tag < 300; tag++)
		submit_data(tag, 1, 512);
	assert_int_equal(run(), 0);
	for (uint32_t tag = 0; tag < 300; tag++)
		expect_answer(tag, 0);
	assert_int_equal(fake.runs, 2);
	assert_int_equal(fake.run_sizes[0], ENGINE_BATCH_MAX);
	assert_int_equal(fake.run_sizes[1], 300 - ENGINE_BATCH_MAX);
}

static void stale_requests_are_refused_alone(void **state)
{
	(void)state;
	open_key();
	submit_data(1, 1, 512);
	session[0] ^= 1;
	submit_data(2, 1, 512);
	session[0] ^= 1;
	submit_data(3, 2, 512);
	submit_data(4, 1, 512);
	assert_int_equal(run(), 0);
	expect_answer(2, -ESTALE);
	expect_answer(3, -ESTALE);
	expect_answer(1, 0);
	expect_answer(4, 0);
	assert_int_equal(kernel_data(2)[0], 0);
	assert_int_equal(fake.run_sizes[0], 2);
}

static void close_keeps_its_place(void **state)
{
	(void)state;
	open_key();
	submit_data(1, 1, 512);
	submit_close(2, 1);
	submit_data(3, 1, 512);
	assert_int_equal(run(), 0);
	expect_answer(1, 0);
	expect_answer(2, 0);
	expect_answer(3, -ESTALE);
	assert_int_equal(fake.closed, 1);
}

static void open_keeps_its_place(void **state)
{
	(void)state;
	open_key();
	submit_data(1, 1, 512);
	submit_open(2, 1, 0x33);
	submit_data(3, 1, 512);
	assert_int_equal(run(), 0);
	expect_answer(1, 0);
	assert_int_equal(kernel_data(1)[0], 0x5a);
	expect_answer(2, 0);
	expect_answer(3, -ESTALE);
	assert_int_equal(fake.closed, 1);
	assert_int_equal(fake.opened, 2);
}

static void expect_open(int error, int status)
{
	fake.open_error = error;
	submit_open(9, 9, 1);
	assert_int_equal(run(), 0);
	expect_answer(9, status);
}

static void open_answers_by_the_manual(void **state)
{
	(void)state;
	expect_open(0, 0);
	expect_open(-EKEYREJECTED, -EKEYREJECTED);
	expect_open(-EINVAL, -EKEYREJECTED);
	expect_open(-ENOKEY, -ENOKEY);
	expect_open(-ENOENT, -ENOKEY);
	expect_open(-EOPNOTSUPP, -EIO);
	expect_open(-EIO, -EIO);
}

static void nonsense_is_refused_alone(void **state)
{
	(void)state;
	open_key();
	submit_data(1, 1, 512);
	kernel_submit((struct paes_desc){ .tag = 2, .generation = 3, .op = 99 });
	submit_data(3, 1, 512);
	assert_int_equal(run(), 0);
	expect_answer(2, -EIO);
	expect_answer(1, 0);
	expect_answer(3, 0);
}

static void a_hiccup_is_tried_again(void **state)
{
	(void)state;
	open_key();
	fake.failures = 2;
	for (uint32_t tag = 1; tag <= 3; tag++)
		submit_data(tag, 1, 512);
	assert_int_equal(run(), 0);
	/* The others needn't wait for the second try. */
	expect_answer(3, 0);
	expect_answer(1, 0);
	expect_answer(2, 0);
	for (uint32_t tag = 1; tag <= 3; tag++)
		assert_int_equal(kernel_data(tag)[0], 0x5a);
}

static void a_bad_request_fails_alone(void **state)
{
	(void)state;
	open_key();
	fake.fails_length = 48;
	submit_data(1, 1, 512);
	submit_data(2, 1, 48);
	submit_data(3, 1, 512);
	assert_int_equal(run(), 0);
	expect_answer(1, 0);
	expect_answer(3, 0);
	expect_answer(2, -EIO);
}

static void a_lost_token_answers_nothing(void **state)
{
	(void)state;
	open_key();
	fake.lost = true;
	for (uint32_t tag = 1; tag <= 4; tag++)
		submit_data(tag, 1, 512);
	assert_int_equal(run(), -EREMOTEIO);
	expect_nothing();
	/* Four in the batch, and one second try to be sure. */
	assert_int_equal(fake.runs, 2);
}

static void wrong_answers_never_get_out(void **state)
{
	(void)state;
	open_key();
	fake.forgets = true;
	submit_data(1, 1, 512);
	assert_int_equal(run(), -EREMOTEIO);
	expect_nothing();
	assert_int_equal(kernel_data(1)[0], 0);
}

static void what_was_done_is_answered_before_leaving(void **state)
{
	(void)state;
	open_key();
	kernel_ring()->flags = PAES_RING_NEED_ENTER;
	kernel.enters = kernel.waits = 0;
	submit_data(1, 1, 512);
	submit_close(2, 7);
	submit_data(3, 1, 512);
	submit_data(4, 1, 48);
	submit_data(5, 1, 512);
	fake.fails_length = 48;
	fake.forgets_known = true;
	assert_int_equal(run(), -EREMOTEIO);
	expect_answer(1, 0);
	expect_answer(2, 0);
	expect_answer(3, 0);
	expect_answer(5, 0);
	expect_nothing();
	assert_true(kernel.enters > 0);
	assert_int_equal(kernel.waits, 0);
}

static void open_without_token_answers_nothing(void **state)
{
	(void)state;
	fake.lost = true;
	submit_open(1, 1, 1);
	assert_int_equal(run(), -EREMOTEIO);
	expect_nothing();
}

/* Some tokens serve open keys on when they can open no more. */
static void open_trouble_leaves_working_keys_alone(void **state)
{
	(void)state;
	open_key();
	fake.open_error = -EIO;
	fake.keks = 0;
	submit_open(1, 2, 1);
	submit_data(2, 1, 512);
	assert_int_equal(run(), 0);
	expect_answer(1, -EIO);
	expect_answer(2, 0);
}

static void the_pulse_beats_in_calls_only(void **state)
{
	(void)state;
	open_key();
	assert_int_equal(pulse.since, 0);
	pulse_begin(&pulse);
	usleep(30000);
	assert_in_range(pulse_age(&pulse), 10, 10000);
	submit_data(1, 1, 512);
	assert_int_equal(run(), 0);
	assert_int_equal(pulse_age(&pulse), 0);
}

/* On one processor: answers and the wait are one system call. */
static void one_system_call_a_batch(void **state)
{
	(void)state;
	open_key();
	kernel_ring()->flags = PAES_RING_NEED_ENTER;
	kernel.enters = kernel.waits = 0;
	for (uint32_t tag = 1; tag <= 5; tag++)
		submit_data(tag, 1, 512);
	assert_int_equal(run(), 0);
	assert_int_equal(kernel.enters, 1);
	assert_int_equal(kernel.waits, 1);
}

/* On any number of processors: nobody waits for what can be done later. */
static void answers_come_before_preparations(void **state)
{
	(void)state;
	open_key();
	kernel_ring()->flags = PAES_RING_NEED_ENTER;
	kernel.enters = kernel.waits = 0;
	fake.unprepared = 3;
	fake.enters = &kernel.enters;
	submit_data(1, 1, 512);
	assert_int_equal(run(), 0);
	assert_int_equal(fake.unprepared, 0);
	assert_int_equal(fake.prepared_after, 1);
	assert_int_equal(kernel.enters, 2);
	assert_int_equal(kernel.waits, 1);
}

/* The kernel goes on with what is done while the token does the rest. */
static void rounds_are_told_at_once(void **state)
{
	(void)state;
	open_key();
	kernel_ring()->flags = PAES_RING_NEED_ENTER;
	kernel.enters = kernel.waits = 0;
	for (uint32_t tag = 1; tag <= 2 * SERVE_TELL + 1; tag++)
		submit_data(tag, 1, 512);
	assert_int_equal(run(), 0);
	for (uint32_t tag = 1; tag <= 2 * SERVE_TELL + 1; tag++)
		expect_answer(tag, 0);
	expect_nothing();
	assert_int_equal(fake.runs, 1);
	assert_int_equal(kernel.enters, 3);
	assert_int_equal(kernel.waits, 1);
}

static void rounds_are_told_to_who_looks_anyway(void **state)
{
	(void)state;
	open_key();
	kernel_ring()->flags = 0;
	kernel.enters = kernel.waits = 0;
	for (uint32_t tag = 1; tag <= 2 * SERVE_TELL + 1; tag++)
		submit_data(tag, 1, 512);
	assert_int_equal(run(), 0);
	assert_int_equal(kernel.enters, 1);
	assert_int_equal(kernel.waits, 1);
}

static void a_provider_broken_in_mid_batch_leaves(void **state)
{
	(void)state;
	open_key();
	kernel_ring()->flags = PAES_RING_NEED_ENTER;
	kernel.enter_errno = ESHUTDOWN;
	for (uint32_t tag = 1; tag <= SERVE_TELL + 1; tag++)
		submit_data(tag, 1, 512);
	assert_int_equal(run(), -ESHUTDOWN);
	assert_int_equal(fake.runs, 1);
}

/* While it spins, whoever waits for the answers must not sleep on. */
static void spinning_tells_first(void **state)
{
	(void)state;
	open_key();
	spin_setup(&serve->spin, 2, 0);
	serve->spin.limit = SPIN_START_NS;
	kernel_ring()->flags = PAES_RING_NEED_ENTER;
	kernel.enters = kernel.waits = 0;
	submit_data(1, 1, 512);
	assert_int_equal(run(), 0);
	assert_int_equal(kernel.enters, 2);
	assert_int_equal(kernel.waits, 1);
}

static void a_broken_provider_leaves(void **state)
{
	(void)state;
	kernel.enter_errno = ESHUTDOWN;
	kernel.on_wait = NULL;
	assert_int_equal(run(), -ESHUTDOWN);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(queued_requests_are_one_batch),
		TEST(a_batch_has_its_limit),
		TEST(stale_requests_are_refused_alone),
		TEST(close_keeps_its_place),
		TEST(open_keeps_its_place),
		TEST(open_answers_by_the_manual),
		TEST(nonsense_is_refused_alone),
		TEST(a_hiccup_is_tried_again),
		TEST(a_bad_request_fails_alone),
		TEST(a_lost_token_answers_nothing),
		TEST(wrong_answers_never_get_out),
		TEST(what_was_done_is_answered_before_leaving),
		TEST(open_without_token_answers_nothing),
		TEST(open_trouble_leaves_working_keys_alone),
		TEST(the_pulse_beats_in_calls_only),
		TEST(one_system_call_a_batch),
		TEST(answers_come_before_preparations),
		TEST(rounds_are_told_at_once),
		TEST(rounds_are_told_to_who_looks_anyway),
		TEST(a_provider_broken_in_mid_batch_leaves),
		TEST(spinning_tells_first),
		TEST(a_broken_provider_leaves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
