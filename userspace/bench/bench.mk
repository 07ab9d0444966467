# SPDX-License-Identifier: GPL-2.0
# The programs of qemu/bench; read after userspace/Makefile:
#
#   make -f userspace/Makefile -f userspace/bench/bench.mk bench-programs

BENCH	:= $(BUILD)/bench/bin
BENCHES	:= $(addprefix $(BENCH)/bench-,engine workers loop) $(BENCH)/slowtoken.so
WORKER	:= $(patsubst %,$(BUILD)/paesd/%.o,serve ring keys spin pulse)
BENCH_COMMON := $(addprefix $(BUILD)/,bench/bench.o bench/sample.o paesd/process.o) $(LIB)

bench-programs: $(BENCHES)

$(BENCH)/bench-loop: $(WORKER)
$(BENCH)/bench-loop: BENCH_LDFLAGS := -Wl,--wrap=ioctl

$(BENCH)/bench-%: $(BUILD)/bench/%.o $(BENCH_COMMON)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -pie $(LDFLAGS) $(BENCH_LDFLAGS) -o $@ $^ $(LDLIBS) -lcrypto

$(BENCH)/%.so: $(HERE)/bench/%.c
	@mkdir -p $(@D)
	$(CC) $(BASE) -MT $@ $(CPPFLAGS) $(CFLAGS) -fPIC -shared -o $@ $<

.PRECIOUS: $(BUILD)/bench/%.o
.PHONY: bench-programs
