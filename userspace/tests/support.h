/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the test programs have in common: cmocka, a directory of their own
 * that is gone afterwards, a SoftHSM token in it, and what was logged.
 */
#ifndef PAES_TESTS_SUPPORT_H
#define PAES_TESTS_SUPPORT_H

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "token.h"

#define TEST_PIN	"1234"
#define TEST_SO_PIN	"5678"
#define TEST_LABEL	"paes test"

/* Group set-up: makes and enters the directory; the tear-down removes it. */
int support_enter(void **state);
int support_leave(void **state);

/* The same with a token TEST_LABEL; without SoftHSM the tests are skipped. */
int support_enter_token(void **state);

/* Ends the test as skipped, with the reason, where there is no SoftHSM. */
void support_need_softhsm(void);
const char *support_softhsm(void);	/* path of the module */

/* Another token in the same directory. */
void support_add_token(const char *label);

/* The path of a file beside this program, such as a module for its tests. */
bool support_beside(const char *name, char path[PATH_MAX]);

/* "pkcs11:token=...?module-path=..."; valid until the next call. */
const char *support_uri(const char *label, const char *module);

struct secret *support_pin(const char *pin);

/* TEST_LABEL, opened with TEST_PIN. */
struct token *support_open(void);

/* A KEK in it, made once; the id is written to `kek`. */
void support_kek(struct token *token, unsigned char kek[PAES_ID_SIZE]);

/* What goes to standard error in between, as text. */
void support_capture(void);
const char *support_captured(void);

/* Fails when `text` doesn't hold `part`, and shows both. */
void support_assert_holds(const char *text, const char *part);
void support_assert_lacks(const char *text, const char *part);

void support_write(const char *path, const void *bytes, size_t size, unsigned int mode);
size_t support_unhex(uint8_t *bytes, const char *hex);
void support_random(void *bytes, size_t size);	/* repeatable: seeded */

#endif
