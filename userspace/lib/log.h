/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Messages for people, on standard error: "paesd: what happened: what to do".
 * Under systemd each line carries its priority (sd-daemon(3) "<3>").  All
 * functions preserve errno.  Never log a PIN, a key, a tweak or data.
 */
#ifndef PAES_LOG_H
#define PAES_LOG_H

enum log_level {
	LOG_LEVEL_ERROR = 3,	/* the numbers of syslog(3) */
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7,
};

/* `name` stands before every line and is not copied.  Default level: INFO. */
void log_setup(const char *name, enum log_level most);

void log_at(enum log_level level, const char *format, ...)
	__attribute__((__format__(printf, 2, 3)));

#define log_error(...)	log_at(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_at(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)	log_at(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)	log_at(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
