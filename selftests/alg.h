/* SPDX-License-Identifier: GPL-2.0 */
/*
 * xts(paes) by AF_ALG: the shortest way into the module, and the only one for
 * lengths that dm-crypt never asks for.
 */
#ifndef PAES_TEST_ALG_H
#define PAES_TEST_ALG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The transform's socket, or a negative errno. */
int alg_open(void);

/* 0 or a negative errno. */
int alg_setkey(int tfm, const void *key, size_t length);

/* A socket for requests, or a negative errno. */
int alg_accept(int tfm);

/* Announces a request and sends its data, or its first part (`more`). */
int alg_send(int op, bool encrypt, const uint8_t *iv, const void *data,
	     size_t length, bool more);

/* One request: 0 or a negative errno. */
int alg_crypt(int op, bool encrypt, const uint8_t *iv, const void *in,
	      void *out, size_t length);

/* All of the above for one request. */
int alg_once(const void *key, size_t key_length, bool encrypt,
	     const uint8_t *iv, void *data, size_t length);

#endif
