# SPDX-License-Identifier: GPL-2.0
# The programs of qemu/bench: "bench-programs"; "check" sees that they work.

BENCHBIN := $(BUILD)/bench/bin
BENCHES	:= $(addprefix $(BENCHBIN)/bench-,engine workers loop) $(BENCHBIN)/slowtoken.so
WORKER	:= $(patsubst %,$(BUILD)/paesd/%.o,serve ring keys session spin pulse)
BENCH_COMMON := $(addprefix $(BUILD)/,bench/bench.o bench/sample.o paesd/process.o) $(LIB)

CHECKS	+= '$(HERE)/tests/bench $(ASAN)'

bench-programs: $(BENCHES)
test-programs: $(BENCHES)

$(BENCHBIN)/bench-loop: $(WORKER)
$(BENCHBIN)/bench-loop: BENCH_LDFLAGS := -Wl,--wrap=ioctl

$(BENCHBIN)/bench-%: $(BUILD)/bench/%.o $(BENCH_COMMON)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -pie $(LDFLAGS) $(BENCH_LDFLAGS) -o $@ $^ $(LDLIBS) -lcrypto

$(BENCHBIN)/%.so: $(HERE)/bench/%.c
	@mkdir -p $(@D)
	$(CC) $(BASE) -MT $@ $(CPPFLAGS) $(CFLAGS) -fPIC -shared -o $@ $<

.PRECIOUS: $(BUILD)/bench/%.o
.PHONY: bench-programs
