/* SPDX-License-Identifier: GPL-2.0 */
/*
 * All keys and all providers, and that each key is open wherever it can be.
 */
#ifndef PAES_REGISTRY_H
#define PAES_REGISTRY_H

#include "key.h"
#include "provider.h"

struct seq_file;

int paes_registry_add_key(struct paes_key *key, gfp_t gfp);
void paes_registry_remove_key(struct paes_key *key);
int paes_registry_add_provider(struct paes_provider *provider);
void paes_registry_remove_provider(struct paes_provider *provider);
bool paes_registry_has_providers(void);
void paes_registry_show_keys(struct seq_file *file);
void paes_registry_show_providers(struct seq_file *file);

#endif
