// SPDX-License-Identifier: GPL-2.0
/*
 * Gives a target each file of a directory, one test each, in TAP.  What the
 * target itself prints is dropped, what a sanitizer says isn't.
 * Usage: fuzz_TARGET DIRECTORY
 */
#include "fuzz.h"

#include <dirent.h>
#include <fcntl.h>
#include <sanitizer/common_interface_defs.h>
#include <string.h>
#include <unistd.h>

enum { SEED_MAX = 1 << 20 };

static FILE *tap;

static void divert_output(void)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	int complaints = dup(STDERR_FILENO);

	tap = fdopen(dup(STDOUT_FILENO), "w");
	MUST(tap && null >= 0 && complaints >= 0);
	setlinebuf(tap);
	__sanitizer_set_report_fd((void *)(intptr_t)complaints);
	MUST(dup2(null, STDOUT_FILENO) >= 0);
	MUST(dup2(null, STDERR_FILENO) >= 0);
	close(null);
}

/* In memory of its very size, so that a byte beyond it is noticed. */
static void replay(const char *path)
{
	static uint8_t bytes[SEED_MAX];
	FILE *file = fopen(path, "re");
	uint8_t *exact;
	size_t size;

	MUST(file);
	size = fread(bytes, 1, sizeof(bytes), file);
	MUST(!ferror(file) && size < sizeof(bytes));
	fclose(file);
	exact = malloc(size ? size : 1);
	MUST(exact);
	memcpy(exact, bytes, size);
	LLVMFuzzerTestOneInput(exact, size);
	free(exact);
}

static int is_seed(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

int main(int argc, char **argv)
{
	struct dirent **seeds;
	char path[4096];
	int count;

	if (argc != 2) {
		fprintf(stderr, "Usage: %s DIRECTORY\n", argv[0]);
		return 2;
	}
	count = scandir(argv[1], &seeds, is_seed, alphasort);
	if (count <= 0) {
		fprintf(stderr, "%s: no seeds in %s\n", argv[0], argv[1]);
		return 1;
	}
	divert_output();
	fprintf(tap, "1..%d\n", count);
	for (int i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "%s/%s", argv[1], seeds[i]->d_name);
		/* Before it is tried: the name of what crashes is known. */
		fprintf(tap, "# %s\n", path);
		replay(path);
		fprintf(tap, "ok %d - %s\n", i + 1, seeds[i]->d_name);
		free(seeds[i]);
	}
	free(seeds);
	return 0;
}
