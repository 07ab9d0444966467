// SPDX-License-Identifier: GPL-2.0
#include "aes.h"

static uint8_t sbox[256];

/* Times x in GF(2^8), in each byte of a word. */
static uint32_t times_x(uint32_t word)
{
	uint32_t high = word & 0x80808080u;

	return (word ^ high) << 1 ^ (high >> 7) * 0x1b;
}

static uint8_t multiply(uint8_t a, uint8_t b)
{
	uint32_t product = 0, power = a;

	for (; b; b >>= 1, power = times_x(power))
		if (b & 1)
			product ^= power;
	return (uint8_t)product;
}

static uint8_t invert(uint8_t a)
{
	uint8_t b = 0;

	while (a && multiply(a, b) != 1)
		b++;
	return b;
}

static uint8_t rotate_byte(uint8_t byte, unsigned int by)
{
	return (uint8_t)(byte << by | byte >> (8 - by));
}

void aes_setup(void)
{
	for (unsigned int i = 0; i < sizeof(sbox); i++) {
		uint8_t b = invert((uint8_t)i);

		sbox[i] = b ^ rotate_byte(b, 1) ^ rotate_byte(b, 2) ^
			  rotate_byte(b, 3) ^ rotate_byte(b, 4) ^ 0x63;
	}
}

static uint32_t rotate(uint32_t word, unsigned int by)
{
	return word >> by | word << (32 - by);
}

static uint32_t substitute(uint32_t word)
{
	return (uint32_t)sbox[word >> 24] << 24 |
	       (uint32_t)sbox[word >> 16 & 0xff] << 16 |
	       (uint32_t)sbox[word >> 8 & 0xff] << 8 | sbox[word & 0xff];
}

static uint32_t round_constant(unsigned int n)
{
	uint32_t power = 1;

	while (--n)
		power = times_x(power);
	return power;
}

uint32_t aes_step(uint32_t before, unsigned int i, unsigned int nk)
{
	if (i % nk == 0)
		return substitute(rotate(before, 8)) ^ round_constant(i / nk);
	if (nk == 8 && i % nk == 4)
		return substitute(before);
	return before;
}

/* 2a + 3b + c + d, for each byte a of the column and those behind it. */
uint32_t aes_mix(uint32_t column)
{
	uint32_t b = rotate(column, 8);

	return times_x(column ^ b) ^ b ^ rotate(column, 16) ^ rotate(column, 24);
}

/* Done four times it is nothing: three times is back. */
uint32_t aes_unmix(uint32_t column)
{
	return aes_mix(aes_mix(aes_mix(column)));
}

void aes_expand(uint8_t *schedule, const uint8_t *key, unsigned int nk)
{
	unsigned int words = 4 * (aes_rounds(nk) + 1);

	memcpy(schedule, key, 4 * nk);
	for (unsigned int i = nk; i < words; i++)
		aes_store(schedule + 4 * i,
			  aes_load(schedule + 4 * (i - nk)) ^
			  aes_step(aes_load(schedule + 4 * (i - 1)), i, nk));
}
