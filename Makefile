# SPDX-License-Identifier: GPL-2.0-or-later
#
# damontop. "make help" lists the targets.
# A plain makefile: no configure step, every source file is found by its folder.

BUILD   ?= build
PREFIX  ?= /usr/local
DESTDIR ?=
CLANG   ?= clang
BPFTOOL ?= bpftool
VERSION := 0.1.0

# ---- what has to be installed (Debian's names) -------------------------------------------------
DEPS_BUILD := gcc libc6-dev pkg-config libncurses-dev libbpf-dev libpfm4-dev libzydis-dev \
              libjansson-dev libelf-dev libiberty-dev zlib1g-dev clang llvm bpftool
# redis-tools has the server in it (redis-check-rdb under another name): no service is started.
DEPS_CHECK := libcmocka-dev tmux python3 procps ncurses-term redis-tools sqlite3 \
              qemu-system-x86 busybox-static cpio libclang-rt-14-dev clang-format cppcheck numactl qemu-user linux-perf zsh

# ---- flags -------------------------------------------------------------------------------------
WARN     := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wpointer-arith \
            -Wwrite-strings -Wundef -Wformat=2 -Wno-format-nonliteral
ifeq ($(CI),true)
WARN     += -Werror
endif
OPT      ?= -O2 -g
CPPFLAGS += -I. -I$(BUILD)/gen -D_GNU_SOURCE -DDAMONTOP_VERSION='"$(VERSION)"'
# Asked when a compiler runs, not when make reads this: nothing may be installed yet.
PKGS      = ncursesw libbpf jansson libelf zlib
PKG_CFLAGS = $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
PKG_LIBS   = $(shell pkg-config --libs $(PKGS) 2>/dev/null)
BASE_CFLAGS = -std=c11 $(OPT) $(WARN) -pthread -fno-common $(SAN)
LDLIBS   += -lpfm -lZydis -liberty $(PKG_LIBS) -pthread -lm

# ---- files -------------------------------------------------------------------------------------
COLLECTOR_SRC := $(wildcard collector/*.c collector/*/*.c)
TUI_SRC       := $(wildcard tui/*.c)
LIB_OBJ       := $(COLLECTOR_SRC:%.c=$(BUILD)/%.o) $(patsubst %.c,$(BUILD)/%.o,$(filter-out tui/main.c,$(TUI_SRC)))
MAIN_OBJ      := $(BUILD)/tui/main.o
BPF_SRC       := $(wildcard bpf/*.bpf.c tests/bench/bpf/*.bpf.c)
BPF_SKEL      := $(patsubst %.bpf.c,$(BUILD)/gen/%.skel.h,$(notdir $(BPF_SRC)))
THEMES        := $(sort $(wildcard themes/*.theme))
GEN           := $(BUILD)/gen/themes.inc $(BPF_SKEL)
UNIT_SRC      := $(wildcard tests/unit/test_*.c)
UNIT_BIN      := $(UNIT_SRC:tests/unit/%.c=$(BUILD)/tests/unit/%)
UNIT_LIB_OBJ  := $(patsubst %.c,$(BUILD)/%.o,$(filter-out $(UNIT_SRC),$(wildcard tests/unit/*.c)))
TOOL_SRC      := $(wildcard tests/bench/*.c tests/vm/*.c tests/live/*.c)
WORKLOAD_OBJ  := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/workload/*.c))
WORKLOAD      := $(BUILD)/tests/workload/workload
TOOL_BIN      := $(TOOL_SRC:%.c=$(BUILD)/%) $(WORKLOAD)

.DEFAULT_GOAL := all
.PHONY: all run check deps deps-check asan tsan bench lint format install uninstall clean help tools unit vm-check guest
.DELETE_ON_ERROR:
.SECONDARY:

all: $(BUILD)/damontop ## build the program: build/damontop

$(BUILD)/damontop: $(MAIN_OBJ) $(BUILD)/libdamontop.a
	@echo "  LINK  $@"
	@$(CC) $(BASE_CFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/libdamontop.a: $(LIB_OBJ)
	@echo "  AR    $@"
	@rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/%.o: %.c | $(GEN)
	@echo "  CC    $<"
	@mkdir -p $(@D)
	@$(CC) $(CPPFLAGS) $(PKG_CFLAGS) $(BASE_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# The shipped themes as C strings.
$(BUILD)/gen/themes.inc: $(THEMES) Makefile
	@mkdir -p $(@D)
	@for f in $(THEMES); do n=$${f##*/}; printf '{ "%s",\n' "$${n%.theme}"; \
	  sed 's/\\/\\\\/g; s/"/\\"/g; s/.*/  "&\\n"/' $$f; printf '},\n'; done > $@

define COMPILE_BPF
	@echo "  BPF   $<"
	@mkdir -p $(@D)
	@$(CLANG) -g -O2 -Wall -Werror -target bpf -D__TARGET_ARCH_x86 -I. -c -o $@ $<
endef

$(BUILD)/gen/%.bpf.o: bpf/%.bpf.c $(wildcard bpf/*.h)
	$(COMPILE_BPF)

$(BUILD)/gen/%.bpf.o: tests/bench/bpf/%.bpf.c $(wildcard bpf/*.h)
	$(COMPILE_BPF)

$(BUILD)/gen/%.skel.h: $(BUILD)/gen/%.bpf.o
	@$(BPFTOOL) gen skeleton $< name $*_bpf_skel > $@

# ---- tests -------------------------------------------------------------------------------------
tools: $(TOOL_BIN)

# One program that is linked with nothing of ours, so that it is small wherever it goes.
$(WORKLOAD): $(WORKLOAD_OBJ)
	@echo "  LINK  $@"
	@$(CC) $(BASE_CFLAGS) $(CFLAGS) $(LDFLAGS) $(WORKLOAD_LDFLAGS) -o $@ $^ -pthread -lm

$(BUILD)/tests/%: $(BUILD)/tests/%.o $(BUILD)/libdamontop.a
	@echo "  LINK  $@"
	@$(CC) $(BASE_CFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(BUILD)/libdamontop.a $(LDLIBS)

# Rings without a kernel.
$(BUILD)/tests/bench/bench_perf_ring $(BUILD)/tests/bench/bench_perf_script: $(BUILD)/tests/unit/perf_sim.o

$(UNIT_BIN): $(BUILD)/tests/unit/%: $(BUILD)/tests/unit/%.o $(UNIT_LIB_OBJ) $(BUILD)/libdamontop.a
	@echo "  LINK  $@"
	@$(CC) $(BASE_CFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $< $(UNIT_LIB_OBJ) $(BUILD)/libdamontop.a $(LDLIBS) -lcmocka

unit: $(UNIT_BIN) ## build and run the unit tests alone
	@set -e; for t in $(UNIT_BIN); do $$t; done

vm-check: all tools ## the sources on real kernels, in qemu
	@BUILD=$(BUILD) tests/vm/check.sh

guest: all tools ## try it: damontop -s mglru on a real kernel in qemu, in this terminal
	@BUILD=$(BUILD) tests/vm/guest.sh -i

check: deps-check ## install what is missing, build, and run every test
	@$(MAKE) -s --no-print-directory $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc)) all tools $(UNIT_BIN) fuzz-build
	@BUILD=$(BUILD) tests/run.sh

asan: ## build/asan/damontop: with AddressSanitizer and UBSan
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/asan OPT="-O1 -g" \
	  SAN="-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer" all

tsan: ## build/tsan/damontop: with ThreadSanitizer
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/tsan OPT="-O1 -g" SAN="-fsanitize=thread" all

# Fuzz targets: the library once more, by clang and instrumented, and one program for each tests/fuzz/fuzz_*.c.
FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ_BIN := $(FUZZ_SRC:tests/fuzz/%.c=$(BUILD)/tests/fuzz/%)
FUZZ_SECONDS ?= 60
FUZZ_LIB_OBJ := $(BUILD)/tests/unit/perf_sim.o
.PHONY: fuzz fuzz-build fuzz-programs
fuzz-build:
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/fuzz CC=$(CLANG) OPT="-O1 -g" \
	  SAN="-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined" fuzz-programs
fuzz-programs: $(FUZZ_BIN)
$(FUZZ_BIN): $(BUILD)/tests/fuzz/%: $(BUILD)/tests/fuzz/%.o $(FUZZ_LIB_OBJ) $(BUILD)/libdamontop.a
	@echo "  LINK  $@"
	@$(CC) $(BASE_CFLAGS) $(CFLAGS) $(LDFLAGS) -fsanitize=fuzzer -o $@ $< $(FUZZ_LIB_OBJ) $(BUILD)/libdamontop.a $(LDLIBS)
fuzz: fuzz-build ## run each fuzz target for FUZZ_SECONDS (60)
	@BUILD=$(BUILD) FUZZ_SECONDS=$(FUZZ_SECONDS) tests/fuzz/run.sh

bench: all tools ## measure: every performance claim comes from here
	@BUILD=$(BUILD) tests/bench/run.sh

lint: ## static analysis, layers, format
	@BUILD=$(BUILD) tests/lint/run.sh

C_FILES = $(shell git ls-files '*.[ch]')
format: ## clang-format every C file
	@clang-format -i $(C_FILES)

# ---- running -----------------------------------------------------------------------------------
run: deps ## install what is missing, build, and open damontop on a bundled workload
	@$(MAKE) -s --no-print-directory all tools
	@BUILD=$(BUILD) tests/workload/run.sh

# Silent where nothing is missing.
define install_packages
	@if ! command -v apt-get >/dev/null 2>&1; then \
	  if command -v pkg-config >/dev/null 2>&1 && pkg-config --exists $(PKGS) && command -v $(CLANG) >/dev/null 2>&1 && \
	     command -v $(BPFTOOL) >/dev/null 2>&1; then exit 0; fi; \
	  echo "This is no Debian: please install, by your distribution's own names:"; \
	  echo "  a C compiler, make, pkg-config, clang (with the bpf target) and bpftool"; \
	  echo "  with headers: ncurses (wide), libbpf, libpfm4, Zydis 4, jansson, elfutils (libelf), binutils (libiberty), zlib"; \
	  echo "  for make check: cmocka, tmux, python3, redis, sqlite3, qemu-system-x86, busybox (static), cpio, cppcheck"; \
	  exit 1; \
	fi; \
	missing=; for p in $(1); do \
	  dpkg-query -W -f='$${db:Status-Abbrev}' $$p 2>/dev/null | grep -q '^ii' || missing="$$missing $$p"; done; \
	if [ -n "$$missing" ]; then \
	  echo "installing:$$missing"; \
	  sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	  if [ -n "$$sudo" ] && ! command -v sudo >/dev/null 2>&1; then \
	    echo "not root, and there is no sudo; as root: apt-get install$$missing"; exit 1; fi; \
	  log=$$(mktemp) && { $$sudo apt-get update -qq && \
	    $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing; } >$$log 2>&1 \
	    || { cat $$log; rm -f $$log; echo "could not install$$missing"; exit 1; }; rm -f $$log; \
	fi
endef

deps: ## install what building needs (Debian: apt, with sudo where needed)
	$(call install_packages,$(DEPS_BUILD))

deps-check: ## install what building and testing need
	$(call install_packages,$(DEPS_BUILD) $(DEPS_CHECK))

# ---- the rest ----------------------------------------------------------------------------------
BASH_COMPLETION = $(PREFIX)/share/bash-completion/completions/damontop
ZSH_COMPLETION  = $(PREFIX)/share/zsh/site-functions/_damontop

install: all ## into DESTDIR and PREFIX (/usr/local)
	install -D -m 755 $(BUILD)/damontop $(DESTDIR)$(PREFIX)/bin/damontop
	install -D -m 644 docs/damontop.1 $(DESTDIR)$(PREFIX)/share/man/man1/damontop.1
	install -d $(DESTDIR)$(PREFIX)/share/damontop/themes
	install -m 644 $(THEMES) $(DESTDIR)$(PREFIX)/share/damontop/themes
	$(BUILD)/damontop --completion bash > $(BUILD)/gen/damontop.bash
	install -D -m 644 $(BUILD)/gen/damontop.bash $(DESTDIR)$(BASH_COMPLETION)
	$(BUILD)/damontop --completion zsh > $(BUILD)/gen/damontop.zsh
	install -D -m 644 $(BUILD)/gen/damontop.zsh $(DESTDIR)$(ZSH_COMPLETION)

uninstall: ## take it out again
	rm -f $(DESTDIR)$(PREFIX)/bin/damontop $(DESTDIR)$(PREFIX)/share/man/man1/damontop.1
	rm -f $(DESTDIR)$(BASH_COMPLETION) $(DESTDIR)$(ZSH_COMPLETION)
	rm -rf $(DESTDIR)$(PREFIX)/share/damontop

clean: ## remove the build directory
	rm -rf $(BUILD)

help: ## this list
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(firstword $(MAKEFILE_LIST)) | \
	  while IFS='|' read -r target text; do printf '%-18s %s\n' "$$target" "$$text"; done

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
