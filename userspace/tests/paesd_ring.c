// SPDX-License-Identifier: GPL-2.0
/* paesd's side of the ring against a played module. */
#include "paesd_kernel.h"

#include "../paesd/ring.h"

static struct ring ring;

static int start(void **state)
{
	(void)state;
	kernel_start();
	return 0;
}

static int stop(void **state)
{
	(void)state;
	ring_close(&ring);
	kernel_stop();
	return 0;
}

static int start_open(void **state)
{
	start(state);
	return ring_open(&ring, kernel.path, "1:test");
}

static void open_asks_by_the_protocol(void **state)
{
	(void)state;
	assert_int_equal(ring_open(&ring, kernel.path, "1:test"), 0);
	assert_int_equal(kernel.asked.version, PAES_ABI_VERSION);
	assert_int_equal(kernel.asked.flags, 0);
	assert_int_equal(kernel.asked.depth, 0);
	assert_string_equal((char *)kernel.asked.name, "1:test");
	assert_memory_equal(kernel.asked.reserved, ((uint32_t[6]){ 0 }),
			    sizeof(kernel.asked.reserved));
}

static void open_cuts_a_long_name(void **state)
{
	(void)state;
	assert_int_equal(ring_open(&ring, kernel.path,
				   "0123456789012345678901234567890123456789"), 0);
	assert_int_equal(kernel.asked.name[PAES_NAME_SIZE - 1], 0);
	assert_int_equal(kernel.asked.name[PAES_NAME_SIZE - 2], '0');
}

static void open_fails_without_device(void **state)
{
	(void)state;
	assert_int_equal(ring_open(&ring, "/nonexistent/paes", "x"), -ENOENT);
	assert_int_equal(ring.fd, -1);
}

static void open_fails_as_setup_does(void **state)
{
	static const int errors[] = { ENOTTY, EPROTONOSUPPORT, EBUSY, ENOMEM };

	(void)state;
	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		kernel.setup_errno = errors[i];
		assert_int_equal(ring_open(&ring, kernel.path, "x"), -errors[i]);
		assert_int_equal(ring.fd, -1);
	}
}

static void expect_refused(uint32_t *field, uint32_t value)
{
	uint32_t right = *field;

	*field = value;
	assert_int_equal(ring_open(&ring, kernel.path, "x"), -EPROTO);
	*field = right;
}

static void open_refuses_a_ring_that_does_not_fit(void **state)
{
	(void)state;
	expect_refused(&kernel.grant.entries, 0);
	expect_refused(&kernel.grant.entries, 1);
	expect_refused(&kernel.grant.entries, KERNEL_ENTRIES - 1);
	expect_refused(&kernel.grant.entries, 1u << 31);
	expect_refused(&kernel.grant.sq_offset, 0);
	expect_refused(&kernel.grant.sq_offset, KERNEL_SQ + 4);
	expect_refused(&kernel.grant.sq_offset, KERNEL_MAP);
	expect_refused(&kernel.grant.cq_offset, 64);
	expect_refused(&kernel.grant.cq_offset, UINT32_MAX - 63);
	expect_refused(&kernel.grant.data_offset, UINT32_MAX - 15);
	expect_refused(&kernel.grant.data_size, KERNEL_DATA_SIZE + 1);
	expect_refused(&kernel.grant.map_size, KERNEL_MAP - 1);
	expect_refused(&kernel.grant.slot_size, PAES_BLOB_SIZE - 1);
}

static void serve_names_the_keks(void **state)
{
	static const unsigned char ids[2][PAES_ID_SIZE] = { { 1 }, { 2 } };

	(void)state;
	assert_int_equal(ring_serve(&ring, ids, 2), 0);
	assert_int_equal(kernel.served.count, 2);
	assert_int_equal(kernel.served.reserved, 0);
	assert_ptr_equal((void *)(uintptr_t)kernel.served.kek_ids, ids);
}

static struct paes_desc good(uint32_t tag)
{
	return (struct paes_desc){
		.tag = tag,
		.generation = tag + 1000,
		.op = PAES_OP_ENCRYPT,
		.offset = tag * KERNEL_SLOT,
		.length = KERNEL_SLOT,
		.unit_size = KERNEL_SLOT,
	};
}

static void next_gives_what_was_submitted(void **state)
{
	struct paes_desc desc = good(3);
	struct ring_request request;

	(void)state;
	assert_false(ring_pending(&ring));
	assert_int_equal(ring_next(&ring, &request), 0);
	kernel_submit(desc);
	assert_true(ring_pending(&ring));
	assert_int_equal(ring_next(&ring, &request), 1);
	assert_memory_equal(&request.desc, &desc, sizeof(desc));
	assert_int_equal(request.fault, 0);
	memcpy(kernel_data(3), "through the map", 16);
	assert_memory_equal(request.data, "through the map", 16);
	assert_int_equal(ring_next(&ring, &request), 0);
}

static void next_reads_a_descriptor_once(void **state)
{
	struct ring_request request;

	(void)state;
	kernel_submit(good(0));
	assert_int_equal(ring_next(&ring, &request), 1);
	memset(kernel.map + KERNEL_SQ, 0xff, sizeof(struct paes_desc));
	assert_int_equal(request.desc.length, KERNEL_SLOT);
	assert_int_equal(request.fault, 0);
}

static void indices_run_over(void **state)
{
	struct ring_request request;
	struct paes_cqe cqe;

	(void)state;
	kernel.sq_tail = kernel.cq_head = UINT32_MAX - 1;
	ring.sq_head = ring.cq_tail = UINT32_MAX - 1;
	kernel_ring()->sq_tail = kernel_ring()->cq_tail = UINT32_MAX - 1;
	for (uint32_t tag = 0; tag < 5; tag++)
		kernel_submit(good(tag));
	for (uint32_t tag = 0; tag < 5; tag++) {
		assert_int_equal(ring_next(&ring, &request), 1);
		assert_int_equal(request.desc.tag, tag);
		ring_answer(&ring, &request, 0, NULL);
	}
	ring_publish(&ring);
	for (uint32_t tag = 0; tag < 5; tag++) {
		assert_true(kernel_reap(&cqe));
		assert_int_equal(cqe.tag, tag);
	}
	assert_false(kernel_reap(&cqe));
}

static void next_refuses_an_impossible_tail(void **state)
{
	struct ring_request request;

	(void)state;
	kernel_ring()->sq_tail = KERNEL_ENTRIES + 1;
	assert_int_equal(ring_next(&ring, &request), -EPROTO);
	kernel_ring()->sq_tail = UINT32_MAX;
	assert_int_equal(ring_next(&ring, &request), -EPROTO);
}

static void expect_fault(struct paes_desc desc, int fault)
{
	struct ring_request request;

	kernel_submit(desc);
	assert_int_equal(ring_next(&ring, &request), 1);
	assert_int_equal(request.fault, fault);
	assert_true(fault ? !request.data : !!request.data);
}

#define FAULT(expected, ...)				\
	do {						\
		struct paes_desc d = good(1);		\
		__VA_ARGS__;				\
		expect_fault(d, expected);		\
	} while (0)

static void next_checks_the_data_area(void **state)
{
	(void)state;
	FAULT(0, d.offset = KERNEL_DATA_SIZE - KERNEL_SLOT);
	FAULT(-EIO, d.offset = KERNEL_DATA_SIZE - KERNEL_SLOT + 1);
	FAULT(-EIO, d.offset = KERNEL_DATA_SIZE);
	FAULT(-EIO, d.offset = UINT32_MAX);
	FAULT(-EIO, d.length = d.unit_size = KERNEL_DATA_SIZE);
	FAULT(-EIO, d.length = UINT32_MAX; d.unit_size = 17);
}

static void next_checks_the_units(void **state)
{
	(void)state;
	FAULT(0, d.unit_size = 16);
	FAULT(0, d.length = d.unit_size = 17);
	FAULT(0, d.first_block = 32);
	FAULT(-EIO, d.length = 0);
	FAULT(-EIO, d.unit_size = 0);
	FAULT(-EIO, d.unit_size = 15; d.length = 30);
	FAULT(-EIO, d.unit_size = 48);
	FAULT(-EIO, d.unit_size = 16; d.first_block = 32);
}

static void next_checks_the_operation(void **state)
{
	(void)state;
	FAULT(0, d.op = PAES_OP_DECRYPT);
	FAULT(0, d.op = PAES_OP_OPEN; d.length = PAES_BLOB_SIZE);
	FAULT(0, d.op = PAES_OP_CLOSE; d.length = 0);
	FAULT(-EKEYREJECTED, d.op = PAES_OP_OPEN; d.length = PAES_BLOB_SIZE - 1);
	FAULT(-EIO, d.op = 0);
	FAULT(-EIO, d.op = PAES_OP_DECRYPT + 1);
}

static void answers_show_when_published(void **state)
{
	static const uint8_t token[PAES_TOKEN_SIZE] = "0123456789abcde";
	struct ring_request request = { .desc = good(5) };
	struct paes_cqe cqe;

	(void)state;
	ring_answer(&ring, &request, 0, token);
	ring_answer(&ring, &request, -EIO, NULL);
	assert_false(kernel_reap(&cqe));
	assert_false(ring_publish(&ring));
	assert_true(kernel_reap(&cqe));
	assert_int_equal(cqe.tag, 5);
	assert_int_equal(cqe.generation, 1005);
	assert_int_equal(cqe.status, 0);
	assert_int_equal(cqe.length, KERNEL_SLOT);
	assert_memory_equal(cqe.token, token, sizeof(token));
	assert_true(kernel_reap(&cqe));
	assert_int_equal(cqe.status, -EIO);
	assert_int_equal(cqe.length, 0);
	assert_memory_equal(cqe.token, ((uint8_t[PAES_TOKEN_SIZE]){ 0 }),
			    PAES_TOKEN_SIZE);
	assert_false(kernel_reap(&cqe));
}

static void publish_says_when_the_kernel_sleeps(void **state)
{
	(void)state;
	kernel_ring()->flags = PAES_RING_NEED_ENTER;
	assert_true(ring_publish(&ring));
	kernel_ring()->flags = ~PAES_RING_NEED_ENTER;
	assert_false(ring_publish(&ring));
}

static void enter_waits_at_its_own_head(void **state)
{
	(void)state;
	ring.sq_head = 77;
	assert_int_equal(ring_enter(&ring, true), 0);
	assert_int_equal(kernel.entered.flags, PAES_ENTER_WAIT);
	assert_int_equal(kernel.entered.sq_head, 77);
	assert_int_equal(kernel.entered.timeout_ms, RING_WAIT_MS);
	assert_int_equal(kernel.entered.reserved, 0);
	assert_int_equal(ring_enter(&ring, false), 0);
	assert_int_equal(kernel.entered.flags, 0);
}

static void enter_takes_a_signal_for_a_wake_up(void **state)
{
	(void)state;
	kernel.enter_errno = EINTR;
	assert_int_equal(ring_enter(&ring, true), 0);
	kernel.enter_errno = ETIME;
	assert_int_equal(ring_enter(&ring, true), 0);
	kernel.enter_errno = ESHUTDOWN;
	assert_int_equal(ring_enter(&ring, true), -ESHUTDOWN);
}

static void interrupt_leaves_no_gap(void **state)
{
	(void)state;
	ring_interrupt(&ring);
	assert_int_equal(ring_enter(&ring, true), 0);
	assert_int_equal(kernel.waits, 0);
}

#define OPEN_TEST(name) cmocka_unit_test_setup_teardown(name, start_open, stop)
#define PLAIN_TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		PLAIN_TEST(open_asks_by_the_protocol),
		PLAIN_TEST(open_cuts_a_long_name),
		PLAIN_TEST(open_fails_without_device),
		PLAIN_TEST(open_fails_as_setup_does),
		PLAIN_TEST(open_refuses_a_ring_that_does_not_fit),
		OPEN_TEST(serve_names_the_keks),
		OPEN_TEST(next_gives_what_was_submitted),
		OPEN_TEST(next_reads_a_descriptor_once),
		OPEN_TEST(indices_run_over),
		OPEN_TEST(next_refuses_an_impossible_tail),
		OPEN_TEST(next_checks_the_data_area),
		OPEN_TEST(next_checks_the_units),
		OPEN_TEST(next_checks_the_operation),
		OPEN_TEST(answers_show_when_published),
		OPEN_TEST(publish_says_when_the_kernel_sleeps),
		OPEN_TEST(enter_waits_at_its_own_head),
		OPEN_TEST(enter_takes_a_signal_for_a_wake_up),
		OPEN_TEST(interrupt_leaves_no_gap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
