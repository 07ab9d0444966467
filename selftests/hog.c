// SPDX-License-Identifier: GPL-2.0
/*
 * A helper of the memory tests: holds on to memory, goes through it again and
 * again, and sees to it that each page still has what was written to it, be it
 * from swap.  Ends with SIGTERM and exit status 0; 1 when a page is wrong.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	PAGE = 4096,
	WORDS = PAGE / sizeof(uint64_t),
	TELL = 256,			/* pages */
};

struct hog {
	uint64_t (*pages)[WORDS];
	size_t count;
	uint64_t round;
	unsigned long seen;		/* pages so far */
	int counter;			/* the file that tells of it */
};

static volatile sig_atomic_t ended;

static void on_sigterm(int number)
{
	(void)number;
	ended = 1;
}

/* No two pages are alike, nor is one like it was. */
static uint64_t word_of(size_t page, uint64_t round, unsigned int i)
{
	return (uint64_t)page << 32 | (round & 0xffff) << 16 | i;
}

static void fill(struct hog *h, size_t page)
{
	unsigned int i;

	for (i = 0; i < WORDS; i++)
		h->pages[page][i] = word_of(page, h->round, i);
}

/* As the last round left it. */
static int check(const struct hog *h, size_t page)
{
	unsigned int i;

	for (i = 0; i < WORDS; i++) {
		uint64_t expected = word_of(page, h->round - 1, i);

		if (h->pages[page][i] == expected)
			continue;
		fprintf(stderr, "hog: page %zu, word %u: expected %llx, found %llx\n",
			page, i, (unsigned long long)expected,
			(unsigned long long)h->pages[page][i]);
		return -EIO;
	}
	return 0;
}

static void tell(struct hog *h)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%lu\n", h->seen);

	if (pwrite(h->counter, text, n, 0) != n)
		perror("hog: counter");
}

static int go_through(struct hog *h)
{
	size_t page;

	for (page = 0; page < h->count && !ended; page++) {
		if (h->round && check(h, page))
			return -EIO;
		fill(h, page);
		if (++h->seen % TELL == 0)
			tell(h);
	}
	h->round++;
	return 0;
}

static void prepare(struct hog *h, size_t mib, const char *counter)
{
	h->count = (mib << 20) / PAGE;
	h->pages = mmap(NULL, h->count * PAGE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	h->counter = open(counter, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (!h->count || h->pages == MAP_FAILED || h->counter < 0) {
		fprintf(stderr, "hog: %zu MiB, %s: %s\n", mib, counter,
			strerror(errno));
		exit(1);
	}
	/* Every page counts, not every two megabytes. */
	madvise(h->pages, h->count * PAGE, MADV_NOHUGEPAGE);
}

int main(int argc, char **argv)
{
	struct hog h = { 0 };
	int ret = 0;

	if (argc != 3) {
		fputs("Usage: hog MIB COUNTER-FILE\n", stderr);
		return 2;
	}
	prepare(&h, strtoul(argv[1], NULL, 10), argv[2]);
	signal(SIGTERM, on_sigterm);
	while (!ret && !ended)
		ret = go_through(&h);
	return ret ? 1 : 0;
}
