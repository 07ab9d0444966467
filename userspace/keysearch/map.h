/* SPDX-License-Identifier: GPL-2.0 */
/* A whole file to read, in memory.  What goes wrong is logged. */
#ifndef PAES_KEYSEARCH_MAP_H
#define PAES_KEYSEARCH_MAP_H

#include <stddef.h>
#include <stdint.h>

struct map {
	const char *path;
	const uint8_t *bytes;
	size_t size;
};

/* An empty file is refused: to find nothing in it would say nothing. */
int map_file(struct map *map, const char *path);
void map_free(struct map *map);

#endif
