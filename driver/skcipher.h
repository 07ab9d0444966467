/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PAES_SKCIPHER_H
#define PAES_SKCIPHER_H

int paes_skcipher_register(void);
void paes_skcipher_unregister(void);

#endif
