# Crossdock. `make help` says what there is; everything that is built goes under build/.
#
# Sources are found by folder: a new .c file needs no line here.
#   firmware-agnostic-core/**.c                        -> libcore.a
#   connectors/**.c                                    -> libconnectors.a
#   ports/common/**.c, ports/posix/**.c                -> libports.a (without the programs' folders)
#   ports/posix/{agent,hub,cli}/**.c                   -> a program each (main.c), the rest in libprograms.a
#   ports/simulator/**.c                               -> libsimulator.a, which only tests are linked with
#   tests/{unit,contract,bench}/{test,bench}_*.c       -> a program each, the other .c files there in libtests.a
#   tests/crash/*.c                                    -> a program each
#   tests/fuzz/fuzz_*.c                                -> a fuzz target each (VARIANT=fuzz), the other .c files there in libfuzz.a
# VARIANT=plain is what ships; VARIANT=asan adds the address and undefined-behaviour sanitizers, VARIANT=tsan the one for threads;
# VARIANT=fuzz is clang's, with the first two and the counters that libFuzzer steers by.

SHELL := /bin/sh
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

VERSION := 0.1.0
VARIANT ?= plain
CC := $(if $(filter default undefined,$(origin CC)),$(if $(filter fuzz,$(VARIANT)),clang,gcc),$(CC))
# What is optimised when it is linked needs an ar that knows such objects.
AR := $(if $(filter default undefined,$(origin AR)),$(if $(filter sim,$(VARIANT)),gcc-ar,ar),$(AR))
PYTHON := /usr/bin/python3
CLANG_FORMAT := clang-format
CLANG_TIDY := clang-tidy
PREFIX ?= /usr/local
DESTDIR ?=

BUILD := build
OUT := $(BUILD)/$(VARIANT)

# ---- flags ----

PKGS := librabbitmq sqlite3 libcjson libmicrohttpd libcurl yaml-0.1 libssl libcrypto
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
PKG_LIBS := $(shell pkg-config --libs $(PKGS) 2>/dev/null)
# Paho and mbedTLS 2.28 come without pkg-config files.
LIBS := -lpaho-mqtt3as $(if $(PKG_LIBS),$(PKG_LIBS),-lrabbitmq -lsqlite3 -lcjson -lmicrohttpd -lcurl -lyaml -lssl -lcrypto) \
        -lmbedcrypto -lpthread -lm
LIBS := $(if $(filter sim,$(VARIANT)),$(patsubst -lsqlite3,-l:libsqlite3.a,$(LIBS)),$(LIBS))

WARNINGS := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wcast-qual \
            -Wvla -Wconversion -Wno-sign-conversion
INCLUDES_core := -Ifirmware-agnostic-core
INCLUDES := -Ifirmware-agnostic-core -Iconnectors -Iports $(PKG_CFLAGS)

# gcc takes a bounded copy into a zeroed array (strncpy of size - 1) for a slip; and under the sanitizers it cannot follow
# its own instrumented code, so that its warnings are errors in the plain build only.
OPTIMISE_plain := -O2 -g $(if $(findstring clang,$(CC)),,-Wno-stringop-truncation)
# With the simulator goes a program that makes chosen mistakes (base/mutant.h): never what ships.
# It runs for minutes in every `make test`, so it is made fast: by -O3, for whose inlining gcc takes more bounded copies
# for slips, optimised as a whole when it is linked (6 %), with SQLite in it, whose calls of itself then need no table of a
# shared library, and at a fixed address: nobody attacks it, and addresses that are known when it is linked make it 3 % faster.
OPTIMISE_sim := -O3 -g -DXD_MUTANTS -fno-pie $(if $(findstring clang,$(CC)),,-flto=auto -Wno-stringop-truncation -Wno-format-truncation)
LINK_sim := -no-pie $(if $(findstring clang,$(CC)),,-O3 -flto=auto -Wno-stringop-truncation -Wno-format-truncation)
OPTIMISE_simclang := -O0 -g -DXD_MUTANTS
OPTIMISE_asan := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all -Wno-error
LINK_asan := -fsanitize=address,undefined
OPTIMISE_tsan := -O1 -g -fno-omit-frame-pointer -fsanitize=thread -Wno-error
LINK_tsan := -fsanitize=thread
OPTIMISE_fuzz := -O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
LINK_fuzz := -fsanitize=address,undefined
HARDEN_plain := -fstack-protector-strong -D_FORTIFY_SOURCE=2
OPTIMISE := $(OPTIMISE_$(VARIANT))
$(if $(OPTIMISE),,$(error VARIANT must be plain, sim, simclang, asan, tsan or fuzz))

# The core is plain C11: neither GNU extensions nor hardening, whose helpers `make purity` would have to excuse.
CFLAGS_core := -std=c11 $(WARNINGS) $(OPTIMISE) $(INCLUDES_core) $(CFLAGS)
CFLAGS_os := -std=c11 -D_GNU_SOURCE -DXD_VERSION='"$(VERSION)"' $(WARNINGS) $(OPTIMISE) $(HARDEN_$(VARIANT)) $(INCLUDES) $(CFLAGS)
CFLAGS_tests := -std=c11 -D_GNU_SOURCE -DXD_VERSION='"$(VERSION)"' $(WARNINGS) $(OPTIMISE) $(INCLUDES) -Itests $(CFLAGS)

# ---- what there is ----

find_c = $(sort $(if $(wildcard $(1)),$(shell find $(1) -name '*.c')))
objects = $(patsubst %.c,$(OUT)/%.o,$(1))

PROGRAM_FOLDERS := ports/posix/agent ports/posix/hub ports/posix/cli
MAINS := $(wildcard $(addsuffix /main.c,$(PROGRAM_FOLDERS)))

CORE_SOURCES := $(call find_c,firmware-agnostic-core)
CONNECTOR_SOURCES := $(call find_c,connectors)
PROGRAM_SOURCES := $(filter-out $(MAINS),$(call find_c,$(PROGRAM_FOLDERS)))
PORT_SOURCES := $(filter-out $(PROGRAM_SOURCES) $(MAINS),$(call find_c,ports/common) $(call find_c,ports/posix))
SIMULATOR_MAIN := $(wildcard ports/simulator/main.c)
SIMULATOR_SOURCES := $(filter-out $(SIMULATOR_MAIN),$(call find_c,ports/simulator))
SIMULATOR := $(OUT)/crossdock-simulator

UNIT_SOURCES := $(sort $(wildcard tests/unit/test_*.c))
CONTRACT_SOURCES := $(sort $(wildcard tests/contract/test_*.c))
BENCH_SOURCES := $(sort $(wildcard tests/bench/bench_*.c))
FUZZ_SOURCES := $(sort $(wildcard tests/fuzz/fuzz_*.c))
# The hub's simulated world is not built for the targets twice: it is theirs too.
FUZZ_SUPPORT_SOURCES := $(sort $(wildcard tests/unit/hub_world*.c) $(filter-out $(FUZZ_SOURCES),$(wildcard tests/fuzz/*.c)))
CRASH_SOURCES := $(sort $(wildcard tests/crash/*.c))
TEST_SUPPORT_SOURCES := $(filter-out $(UNIT_SOURCES) $(CONTRACT_SOURCES) $(BENCH_SOURCES),\
    $(sort $(wildcard tests/unit/*.c tests/contract/*.c tests/bench/*.c tests/support/*.c)))

LIBCORE := $(OUT)/libcore.a
LIBCONNECTORS := $(OUT)/libconnectors.a
LIBPORTS := $(OUT)/libports.a
LIBPROGRAMS := $(OUT)/libprograms.a
LIBSIMULATOR := $(OUT)/libsimulator.a
LIBTESTS := $(OUT)/libtests.a
LIBFUZZ := $(OUT)/libfuzz.a
PRODUCT_LIBS := $(LIBPROGRAMS) $(LIBPORTS) $(LIBCONNECTORS) $(LIBCORE)

# The programs of the plain build have the names that people rely on.
PROGRAM_FOLDER := $(if $(filter plain,$(VARIANT)),$(BUILD),$(OUT))
PROGRAM_agent := $(PROGRAM_FOLDER)/crossdock-agent
PROGRAM_hub := $(PROGRAM_FOLDER)/crossdock-hub
PROGRAM_cli := $(PROGRAM_FOLDER)/crossdock
PROGRAMS := $(foreach m,$(MAINS),$(PROGRAM_$(notdir $(patsubst %/,%,$(dir $(m))))))

UNIT_PROGRAMS := $(patsubst %.c,$(OUT)/%,$(UNIT_SOURCES))
CONTRACT_PROGRAMS := $(patsubst %.c,$(OUT)/%,$(CONTRACT_SOURCES))
BENCH_PROGRAMS := $(patsubst %.c,$(OUT)/%,$(BENCH_SOURCES))
FUZZ_PROGRAMS := $(patsubst %.c,$(OUT)/%,$(FUZZ_SOURCES))
CRASH_PROGRAMS := $(patsubst %.c,$(OUT)/%,$(CRASH_SOURCES))

# ---- targets for people ----

.DEFAULT_GOAL := all
.PHONY: all help deps check unit lint purity contract erps integration simulation mutants test sanitize fuzz bench demo docs sim sim-shrink \
    soak install clean

all: toolcheck programs ## build the three programs: build/crossdock-agent, build/crossdock-hub, build/crossdock

help: ## this list
	@echo "Crossdock's make targets:"
	@sed -n 's/^\([a-z-]*\):.*## /\1 /p' $(firstword $(MAKEFILE_LIST)) | \
	    while read -r name text; do printf '  %-12s %s\n' "$$name" "$$text"; done

deps: ## install the Debian packages that are missing (as root or by sudo); at once when none is
	@config/install-packages.sh

check: ## unit tests and lints, in under two minutes (what did not change is not linted again)
	@$(RUN) unit lint

unit: ## unit tests
	@$(RUN) unit

lint: ## clang-format, clang-tidy, cppcheck, purity, style limits, every header alone
	@$(RUN) lint
	@$(MAKE) --no-print-directory -j$(JOBS) lint-deep

contract: ## the contract suites of the tables of functions, with private brokers and a real ERP
	@$(RUN) tryton contract

erps: ## what every ERP promises, held against a real Tryton too, also where it only looks references up or does not even that
	@config/install-packages.sh build test tryton
	@$(RUN) erps

integration: ## whole programs with real brokers, killed, cut, frozen and wiped
	@$(RUN) integration

sanitize: ## unit and contract tests and a short kill run with the sanitizers of addresses, undefined behaviour and threads
	@$(RUN) unit-asan contract-asan integration-asan contract-tsan integration-tsan

test: ## install what is missing, build, and run everything; the last line is `N passed, N failed`
	@config/install-packages.sh
	@$(RUN) unit unit-asan tryton contract contract-asan fuzz lint crash simulation mutants integration integration-asan integration-tsan

fuzz: ## libFuzzer on every parser and on the core: MINUTES=5 in all, TARGET=json for one; crashers go to build/fuzz/found/
	@config/install-packages.sh
	@BUILD='$(abspath $(BUILD))' MAKE='$(MAKE)' $(PYTHON) tests/fuzz/run.py --minutes '$(MINUTES)' --target '$(TARGET)'

soak: ## integration for longer: more kills, more orders; every crash point in every way, and pairs (XD_SOAK=1)
	@XD_SOAK=1 $(RUN) integration crash simulation

bench: ## speed and memory as ratios within one run, as a table; PARTS="erp sim": only these
	@config/install-packages.sh build test
	@$(MAKE) --no-print-directory all bench-programs
	@$(MAKE) --no-print-directory VARIANT=sim simulator
	@$(PYTHON) tests/bench/run.py $(PARTS)

sim: ## simulate worlds in which everything fails, for SECONDS (60); SEED=n: that one, step by step
	@config/install-packages.sh build
	@$(MAKE) --no-print-directory -j$(JOBS) VARIANT=sim simulator
	@$(BUILD)/sim/crossdock-simulator $(if $(SEED),--seed $(SEED) --story,--seconds $(or $(SECONDS),60)) $(SIM_OPTIONS)

sim-shrink: ## make the failing world of SEED small: fewer kinds of faults, fewer sites, less time, fewer documents
	@$(MAKE) --no-print-directory -j$(JOBS) VARIANT=sim simulator
	@$(PYTHON) tests/simulation/shrink.py $(BUILD)/sim/crossdock-simulator '$(SEED)' $(SIM_OPTIONS)

mutants: ## tests of the simulator's oracle: it must notice every mistake that the simulator can make on purpose; MUTANTS="6 key-ignored": these, RECORDED=1: quickly, by the worlds that are known to show them
	@config/install-packages.sh build
	@$(MAKE) --no-print-directory -j$(JOBS) VARIANT=sim simulator
	@$(PYTHON) tests/simulation/mutants.py $(BUILD)/sim/crossdock-simulator $(if $(RECORDED),--recorded) $(MUTANTS)

simulation: ## the simulator's part of the tests: every world that ever failed, fresh ones for XD_SIM_SECONDS (150), the same trace in every build
	@$(RUN) simulation

demo: ## the whole of it in two minutes: two sites, a cut line, kills, and the books compared (KEEP=1 leaves it running; ERP=tryton: a real ERP)
	@config/install-packages.sh build test $(filter tryton,$(ERP))
	@$(MAKE) --no-print-directory -j$(JOBS) all
	@KEEP=$(KEEP) ERP=$(ERP) $(PYTHON) tests/demo/demo.py

docs: $(PROGRAM_cli) ## make the pages of documentation that follow from the programs: config/problems.md
	@$(PROGRAM_cli) problems --markdown >config/problems.md.new && mv config/problems.md.new config/problems.md

install: programs ## install programs and samples under $(DESTDIR)$(PREFIX)
	install -d '$(DESTDIR)$(PREFIX)/bin' '$(DESTDIR)$(PREFIX)/share/crossdock'
	install -m 755 $(PROGRAMS) '$(DESTDIR)$(PREFIX)/bin'
	cd config && find . -type f ! -name install-packages.sh ! -name debian-packages.txt \
	    -exec install -D -m 644 '{}' '$(abspath $(DESTDIR)$(PREFIX))/share/crossdock/{}' ';'
	chmod 755 '$(DESTDIR)$(PREFIX)/share/crossdock/erp/tryton/tryton'

clean: ## remove build/
	rm -rf $(BUILD)

# ---- the driver of the tests ----

JOBS := $(shell nproc 2>/dev/null || echo 2)
MINUTES ?= 5
TARGET ?=
RUN = BUILD='$(abspath $(BUILD))' MAKE='$(MAKE)' $(PYTHON) tests/run.py

.PHONY: toolcheck programs libraries simulator unit-programs contract-programs bench-programs fuzz-programs crash-programs print-unit \
    print-contract print-fuzz print-crash
toolcheck:
	@! command -v dpkg-query >/dev/null || config/install-packages.sh --check build

programs: $(PROGRAMS)
libraries: $(PRODUCT_LIBS)
simulator: $(SIMULATOR)
unit-programs: $(UNIT_PROGRAMS)
contract-programs: $(CONTRACT_PROGRAMS)
bench-programs: $(BENCH_PROGRAMS)
fuzz-programs: $(FUZZ_PROGRAMS)
crash-programs: $(CRASH_PROGRAMS)
print-unit:
	@echo $(UNIT_PROGRAMS)
print-contract:
	@echo $(CONTRACT_PROGRAMS)
print-fuzz:
	@echo $(FUZZ_PROGRAMS)
print-crash:
	@echo $(CRASH_PROGRAMS)

# ---- how things are built ----

# An object is built again when the flags it was built with changed.
$(OUT)/flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(subst ','\'',$(CC) $(CFLAGS_core) $(CFLAGS_os) $(CFLAGS_tests))' >$@.new.$$$$; \
	    if cmp -s $@.new.$$$$ $@; then rm -f $@.new.$$$$; else mv $@.new.$$$$ $@; fi
FORCE:

define compile
	@mkdir -p $(@D)
	@echo "  CC    $(VARIANT) $<"
	@$(CC) $(1) -MMD -MP -c $< -o $@
endef

$(OUT)/firmware-agnostic-core/%.o: firmware-agnostic-core/%.c $(OUT)/flags
	$(call compile,$(CFLAGS_core))
$(OUT)/connectors/%.o: connectors/%.c $(OUT)/flags
	$(call compile,$(CFLAGS_os))
$(OUT)/ports/%.o: ports/%.c $(OUT)/flags
	$(call compile,$(CFLAGS_os))
$(OUT)/tests/%.o: tests/%.c $(OUT)/flags
	$(call compile,$(CFLAGS_tests))

# The list of members is a prerequisite too: a removed source must leave the archive.
define archive
$(1): $(call objects,$(2)) $(1).members
	@echo "  AR    $$@"
	@rm -f $$@
	@$$(AR) rcs $$@ $$(filter %.o,$$^)
$(1).members: FORCE
	@mkdir -p $$(@D)
	@echo '$(2)' >$$@.new.$$$$$$$$; \
	    if cmp -s $$@.new.$$$$$$$$ $$@; then rm -f $$@.new.$$$$$$$$; else mv $$@.new.$$$$$$$$ $$@; fi
endef
$(eval $(call archive,$(LIBCORE),$(CORE_SOURCES)))
$(eval $(call archive,$(LIBCONNECTORS),$(CONNECTOR_SOURCES)))
$(eval $(call archive,$(LIBPORTS),$(PORT_SOURCES)))
$(eval $(call archive,$(LIBPROGRAMS),$(PROGRAM_SOURCES)))
$(eval $(call archive,$(LIBSIMULATOR),$(SIMULATOR_SOURCES)))
$(eval $(call archive,$(LIBTESTS),$(TEST_SUPPORT_SOURCES)))
$(eval $(call archive,$(LIBFUZZ),$(FUZZ_SUPPORT_SOURCES)))

define link
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) $(LINK_$(VARIANT)) $(LDFLAGS) -o $@ $(1) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(2) $(LIBS)
endef

$(PROGRAM_agent): $(OUT)/ports/posix/agent/main.o $(PRODUCT_LIBS)
	$(call link,$<,)
$(PROGRAM_hub): $(OUT)/ports/posix/hub/main.o $(PRODUCT_LIBS)
	$(call link,$<,)
$(PROGRAM_cli): $(OUT)/ports/posix/cli/main.o $(PRODUCT_LIBS)
	$(call link,$<,)
$(UNIT_PROGRAMS) $(CONTRACT_PROGRAMS) $(BENCH_PROGRAMS) $(CRASH_PROGRAMS): %: %.o $(LIBTESTS) $(LIBSIMULATOR) $(PRODUCT_LIBS)
	$(call link,$<,-lcmocka)
# libFuzzer brings main().
$(FUZZ_PROGRAMS): %: %.o $(LIBFUZZ) $(LIBPORTS) $(LIBCONNECTORS) $(LIBCORE)
	$(call link,-fsanitize=fuzzer $<,-lcmocka)

$(SIMULATOR): $(OUT)/ports/simulator/main.o $(LIBSIMULATOR) $(PRODUCT_LIBS)
	$(call link,$<,)

# ---- lint ----
# Stamps under build/lint/: a file is checked again when it or a header that it includes changed (its object says which).

LINT := $(BUILD)/lint
C_SOURCES := $(CORE_SOURCES) $(CONNECTOR_SOURCES) $(PORT_SOURCES) $(PROGRAM_SOURCES) $(SIMULATOR_SOURCES) $(SIMULATOR_MAIN) $(MAINS)
HEADERS := $(sort $(shell find firmware-agnostic-core connectors ports -name '*.h'))
TEST_C := $(sort $(shell find tests -name '*.[ch]'))
TIDY_STAMPS := $(patsubst %.c,$(LINT)/tidy/%.stamp,$(C_SOURCES))
DEEP_STAMPS := $(patsubst %.c,$(LINT)/deep/%.stamp,$(C_SOURCES))
# clang-tidy's analyzer takes twenty times as long as all its other checks: `make test` has it look at what reads
# what others wrote and at what nothing may be lost in, `make lint` at everything.
DEEP_SLICE := $(filter $(addprefix $(LINT)/deep/firmware-agnostic-core/,base/% delivery/% documents/%),$(DEEP_STAMPS))
HEADER_STAMPS := $(patsubst %.h,$(LINT)/headers/%.stamp,$(HEADERS))

.PHONY: lint-format lint-tidy lint-deep lint-deep-slice lint-cppcheck lint-style lint-headers format
purity: $(LIBCORE) ## the core knows no OS: its headers and undefined symbols against the allow lists
	@$(PYTHON) tests/lint.py purity $(LIBCORE)

lint-format:
	@$(CLANG_FORMAT) --dry-run -Werror $(C_SOURCES) $(HEADERS) $(TEST_C)

format: ## rewrite every C file as .clang-format says
	@$(CLANG_FORMAT) -i $(C_SOURCES) $(HEADERS) $(TEST_C)

lint-style:
	@$(PYTHON) tests/lint.py style

lint-tidy: $(TIDY_STAMPS)

lint-deep: $(DEEP_STAMPS)

lint-deep-slice: $(DEEP_SLICE)

flags_of = $(if $(filter firmware-agnostic-core/%,$(1)),-std=c11 $(WARNINGS) $(INCLUDES_core),\
    -std=c11 -D_GNU_SOURCE -DXD_VERSION='"$(VERSION)"' $(WARNINGS) $(INCLUDES))

$(LINT)/tidy/%.stamp: %.c $(OUT)/%.o .clang-tidy
	@mkdir -p $(@D)
	@echo "  TIDY  $<"
	@$(CLANG_TIDY) --quiet --checks='-clang-analyzer-*' $< -- $(call flags_of,$<) >$@.log 2>&1 || { cat $@.log; exit 1; }
	@touch $@

$(LINT)/deep/%.stamp: %.c $(OUT)/%.o .clang-tidy
	@mkdir -p $(@D)
	@echo "  DEEP  $<"
	@$(CLANG_TIDY) --quiet $< -- $(call flags_of,$<) >$@.log 2>&1 || { cat $@.log; exit 1; }
	@touch $@

lint-headers: $(HEADER_STAMPS)

$(LINT)/headers/%.stamp: %.h
	@mkdir -p $(@D)
	@echo '#include "$(abspath $<)"' | $(CC) $(call flags_of,$<) -fsyntax-only -MMD -MP -MF $(@:.stamp=.d) -MT $@ -x c -
	@touch $@

lint-cppcheck:
	@mkdir -p $(LINT)/cppcheck
	@cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
	    --cppcheck-build-dir=$(LINT)/cppcheck -j $(JOBS) --library=posix --suppress=missingIncludeSystem \
	    --template='{file}:{line}: {severity}: {message} [{id}]' \
	    -D__GNUC__=12 -Ifirmware-agnostic-core -Iconnectors -Iports $(C_SOURCES)

OBJECT_DEPENDENCIES := $(patsubst %.c,$(OUT)/%.d,$(C_SOURCES) $(UNIT_SOURCES) $(CONTRACT_SOURCES) $(BENCH_SOURCES) $(TEST_SUPPORT_SOURCES) \
    $(FUZZ_SOURCES) $(FUZZ_SUPPORT_SOURCES) $(CRASH_SOURCES))
-include $(wildcard $(OBJECT_DEPENDENCIES) $(HEADER_STAMPS:.stamp=.d))
