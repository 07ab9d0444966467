/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The arithmetic of XTS outside the block cipher: tweaks are elements of
 * GF(2^128), little-endian, modulo x^128 + x^7 + x^2 + x + 1 (IEEE 1619).
 */
#ifndef PAES_XTS_H
#define PAES_XTS_H

#include <stddef.h>
#include <stdint.h>

enum { XTS_BLOCK = 16 };

/* iv + n as a 128-bit little-endian number. */
void xts_iv_add(uint8_t sum[XTS_BLOCK], const uint8_t iv[XTS_BLOCK], uint64_t n);

/* tweak * alpha^n */
void xts_advance(uint8_t tweak[XTS_BLOCK], uint32_t n);

/* out[i] = in[i] ^ tweak * alpha^i over `count` blocks; `out` may be `in`. */
void xts_mask(uint8_t *out, const uint8_t *in, const uint8_t tweak[XTS_BLOCK],
	      size_t count);

/* Of one block, in ^ tweak * alpha^n; slow. */
void xts_mask_one(uint8_t *out, const uint8_t *in,
		  const uint8_t tweak[XTS_BLOCK], uint32_t n);

#endif
