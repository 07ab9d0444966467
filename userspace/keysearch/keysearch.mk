# SPDX-License-Identifier: GPL-2.0
# keysearch, which qemu/memory looks through a guest's memory with: built with
# the others, not installed.

KEYSEARCH := $(patsubst $(HERE)/%.c,$(BUILD)/%.o,$(wildcard $(HERE)/keysearch/*.c))

CHECKS	+= '$(HERE)/tests/keysearch $(ASAN)/bin/keysearch'

all: $(BUILD)/bin/keysearch
test-programs: $(BUILD)/bin/keysearch

$(BUILD)/bin/keysearch: $(KEYSEARCH) $(BUILD)/lib/log.o

$(TESTBIN)/test_keysearch: $(filter-out %/main.o,$(KEYSEARCH))
