// SPDX-License-Identifier: GPL-2.0
#include "cmd.h"

#include "log.h"
#include "seal.h"
#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

struct import_options {
	struct token_options token;
	struct seal_options seal;
	const char *key_file;
};

enum {
	KEY_KEY_FILE	= 0x200,

	XTS_128_SIZE	= 32,	/* K1 and K2 */
	XTS_256_SIZE	= 64,
};

static error_t parse(int key, char *value, struct argp_state *state)
{
	struct import_options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->seal;
		state->child_inputs[1] = &options->token;
		return 0;
	case KEY_KEY_FILE:
		options->key_file = value;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "unexpected argument \"%s\"", value);
		return 0;
	case ARGP_KEY_END:
		if (!options->key_file)
			argp_error(state, "--key-file FILE is missing: expected the key to wrap");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option list[] = {
	{ "key-file", KEY_KEY_FILE, "FILE", 0,
	  "The key in the clear: 32 or 64 raw bytes, K1 then K2, as dm-crypt takes them; \"-\" is standard input", 0 },
	{ 0 }
};

static const struct argp_child children[] = {
	{ &seal_options_argp, 0, "", 1 },
	{ &token_options_argp, 0, "", 2 },
	{ 0 }
};

static const struct argp argp = {
	.options = list,
	.parser = parse,
	.children = children,
	.doc = "Wraps an AES-XTS key that exists already, such as that of a volume to be moved."
	       "\v"
	       "Such a key was once outside the token, and the wrapped key says so.  Prefer \"paes generate\".\n"
	       CMD_EXIT_CODES,
};

static void warn_readable(int fd, const char *path)
{
	struct stat st;

	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_mode & 077)
		log_warning("%s: has mode %04o, others may have read the key: consider a new key (\"paes generate\")",
			    path, st.st_mode & 07777);
}

static int read_to_end(int fd, struct secret *key)
{
	size_t room = key->size;
	ssize_t n = 1;

	key->size = 0;
	while (n && room) {
		n = read(fd, key->bytes + key->size, room);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		key->size += (size_t)n;
		room -= (size_t)n;
	}
	return 0;
}

static int check_size(const struct secret *key, const char *path)
{
	if (key->size == XTS_128_SIZE || key->size == XTS_256_SIZE)
		return 0;
	log_error("%s: found %s%zu bytes, expected exactly %d (AES-128-XTS) or %d (AES-256-XTS) raw bytes",
		  path, key->size > XTS_256_SIZE ? "at least " : "", key->size,
		  XTS_128_SIZE, XTS_256_SIZE);
	return -EINVAL;
}

static int read_key(const char *path, struct secret **key)
{
	CLEANUP(fd) int fd = strcmp(path, "-") ?
			     open(path, O_RDONLY | O_CLOEXEC) :
			     fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
	int error;

	if (fd < 0) {
		log_error("%s: can't open the key file: %m", path);
		return -errno;
	}
	warn_readable(fd, path);
	/* One byte more shows a file that is too large. */
	*key = secret_new(XTS_256_SIZE + 1);
	if (!*key) {
		log_error("no locked memory for the key: %m: raise RLIMIT_MEMLOCK (ulimit -l)");
		return -errno;
	}
	error = read_to_end(fd, *key);
	if (!error)
		return check_size(*key, path);
	log_error("%s: can't read the key: %s", path, strerror(-error));
	return error;
}

static int import(struct token *token, const struct secret *clear,
		  const struct import_options *options)
{
	unsigned int bits = (unsigned int)clear->size * 8 / 2;
	unsigned char kek[PAES_ID_SIZE];
	struct xtskey key;
	int error = session_choose_kek(token, options->seal.kek, kek);

	if (!error)
		error = xtskey_import(&key, token, clear->bytes, bits);
	if (error)
		return error;
	error = seal_key(&key, token, kek, bits, PAES_BLOB_F_IMPORTED,
			 &options->seal, options->token.json);
	xtskey_close(&key, token);
	return error;
}

static void remind(const char *path)
{
	if (strcmp(path, "-"))
		log_warning("%s still holds the key in the clear: destroy it and its copies (shred -u) once the wrapped key is known to work",
			    path);
	else
		log_warning("the key came in the clear from standard input: destroy it where it came from");
}

int cmd_import(int argc, char **argv)
{
	struct import_options options = { .token = TOKEN_OPTIONS_DEFAULTS };
	CLEANUP(secret) struct secret *clear = NULL;
	CLEANUP(token) struct token *token = NULL;

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	if (read_key(options.key_file, &clear) || !clear ||
	    session_open_first(&token, &options.token) ||
	    import(token, clear, &options))
		return EXIT_FAILED;
	remind(options.key_file);
	return EXIT_OK;
}
