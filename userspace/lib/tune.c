// SPDX-License-Identifier: GPL-2.0
#include "tune.h"

#include <malloc.h>

void tune_malloc(void)
{
	mallopt(M_MMAP_THRESHOLD, 4 << 20);
	mallopt(M_TRIM_THRESHOLD, 64 << 20);
	mallopt(M_TOP_PAD, 1 << 20);
}
