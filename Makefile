# SPDX-License-Identifier: GPL-2.0-only
#
#   make top     build seep and open the live view (installs what is missing, as root on Debian 12)
#   make test    build seep and pass every test
#   make help    these lines
#
#   make all     build/seep alone, and nothing installed
#   make check   rules, tree and form of what is shipped; make format mends the form of C
#   make fuzz    the readers of strangers' bytes, FUZZ_SECONDS=60 each
#   make bench   what it costs here; SECTIONS= some of it; bench-readme writes README's table
#   make bench-trend    how right the verdict is; TRACES= of other traces
#   make test-unit, test-e2e, test-go, test-kernels, test-servers, test-mutations    parts of the tests

VERSION := 0.1.0
O       := build
V       ?= 0

CC      ?= gcc
CLANG   ?= clang
BPFTOOL ?= /usr/sbin/bpftool
PYTHON  ?= /usr/bin/python3

PACKAGES      := gcc make pkg-config clang llvm bpftool libbpf-dev libelf-dev zlib1g-dev libc6-dev \
                 linux-libc-dev libdw-dev libmicrohttpd-dev libncurses-dev libjansson-dev libcap-ng-dev \
                 libseccomp-dev
TEST_PACKAGES := git build-essential libcmocka-dev python3 python3-pytest python3-prometheus-client prometheus curl \
                 redis-server redis-tools nginx-light postgresql libpq-dev openssl memcached wrk apache2-utils \
                 iproute2 tmux qemu-system-x86 busybox-static cpio xz-utils lz4 zstd kmod clang-format strace procps \
                 libclang-rt-14-dev
BENCH_PACKAGES := valgrind linux-perf

LIBS     := libbpf libelf zlib libdw libmicrohttpd ncursesw jansson libcap-ng libseccomp
CFLAGS   ?= -O2 -g
ALL_CFLAGS = -std=gnu11 $(CFLAGS) -Wall -Wextra -Werror -Wno-unused-parameter -Wmissing-prototypes \
             -Wstrict-prototypes -D_GNU_SOURCE -DSEEP_VERSION='"$(VERSION)"' -I. -I$(O) \
             $(shell pkg-config --cflags $(LIBS) 2>/dev/null)
ALL_LIBS = $(shell pkg-config --libs $(LIBS) 2>/dev/null) -lm -lpthread
BPF_CFLAGS = -target bpf -D__TARGET_ARCH_x86 -O2 -g -mcpu=v3 -Wall -Wextra -Werror \
             -Wno-unused-parameter -Wno-unused-function -I. -I$(O)

ifeq ($(V),0)
Q := @
say = @printf '  %-8s %s\n' $(1) $(2);
endif

bpf_sources := $(wildcard bpf/*.bpf.c)
skeletons   := $(bpf_sources:bpf/%.bpf.c=$(O)/bpf/%.skel.h)
generated   := $(skeletons) $(O)/bpf/kernel_types.inc
sources     := $(sort $(shell find agent exporters -name '*.c'))
objects     := $(sources:%.c=$(O)/%.o)
lib_objects := $(filter-out $(O)/agent/main.o,$(objects))
fuzzers     := $(patsubst tests/fuzz/%.c,$(O)/tests/fuzz/%,$(wildcard tests/fuzz/*_fuzz.c))
unit_tests  := $(patsubst tests/unit/%.c,$(O)/tests/unit/%,$(wildcard tests/unit/*_test.c))
guest_tools := $(patsubst tests/vm/%.c,$(O)/tests/vm/%,$(wildcard tests/vm/*.c))
drivers     := $(patsubst tests/drivers/%.c,$(O)/tests/drivers/%,$(wildcard tests/drivers/*.c))
workloads   := $(patsubst tests/workloads/%.c,$(O)/workloads/%,$(wildcard tests/workloads/*.c))

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all top test check clean help deps deps-test

all: $(O)/seep

help:
	@sed -n 's/^#   //p' Makefile deploy/deploy.mk

# Packages: one look at dpkg, and apt only for what is missing. The stamp is per list.
define install_packages
@mkdir -p $(O)
@missing=$$(for p in $(1); do dpkg-query -W -f '$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || echo $$p; done); \
if [ -n "$$missing" ]; then echo "  APT      $$missing" | tr '\n' ' '; echo; \
	apt-get -q update >/dev/null && DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
	apt-get -q install -y --no-install-recommends $$missing >$(O)/apt.log 2>&1 || { tail -n 20 $(O)/apt.log; exit 1; }; fi
endef

deps:
	$(call install_packages,$(PACKAGES))

deps-test: deps
	$(call install_packages,$(TEST_PACKAGES))

# The sub-make sees the packages that deps has just installed.
top: deps
	$(Q)$(MAKE) --no-print-directory all
	$(Q)$(O)/seep top

test: deps-test
	$(Q)$(MAKE) --no-print-directory test-all

$(O)/bpf/%.bpf.o: bpf/%.bpf.c
	@mkdir -p $(@D)
	$(call say,BPF,$@)
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -MT $@ -c $< -o $@.tmp && \
	$(BPFTOOL) gen object $@ $@.tmp && rm $@.tmp

$(O)/bpf/%.skel.h: $(O)/bpf/%.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf > $@

# The names of the kernel's types that are read, without the flavour of a version.
$(O)/bpf/kernel_types.inc: bpf/vmlinux.h
	@mkdir -p $(@D)
	$(call say,TYPES,$@)
	$(Q)sed -nE -e 's/^(struct|union|enum) (\w+) \{$$/\2/p' -e 's/^\} (\w+);$$/\1/p' $< | \
		sed -E 's/(.*)___.*/\1/; s/.*/"&",/' | LC_ALL=C sort -u >$@

$(O)/%.o: %.c | $(generated)
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

$(O)/libseep.a: $(lib_objects)
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^

$(O)/seep: $(O)/agent/main.o $(O)/libseep.a
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) $^ -o $@ $(ALL_LIBS)

$(O)/tests/unit/%: tests/unit/%.c $(O)/libseep.a
	@mkdir -p $(@D)
	$(call say,TEST,$@)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP $< -o $@ $(O)/libseep.a -lcmocka $(ALL_LIBS)

# Whose reader is made by the test.
$(O)/tests/unit/go_census_test: private ALL_CFLAGS += \
	-Wl,--wrap=go_scan,--wrap=late_reader_get,--wrap=reader_forget

# Whose stacks are.
$(O)/tests/unit/explain_go_heap_test: private ALL_CFLAGS += \
	-Wl,--wrap=survivor_site,--wrap=go_names_ask

# A part of seep behind a main of its own, for end-to-end tests of that part.
$(O)/tests/drivers/%: tests/drivers/%.c $(O)/libseep.a
	@mkdir -p $(@D)
	$(call say,DRIVER,$@)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP $< -o $@ $(O)/libseep.a $(ALL_LIBS)

# The one that talks to a database, as its users do.
$(O)/workloads/pool: WORKLOAD_LIBS := -lpq

# As a distribution builds: no frame pointers, no flag that helps seep.
$(O)/workloads/%: tests/workloads/%.c
	@mkdir -p $(@D)
	$(call say,WORKLOAD,$@)
	$(Q)$(CC) -O2 -g -Wall -Wextra -Werror -D_GNU_SOURCE -I. -MMD -MP $< -o $@ -lpthread -lm $(WORKLOAD_LIBS)

# What the guests of the kernel matrix run beside seep.
$(O)/tests/vm/%: tests/vm/%.c
	@mkdir -p $(@D)
	$(call say,TEST,$@)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP $< -o $@ $(shell pkg-config --libs libbpf)

.PHONY: test-all test-unit test-e2e workloads
workloads: $(workloads)

test-all: all $(unit_tests) $(fuzzers) $(drivers) workloads $(guest_tools)
	$(Q)O=$(O) $(PYTHON) tests/run.py all

test-unit: $(unit_tests)
	$(Q)O=$(O) $(PYTHON) tests/run.py unit

.PHONY: kernels test-kernels
kernels:
	$(Q)O=$(O) $(PYTHON) tests/vm/kernels.py

test-kernels: all workloads $(guest_tools)
	$(Q)O=$(O) $(PYTHON) tests/run.py vm

# The Go programs by each Go that Debian has; GO= names some builds, as in GO="1.19 1.26-old-pie".
.PHONY: go-toolchains go-workloads
go-toolchains:
	$(Q)O=$(O) $(PYTHON) tests/workloads/go/toolchains.py

go-workloads:
	$(Q)O=$(O) $(PYTHON) tests/workloads/go/build.py $(GO)

# Every build of them, and README's table of what seep found and where it was silent.
.PHONY: test-go go-readme
test-go: all
	$(Q)GO_BUILDS="$(or $(GO),all)" O=$(O) $(PYTHON) tests/run.py go

# The table needs one file of the suite.
go-readme: all
	-$(Q)GO_BUILDS="$(or $(GO),all)" O=$(O) $(PYTHON) tests/run.py go -- -k test_go.py
	$(Q)O=$(O) $(PYTHON) tests/e2e/go_results.py

test-e2e: all $(drivers) workloads
	$(Q)O=$(O) $(PYTHON) tests/run.py e2e

# Figures of this machine: CPU, memory, nanoseconds an event, ratios. SECTIONS= names some of them.
.PHONY: bench
bench: deps-test
	$(call install_packages,$(BENCH_PACKAGES))
	$(Q)$(MAKE) --no-print-directory all $(O)/bench/holder $(O)/bench/trends \
		$(O)/tests/drivers/goscan
	$(Q)O=$(O) $(PYTHON) tests/bench/bench.py $(BENCH) $(SECTIONS)

# The same, and its table into README.
.PHONY: bench-readme
bench-readme:
	$(Q)$(MAKE) --no-print-directory bench BENCH=--readme

# A part of seep behind a main of its own.
$(O)/bench/trends: tests/bench/trends.c $(O)/libseep.a
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP $< -o $@ $(O)/libseep.a $(ALL_LIBS)

$(O)/bench/%: tests/bench/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) -O2 -g -Wall -Wextra $< -o $@

# Precision and recall of the verdict, ours and that of rules in use. TRACES= names other traces.
.PHONY: bench-trend
bench-trend: all
	$(Q)O=$(O) $(PYTHON) tests/bench/trend/bench.py $(TRACES)

# The same, and its table into README.
.PHONY: bench-trend-readme
bench-trend-readme: all
	$(Q)O=$(O) $(PYTHON) tests/bench/trend/bench.py --readme

# Real servers under load, recorded anew for bench-trend: 7 minutes of real time.
.PHONY: record-servers
record-servers: deps-test all
	$(Q)for kind in healthy leaky; do O=$(O) $(PYTHON) -B tests/bench/servers/record.py $$kind \
		tests/bench/servers/recorded >$(O)/recorded.$$kind.json & pids="$$pids $$!"; done; \
		for pid in $$pids; do wait $$pid || exit 1; done

# The test of real servers at windows of five seconds, as an operator would play it: 7 minutes.
.PHONY: test-servers
test-servers: deps-test all
	$(Q)SERVERS_WINDOW=5 O=$(O) $(PYTHON) tests/run.py played -- -k test_servers_trend

# Does each test that counts turn red when the counting is broken?
.PHONY: test-mutations
test-mutations: all workloads
	$(Q)O=$(O) $(PYTHON) tests/mutations/run.py

# Fuzzing: the library once more under clang's sanitizers, each harness for a while. What is found
# stays in build/tests/fuzz. The suite runs each for a few seconds.
FUZZ_SECONDS ?= 60
FUZZ_FLAGS   := -std=gnu11 -O1 -g -D_GNU_SOURCE -DSEEP_VERSION='"$(VERSION)"' -I. -I$(O) -w \
                -fsanitize=address,undefined -fno-sanitize-recover=undefined

.PHONY: fuzz
fuzz: deps-test
	$(Q)$(MAKE) --no-print-directory $(fuzzers)
	$(Q)O=$(O) $(PYTHON) tests/fuzz/run.py $(FUZZ_SECONDS)

$(O)/fuzz/%.o: %.c | $(generated)
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CLANG) $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link -MMD -MP -c $< -o $@

$(O)/fuzz/libseep.a: $(lib_objects:$(O)/%=$(O)/fuzz/%)
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^

$(O)/tests/fuzz/%: tests/fuzz/%.c $(O)/fuzz/libseep.a
	@mkdir -p $(@D)
	$(call say,FUZZER,$@)
	$(Q)$(CLANG) $(FUZZ_FLAGS) -fsanitize=fuzzer $^ -o $@ $(ALL_LIBS)

.PHONY: check format
check:
	$(Q)O=$(O) $(PYTHON) tests/run.py check

format:
	clang-format -i $$(git ls-files 'agent/*.[ch]' 'exporters/*.[ch]' 'bpf/*.[ch]')

clean:
	rm -rf $(O)

include deploy/deploy.mk

-include $(shell find $(O) -path $(O)/go -prune -o -name '*.d' -type f -print 2>/dev/null)
