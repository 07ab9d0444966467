# SPDX-License-Identifier: GPL-2.0
# `make help` lists what there is.

TOP	:= $(abspath $(dir $(lastword $(MAKEFILE_LIST))))
BUILD	:= $(TOP)/build
KDIR	?= /lib/modules/$(shell uname -r)/build
VERSION	:= $(shell cat VERSION)

DESTDIR	?=
prefix	?= /usr
bindir	?= $(prefix)/bin
sbindir	?= $(prefix)/sbin
sysconfdir ?= /etc
mandir	?= $(prefix)/share/man
unitdir	?= $(prefix)/lib/systemd/system
udevdir	?= $(prefix)/lib/udev/rules.d
usersdir ?= $(prefix)/lib/sysusers.d
loaddir	?= $(prefix)/lib/modules-load.d
cryptdir ?= $(unitdir)/systemd-cryptsetup@.service.d
testdir	?= $(prefix)/lib/paes/selftests
INSTALL	?= install

all: userspace module		## the tools, and the module for this kernel

help:				## this list
	@awk -F':.*##[ \t]*' '/^[a-z-]+:.*##/ { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

# --- building

userspace:			## paes and paesd
	@$(MAKE) -s -C userspace

module:				## paes.ko for the running kernel (or KDIR=...)
	@test -d $(KDIR) || { echo "no kernel headers in $(KDIR): apt install linux-headers-$$(uname -r), or name them with KDIR=..." >&2; exit 1; }
	$(MAKE) -C $(KDIR) M=$(TOP) modules

selftests:			## the kselftest programs
	@$(MAKE) -s -C selftests

clean:				## all that was built here
	@rm -rf $(BUILD)
	@find $(TOP) -maxdepth 2 \( -name '*.o' -o -name '*.ko' -o -name '*.mod' -o \
		-name '*.mod.c' -o -name '.*.cmd' -o -name modules.order -o \
		-name Module.symvers \) -delete

# --- installing

install: install-user install-module	## module, tools, unit, user, udev rule (as root)
	test -n "$(DESTDIR)" || systemd-sysusers $(usersdir)/paes.conf
	test -n "$(DESTDIR)" || ! test -d /run/systemd/system || { \
		systemctl daemon-reload && udevadm control --reload && \
		udevadm trigger --sysname-match=paes; }

# Debian's headers have no System.map, without which modules_install doesn't
# call depmod: so it is called here, unless this fills a package's directory.
# Nor have they the key that Debian signs its modules with; and what they call
# the kernel's release, in include/config and by make kernelrelease, is with 6.1
# not what uname -r says.
install-module:
	$(MAKE) -C $(KDIR) M=$(TOP) INSTALL_MOD_PATH=$(DESTDIR) \
		CONFIG_MODULE_SIG_ALL= modules_install
	test -n "$(DESTDIR)" || depmod $$(sed -n 's/^#define UTS_RELEASE "\(.*\)"/\1/p' \
		$(KDIR)/include/generated/utsrelease.h)

install-user: userspace
	$(INSTALL) -D -m 755 $(BUILD)/userspace/bin/paes $(DESTDIR)$(bindir)/paes
	$(INSTALL) -D -m 755 $(BUILD)/userspace/bin/paesd $(DESTDIR)$(sbindir)/paesd
	$(INSTALL) -D -m 644 userspace/paes/paes.1 $(DESTDIR)$(mandir)/man1/paes.1
	$(INSTALL) -D -m 644 userspace/paesd/paesd.8 $(DESTDIR)$(mandir)/man8/paesd.8
	$(INSTALL) -D -m 644 userspace/paesd/paesd.service $(DESTDIR)$(unitdir)/paesd.service
	$(INSTALL) -D -m 644 userspace/paesd/60-paes.rules $(DESTDIR)$(udevdir)/60-paes.rules
	$(INSTALL) -D -m 644 userspace/paesd/paes-sysusers.conf $(DESTDIR)$(usersdir)/paes.conf
	$(INSTALL) -D -m 644 userspace/paesd/paes-modules.conf $(DESTDIR)$(loaddir)/paes.conf
	$(INSTALL) -D -m 644 userspace/paesd/paes-cryptsetup.conf $(DESTDIR)$(cryptdir)/paes.conf
	$(INSTALL) -d -m 755 $(DESTDIR)$(sysconfdir)/paes
	test -e $(DESTDIR)$(sysconfdir)/paes/paes.json || \
		$(INSTALL) -m 644 userspace/paesd/paes.json $(DESTDIR)$(sysconfdir)/paes/paes.json

# What a guest of qemu/vm gets: qemu/stage adds module, token, configuration.
stage: userspace selftests
	@test -n "$(DESTDIR)" || { echo "stage needs DESTDIR=..." >&2; exit 2; }
	@$(MAKE) -s install-user DESTDIR=$(DESTDIR)
	@$(MAKE) -s -C selftests install INSTALL_PATH=$(DESTDIR)$(testdir)

# The user stays: the token's files are its own.
uninstall: uninstall-module	## what install put there (as root)
	rm -f $(DESTDIR)$(bindir)/paes $(DESTDIR)$(sbindir)/paesd \
		$(DESTDIR)$(mandir)/man1/paes.1 $(DESTDIR)$(mandir)/man8/paesd.8 \
		$(DESTDIR)$(unitdir)/paesd.service $(DESTDIR)$(udevdir)/60-paes.rules \
		$(DESTDIR)$(usersdir)/paes.conf $(DESTDIR)$(loaddir)/paes.conf \
		$(DESTDIR)$(cryptdir)/paes.conf

# Of all kernels; some of them want it compressed.
uninstall-module:
	for ko in $(wildcard $(DESTDIR)/lib/modules/*/updates/paes.ko* \
			     $(DESTDIR)/lib/modules/*/extra/paes.ko*); do \
		rm $$ko && { test -n "$(DESTDIR)" || depmod $$(echo $$ko | cut -d/ -f4); } \
			|| exit; \
	done

# --- trying and testing

deps:				## install the Debian packages that all this needs
	@.ci/packages

demo: deps			## watch a LUKS2 and a plain volume work, in a guest
	@qemu/demo

check: deps			## all tests; about an hour without KVM
	@.ci/check

appliance: deps			## storage, a box with the HSM, a client; NVMe, MooseFS: guests and tests
	@qemu/appliance
	@qemu/ontop

check-debug: deps		## what runs on a kernel with KASAN, lockdep...; a million fuzzed operations
	@.ci/check debug

bench: deps			## ratios to the token, aes-xts and nbdkit; BENCH=engine|guest|slow|cost|scale
	@qemu/bench $(BENCH)

fuzz: deps			## libFuzzer on userspace's parsers; FUZZ=ring..., FUZZ_SECONDS=60 for each
	@$(MAKE) -s -C userspace fuzz

style: deps			## checkpatch, sparse, shellcheck, headers in C and C++
	@.ci/style

.PHONY: all help userspace module selftests clean install install-module \
	install-user stage uninstall uninstall-module deps demo check appliance check-debug bench fuzz style
