# SPDX-License-Identifier: GPL-2.0-only
"""Shapes of growth that is a leak, and of growth, cycles and jumps that is none."""

import math

from parts import (HOURS, STEPS, TIMES, add, bursts, daily, jumps, leak, line, saw, steady, walk)

# What is no leak.

@steady
def flat(rng):
    return [1.0] * STEPS


@steady
def warm_up(rng):
    tau = rng.uniform(0.5, 12)
    return add([2 * (1 - math.exp(-t / tau)) for t in TIMES])


@steady
def slow_warm_up(rng):
    tau = rng.uniform(12, 30)
    return add([2 * (1 - math.exp(-t / tau)) for t in TIMES])


@steady
def collections(rng):
    return add(saw(rng, 0.05, 3, rng.uniform(0.2, 2)))


@steady
def long_teeth(rng):
    return add(saw(rng, 3, 11, rng.uniform(0.2, 2)))


@steady
def even_teeth(rng):
    return add(saw(rng, 2, 11, rng.uniform(0.5, 2), 0.01))


@steady
def compaction(rng):
    """Small teeth, and a deep fall each some hours, never to quite the same floor."""
    return add(saw(rng, 3, 9, rng.uniform(0.3, 1.5), 0.4), saw(rng, 0.5, 1.5, 0.2, 0.3))


@steady
def day_cycle(rng):
    return add(daily(rng))


@steady
def week_cycle(rng):
    first, weekend = rng.randrange(7), rng.uniform(0.3, 0.7)
    factor = [weekend if (first + t // 24) % 7 >= 5 else 1.0 for t in TIMES]
    return add([f * (0.6 + d) for f, d in zip(factor, daily(rng, 0.5, 1))])


@steady
def deploys(rng):
    return add(jumps(rng, (5, 90), lambda r: r.uniform(0.05, 0.6)))


@steady
def bursts_decay(rng):
    return add(bursts(rng, rng.uniform(2, 10), rng.uniform(0.5, 5), rng.uniform(0.2, 1.5)))


@steady
def restarts_warm(rng):
    period, tau = rng.uniform(6, 30), rng.uniform(0.5, 2.5)
    return add([1.5 * (1 - math.exp(-(t % period) / tau)) for t in TIMES])


@steady
def cache_fills(rng):
    end = rng.uniform(3, 26)
    return add([2 * min(t / end, 1) for t in TIMES])


@steady
def bounded_walk(rng):
    return add(walk(rng, rng.uniform(1, 15), rng.uniform(0.05, 0.2)))


@steady
def regimes(rng):
    dwell, level, out = rng.uniform(4, 20), 0.0, []
    for _ in TIMES:
        if rng.random() < 1 / 60 / dwell:
            level = rng.uniform(-0.4, 0.4)
        out.append(level)
    return add(out)


@steady
def high_water(rng):
    """A pool keeps the most that was ever asked at once: records become rare."""
    top, out = 0.0, []
    for _ in TIMES:
        top = max(top, rng.gauss(0, 0.15))
        out.append(top)
    return add(out)


@steady
def logarithm(rng):
    tau = rng.uniform(0.5, 3)
    return add([0.5 * math.log1p(t / tau) for t in TIMES])


@steady
def nightly_batch(rng):
    begin, length = rng.uniform(0, 24), rng.uniform(2, 7)
    return add([max(0, (t - begin) % 24 - 24 + length) / length for t in TIMES])


@steady
def odd_cycle(rng):
    period, phase = rng.uniform(7, 40), rng.uniform(0, 6.28)
    return add([0.3 * math.sin(2 * math.pi * t / period + phase) for t in TIMES])


@steady
def cache_in_steps(rng):
    """Fills by load: a daily cycle makes it fill faster by day, and full it is."""
    load, level, out, full = daily(rng, 0.5, 1), 0.0, [], rng.uniform(0.3, 1.2)
    for d in load:
        level = min(full, level + (0.5 + d) / 60 / 12)
        out.append(level)
    return add(out)


@steady
def deploy_and_warm(rng):
    marks = [(rng.uniform(4, 90), rng.uniform(0.1, 0.5)) for _ in range(3)]
    return add([sum(s * (1 - math.exp(-(t - m) / 3)) for m, s in marks if t > m) for t in TIMES])


@steady
def day_with_bursts(rng):
    return add(daily(rng), bursts(rng, 5, 2, 0.6))


@steady
def teeth_on_a_day(rng):
    return add(daily(rng, 0.2, 0.6), saw(rng, 2, 8, 0.6))


@steady
def slow_decline(rng):
    return [1 + 0.8 * (1 - t / HOURS) + d for t, d in zip(TIMES, daily(rng, 0.1, 0.4))]


@steady
def walk_between_walls(rng):
    x, out = rng.uniform(0, 0.6), []
    for _ in TIMES:
        x = min(0.6, max(0, x + rng.gauss(0, 0.012)))
        out.append(x)
    return add(out)


# What is one.

@leak
def straight(rng):
    return add(line(rng)), 0


@leak
def slow(rng):
    return add(line(rng, 0.08, 0.2)), 0


@leak
def under_teeth(rng):
    return add(line(rng), saw(rng, 0.1, 3, rng.uniform(0.1, 0.8))), 0


@leak
def under_long_teeth(rng):
    return add(line(rng, 0.6, 3), saw(rng, 3, 8, rng.uniform(0.1, 0.5))), 0


@leak
def under_compaction(rng):
    return add(line(rng, 0.6, 3), saw(rng, 3, 9, 0.4, 0.4), saw(rng, 0.5, 1.5, 0.1, 0.3)), 0


@leak
def under_a_day(rng):
    return add(line(rng, 0.4, 2.5), daily(rng, 0.1, 0.5)), 0


@leak
def by_load(rng):
    """Only what is asked leaks: fast by day, slowly by night."""
    total, out, share = 0.0, [], rng.uniform(0.5, 1)
    for d in daily(rng, share, share):
        total += (0.5 + d) / HOURS / 60 * 3
        out.append(total)
    return add(out), 0


@leak
def stairs(rng):
    a_day, total, out = rng.uniform(6, 40), 0.0, []
    for _ in TIMES:
        total += rng.uniform(0.5, 1.5) / a_day / 4 if rng.random() < a_day / 1440 else 0
        out.append(total)
    return add(out), 0


@leak
def late(rng):
    onset = rng.uniform(12, 50)
    return add(line(rng, 0.5, 3, onset)), onset


@leak
def restarts(rng):
    period, gain = rng.uniform(14, 40), rng.uniform(1, 4)
    return add([gain * (t % period) / HOURS for t in TIMES]), 0


@leak
def restarts_at_odd_times(rng):
    out, begin, gain, length = [], 0.0, rng.uniform(1, 4), rng.uniform(14, 40)
    for t in TIMES:
        if t >= begin + length:
            begin, length = t, rng.uniform(14, 40)
        out.append(gain * (t - begin) / HOURS)
    return add(out), 0


@leak
def accelerating(rng):
    power = rng.uniform(1.3, 2.5)
    return add([2 * (t / HOURS) ** power for t in TIMES]), 0


@leak
def under_bursts(rng):
    return add(line(rng, 0.6, 3), bursts(rng, rng.uniform(2, 8), rng.uniform(0.5, 3), 0.4)), 0


@leak
def under_a_walk(rng):
    return add(line(rng, 0.6, 3), walk(rng, rng.uniform(1, 6), rng.uniform(0.02, 0.06))), 0


@leak
def after_warm_up(rng):
    tau = rng.uniform(0.5, 3)
    return add(line(rng), [0.6 * (1 - math.exp(-t / tau)) for t in TIMES]), 0


@leak
def one_an_hour(rng):
    """Integers: the base is 50 to 400, see bench.py."""
    return [50 + t * 1 + rng.gauss(0, 2) for t in TIMES], 0


@leak
def under_deploys(rng):
    return add(line(rng, 0.6, 3), jumps(rng, (5, 90), lambda r: r.uniform(-0.1, 0.2))), 0


@leak
def exponential(rng):
    tau = rng.uniform(30, 60)
    return add([0.2 * (math.exp(t / tau) - 1) for t in TIMES]), 0


@leak
def under_a_week(rng):
    first = rng.randrange(7)
    factor = [0.6 if (first + t // 24) % 7 >= 5 else 1.0 for t in TIMES]
    return add(line(rng, 0.8, 3), [f * d for f, d in zip(factor, daily(rng, 0.1, 0.5))]), 0


@leak
def late_under_teeth(rng):
    onset = rng.uniform(12, 50)
    return add(line(rng, 1, 4, onset), saw(rng, 0.3, 4, 0.3)), onset


@leak
def restarts_under_teeth(rng):
    period, gain = rng.uniform(16, 40), rng.uniform(2, 4)
    return add([gain * (t % period) / HOURS for t in TIMES], saw(rng, 0.2, 1.5, 0.1)), 0


@leak
def with_pauses(rng):
    """The workload pauses for an hour or three now and then."""
    total, out, until = 0.0, [], 0.0
    for t in TIMES:
        if t > until and rng.random() < 3 / 1440:
            until = t + rng.uniform(1, 3)
        total += 0 if t < until else 2 / STEPS
        out.append(total)
    return add(out), 0
