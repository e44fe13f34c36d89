# SPDX-License-Identifier: GPL-2.0-only
"""Shapes that were written when tuning was over: nothing was changed after they were scored."""

import math

from parts import (TIMES, add, bursts, cycle, daily, fill, last, leak, line, saw, settle, steady,
                   walk, with_gaps)

# What is no leak.


@steady
@last
def shift_work(rng):
    """Three shifts of eight hours, each with its own level."""
    levels, ramp = [rng.uniform(0, 0.6) for _ in range(3)], rng.uniform(0.2, 1.5)
    out, value = [], levels[0]
    for t in TIMES:
        value += (levels[int(t // 8) % 3] - value) / 60 / ramp
        out.append(value)
    return add(out)


@steady
@last
def buffers_of_a_cluster(rng):
    """Caches of several nodes that fill at their own pace, under a daily load."""
    return add(daily(rng, 0.05, 0.2), *(settle(rng.uniform(0, 6), rng.uniform(1, 5), 0.2)
                                        for _ in range(4)))


@steady
@last
def migration(rng):
    """A batch of some hours moves everything up, and a later one moves it back."""
    begin, length = rng.uniform(5, 40), rng.uniform(3, 20)
    back = begin + length + rng.uniform(5, 25)
    return add([0.7 * min(1, max(0, t - begin) / length) * (1 if t < back else 0) for t in TIMES])


@steady
@last
def teeth_in_a_walk(rng):
    return add(saw(rng, 0.5, 9, rng.uniform(0.2, 1)), walk(rng, rng.uniform(2, 10), 0.08))


@steady
@last
def cache_by_traffic_with_gaps(rng):
    level, out, full = 0.0, [], rng.uniform(0.4, 1)
    for d in daily(rng, 0.4, 0.9):
        level = min(full, level + (0.6 + d) / 60 / 10)
        out.append(level)
    return with_gaps(rng, add(out))


# What is one.


@leak
@last
def two_leaks(rng):
    """One from the start, another in bursts."""
    total, out = 0.0, []
    for b in bursts(rng, rng.uniform(4, 10), 1, 0.2):
        total += b / 60 / 20
        out.append(total)
    return add(line(rng, 0.5, 2), out), 0


@leak
@last
def by_shift(rng):
    """Fast by day, half as fast in the evening, slowly at night."""
    total, out, share = 0.0, [], (1.0, rng.uniform(0.4, 0.8), rng.uniform(0.2, 0.5))
    for t in TIMES:
        total += share[int(t // 8) % 3] / 60 / 24
        out.append(total)
    return add(out), 0


@leak
@last
def late_in_noise(rng):
    onset = rng.uniform(10, 45)
    return add(line(rng, 1, 3, onset), [rng.gauss(0, 0.02) for _ in TIMES]), onset


@leak
@last
def under_teeth_and_a_day(rng):
    return add(line(rng, 0.8, 3), saw(rng, 0.3, 3, rng.uniform(0.1, 0.4)),
               cycle(24, rng.random(), rng.uniform(0.05, 0.3))), 0


@leak
@last
def beside_a_cache_with_gaps(rng):
    return with_gaps(rng, add(line(rng, 0.8, 3), fill(0, rng.uniform(1, 6), 0.3))), 0


@leak
@last
def slowly_faster(rng):
    tau = rng.uniform(50, 120)
    return add([0.4 * math.expm1(t / tau) for t in TIMES]), 0
