#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Makes the rules for one window: make_rules.py WINDOW [RUNBOOK] <seep.rules.yml.in >seep.rules.yml

In the template %4W% is a duration of four windows, %W/6% a sixth of one, %4W:s% as seconds, %4W:h% as hours, and
%step% the interval of evaluation, %who% whose bound it is, %runbook% where the runbook is found.
WINDOW is a duration as Prometheus writes it: 5s, 10m, 1h, 1h30m.
"""

import re
import sys

UNITS = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}
LONGEST_STEP = 60_000  # well under the five minutes in which Prometheus calls a sample fresh
WHO = ('{{ with $labels.group }}{{ . }}{{ else }}{{ with $labels.netns }}network namespace {{ . }}'
       '{{ else }}the host{{ end }}{{ end }}')


def parse(word):
    """Milliseconds of a duration."""
    if not re.fullmatch(r"(\d+(d|h|ms|m|s))+", word):
        raise ValueError(f"'{word}' is no duration; it takes one like 5s, 10m or 1h")
    return sum(int(n) * UNITS[unit] for n, unit in re.findall(r"(\d+)(d|h|ms|m|s)", word))


def show(milliseconds):
    """The duration in its largest whole unit: 90 minutes are 90m."""
    unit = next(u for u, size in UNITS.items() if milliseconds % size == 0)
    return f"{milliseconds // UNITS[unit]}{unit}"


def number(value):
    return f"{value:.10g}"


def render(template, window, runbook):
    def replace(match):
        length = int(match["count"] or 1) * window // int(match["part"] or 1)
        return {None: show(length), "s": number(length / 1000),
                "h": number(length / UNITS["h"])}[match["form"]]

    template = template.replace("%step%", show(min(LONGEST_STEP, window // 5)))
    template = template.replace("%who%", WHO).replace("%runbook%", runbook)
    return re.sub(r"%(?P<count>\d*)W(?:/(?P<part>\d+))?(?::(?P<form>[sh]))?%", replace, template)


def main(words):
    try:
        window = parse(words[0] if words else "")
        if window < 1000:
            raise ValueError("a window is at least 1s")
    except ValueError as error:
        print(f"make_rules.py: {error}", file=sys.stderr)
        return 2
    runbook = words[1] if len(words) > 1 else "RUNBOOK.md"
    sys.stdout.write(render(sys.stdin.read(), window, runbook))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
