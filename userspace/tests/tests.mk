# SPDX-License-Identifier: GPL-2.0
# Unit tests: built beside the programs, under ASan and UBSan, and run.

SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=undefined \
	    -fno-omit-frame-pointer
TESTS	:= $(patsubst $(HERE)/tests/%.c,%,$(wildcard $(HERE)/tests/test_*.c))
MOCKS	:= $(patsubst $(HERE)/tests/%.c,%,$(wildcard $(HERE)/tests/mock_*.c))
TESTBIN	:= $(BUILD)/tests/bin

# What "make check" runs and sums up; other parts may add theirs.
CHECKS	+= $(TESTS:%=$(ASAN)/tests/bin/%) '$(HERE)/tests/cli $(ASAN)/bin/paes'

check:
	$(MAKE) -f $(HERE)/Makefile BUILD=$(ASAN) CFLAGS='-O1 -g $(SANITIZE)' \
		LDFLAGS='$(SANITIZE)' HARDEN=-fPIE test-programs
	$(HERE)/tests/run $(CHECKS)

test-programs: $(TESTS:%=$(TESTBIN)/%) $(MOCKS:%=$(TESTBIN)/%.so) $(BUILD)/bin/paes

$(TESTBIN)/test_%: $(BUILD)/tests/test_%.o $(BUILD)/tests/support.o $(LIB)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -pie $(LDFLAGS) -o $@ $^ $(LDLIBS) -lcmocka -lcrypto

$(TESTBIN)/mock_%.so: $(HERE)/tests/mock_%.c
	@mkdir -p $(@D)
	$(CC) $(BASE) -MT $@ $(CPPFLAGS) -O1 -g -fPIC -shared -o $@ $<

.PRECIOUS: $(BUILD)/tests/%.o
.PHONY: test-programs
