/* SPDX-License-Identifier: GPL-2.0 */
/*
 * AES-XTS by OpenSSL: what every answer of the module is held against.  Any
 * failure of OpenSSL itself ends the program.
 */
#ifndef PAES_TEST_REFERENCE_H
#define PAES_TEST_REFERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct reference;

/* key: K1 then K2, of `bits` each. */
struct reference *reference_new(const uint8_t *key, unsigned int bits);
void reference_free(struct reference *ref);

/* One data unit, in place. */
void reference_unit(struct reference *ref, bool encrypt, const uint8_t *iv,
		    uint8_t *data, size_t length);

/* A piece of a data unit that `first_block` blocks of it come before. */
void reference_piece(struct reference *ref, bool encrypt, const uint8_t *iv,
		     unsigned int first_block, uint8_t *data, size_t length);

/* As many units as `length` holds; their tweaks count up from iv. */
void reference_units(struct reference *ref, bool encrypt, const uint8_t *iv,
		     size_t unit, uint8_t *data, size_t length);

/* What dm-crypt's plain64 makes of a disk's first sectors of 512 bytes. */
void reference_disk(const uint8_t *key, unsigned int bits, uint8_t *data,
		    size_t length);

/* AES-ECB of one block under K1 or K2: for a blob's verification pattern. */
void reference_known(const uint8_t *key, unsigned int bits, const uint8_t *in,
		     uint8_t *out);

/* The tweak value of dm-crypt's plain64. */
void reference_iv(uint8_t *iv, uint64_t sector);

void reference_random(void *bytes, size_t length);

#endif
