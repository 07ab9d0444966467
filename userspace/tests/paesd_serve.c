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
	blob->key_id[0] = k1;
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

/* Takes over the token that the answer to `tag` must have, or must not. */
static bool expect_token(uint32_t tag)
{
	struct paes_cqe cqe;

	assert_true(kernel_reap(&cqe));
	assert_int_equal(cqe.tag, tag);
	assert_int_equal(cqe.status, 0);
	if (paes_blob_all_zero(cqe.token, sizeof(cqe.token)))
		return false;
	assert_memory_not_equal(session, cqe.token, sizeof(session));
	memcpy(session, cqe.token, sizeof(session));
	return true;
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

static void the_token_stays_unless_it_is_told_otherwise(void **state)
{
	(void)state;
	open_key();
	for (uint32_t tag = 0; tag < 100; tag++) {
		submit_data(tag, 1, 512);
		assert_int_equal(run(), 0);
		assert_false(expect_token(tag));
	}
}

/* Ten requests, in batches of four: the eighth brings the third token. */
static void the_token_changes_after_so_many_requests(void **state)
{
	unsigned int tokens = 0;

	(void)state;
	serve->keys.rotation.requests = 4;
	open_key();
	for (uint32_t tag = 0; tag < 12; tag += 4) {
		for (uint32_t i = 0; i < 4; i++)
			submit_data(tag + i, 1, 512);
		assert_int_equal(run(), 0);
		for (uint32_t i = 0; i < 4; i++)
			tokens += expect_token(tag + i);
		assert_int_equal(tokens, tag / 4 + 1);
	}
}

static void submit_then_stop(void)
{
	if (kernel.waits == 1)
		submit_data(1, 1, 512);
	else
		stop_at_wait();
}

/* The time is looked at after the pause, not only before it. */
static void the_first_request_after_a_pause_brings_a_token(void **state)
{
	(void)state;
	serve->keys.rotation.seconds = 60;
	open_key();
	serve->keys.now = 1;
	serve->keys.second = 0;
	serve->keys.entries[0].session.until = 2;
	kernel.waits = 0;
	kernel.on_wait = submit_then_stop;
	assert_int_equal(run(), 0);
	assert_true(expect_token(1));
}

/* As the module sends it: what came before in the ring has the old token. */
static void what_is_in_flight_is_served(void **state)
{
	(void)state;
	serve->keys.rotation.requests = 1;
	open_key();
	submit_data(1, 1, 512);
	assert_int_equal(run(), 0);
	submit_data(2, 1, 512);
	submit_data(3, 1, 512);
	assert_true(expect_token(1));
	submit_data(4, 1, 512);
	assert_int_equal(run(), 0);
	for (uint32_t tag = 2; tag <= 4; tag++)
		expect_answer(tag, 0);
}

static void a_recorded_token_is_useless(void **state)
{
	uint8_t recorded[PAES_TOKEN_SIZE];
	uint8_t given[PAES_TOKEN_SIZE];

	(void)state;
	serve->keys.rotation.requests = 1;
	open_key();
	memcpy(recorded, session, sizeof(recorded));
	submit_data(1, 1, 512);
	assert_int_equal(run(), 0);
	assert_true(expect_token(1));
	submit_data(2, 1, 512);		/* shows the next: the old one is dead */
	memcpy(given, session, sizeof(given));
	memcpy(session, recorded, sizeof(session));
	submit_data(3, 1, 512);
	submit_data(4, 2, 512);
	memcpy(session, given, sizeof(session));
	submit_data(5, 1, 512);
	assert_int_equal(run(), 0);
	expect_answer(3, -ESTALE);
	expect_answer(4, -ESTALE);
	expect_answer(2, 0);
	expect_answer(5, 0);
	assert_int_equal(kernel_data(3)[0], 0);
	assert_int_equal(serve->keys.stale, 2);
}

static void no_token_comes_with_an_error(void **state)
{
	struct paes_cqe cqe;

	(void)state;
	serve->keys.rotation.requests = 1;
	open_key();
	fake.fails_length = 48;
	submit_data(1, 1, 48);
	assert_int_equal(run(), 0);
	assert_true(kernel_reap(&cqe));
	assert_int_equal(cqe.status, -EIO);
	assert_true(paes_blob_all_zero(cqe.token, sizeof(cqe.token)));
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

static void who_lied_once_is_not_asked_again(void **state)
{
	(void)state;
	open_key();
	fake.lies = true;
	submit_data(1, 1, 512);
	submit_data(2, 1, 512);
	assert_int_equal(run(), -EREMOTEIO);
	expect_answer(2, 0);
	expect_nothing();
	assert_int_equal(fake.runs, 1);
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

static void the_pulse_beats_with_each_batch(void **state)
{
	uint64_t before;

	(void)state;
	pulse.beat = 0;
	assert_int_equal(pulse_age(&pulse), 0);
	open_key();
	assert_int_not_equal(pulse.beat, 0);
	usleep(30000);
	assert_in_range(pulse_age(&pulse), 10, 10000);
	before = pulse.beat;
	submit_data(1, 1, 512);
	assert_int_equal(run(), 0);
	assert_true(pulse.beat > before);
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
	for (uint32_t tag = 1; tag <= SERVE_TELL + 1; tag++)
		submit_data(tag, 1, 512);
	assert_int_equal(run(), 0);
	for (uint32_t tag = 1; tag <= SERVE_TELL + 1; tag++)
		expect_answer(tag, 0);
	expect_nothing();
	assert_int_equal(fake.runs, 1);
	assert_int_equal(kernel.enters, 2);
	assert_int_equal(kernel.waits, 1);
}

static void rounds_are_told_to_who_looks_anyway(void **state)
{
	(void)state;
	open_key();
	kernel_ring()->flags = 0;
	kernel.enters = kernel.waits = 0;
	for (uint32_t tag = 1; tag <= SERVE_TELL + 1; tag++)
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

/* Revokes the key with this K1 only, or none; returns as serve_heed(). */
static int revoke_only(unsigned char k1)
{
	const unsigned char id[PAES_ID_SIZE] = { k1 };

	serve->keys.revoked.count = 0;
	if (k1)
		assert_int_equal(revoked_add(&serve->keys.revoked, id), 0);
	return serve_heed(serve);
}

static void expect_data(uint32_t tag, uint32_t key, int status,
			unsigned char found)
{
	submit_data(tag, key, 512);
	assert_int_equal(run(), 0);
	expect_answer(tag, status);
	assert_int_equal(kernel_data(tag)[0], found);
}

static void a_revoked_key_is_refused_alone(void **state)
{
	struct paes_cqe cqe;

	(void)state;
	open_key();
	assert_int_equal(revoke_only(0x5a), 1);
	assert_int_equal(fake.closed, 1);
	expect_data(1, 1, -EKEYREVOKED, 0);
	/* Allowed, the session token is what it was. */
	assert_int_equal(revoke_only(0), 0);
	expect_data(2, 1, 0, 0x5a);
	assert_int_equal(revoke_only(0x5a), 1);
	submit_open(3, 2, 0x33);
	assert_int_equal(run(), 0);
	assert_true(kernel_reap(&cqe));
	assert_int_equal(cqe.status, 0);
	memcpy(session, cqe.token, sizeof(session));
	expect_data(4, 2, 0, 0x33);
}

static void a_revoked_key_is_opened_as_such(void **state)
{
	struct paes_cqe cqe;

	(void)state;
	assert_int_equal(revoke_only(0x5a), 0);
	submit_open(0, 1, 0x5a);
	assert_int_equal(run(), 0);
	assert_true(kernel_reap(&cqe));
	assert_int_equal(cqe.status, -EKEYREVOKED);
	assert_int_equal(cqe.length, 0);
	assert_int_equal(fake.opened, 0);
	memcpy(session, cqe.token, sizeof(session));
	expect_data(1, 1, -EKEYREVOKED, 0);
	assert_int_equal(revoke_only(0), 0);
	expect_data(2, 1, 0, 0x5a);
	session[0] ^= 1;
	expect_data(3, 1, -ESTALE, 0);
}

static void a_token_that_cannot_open_again_is_left(void **state)
{
	(void)state;
	open_key();
	assert_int_equal(revoke_only(0x5a), 1);
	fake.lost = true;
	assert_int_equal(revoke_only(0), -EREMOTEIO);
}

/* Under load the ring may never be empty. */
static void load_does_not_keep_it_from_an_interruption(void **state)
{
	uint32_t tag;

	(void)state;
	open_key();
	fake.interrupts = &ring.interrupted;
	for (tag = 0; tag < ENGINE_BATCH_MAX + 9; tag++)
		submit_data(tag, 1, 512);
	assert_int_equal(run(), 0);
	for (tag = 0; tag < ENGINE_BATCH_MAX; tag++)
		expect_answer(tag, 0);
	expect_nothing();
	assert_int_equal(run(), 0);
	for (; tag < ENGINE_BATCH_MAX + 9; tag++)
		expect_answer(tag, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(queued_requests_are_one_batch),
		TEST(a_batch_has_its_limit),
		TEST(stale_requests_are_refused_alone),
		TEST(the_token_stays_unless_it_is_told_otherwise),
		TEST(the_token_changes_after_so_many_requests),
		TEST(the_first_request_after_a_pause_brings_a_token),
		TEST(what_is_in_flight_is_served),
		TEST(a_recorded_token_is_useless),
		TEST(no_token_comes_with_an_error),
		TEST(close_keeps_its_place),
		TEST(open_keeps_its_place),
		TEST(open_answers_by_the_manual),
		TEST(nonsense_is_refused_alone),
		TEST(a_hiccup_is_tried_again),
		TEST(a_bad_request_fails_alone),
		TEST(a_lost_token_answers_nothing),
		TEST(wrong_answers_never_get_out),
		TEST(who_lied_once_is_not_asked_again),
		TEST(what_was_done_is_answered_before_leaving),
		TEST(open_without_token_answers_nothing),
		TEST(open_trouble_leaves_working_keys_alone),
		TEST(the_pulse_beats_with_each_batch),
		TEST(one_system_call_a_batch),
		TEST(answers_come_before_preparations),
		TEST(rounds_are_told_at_once),
		TEST(rounds_are_told_to_who_looks_anyway),
		TEST(a_provider_broken_in_mid_batch_leaves),
		TEST(spinning_tells_first),
		TEST(a_broken_provider_leaves),
		TEST(a_revoked_key_is_refused_alone),
		TEST(a_revoked_key_is_opened_as_such),
		TEST(a_token_that_cannot_open_again_is_left),
		TEST(load_does_not_keep_it_from_an_interruption),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
