# SPDX-License-Identifier: GPL-2.0-only
# What is shipped around the program. Included by Makefile.
#
#   make rules   the alerting rules for WINDOW=1h, into build/prometheus
#   make metrics the table of metrics for people

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
