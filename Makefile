# SPDX-License-Identifier: Apache-2.0
# ringfence: `make` builds, `make test` tests, `make demo` shows, `make help`
# lists the rest. V=1 shows the commands; WERROR=-Werror as CI does.
.DELETE_ON_ERROR:
.SECONDARY:
PREFIX     ?= /usr/local
PKG_CONFIG ?= pkg-config
CFLAGS     ?= -O2 -g
B          ?= build/release
WERROR     ?=
VERSION    := 0.1.0
Q          := $(if $(V),,@)

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
PKGS_kube        := jansson yaml-0.1
PKGS_store       := sqlite3 jansson yaml-0.1
PKGS_collector   := sqlite3 libpcap jansson yaml-0.1
PKGS_policy      := jansson yaml-0.1
PKGS_recommender := jansson yaml-0.1
PKGS_report      := jansson yaml-0.1
PKGS_cli         := sqlite3 libpcap jansson yaml-0.1

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wconversion -Wcast-qual -Wwrite-strings -Wvla \
	-Wformat=2 -Wundef -Wnull-dereference
GCCWARN := -Wduplicated-cond -Wlogical-op
ifneq ($(findstring clang,$(CC)),clang)
WARN += $(GCCWARN)
endif
HARD := -fPIE -fstack-protector-strong -fstack-clash-protection \
	-fcf-protection -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
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

# One archive a room; a test links the archives of the rooms its room uses,
# and tests/support/*.c of its own.
define module
$1_LIBS := $$(USES_$1:%=$(B)/%.a)
$(B)/$1.a: $$(patsubst %.c,$(B)/%.o,$$(filter-out %/main.c,$$(wildcard $1/*.c)))
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

UNIT := $(patsubst %.c,$(B)/%,$(wildcard tests/*/test_*.c))
unit: $(UNIT)
	@tests/run-unit.sh $(UNIT)

clean:
	rm -rf build

.PHONY: all unit clean
-include $(shell find $(B) -name '*.d' 2>/dev/null)
