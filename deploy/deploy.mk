# SPDX-License-Identifier: GPL-2.0-only
# What is shipped around the program. Included by Makefile.
#
#   make rules   the alerting rules for WINDOW=1h, into build/prometheus
#   make metrics the table of metrics for people
#   make man     the manual pages
#   make install the program, its pages, unit and rules below DESTDIR and PREFIX=/usr/local
#   make deb     a Debian package, into build/deb

TEST_PACKAGES += python3-yaml mandoc systemd debhelper

WINDOW  ?= 1h
RUNBOOK ?= RUNBOOK.md
rules_maker := deploy/prometheus/make_rules.py
rules_file  := deploy/prometheus/seep.rules.yml

.PHONY: rules

rules:
	@mkdir -p $(O)/prometheus
	$(call say,RULES,$(O)/prometheus/seep.rules.yml)
	$(Q)$(PYTHON) $(rules_maker) $(WINDOW) $(RUNBOOK) <$(rules_file).in >$(O)/prometheus/seep.rules.yml
ifeq ($(WINDOW) $(RUNBOOK),1h RUNBOOK.md)
	$(Q)cp $(O)/prometheus/seep.rules.yml $(rules_file)
endif

.PHONY: metrics

metrics:
	$(call say,METRICS,deploy/prometheus/METRICS.md)
	$(Q)$(PYTHON) deploy/prometheus/make_metrics.py <exporters/metrics.h >deploy/prometheus/METRICS.md

# Manual pages: the program's own table of options gives their OPTIONS.
man_pages := $(patsubst deploy/man/%.in,$(O)/man/%,$(wildcard deploy/man/*.in))

.PHONY: man install deb

man: $(man_pages)

$(O)/man/%: deploy/man/%.in deploy/man/make_man.py $(O)/seep
	@mkdir -p $(@D)
	$(call say,MAN,$@)
	$(Q)$(PYTHON) deploy/man/make_man.py $(O)/seep $< >$@

DESTDIR ?=
PREFIX  ?= /usr/local
bin     := $(DESTDIR)$(PREFIX)/bin
share   := $(DESTDIR)$(PREFIX)/share
units   := $(DESTDIR)$(if $(filter /usr,$(PREFIX)),/lib/systemd/system,$(PREFIX)/lib/systemd/system)

install: all man
	$(call say,INSTALL,$(DESTDIR)$(PREFIX))
	$(Q)install -D -m 755 $(O)/seep $(bin)/seep
	$(Q)for page in $(man_pages); do \
		install -D -m 644 $$page $(share)/man/man$${page##*.}/$${page##*/} || exit; done
	$(Q)install -D -m 644 -t $(share)/seep/prometheus deploy/prometheus/seep.rules.yml \
		deploy/prometheus/seep.rules.yml.in deploy/prometheus/RUNBOOK.md \
		deploy/prometheus/METRICS.md
	$(Q)install -D -m 755 -t $(share)/seep/prometheus deploy/prometheus/make_rules.py
	$(Q)install -D -m 644 -t $(share)/seep/grafana deploy/grafana/seep.json
	$(Q)mkdir -p $(units)
	$(Q)sed 's|/usr/bin/seep|$(PREFIX)/bin/seep|' deploy/systemd/seep.service >$(units)/seep.service
	$(Q)install -D -m 644 deploy/systemd/seep.default $(DESTDIR)/etc/default/seep

# A package of Debian's kind, built from nothing in a copy of the tree, since debhelper wants debian/
# at its top and its own compiler flags.
deb_tree := $(O)/deb/seep-$(VERSION)

deb:
	$(call install_packages,$(PACKAGES) debhelper python3)
	$(call say,DEB,$(O)/deb/seep_$(VERSION)_$$(dpkg --print-architecture).deb)
	$(Q)rm -rf $(O)/deb && mkdir -p $(deb_tree)
	$(Q)cp -a Makefile agent bpf exporters deploy $(deb_tree)/
	$(Q)cp -a deploy/debian $(deb_tree)/debian
	$(Q)cd $(deb_tree) && DEB_BUILD_OPTIONS="parallel=2 noautodbgsym" dpkg-buildpackage --no-sign --build=binary \
		>../build.log 2>&1 || { tail -n 20 ../build.log; exit 1; }
	$(Q)rm -rf $(deb_tree)
