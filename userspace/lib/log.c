// SPDX-License-Identifier: GPL-2.0
#include "log.h"

#include "plain.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOG_LINE_MAX = 2048 };

static struct {
	const char *name;
	enum log_level most;
	bool journal;
} logger = { .name = "paes", .most = LOG_LEVEL_INFO };

/* systemd.exec(5): $JOURNAL_STREAM holds device and inode of the stream. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char own[64];
	struct stat st;

	if (!stream || fstat(STDERR_FILENO, &st))
		return false;
	snprintf(own, sizeof(own), "%ju:%ju", (uintmax_t)st.st_dev,
		 (uintmax_t)st.st_ino);
	return !strcmp(stream, own);
}

void log_setup(const char *name, enum log_level most)
{
	int saved = errno;

	logger.name = name;
	logger.most = most;
	logger.journal = stderr_is_journal();
	errno = saved;
}

static int prefix(char *line, size_t size, enum log_level level)
{
	const char *word = level == LOG_LEVEL_WARNING ? "warning: " : "";

	if (logger.journal)
		return snprintf(line, size, "<%d>%s: ", (int)level, logger.name);
	return snprintf(line, size, "%s: %s", logger.name, word);
}

/* A file name or a token's label may hold anything: one line stays one line. */
static void plain(char *text)
{
	const char *from = text;

	while (*from)
		*text++ = plain_next(&from);
	*text = '\0';
}

void log_at(enum log_level level, const char *format, ...)
{
	char line[LOG_LINE_MAX];
	int saved = errno;
	va_list arguments;
	size_t length;

	if (level > logger.most)
		return;
	length = (size_t)prefix(line, sizeof(line) - 1, level);
	if (length > sizeof(line) - 2)
		length = sizeof(line) - 2;
	errno = saved;
	va_start(arguments, format);
	vsnprintf(line + length, sizeof(line) - 1 - length, format, arguments);
	va_end(arguments);
	plain(line);
	length = strlen(line);
	line[length++] = '\n';
	/* One write, so that lines of several processes don't mix. */
	if (write(STDERR_FILENO, line, length) < 0)
		logger.journal = false;	/* nowhere left to complain */
	errno = saved;
}
