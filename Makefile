# SPDX-License-Identifier: Apache-2.0
# ringfence: `make` builds, `make test` tests, `make demo` shows, `make help`
# lists the rest. V=1 shows the commands; WERROR=-Werror as CI does.
#
# Whatever needs other flags than the release build (debug, asan, fuzz) is
# this same Makefile again with another B, so objects never mix.
.DELETE_ON_ERROR:
.SECONDARY:
PREFIX     ?= /usr/local
PKG_CONFIG ?= pkg-config
CFLAGS     ?= -O2 -g
B          ?= build/release
WERROR     ?=
# 0: built without reading the kernel's connection table.
CONNTRACK  ?= 1
VERSION    := 0.1.0
JOBS       ?= $(shell nproc 2>/dev/null || echo 2)
Q          := $(if $(V),,@)
define nl


endef

# Rooms, from the bottom up. A room may use what stands in its USES_ row, and
# tests/lint/arrows.sh checks that its files include nothing else.
MODULES := core kube store collector policy recommender report cli
USES_core        := core
USES_kube        := kube core
USES_store       := store kube core
USES_collector   := collector store kube core
USES_policy      := policy kube core
USES_recommender := recommender policy kube core
USES_report      := report recommender policy kube core
USES_cli         := cli report recommender collector store policy kube core
PKGS_kube        := libcurl jansson yaml-0.1
PKGS_store       := sqlite3 libcurl jansson yaml-0.1
PKGS_collector   := sqlite3 libpcap libcap-ng libseccomp libmicrohttpd \
	libcurl jansson yaml-0.1
PKGS_policy      := libcurl jansson yaml-0.1
PKGS_recommender := libcurl jansson yaml-0.1
PKGS_report      := libcurl jansson yaml-0.1
PKGS_cli         := sqlite3 libpcap libcap-ng libseccomp libmicrohttpd \
	libcurl jansson yaml-0.1

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wconversion -Wcast-qual -Wwrite-strings -Wvla \
	-Wformat=2 -Wundef -Wnull-dereference
GCCWARN := -Wduplicated-cond -Wlogical-op
ifneq ($(findstring clang,$(CC)),clang)
WARN += $(GCCWARN)
endif
HARD := -fPIE -fstack-protector-strong -fstack-clash-protection \
	-fcf-protection -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
LINK := -pie -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed
CPPF := -std=c11 -D_GNU_SOURCE -DRF_VERSION_STRING='"$(VERSION)"' -I. \
	-I$(B)/gen -MMD -MP
pkg   = $(if $(PKGS_$2),$(shell $(PKG_CONFIG) --$1 $(PKGS_$2)))
cc    = $(CC) $(CPPF) $(WARN) $(WERROR) $(HARD) $(SAN) $(CFLAGS)
say   = $(if $(V),,@echo "  $1	$(@:$(B)/%=%)")

all: $(B)/ringfence

$(B)/gen/sql.h: sql/embed.awk $(sort $(wildcard sql/*/*.sql))
	$(call say,SQL)
	$(Q)mkdir -p $(@D)
	$(Q)awk -v part=h -f $^ > $@
$(B)/gen/sql.c: sql/embed.awk $(sort $(wildcard sql/*/*.sql))
	$(call say,SQL)
	$(Q)mkdir -p $(@D)
	$(Q)awk -v part=c -f $^ > $@
$(B)/gen/sql.o: $(B)/gen/sql.c $(B)/gen/sql.h
	$(call say,CC)
	$(Q)$(cc) -Wno-overlength-strings -c -o $@ $<
$(B)/store.a: $(B)/gen/sql.o

# One of two files reads the kernel's connection table; a test links both ways.
with_conntrack := collector/conntrack_netlink.c
no_conntrack   := collector/conntrack_none.c
left_out := cli/main.c \
	$(if $(filter 0,$(CONNTRACK)),$(with_conntrack),$(no_conntrack))

# Packets by the million: 3 to 5 % less time for 18 kB more of code.
$(B)/collector/%.o: CFLAGS := $(CFLAGS:-O2=-O3)

# One archive a room; a test links the archives of the rooms its room uses,
# and tests/support/*.c of its own.
define module
$1_LIBS := $$(USES_$1:%=$(B)/%.a)
$(B)/$1.a: $$(patsubst %.c,$(B)/%.o,$$(filter-out $(left_out),$$(wildcard $1/*.c)))
	$$(call say,AR)
	$(Q)rm -f $$@ && $(AR) rcs $$@ $$^
$(B)/$1/%.o: $1/%.c | $(B)/gen/sql.h
	$$(call say,CC)
	$(Q)mkdir -p $$(@D)
	$(Q)$$(cc) $$(call pkg,cflags,$1) -c -o $$@ $$<
$(B)/tests/$1/%: tests/$1/%.c $(B)/tests/support.a $$($1_LIBS)
	$$(call say,LD)
	$(Q)mkdir -p $$(@D)
	$(Q)$$(cc) $$(call pkg,cflags,$1) -o $$@ $$< -Wl,--start-group \
		$$(filter %.a,$$^) -Wl,--end-group $(LINK) \
		$$(call pkg,libs,$1) -lcmocka
endef
$(foreach m,$(MODULES),$(eval $(call module,$m)))

$(B)/tests/support.a: $(patsubst %.c,$(B)/%.o,$(wildcard tests/support/*.c))
	$(call say,AR)
	$(Q)rm -f $@ && $(AR) rcs $@ $^
$(B)/tests/support/%.o: tests/support/%.c
	$(call say,CC)
	$(Q)mkdir -p $(@D)
	$(Q)$(cc) -c -o $@ $<

$(B)/ringfence: $(B)/cli/main.o $(cli_LIBS)
	$(call say,LD)
	$(Q)$(cc) -o $@ $< -Wl,--start-group $(filter %.a,$^) -Wl,--end-group \
		$(LINK) $(call pkg,libs,cli)

# As CONNTRACK=0 has it, for a test: what an object defines is not taken from
# the archive.
$(B)/ringfence-no-conntrack: $(B)/cli/main.o $(no_conntrack:%.c=$(B)/%.o) \
    $(cli_LIBS)
	$(call say,LD)
	$(Q)$(cc) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) \
		-Wl,--end-group $(LINK) $(call pkg,libs,cli)

UNIT := $(patsubst %.c,$(B)/%,$(wildcard tests/*/test_*.c))
unit: $(UNIT)
	@tests/run-unit.sh $(UNIT)

# A fuzz target tests/fuzz/fuzz_X.c is linked twice: with libFuzzer, and with
# a plain main that replays fixtures/fuzz/X/, which needs no clang.
FUZZ   := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
REPLAY := $(FUZZ:%=$(B)/tests/fuzz/replay_%)
fuzzee := $(filter-out $(B)/cli.a,$(cli_LIBS)) $(B)/tests/support.a
fuzzld  = -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LINK) \
	$(call pkg,libs,cli)
# Of two sources the compiler notes the headers of the last alone.
$(B)/tests/fuzz/replay_%: tests/fuzz/fuzz_%.c tests/fuzz/replay.c $(fuzzee) \
    $(wildcard tests/support/*.h)
	$(call say,LD)
	$(Q)mkdir -p $(@D)
	$(Q)$(cc) -MF $@.d -o $@ $(filter %.c,$^) $(fuzzld)
$(B)/tests/fuzz/fuzz_%: tests/fuzz/fuzz_%.c $(fuzzee)
	$(call say,LD)
	$(Q)mkdir -p $(@D)
	$(Q)$(cc) -fsanitize=fuzzer -o $@ $< $(fuzzld)
fuzzers: $(FUZZ:%=$(B)/tests/fuzz/fuzz_%)
fuzz-replay: $(REPLAY)
	@for t in $(FUZZ); do $(B)/tests/fuzz/replay_$$t \
		fixtures/fuzz/$$t || exit 1; done

fuzz-programs:
	@$(MAKE) B=build/fuzz CC=clang HARD=-fPIE CFLAGS='-O1 -g' \
		SAN='-fsanitize=fuzzer-no-link,address,undefined \
		-fno-sanitize-recover=all' fuzzers
# One run each; what libFuzzer finds stays in build/fuzz/found.
FUZZ_SECONDS ?= 60
fuzz: fuzz-programs
	@tests/fuzz/run.sh build/fuzz $(FUZZ_SECONDS) $(FUZZ)

# A build like any other, but that it looks where it reads and writes.
ASAN := B=build/asan HARD=-fPIE CFLAGS='-O1 -g -fno-omit-frame-pointer' \
	SAN='-fsanitize=address,undefined -fno-sanitize-recover=all'

# Every command while memory and disks fail: tests/fault/fault.c says how.
FAULT := $(B)/tests/fault/fault
$(FAULT): $(wildcard tests/fault/*.[ch]) cli/main.c $(B)/tests/support.a \
    $(cli_LIBS)
	$(call say,LD)
	$(Q)mkdir -p $(@D)
	$(Q)$(cc) -Dmain=ringfence_main \
		-include tests/fault/child.h -c \
		-o $(@D)/main.o cli/main.c
	$(Q)for f in alloc io time; do $(cc) -U_FORTIFY_SOURCE \
		-fno-sanitize=all -c -o $(@D)/fault_$$f.o \
		tests/fault/fault_$$f.c || exit 1; done
	$(Q)$(cc) -MF $@.d -o $@ $(@D)/main.o $(@D)/fault_*.o \
		$(filter-out %/fault_alloc.c %/fault_io.c %/fault_time.c, \
		$(filter tests/%.c,$^)) $(fuzzld) -ldl

# check is what test does once everything that it needs is installed.
programs: all $(UNIT) $(REPLAY) $(if $(SAN),$(FAULT)) $(B)/ringfence-no-conntrack \
    $(patsubst %,$(B)/bench/%,send_frames bench_ingest gen_traffic)
check: programs
	@tests/run-all.sh $(B)
test: deps
	@$(MAKE) --no-print-directory check
deps:
	@scripts/deps.sh
# More of what asan does in passing: FAULT_RUNS calls of every scenario, or
# with FULL=1 every path to an allocation (about an hour).
FAULT_RUNS ?= 60
check-fault:
	@$(MAKE) $(ASAN) build/asan/tests/fault/fault
	@build/asan/tests/fault/fault \
		$(if $(filter 1,$(FULL)),-e 5000,-r $(FAULT_RUNS))
# What check does with less: a scan by a million sources, a snapshot of 100 MB,
# a sparse capture of 10 GB (some minutes).
check-hard: all
	@tests/e2e/test_hard_input.sh $(B)/ringfence 10
# What has threads: the daemon, its metrics, the readers, the API client. Each
# test program by itself, and collect by the end-to-end tests.
TSAN := $(wildcard tests/collector/test_*.c) \
	$(patsubst %,tests/kube/test_%.c,reflector live_view client_save \
	client_auth client_tls)
TSAN_E2E ?= test_snapshot.sh demo.sh live.sh live_cluster.sh
tsan-programs:
	@$(MAKE) B=build/tsan HARD=-fPIE CFLAGS='-O1 -g' \
		SAN=-fsanitize=thread all $(TSAN:%.c=build/tsan/%)
tsan: tsan-programs
	@tests/run-tsan.sh build/tsan '$(TSAN:%.c=build/tsan/%)' '$(TSAN_E2E)'
# The release build, as it is installed.
VALGRIND_E2E ?= demo.sh nodes.sh test_check.sh test_lint.sh test_merge.sh \
	test_recommend.sh test_report.sh test_snapshot.sh
valgrind: all
	@tests/run-valgrind.sh $(B) '$(VALGRIND_E2E)'
debug:
	@$(MAKE) B=build/debug CFLAGS='-O0 -g3' all
asan:
	@$(MAKE) $(ASAN) check
asan-programs:
	@$(MAKE) $(ASAN) programs

demo: deps
	@$(MAKE) --no-print-directory all
	@scripts/demo.sh $(B)/ringfence $(B:%/release=%)/demo

# bench/traffic/ is one program, any other bench/*.c one each, with bench/world/.
BENCH := $(patsubst %.c,$(B)/%,$(wildcard bench/*.c)) $(B)/bench/gen_traffic
$(B)/bench/%: bench/%.c $(wildcard bench/world/*.[ch]) \
    $(filter-out $(B)/cli.a,$(cli_LIBS))
	$(call say,LD)
	$(Q)mkdir -p $(@D)
	$(Q)$(cc) -MF $@.d -o $@ $(filter %.c,$^) $(fuzzld)
$(B)/bench/bench_soak: $(B)/tests/support.a
$(B)/bench/gen_traffic: $(wildcard bench/traffic/*.[ch]) $(B)/core.a
	$(call say,LD)
	$(Q)mkdir -p $(@D)
	$(Q)$(cc) -MF $@.d -o $@ $(filter %.c %.a,$^) $(LINK)
bench: all $(BENCH)
	@bench/run.sh $(B)
	@bench/sizes.sh $(B)
bench-sizes: all $(BENCH)
	@bench/sizes.sh $(B)
bench-live: all $(B)/bench/send_frames
	@bench/live.sh $(B)

# clang-tidy leaves a stamp per file, so that only what changed is read again.
# It says what clang warns of, too.
# A third of the analyser's usual steps, for two thirds of its time went to a
# few long functions; TIDY_NODES=225000 is all of them.
TIDY_NODES ?= 75000
DIRS    := $(MODULES) tests/* bench bench/traffic bench/world
HEADERS := $(wildcard $(DIRS:%=%/*.h))
SOURCES := $(wildcard $(DIRS:%=%/*.c))
$(B)/tidy/%: %.c $(HEADERS) .clang-tidy $(B)/gen/sql.h
	$(call say,TIDY)
	$(Q)mkdir -p $(@D)
	$(Q)clang-tidy --quiet $< -- $(CPPF) $(filter-out $(GCCWARN),$(WARN)) \
		$(call pkg,cflags,cli) \
		-Xclang -analyzer-config -Xclang max-nodes=$(TIDY_NODES) \
		2>$@.log \
		|| { cat $@.log; exit 1; }
	$(Q)touch $@
tidy: $(SOURCES:%.c=$(B)/tidy/%)
format:
	clang-format --dry-run --Werror $(SOURCES) $(HEADERS)
reformat:
	clang-format -i $(SOURCES) $(HEADERS)
lint:
	@MAKE='$(MAKE)' B=$(B) JOBS=$(JOBS) tests/lint/all.sh

# SOURCE=PLACE below PREFIX. Links to the program are apart.
FILES := $(foreach m,$(wildcard man/*.1),$m=share/man/$(m:man/%=man1/%)) \
	scripts/completion/ringfence.bash=share/bash-completion/completions/ringfence \
	scripts/completion/_ringfence=share/zsh/site-functions/_ringfence \
	scripts/completion/ringfence.fish=share/fish/vendor_completions.d/ringfence.fish
BINS  := $(B)/ringfence scripts/completion/kubectl_complete-ringfence
root   = $(DESTDIR)$(PREFIX)
install: all
	$(foreach b,$(BINS),install -D -m 0755 $b $(root)/bin/$(notdir $b)$(nl))
	ln -sf ringfence $(root)/bin/kubectl-ringfence
	$(foreach f,$(FILES),install -D -m 0644 \
		$(subst =, $(root)/,$f)$(nl))
uninstall:
	rm -f $(foreach b,$(BINS),$(root)/bin/$(notdir $b)) \
		$(root)/bin/kubectl-ringfence \
		$(foreach f,$(FILES),$(root)/$(lastword $(subst =, ,$f)))

# What a release consists of; the same commit gives the same bytes.
dist: all
	@scripts/dist.sh $(VERSION) $(B)/ringfence $(B:%/release=%)/dist $(DIST_URL)

# What scripts make of fixtures/, anew; tests/lint/fixtures.sh wants no change.
fixtures:
	python3 fixtures/shop/make_shop.py
	python3 fixtures/lint/make_objects.py
	python3 tests/fuzz/make_seeds.py

IMAGE ?= ringfence:$(VERSION)
image:
	@scripts/image.sh $(IMAGE) $(IMAGE_FLAGS)

clean:
	rm -rf build

help:
	@echo 'make            release build: $(B)/ringfence'
	@echo 'make test       install what is missing, build, run every test'
	@echo 'make demo       the whole story on fixtures/shop'
	@echo 'make unit       unit tests alone; make check: test without deps'
	@echo 'make asan       every test under ASan and UBSan'
	@echo 'make tsan       what has threads, under ThreadSanitizer'
	@echo 'make valgrind   commands of the release build under memcheck'
	@echo 'make check-fault  every command, allocation after allocation failing'
	@echo 'make check-hard  a million sources, 100 MB of objects, 10 GB of nothing'
	@echo 'make lint       format, clang-tidy, arrows, style, manual, SQL'
	@echo 'make reformat   clang-format -i on every source'
	@echo 'make fuzz       each fuzz target for FUZZ_SECONDS=60 (clang)'
	@echo 'make fixtures   write anew what scripts make of fixtures/'
	@echo 'make fuzz-replay  the committed fuzz inputs, once (no clang)'
	@echo 'make bench      packets/s beside a null libpcap loop'
	@echo 'make bench-live  what capturing live costs, and loses (as root)'
	@echo 'make debug      build/debug/ringfence, not optimised'
	@echo 'make install    program, manual, completion, kubectl plugin;'
	@echo '                DESTDIR=, PREFIX=$(PREFIX); make uninstall'
	@echo 'make image      a container image; IMAGE=NAME:TAG IMAGE_FLAGS='
	@echo 'make dist       archives of a release in build/dist; DIST_URL='
	@echo 'make clean      remove build/'
	@echo 'Variables: CC, CFLAGS, B (build directory), V=1, WERROR=-Werror,'
	@echo '    CONNTRACK=0 (never read the kernel'"'"'s connection table)'

.PHONY: all programs unit fuzzers fuzz-replay fuzz fuzz-programs check \
	check-fault check-hard tsan tsan-programs valgrind test deps debug \
	asan asan-programs demo \
	bench bench-sizes bench-live tidy format reformat lint fixtures install \
	uninstall dist image clean help
-include $(shell find $(B) -name '*.d' 2>/dev/null)
