// SPDX-License-Identifier: GPL-2.0
#include "blob.h"

#include "cleanup.h"
#include "file.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static int open_input(const char *path)
{
	int fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC) :
				     fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);

	if (fd < 0)
		log_error("%s: can't open the wrapped key: %m", path);
	return fd;
}

/* For the message only: the true size of a file that is too large. */
static unsigned long whole_length(int fd, unsigned long found)
{
	struct stat st;

	if (found > PAES_BLOB_SIZE && !fstat(fd, &st) && S_ISREG(st.st_mode))
		return (unsigned long)st.st_size;
	return found;
}

int blob_read(struct paes_blob *blob, const char *path)
{
	CLEANUP(fd) int fd = open_input(path);
	unsigned char bytes[PAES_BLOB_SIZE + 1];
	char text[256];
	ssize_t n;

	memset(blob, 0, sizeof(*blob));
	if (fd < 0)
		return -errno;
	n = file_read(fd, bytes, sizeof(bytes));
	if (n < 0) {
		log_error("%s: can't read the wrapped key: %s", path,
			  strerror((int)-n));
		return (int)n;
	}
	if (n == PAES_BLOB_SIZE) {
		memcpy(blob, bytes, sizeof(*blob));
		return 0;
	}
	blob_explain(PAES_BLOB_BAD_LENGTH, NULL,
		     whole_length(fd, (unsigned long)n), text, sizeof(text));
	log_error("%s: %s", path, text);
	/* It may have been a key in the clear. */
	explicit_bzero(bytes, sizeof(bytes));
	return -EINVAL;
}

/* What is there may be replaced only if it is a file, and only by force. */
static int check_target(const char *path, bool force)
{
	struct stat st;

	if (lstat(path, &st)) {
		if (errno == ENOENT)
			return 0;
		log_error("%s: %m", path);
		return -errno;
	}
	if (force && (S_ISREG(st.st_mode) || S_ISLNK(st.st_mode)))
		return 0;
	if (force)
		log_error("%s: is neither a file nor a symbolic link, not replaced",
			  path);
	else if (S_ISLNK(st.st_mode))
		log_error("%s: is a symbolic link, not followed and not replaced: name another path, or use --force to replace the link",
			  path);
	else
		log_error("%s: exists already, and a volume may need it: name another path, or use --force to replace it",
			  path);
	return -EEXIST;
}

static int cant_write(const char *path, int error)
{
	log_error("%s: can't write the wrapped key: %s%s", path, strerror(-error),
		  error == -EPERM ? "; lsattr(1) shows whether the file, or its directory, may be changed at all" : "");
	return error;
}

/* Umask and default ACLs are overruled; a file system without modes isn't. */
static int check_private(int fd, const char *path, bool force)
{
	struct stat st;

	if (fchmod(fd, 0600) && errno != EPERM && errno != EOPNOTSUPP)
		return cant_write(path, -errno);
	if (fstat(fd, &st))
		return cant_write(path, -errno);
	if (!(st.st_mode & 077))
		return 0;
	if (!force)
		log_error("%s: the new file has mode %04o, others may read it, and the file system won't change that: choose another file system, or use --force",
			  path, st.st_mode & 07777);
	else
		log_warning("%s: the file has mode %04o, others may read it", path,
			    st.st_mode & 07777);
	return force ? 0 : -EPERM;
}

static int rename_unless_there(const char *from, const char *to)
{
	struct stat st;

	if (!lstat(to, &st))
		return -EEXIST;
	return rename(from, to) ? -errno : 0;
}

/* For file systems without RENAME_NOREPLACE; FAT hasn't even links. */
static int link_into_place(const char *from, const char *to)
{
	if (!link(from, to)) {
		if (unlink(from))
			log_warning("%s: is a second name of %s and can't be removed: %m",
				    from, to);
		return 0;
	}
	if (errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS)
		return rename_unless_there(from, to);
	return -errno;
}

/* Root's new file in place of somebody's, who couldn't read it any more. */
static void keep_owner(int fd, const char *path)
{
	struct stat old;

	if (geteuid() || lstat(path, &old) || !S_ISREG(old.st_mode))
		return;
	if (fchown(fd, old.st_uid, old.st_gid))
		log_warning("%s: belonged to user %u and group %u, and the new one can't (%m): chown(1) it if they are to read it",
			    path, old.st_uid, old.st_gid);
}

/* Without `force` nothing is replaced, not even what came just now. */
static int move_into_place(const char *from, const char *to, bool force)
{
	if (!renameat2(AT_FDCWD, from, AT_FDCWD, to, force ? 0 : RENAME_NOREPLACE))
		return 0;
	if (!force && (errno == EINVAL || errno == ENOSYS))
		return link_into_place(from, to);
	return -errno;
}

static int write_and_move(const struct paes_blob *blob, int fd,
			  const char *temporary, const char *path, bool force)
{
	int error = file_write_out(fd, blob, sizeof(*blob));

	if (!error)
		error = move_into_place(temporary, path, force);
	return error ? cant_write(path, error) : 0;
}

/* No failure: who takes it for one would destroy a key whose file is there. */
static void sync_directory(const char *path)
{
	int error = file_sync_directory(path);

	if (error)
		log_warning("%s: is written, but its directory can't be synced (%s): a power failure may still undo it; sync(1), and see that it is there",
			    path, strerror(-error));
}

static int write_file(const struct paes_blob *blob, int fd, const char *temporary,
		      const char *path, bool force)
{
	int error = check_private(fd, path, force);

	if (!error && force)
		keep_owner(fd, path);
	if (!error)
		error = write_and_move(blob, fd, temporary, path, force);
	if (error)
		unlink(temporary);
	else
		sync_directory(path);
	return error;
}

int blob_write(const struct paes_blob *blob, const char *path, bool force)
{
	CLEANUP(free) char *temporary = NULL;
	CLEANUP(fd) int fd = -1;
	int error = check_target(path, force);

	if (error)
		return error;
	if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
		return cant_write(path, -ENOMEM);
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0) {
		log_error("%s: can't make a file in this directory: %m", path);
		return -errno;
	}
	return write_file(blob, fd, temporary, path, force);
}

static void explain_length(unsigned long length, char *text, unsigned long size)
{
	const char *hint = "";

	if (length == 32 || length == 64)
		hint = "; this is the size of a bare AES-XTS key: \"paes import\" wraps one";
	else if (!length)
		hint = "; the file is empty";
	snprintf(text, size, "length: found %lu bytes, expected %d%s", length,
		 PAES_BLOB_SIZE, hint);
}

/* Printable bytes as they are: it may be another kind of file. */
static void explain_magic(const struct paes_blob *blob, char *text,
			  unsigned long size)
{
	char found[sizeof(blob->magic) + 1] = "";

	for (unsigned int i = 0; i < sizeof(blob->magic); i++)
		found[i] = blob->magic[i] >= ' ' && blob->magic[i] < 0x7f ?
			   (char)blob->magic[i] : '.';
	snprintf(text, size,
		 "magic: found \"%s\", expected \"%s\"; this is no wrapped key: random bytes, such as cryptsetup makes up when it is not given --volume-key-file, look like this",
		 found, PAES_BLOB_MAGIC);
}

static void explain_wrap(const struct paes_blob *blob, char *text,
			 unsigned long size)
{
	unsigned int i = 0;

	while (i < PAES_BLOB_RECIPIENTS - 1 &&
	       blob->recipient[i].wrap <= PAES_WRAP_RESIDENT)
		i++;
	snprintf(text, size, "recipient[%u].wrap: found %u, expected %u (AES key wrap, RFC 3394) or %u (resident); a newer paes may know it",
		 i, blob->recipient[i].wrap, PAES_WRAP_AES_KW,
		 PAES_WRAP_RESIDENT);
}

void blob_explain(enum paes_blob_fault fault, const struct paes_blob *blob,
		  unsigned long length, char *text, unsigned long size)
{
	switch (fault) {
	case PAES_BLOB_OK:
		snprintf(text, size, "%s", "");
		return;
	case PAES_BLOB_BAD_LENGTH:
		explain_length(length, text, size);
		return;
	case PAES_BLOB_BAD_MAGIC:
		explain_magic(blob, text, size);
		return;
	case PAES_BLOB_BAD_VERSION:
		snprintf(text, size, "version: found %u, expected %d; a newer paes may know it",
			 paes_blob_le16(&blob->version), PAES_BLOB_VERSION);
		return;
	case PAES_BLOB_BAD_SIZE:
		snprintf(text, size, "size: found %u, expected %d",
			 paes_blob_le16(&blob->size), PAES_BLOB_SIZE);
		return;
	case PAES_BLOB_BAD_CIPHER:
		snprintf(text, size, "cipher: found %u, expected %d (AES-XTS)",
			 blob->cipher, PAES_CIPHER_AES_XTS);
		return;
	case PAES_BLOB_BAD_KEY_BITS:
		snprintf(text, size, "key_bits: found %u, expected 128 or 256",
			 paes_blob_le16(&blob->key_bits));
		return;
	case PAES_BLOB_BAD_FLAGS:
		snprintf(text, size, "flags: found 0x%08x, expected none but 0x%08x",
			 paes_blob_le32(&blob->flags), PAES_BLOB_F_KNOWN);
		return;
	case PAES_BLOB_BAD_RESERVED:
		snprintf(text, size, "reserved: found bytes that are set, expected zeroes");
		return;
	case PAES_BLOB_BAD_KEY_ID:
		snprintf(text, size, "key_id: found zeroes, expected a random id");
		return;
	case PAES_BLOB_NO_RECIPIENT:
		snprintf(text, size, "recipient[0]: found it unused, expected a wrapped key");
		return;
	case PAES_BLOB_BAD_WRAP:
		explain_wrap(blob, text, size);
		return;
	case PAES_BLOB_BAD_KEK_ID:
		snprintf(text, size, "kek_id: found zeroes or the same id twice, expected a different id for each recipient");
		return;
	case PAES_BLOB_BAD_PADDING:
		snprintf(text, size, "padding: found bytes that are set behind a wrapped key or in an unused recipient, expected zeroes");
		return;
	case PAES_BLOB_SAME_KEYS:
		snprintf(text, size, "verify: found K1 and K2 to be the same, expected two different keys");
		return;
	case PAES_BLOB_BAD_OBJECT_ID:
		snprintf(text, size, "k1 and k2 of a resident key: found zeroes or the same CKA_ID twice, expected two different ones");
		return;
	}
	snprintf(text, size, "unknown fault %d", (int)fault);
}

int blob_check_form(const struct paes_blob *blob, const char *what)
{
	enum paes_blob_fault fault = paes_blob_check(blob, sizeof(*blob));
	char text[256];

	if (!fault)
		return 0;
	blob_explain(fault, blob, sizeof(*blob), text, sizeof(text));
	log_error("%s: %s", what, text);
	return -EINVAL;
}

void blob_format_id(const unsigned char id[PAES_ID_SIZE],
		    char text[2 * PAES_ID_SIZE + 1])
{
	for (unsigned int i = 0; i < PAES_ID_SIZE; i++)
		snprintf(text + 2 * i, 3, "%02x", id[i]);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c - 'A' + 10;
}

bool blob_parse_hex(const char *text, void *bytes, size_t size)
{
	unsigned char *to = bytes;

	if (strspn(text, "0123456789abcdefABCDEF") != 2 * size)
		return false;
	for (size_t i = 0; i < size; i++)
		to[i] = (unsigned char)(hex_digit(text[2 * i]) << 4 |
					hex_digit(text[2 * i + 1]));
	return true;
}

bool blob_parse_id(const char *text, unsigned char id[PAES_ID_SIZE])
{
	return strlen(text) == 2 * PAES_ID_SIZE &&
	       blob_parse_hex(text, id, PAES_ID_SIZE);
}
