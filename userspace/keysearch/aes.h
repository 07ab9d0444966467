/* SPDX-License-Identifier: GPL-2.0 */
/*
 * AES's key expansion (FIPS 197, 5.2), as far as a search for it goes: nothing
 * here is constant-time, and nothing encrypts.  A word is four bytes as they
 * stand in memory, the first of them in the lowest bits.
 */
#ifndef PAES_KEYSEARCH_AES_H
#define PAES_KEYSEARCH_AES_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

enum {
	AES_BLOCK	= 16,
	AES_ROUNDS_MAX	= 14,
	AES_SCHEDULE_MAX = AES_BLOCK * (AES_ROUNDS_MAX + 1),
};

/* By the key's words: 4 for AES-128, 8 for AES-256. */
static inline unsigned int aes_rounds(unsigned int nk)
{
	return nk + 6;
}

static inline uint32_t aes_load(const uint8_t *at)
{
	uint32_t word;

	memcpy(&word, at, sizeof(word));
	return le32toh(word);
}

static inline void aes_store(uint8_t *at, uint32_t word)
{
	word = htole32(word);
	memcpy(at, &word, sizeof(word));
}

/* Before all others: computes the S-box. */
void aes_setup(void);

/* What word i of a schedule, i >= nk, differs by from the one nk before it. */
uint32_t aes_step(uint32_t before, unsigned int i, unsigned int nk);

/* MixColumns and InvMixColumns of one column. */
uint32_t aes_mix(uint32_t column);
uint32_t aes_unmix(uint32_t column);

/* All round keys, one after the other: 16 * (aes_rounds(nk) + 1) bytes. */
void aes_expand(uint8_t *schedule, const uint8_t *key, unsigned int nk);

#endif
