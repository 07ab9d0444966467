# SPDX-License-Identifier: GPL-2.0
# Tests of paesd: units, built as tests.mk has it, then the program as a whole
# against SoftHSM and a device that is played by paesd_fakedev.so.

PAESD_BIN := $(BUILD)/tests/bin
PAESD_UNITS := paesd_ring paesd_keys paesd_spin paesd_serve paesd_handover
REVOKED_OBJECTS := lib/revoked.o lib/jsonfile.o lib/file.o lib/blob.o
PAESD_HELPERS := $(PAESD_BIN)/paesd_helper $(PAESD_BIN)/paesd_fakedev.so \
		 $(PAESD_BIN)/paesd_countlogin.so $(PAESD_BIN)/paesd_softhsm

CHECKS	+= $(PAESD_UNITS:%=$(ASAN)/tests/bin/%) \
	   '$(HERE)/tests/paesd_cli.sh $(ASAN)'

test-programs: $(PAESD_UNITS:%=$(PAESD_BIN)/%) $(BUILD)/bin/paesd $(PAESD_HELPERS)

$(PAESD_BIN)/paesd_ring: $(addprefix $(BUILD)/,tests/paesd_ring.o paesd/ring.o \
	lib/log.o)
$(PAESD_BIN)/paesd_keys: $(addprefix $(BUILD)/,tests/paesd_keys.o paesd/keys.o paesd/session.o \
	$(REVOKED_OBJECTS) lib/log.o lib/secret.o)
$(PAESD_BIN)/paesd_spin: WRAPS := -Wl,--wrap=clock_gettime,--wrap=ring_pending
$(PAESD_BIN)/paesd_spin: $(addprefix $(BUILD)/,tests/paesd_spin.o paesd/spin.o)
$(PAESD_BIN)/paesd_handover: $(addprefix $(BUILD)/,tests/paesd_handover.o \
	paesd/handover.o paesd/channel.o lib/log.o lib/secret.o)
$(PAESD_BIN)/paesd_serve: $(addprefix $(BUILD)/,tests/paesd_serve.o paesd/serve.o \
	paesd/ring.o paesd/keys.o paesd/session.o paesd/spin.o paesd/pulse.o $(REVOKED_OBJECTS) \
	lib/log.o lib/secret.o)

$(PAESD_UNITS:%=$(PAESD_BIN)/%):
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -pie $(LDFLAGS) -Wl,--wrap=ioctl $(WRAPS) -o $@ $^ $(LDLIBS) -lcmocka

$(PAESD_BIN)/paesd_softhsm: $(addprefix $(BUILD)/,tests/paesd_softhsm.o \
	paesd/serve.o paesd/ring.o paesd/keys.o paesd/session.o paesd/spin.o paesd/pulse.o) $(LIB)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -pie $(LDFLAGS) -Wl,--wrap=ioctl -o $@ $^ $(LDLIBS) \
		-lcmocka -lcrypto

$(PAESD_BIN)/paesd_helper: $(BUILD)/tests/paesd_helper.o $(LIB)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -pie $(LDFLAGS) -o $@ $^ $(LDLIBS)

# Comes before ASan's own part, which must be the first that it is built into.
$(PAESD_BIN)/paesd_fakedev.so: CFLAGS := -O1 -g

$(PAESD_BIN)/paesd_%.so: $(HERE)/tests/paesd_%.c
	@mkdir -p $(@D)
	$(CC) $(BASE) -MT $@ $(CPPFLAGS) $(CFLAGS) -fPIC -shared -o $@ $<
