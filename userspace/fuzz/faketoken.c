// SPDX-License-Identifier: GPL-2.0
/*
 * A token whose AES is an exclusive or with one byte, which is the key, its
 * handle and its wrapped form.  It has every KEK, and takes every MAC.
 */
#include "faketoken.h"

#include <errno.h>
#include <string.h>

static token_key last_made;
static unsigned int failures;

void faketoken_reset(void)
{
	last_made = TOKEN_NO_KEY;
	failures = 0;
}

void faketoken_fail(unsigned int calls)
{
	failures = calls;
}

static int apply(token_key key, const void *in, void *out, size_t size)
{
	const unsigned char *from = in;
	unsigned char *to = out;

	if (failures) {
		failures--;
		return -EIO;
	}
	for (size_t i = 0; i < size; i++)
		to[i] = from[i] ^ (unsigned char)key;
	return 0;
}

int token_encrypt(struct token *token, token_key key, const void *in, void *out,
		  size_t size)
{
	(void)token;
	return apply(key, in, out, size);
}

int token_encrypt_stream(struct token *token, token_key key, const void *in,
			 void *out, size_t size)
{
	return token_encrypt(token, key, in, out, size);
}

/* Of whole KiB by few bytes a call, all else by many. */
struct token_turn token_begin_turn(struct token *token, token_key key,
				   bool encrypt, size_t size)
{
	(void)token;
	(void)key;
	return (struct token_turn){
		.encrypt = encrypt, .size = size,
		.chunk = !(size % 1024) ? 4096 :
			 encrypt ? TOKEN_CHUNK : TOKEN_CHUNK_MAX,
	};
}

void token_end_turn(struct token *token, const struct token_turn *turn)
{
	(void)token;
	(void)turn;
}

int token_decrypt_quick(struct token *token, token_key key, const void *in,
			void *out, size_t size)
{
	return token_encrypt(token, key, in, out, size);
}

bool token_is_prepared(struct token *token)
{
	(void)token;
	return true;
}

void token_prepare(struct token *token)
{
	(void)token;
}

const char *token_label(const struct token *token)
{
	(void)token;
	return "fake";
}

int token_random(struct token *token, void *bytes, size_t size)
{
	(void)token;
	memset(bytes, 'r', size);
	return 0;
}

int token_list_keks(struct token *token, unsigned char ids[][PAES_ID_SIZE],
		    unsigned int max)
{
	(void)token;
	(void)ids;
	(void)max;
	return failures ? -EIO : 1;
}

int token_has_kek(struct token *token, const unsigned char id[PAES_ID_SIZE])
{
	(void)token;
	return id[0] != 0;
}

int token_generate_key(struct token *token, unsigned int size, token_key *key)
{
	(void)token;
	(void)size;
	*key = ++last_made;
	return 0;
}

int token_import_key(struct token *token, const unsigned char *clear,
		     unsigned int size, token_key *key)
{
	(void)clear;
	return token_generate_key(token, size, key);
}

int token_destroy_key(struct token *token, token_key key)
{
	(void)token;
	(void)key;
	return 0;
}

int token_make_resident(struct token *token, const unsigned char id[PAES_ID_SIZE],
			const unsigned char *clear, unsigned int size,
			token_key *key)
{
	(void)id;
	(void)clear;
	return token_generate_key(token, size, key);
}

int token_open_resident(struct token *token, const unsigned char id[PAES_ID_SIZE],
			unsigned int size, token_key *key)
{
	(void)token;
	(void)size;
	*key = id[0];
	return id[0] ? 0 : -ENOENT;
}

int token_find_resident(struct token *token, const unsigned char id[PAES_ID_SIZE],
			token_key *key)
{
	return token_open_resident(token, id, 0, key);
}

int token_destroy_resident(struct token *token, token_key key)
{
	return token_destroy_key(token, key);
}

void token_forget_key(struct token *token, token_key key)
{
	(void)token;
	(void)key;
}

int token_wrap_key(struct token *token, const unsigned char kek[PAES_ID_SIZE],
		   token_key key, unsigned char *wrapped, unsigned int size)
{
	(void)token;
	(void)kek;
	memset(wrapped, 0, size + 8);
	wrapped[0] = (unsigned char)key;
	return 0;
}

int token_unwrap_key(struct token *token, const unsigned char kek[PAES_ID_SIZE],
		     const unsigned char *wrapped, unsigned int size,
		     token_key *key)
{
	(void)token;
	(void)kek;
	(void)size;
	*key = wrapped[0];
	return wrapped[0] ? 0 : -EKEYREJECTED;
}

int token_unwrap_movable(struct token *token, const unsigned char kek[PAES_ID_SIZE],
			 const unsigned char *wrapped, unsigned int size,
			 token_key *key)
{
	return token_unwrap_key(token, kek, wrapped, size, key);
}

int token_move_key(struct token *from, token_key key, struct token *to,
		   token_key *moved)
{
	(void)from;
	(void)to;
	*moved = key;
	return 0;
}

int token_mac(struct token *token, const unsigned char kek[PAES_ID_SIZE],
	      const void *data, size_t size, unsigned char mac[PAES_MAC_SIZE])
{
	(void)token;
	(void)kek;
	(void)data;
	(void)size;
	memset(mac, 'm', PAES_MAC_SIZE);
	return 0;
}

int token_check_mac(struct token *token, const unsigned char kek[PAES_ID_SIZE],
		    const void *data, size_t size,
		    const unsigned char mac[PAES_MAC_SIZE])
{
	(void)token;
	(void)kek;
	(void)data;
	(void)size;
	(void)mac;
	return 0;
}
