# SPDX-License-Identifier: GPL-2.0
# What a kernel tree would provide: lib.mk and the runner, out of the newest
# linux-source package, and an installation that run_kselftest.sh can run.

LINUX_SOURCE = $(shell ls /usr/src/linux-source-*.tar.xz 2>/dev/null | sort -V | tail -n 1)
FRAMEWORK := lib.mk kselftest.h kselftest_harness.h kselftest run_kselftest.sh kselftest_install.sh

# make builds this one, as it is included, and then starts again.
$(KSELFTEST)/lib.mk:
	@test -n "$(LINUX_SOURCE)" || { \
		echo 'no kernel source in /usr/src: apt install linux-source-6.1' >&2; \
		exit 1; }
	@mkdir -p $(KSELFTEST).new
	tar -xJf $(LINUX_SOURCE) -C $(KSELFTEST).new --strip-components=4 \
		$(FRAMEWORK:%=$(basename $(basename $(notdir $(LINUX_SOURCE))))/tools/testing/selftests/%)
	@touch $(KSELFTEST).new/lib.mk
	@ln -sfn $(CURDIR) $(KSELFTEST).new/paes
	@rm -rf $(KSELFTEST)
	@mv $(KSELFTEST).new $(KSELFTEST)

$(COMMON:%=$(OUTPUT)/%.o): | $(OUTPUT)
$(OUTPUT):
	@mkdir -p $@

# The runner finds `settings` by the logical working directory below BASE_DIR.
define RUN_TESTS
	cd $(KSELFTEST)/paes;			\
	export OUTPUT="$(OUTPUT)";		\
	BASE_DIR="$(KSELFTEST)";		\
	. $(KSELFTEST)/kselftest/runner.sh;	\
	run_many $(1)
endef

# As the kernel's top-level Makefile for selftests does it.
define INSTALL_RULE
	@mkdir -p $(INSTALL_PATH)/paes
	cp -pL $(TEST_PROGS) $(TEST_PROGS_EXTENDED) $(TEST_FILES) \
		$(TEST_GEN_PROGS) $(TEST_GEN_PROGS_EXTENDED) $(TEST_GEN_FILES) config settings \
		$(INSTALL_PATH)/paes/
	cp -pr $(KSELFTEST)/kselftest $(KSELFTEST)/run_kselftest.sh run $(INSTALL_PATH)/
	@printf 'paes:%s\n' $(notdir $(TEST_GEN_PROGS)) $(TEST_PROGS) \
		>$(INSTALL_PATH)/kselftest-list.txt
endef
