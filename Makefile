# SPDX-License-Identifier: Apache-2.0
# leat. `make` builds, `make test` installs what the tests need and runs them all; CONTRIBUTING.md tells the rest.
#
#   BUILD=dir        another build folder           DEVELOPER=1   strict: more warnings, all of them errors
#   CC=clang         the other compiler             JOBS=n        parallel jobs of test, asan, fuzz (default: CPUs)
#   SANITIZE=list    for -fsanitize=                SERVICES=all  a missing server fails the service tests
#   V=1              show the commands
#   PREFIX, DESTDIR  for install                    FUZZ_SECONDS  how long `make fuzz` runs each target
#   SHARED=1         link no archives of libraries, as packages do (`make deb`)
#   WORKLOADS='P1 C1'  which ones `make bench` runs (default: all)
#
# A folder cmd/<tool>/ makes build/leat-<tool> (cmd/leat: build/leat), libcommon/ makes build/libcommon.a, and
# tests/<suite>/*.c makes build/tests/<suite>/*. Nothing else has to be listed here except libraries of a tool.

BUILD ?= build
PREFIX ?= /usr/local
DESTDIR ?=
JOBS ?= $(shell nproc)
FUZZ_SECONDS ?= 600
PEERS ?= ../shared/peers
DATA ?= ../shared/data
SERVICES ?=
SANITIZE ?=
SHARED ?=
WORKLOADS ?=

# Libraries that one tool alone needs, beside the common ones: LIBS_<tool> = -l…
# Those that not every tool uses go in as archives where there are any: a shared library costs each start 50 us.
archive = $(if $(SHARED),-l$(1),$(if $(wildcard $(shell $(CC) -print-file-name=lib$(1).a 2>/dev/null)),-l:lib$(1).a,-l$(1)))
LIBS_join = $(call archive,sqlite3)
LIBS_sink-tsdb = $(call archive,sqlite3) -lcurl -lsnappy $(call archive,z)
LIBS_archive = $(foreach l,archive lzma bz2 nettle z,$(call archive,$(l)))
LIBS_topic = $(LIBS_archive)
LIBS_replay = $(LIBS_archive)
LIBS_tests = -lcurl $(LIBS_archive) -lsnappy
LDLIBS := $(call archive,zstd) -ljansson $(call archive,pcre2-8) -lm

CFLAGS ?= -O2 -g
WARNINGS = -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wpointer-arith -Wstrict-prototypes \
	-Wmissing-prototypes -Wvla
ifdef DEVELOPER
WARNINGS += -Werror -Wundef -Wwrite-strings -Wformat=2
endif
COMPILE = $(CC) -std=gnu11 -D_GNU_SOURCE -Ilibcommon -I$(BUILD) $(CFLAGS) $(WARNINGS) -ffunction-sections \
	-fdata-sections -pthread -MMD -MP
LINK = $(CC) $(CFLAGS) -pthread -Wl,--gc-sections -Wl,--as-needed $(LDFLAGS)
ifneq ($(SANITIZE),)
COMPILE += -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer
LINK += -fsanitize=$(SANITIZE)
endif

Q = $(if $(V),,@)
SAY = $(if $(V),true,printf '  %s  %s\n')

find_c = $(sort $(shell find $(1) -name '*.c' 2>/dev/null))
objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))

TOOLS = $(sort $(notdir $(patsubst %/,%,$(dir $(wildcard cmd/*/*.c)))))
tool_file = $(if $(filter leat,$(1)),leat,leat-$(1))
BINARIES = $(foreach t,$(TOOLS),$(BUILD)/$(call tool_file,$(t)))
LIB = $(BUILD)/libcommon.a
LIB_OBJECTS = $(call objects,$(call find_c,libcommon))

# Test programs: each .c of these folders is one; in tests/unit those that are not test_*.c are shared by all.
TEST_SHARED_OBJECTS = $(call objects,$(filter-out tests/unit/test_%,$(wildcard tests/unit/*.c)))
TEST_LIB = $(BUILD)/libtest.a
test_programs = $(patsubst %.c,$(BUILD)/%,$(wildcard tests/$(1)/*.c))
UNIT_TESTS = $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/test_*.c))
SUITE_PROGRAMS = $(foreach s,cli golden crash services bench peers data,$(call test_programs,$(s)))
FUZZERS = $(patsubst %.c,$(BUILD)/%,$(wildcard tests/fuzz/fuzz_*.c))
PAGES = $(wildcard man/*.[1-9])

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all check test demo bench fuzz fuzz-smoke asan lint peers data install uninstall deb deb-tree clean FORCE \
	deps deps-dev deps-test deps-services deps-bench deps-deb test-programs unit-programs bench-programs \
	fuzz-programs completions man-options format

all: $(BINARIES)

# ---- compiling -------------------------------------------------------------------------------------------------------

# Rebuild everything when the compiler or its flags change, and version.c alone when the commit does.
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(COMPILE) | $(LINK)' | cmp -s - $@ || echo '$(COMPILE) | $(LINK)' >$@

$(BUILD)/commit.h: FORCE
	@mkdir -p $(@D)
	@commit=$$(git describe --always --dirty=+ --abbrev=12 --exclude='*' 2>/dev/null || echo unknown); \
	echo "#define LEAT_COMMIT \"$$commit\"" | cmp -s - $@ || echo "#define LEAT_COMMIT \"$$commit\"" >$@

$(BUILD)/obj/libcommon/cli/version.o: $(BUILD)/commit.h

$(BUILD)/obj/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	@$(SAY) CC $@
	$(Q)$(COMPILE) -c -o $@ $<

$(LIB): $(LIB_OBJECTS)
	@rm -f $@
	@$(SAY) AR $@
	$(Q)$(AR) rcsD $@ $^

$(TEST_LIB): $(TEST_SHARED_OBJECTS)
	@mkdir -p $(@D)
	@rm -f $@
	@$(SAY) AR $@
	$(Q)$(AR) rcsD $@ $^

define tool_rule
$(BUILD)/$(call tool_file,$(1)): $(call objects,$(wildcard cmd/$(1)/*.c)) $(LIB)
	@$$(SAY) LD $$@
	$$(Q)$$(LINK) -o $$@ $$^ $$(LIBS_$(1)) $$(LDLIBS)
endef
$(foreach t,$(TOOLS),$(eval $(call tool_rule,$(t))))

$(BUILD)/tests/%: $(BUILD)/obj/tests/%.o $(TEST_LIB) $(LIB)
	@mkdir -p $(@D)
	@$(SAY) LD $@
	$(Q)$(LINK) -o $@ $^ $(if $(findstring tests/unit/,$@),-lcmocka) $(LIBS_tests) $(LDLIBS)

$(BUILD)/tests/fuzz/%: $(BUILD)/obj/tests/fuzz/%.o $(TEST_LIB) $(LIB)
	@mkdir -p $(@D)
	@$(SAY) LD $@
	$(Q)$(LINK) -fsanitize=fuzzer -o $@ $^ $(LIBS_tests) $(LDLIBS)

unit-programs: $(UNIT_TESTS)
bench-programs: all $(call test_programs,bench)
test-programs: all $(UNIT_TESTS) $(SUITE_PROGRAMS)
fuzz-programs: $(FUZZERS)

-include $(patsubst %.o,%.d,$(LIB_OBJECTS) $(TEST_SHARED_OBJECTS) \
	$(call objects,$(foreach t,$(TOOLS),$(wildcard cmd/$(t)/*.c)) $(wildcard tests/*/*.c)))

# ---- testing ---------------------------------------------------------------------------------------------------------

# tests/run/suites runs the suites it is given, collects what they counted in $(BUILD)/test-results, and closes with
# "N passed, N failed"; it fails when a test failed and when a suite ran none.
SUITES = BUILD='$(BUILD)' JOBS='$(JOBS)' SERVICES='$(SERVICES)' tests/run/suites
FUZZ_MAKE = $(MAKE) -j$(JOBS) BUILD=$(BUILD)/fuzz CC=clang SANITIZE=fuzzer-no-link,address,undefined CFLAGS='-O1 -g'
ASAN_MAKE = $(MAKE) -j$(JOBS) BUILD=$(BUILD)/asan SANITIZE=address,undefined CFLAGS='-O1 -g'

check: test-programs
	@$(SUITES) unit cli contract

test: deps-test
	+@$(MAKE) --no-print-directory -j$(JOBS) test-programs
	+@$(ASAN_MAKE) --no-print-directory test-programs
	+@$(FUZZ_MAKE) --no-print-directory fuzz-programs
	@FUZZ_SECONDS=10 LEAT_TEST_LONG=1 $(SUITES) unit cli contract lint golden crash services package fuzz asan-unit

asan:
	+@$(ASAN_MAKE) --no-print-directory test-programs
	@BUILD='$(BUILD)/asan' JOBS='$(JOBS)' tests/run/suites unit cli

fuzz:
	+@$(FUZZ_MAKE) --no-print-directory fuzz-programs
	@FUZZ_SECONDS=$(FUZZ_SECONDS) $(SUITES) fuzz

fuzz-smoke:
	+@$(MAKE) --no-print-directory fuzz FUZZ_SECONDS=10

lint: all
	@$(SUITES) contract lint

# Suites that need material from beside the checkout.
peers: test-programs
	@LEAT_PEERS='$(abspath $(PEERS))' $(SUITES) peers

data: test-programs
	@LEAT_DATA='$(abspath $(DATA))' LEAT_TEST_LONG=1 $(SUITES) data

demo: deps
	+@$(MAKE) --no-print-directory -j$(JOBS) all
	@LEAT_BUILD='$(abspath $(BUILD))' examples/demo.sh

bench: deps-bench
	+@$(MAKE) --no-print-directory -j$(JOBS) BUILD=$(BUILD)/bench/tree CFLAGS='-O2 -g' bench-programs
	@LEAT_BUILD='$(abspath $(BUILD))/bench/tree' BENCH_DIR='$(abspath $(BUILD))/bench' tests/bench/run $(WORKLOADS)

# ---- made from the option tables, checked in, compared by `make check` -------------------------------------------------

completions: all
	@python3 completions/generate.py $(BUILD) completions

man-options: all
	@python3 man/options.py refresh $(BUILD) man

format:
	clang-format -i $$(git ls-files --cached --others --exclude-standard '*.c' '*.h')

# ---- installing ------------------------------------------------------------------------------------------------------

TO = $(DESTDIR)$(PREFIX)
ZSH_FUNCTIONS = site-functions
BASH_COMPLETION = share/bash-completion/completions/leat
ZSH_COMPLETION = share/zsh/$(ZSH_FUNCTIONS)/_leat
FISH_COMPLETION = share/fish/vendor_completions.d/leat.fish
LIBEXEC_BINARIES = $(filter-out %/leat,$(BINARIES))

install: all
	install -D -m 755 $(BUILD)/leat '$(TO)/bin/leat'
	install -D -m 755 -t '$(TO)/libexec/leat' $(LIBEXEC_BINARIES)
	for n in 1 5 7; do install -D -m 644 -t "$(TO)/share/man/man$$n" man/*.$$n || exit 1; done
	install -D -m 644 completions/leat.bash '$(TO)/$(BASH_COMPLETION)'
	install -D -m 644 completions/_leat '$(TO)/$(ZSH_COMPLETION)'
	install -D -m 644 completions/leat.fish '$(TO)/$(FISH_COMPLETION)'

uninstall:
	cd '$(TO)' && rm -f bin/leat $(BASH_COMPLETION) $(ZSH_COMPLETION) $(FISH_COMPLETION) \
		$(foreach p,$(PAGES),share/man/man$(subst .,,$(suffix $(p)))/$(notdir $(p))) \
		$(addprefix libexec/leat/,$(notdir $(LIBEXEC_BINARIES)))
	[ ! -d '$(TO)/libexec/leat' ] || rmdir --ignore-fail-on-non-empty '$(TO)/libexec/leat'

# ---- a Debian package ------------------------------------------------------------------------------------------------

# Built with Debian's flags, in a tree of its own; .debian/build packs what is installed there, lintian looks at it.
DEB = $(abspath $(BUILD))/deb
DEB_FLAGS = DEB_BUILD_MAINT_OPTIONS=hardening=+all dpkg-buildflags --get

deb: deps-deb
	+@$(MAKE) --no-print-directory deb-tree
	lintian --fail-on error,warning $(DEB)/*.deb

deb-tree:
	@rm -rf $(DEB)/root $(DEB)/debian $(DEB)/*.deb
	+@$(MAKE) --no-print-directory -j$(JOBS) BUILD=$(DEB)/tree SHARED=1 \
		CFLAGS="$$($(DEB_FLAGS) CFLAGS) $$($(DEB_FLAGS) CPPFLAGS) -g0" LDFLAGS="$$($(DEB_FLAGS) LDFLAGS)" \
		DESTDIR=$(DEB)/root PREFIX=/usr ZSH_FUNCTIONS=vendor-completions install
	@.debian/build $(DEB)

# ---- packages (.deps) ------------------------------------------------------------------------------------------------

deps:
	@tests/run/deps build test
deps-dev:
	@tests/run/deps dev
deps-test: # in one go: two of these at once would wait for each other
	@tests/run/deps build test dev
deps-services:
	@tests/run/deps services
deps-bench:
	@tests/run/deps build bench
deps-deb:
	@tests/run/deps build deb

clean:
	rm -rf $(BUILD)
