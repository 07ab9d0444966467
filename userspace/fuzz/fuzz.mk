# SPDX-License-Identifier: GPL-2.0
# Fuzz targets (fuzz.h): "check" gives each its seeds, "fuzz" has libFuzzer make
# up more.
#
#   make fuzz [FUZZ=TARGET...] [FUZZ_SECONDS=N]

FUZZ_TARGETS := blob config paes paesd ring status uri
FUZZ	?= $(FUZZ_TARGETS)
FUZZ_SECONDS ?= 60
FUZZBIN	:= $(BUILD)/fuzz/bin
FUZZ_CC	?= clang
FUZZ_BUILD := $(TOP)/build/userspace-fuzz

# Beside its sanitizers: a main() that replays, or libFuzzer's.
FUZZ_MAIN ?= $(BUILD)/fuzz/replay.o
FUZZ_ENGINE ?=

CHECKS	+= $(foreach target,$(FUZZ_TARGETS),'$(ASAN)/fuzz/bin/fuzz_$(target) $(HERE)/fuzz/seeds/$(target)')

test-programs: fuzz-programs
fuzz-programs: $(FUZZ_TARGETS:%=$(FUZZBIN)/fuzz_%)

FUZZ_CMDS := $(filter-out $(BUILD)/paes/main.o,$(PAES))
FUZZ_DAEMON := $(filter-out $(BUILD)/paesd/main.o,$(PAESD))

$(FUZZBIN)/fuzz_blob: $(BUILD)/fuzz/blob.o $(FUZZ_CMDS) $(LIB)
$(FUZZBIN)/fuzz_config: $(BUILD)/fuzz/config.o $(LIB)
$(FUZZBIN)/fuzz_status: $(BUILD)/fuzz/status.o $(FUZZ_CMDS) $(LIB)
$(FUZZBIN)/fuzz_uri: $(BUILD)/fuzz/uri.o $(BUILD)/paesd/uri.o $(LIB)
$(FUZZBIN)/fuzz_paes: $(BUILD)/fuzz/cmdline.o $(BUILD)/fuzz/paes_main.o \
	$(FUZZ_CMDS) $(LIB)
$(FUZZBIN)/fuzz_paesd: $(BUILD)/fuzz/cmdline.o $(BUILD)/fuzz/paesd_main.o \
	$(FUZZ_DAEMON) $(LIB)
$(FUZZBIN)/fuzz_ring: $(addprefix $(BUILD)/,fuzz/ring.o fuzz/faketoken.o \
	paesd/serve.o paesd/ring.o paesd/keys.o paesd/session.o paesd/spin.o paesd/pulse.o \
	lib/engine.o lib/groups.o lib/tweaks.o lib/xts.o lib/xtskey.o lib/xtschains.o lib/xtsplanes.o lib/blob.o \
	lib/revoked.o lib/jsonfile.o lib/file.o \
	lib/log.o lib/secret.o)

$(FUZZBIN)/fuzz_paes $(FUZZBIN)/fuzz_paesd: \
	FUZZ_WRAP := -Wl,--wrap=argp_parse,--wrap=argp_error
$(FUZZBIN)/fuzz_ring: FUZZ_WRAP := -Wl,--wrap=ioctl,--wrap=spin_measure_wake

# What paes is made of looks for volumes.
$(FUZZBIN)/fuzz_blob $(FUZZBIN)/fuzz_status $(FUZZBIN)/fuzz_paes: \
	LDLIBS += $(shell pkg-config --libs devmapper)

$(FUZZBIN)/fuzz_%: $(BUILD)/fuzz/file.o $(FUZZ_MAIN)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -pie $(LDFLAGS) $(FUZZ_ENGINE) $(FUZZ_WRAP) -o $@ $^ $(LDLIBS)

$(BUILD)/fuzz/%_main.o: $(HERE)/%/main.c
	@mkdir -p $(@D)
	$(CC) $(BASE) $(HARDEN) $(CPPFLAGS) $(CFLAGS) -Dmain=program_main \
		-Wno-missing-prototypes -c -o $@ $<

fuzz:
	$(MAKE) -f $(HERE)/Makefile BUILD=$(FUZZ_BUILD) CC=$(FUZZ_CC) HARDEN=-fPIE \
		CFLAGS='-O1 -g $(SANITIZE) -fsanitize=fuzzer-no-link' \
		LDFLAGS='$(SANITIZE)' FUZZ_MAIN= FUZZ_ENGINE=-fsanitize=fuzzer \
		fuzz-programs
	$(HERE)/fuzz/run $(FUZZ_BUILD)/fuzz $(FUZZ_SECONDS) $(FUZZ)

.SECONDARY: $(BUILD)/fuzz/file.o $(BUILD)/fuzz/replay.o
.PHONY: fuzz fuzz-programs
