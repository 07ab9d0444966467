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

# The tool's tests once more, uninstrumented, under valgrind: takes minutes.
memcheck-programs: $(BUILD)/bin/paes $(TESTBIN)/mock_token.so

memcheck: memcheck-programs
	MEMCHECK=$(BUILD)/bin/paes MEMCHECK_SUPPRESSIONS=$(HERE)/tests/memcheck.supp \
		$(HERE)/tests/run '$(HERE)/tests/cli $(HERE)/tests/memcheck'

test-programs: $(TESTS:%=$(TESTBIN)/%) $(MOCKS:%=$(TESTBIN)/%.so) $(BUILD)/bin/paes

# Beside the module, what p11-kit's server offers of it.
$(TESTBIN)/test_remote: CPPFLAGS += -DP11_MODULES='"$(shell pkg-config --variable=p11_module_path p11-kit-1)"'

# Files of the tool that are tested by themselves.
$(TESTBIN)/test_volumes: $(addprefix $(BUILD)/paes/,volumes.o output.o table.o)
$(TESTBIN)/test_volumes: LDLIBS += $(shell pkg-config --libs devmapper)
$(TESTBIN)/test_volumes: TEST_WRAP := -Wl,--wrap=free
$(TESTBIN)/test_latency: $(BUILD)/paes/latency.o

# File systems that misbehave.
$(TESTBIN)/test_blob: TEST_WRAP := -Wl,--wrap=fchown,--wrap=fsync,--wrap=link,--wrap=renameat2

# A token that misbehaves, and requests for it.
$(addprefix $(TESTBIN)/,test_mock test_decrypt test_chunk test_probe): $(BUILD)/tests/mock.o
$(addprefix $(TESTBIN)/,test_mock test_decrypt test_chunk): $(BUILD)/tests/batch.o

# Tokens of another make.
$(TESTBIN)/test_nss $(TESTBIN)/test_makes: $(BUILD)/tests/nsstoken.o

$(TESTBIN)/test_%: $(BUILD)/tests/test_%.o $(BUILD)/tests/support.o $(LIB)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -pie $(LDFLAGS) $(TEST_WRAP) -o $@ $^ $(LDLIBS) -lcmocka -lcrypto

$(TESTBIN)/mock_%.so: $(HERE)/tests/mock_%.c
	@mkdir -p $(@D)
	$(CC) $(BASE) -MT $@ $(CPPFLAGS) $(CFLAGS) -fPIC -shared -o $@ $<

.PRECIOUS: $(BUILD)/tests/%.o
.PHONY: test-programs memcheck-programs memcheck
