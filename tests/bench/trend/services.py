# SPDX-License-Identifier: GPL-2.0-only
"""More shapes, as services make them: caches, pools, merges, queues, timers, deploys, traffic."""

import math

from parts import (STEPS, TIMES, add, bursts, cycle, daily, fill, jumps, leak, line, saw, settle,
                   steady, walk, with_gaps)

# What is no leak.


@steady
def cache_fills_late(rng):
    """Cold for some time, then it fills and is full."""
    return add(fill(rng.uniform(8, 60), rng.uniform(2, 24), rng.uniform(0.3, 3)))


@steady
def cache_fills_under_teeth(rng):
    return add(fill(0, rng.uniform(3, 25), rng.uniform(0.5, 3)),
               saw(rng, 0.2, 4, rng.uniform(0.1, 0.5)))


@steady
def merges(rng):
    """Small merges each hour, larger ones some times a day, the largest each day or so."""
    small, middle = rng.uniform(0.5, 1.5), rng.uniform(4, 9)
    return add(saw(rng, small, small, 0.1), saw(rng, middle, middle, 0.3, 0.3),
               saw(rng, 9, 14, 0.5, 0.1))


@steady
def fragments(rng):
    """Teeth on a floor that rises until the holes are as many as are made."""
    return add(saw(rng, 0.3, 5, rng.uniform(0.2, 1)), settle(0, rng.uniform(4, 16), 0.6))


@steady
def two_cycles(rng):
    return add(cycle(24, rng.random(), rng.uniform(0.2, 0.6)),
               cycle(rng.uniform(5, 11), rng.random(), rng.uniform(0.1, 0.4)))


@steady
def swept(rng):
    """A file for each job, all removed some times a day."""
    period, steps = rng.uniform(2, 11), rng.choice((6, 20, 60))
    return add([0.8 * math.floor((t % period) / period * steps) / steps for t in TIMES])


@steady
def pool_of_peaks(rng):
    """A pool keeps the most that a day's peak ever asked, and has a limit."""
    top, out, limit = 0.0, [], rng.uniform(0.3, 0.6)
    for d in daily(rng, 0.4, 0.8):
        top = min(limit, max(top, d + rng.gauss(0, 0.02)))
        out.append(top)
    return add(out)


@steady
def expires(rng):
    """Entries live some hours, and traffic comes up over the first day."""
    life, up = rng.uniform(1, 10), rng.uniform(4, 20)
    rate = [min(1, 0.2 + t / up) * (1 + d) for t, d in zip(TIMES, daily(rng, 0.1, 0.6))]
    total, sums, out = 0.0, [0.0], []
    for r in rate:
        total += r / 60 / life
        sums.append(total)
    for i in range(STEPS):
        out.append(sums[i + 1] - sums[max(0, i + 1 - int(life * 60))])
    return add(out)


@steady
def two_warm_ups(rng):
    return add(settle(0, rng.uniform(0.3, 3), 1), settle(0, rng.uniform(8, 18), rng.uniform(0.3, 1)))


@steady
def half_full(rng):
    """t / (t + K): it slows down early and for long."""
    half = rng.uniform(1, 10)
    return add([1.5 * t / (t + half) for t in TIMES])


@steady
def taken_up(rng):
    """An S: a new feature is taken up by everyone."""
    middle, width = rng.uniform(8, 70), rng.uniform(0.5, 4)
    return add([0.8 / (1 + math.exp(-(t - middle) / width)) for t in TIMES])


@steady
def slow_regimes(rng):
    """Another level each day or so, reached within hours."""
    level = value = 0.0
    out = []
    for _ in TIMES:
        if rng.random() < 1 / 60 / 16:
            level = rng.uniform(-0.4, 0.4)
        value += (level - value) / 60 / 1.5
        out.append(value)
    return add(out)


@steady
def gaps_in_a_day(rng):
    return with_gaps(rng, add(daily(rng)))


@steady
def gaps_in_a_cache(rng):
    return with_gaps(rng, add(fill(0, rng.uniform(3, 24), 1)))


@steady
def few_connections(rng):
    """A handful, as they come and go; the base makes them counts."""
    live, out = 0.0, []
    for _ in TIMES:
        live += (rng.random() < 0.1) * 0.05 - live / 60 / 2
        out.append(live)
    return add(out)


@steady
def queue_that_drains(rng):
    """Work piles up for some hours a day and is worked off."""
    begin, rise, drain = rng.uniform(0, 24), rng.uniform(3, 10), rng.uniform(2, 8)

    def pile(t):
        h = (t - begin) % 24
        return h / rise if h < rise else max(0.0, 1 - (h - rise) / drain)
    return add([0.8 * pile(t) for t in TIMES])


@steady
def workdays(rng):
    """Traffic grows over the days of a week a little, and falls at its end."""
    first, a_day = rng.randrange(7), rng.uniform(0.01, 0.03)
    factor = [1 + a_day * ((first + t / 24) % 7) if (first + t // 24) % 7 < 5 else 0.6
              for t in TIMES]
    return add([f * (0.5 + d) for f, d in zip(factor, daily(rng, 0.4, 0.8))])


@steady
def deploys_on_a_day(rng):
    return add(daily(rng, 0.1, 0.5), jumps(rng, (5, 90), lambda r: r.uniform(-0.1, 0.4)))


# What is one.


@leak
def under_a_large_day(rng):
    gain = rng.uniform(0.1, 0.3)
    return add([gain * t / 24 for t in TIMES], cycle(24, rng.random(), gain * rng.uniform(2, 4))), 0


@leak
def in_loud_noise(rng):
    noise = rng.uniform(0.03, 0.06)
    return add(line(rng, 0.4, 2), [rng.gauss(0, noise) for _ in TIMES]), 0


@leak
def by_cron(rng):
    """So much at each full hour, or some times a day."""
    step = rng.choice((1, 1, 2, 4))
    return add([0.01 * math.floor(t / step) * step for t in TIMES]), 0


@leak
def late_on_a_day(rng):
    onset = rng.uniform(10, 30)
    return add(line(rng, 1, 3, onset), daily(rng, 0.1, 0.4)), onset


@leak
def in_bursts_only(rng):
    """Each burst leaves something behind."""
    total, out = 0.0, []
    for b in bursts(rng, rng.uniform(6, 14), rng.uniform(0.5, 2), 0.3):
        total += b / 60 / 10
        out.append(total + b)
    return add(out), 0


@leak
def under_deep_teeth(rng):
    return add(line(rng, 0.5, 2), saw(rng, 0.2, 3, rng.uniform(1, 2.5))), 0


@leak
def gaps_in_a_leak(rng):
    return with_gaps(rng, add(line(rng, 0.4, 2.5))), 0


@leak
def faster_after_a_deploy(rng):
    at, first, more = rng.uniform(20, 60), rng.uniform(0.5, 1.5), rng.uniform(0.5, 2)
    return add([first * t / 96 + more * max(0, t - at) / 96 for t in TIMES]), 0


@leak
def begins_with_a_deploy(rng):
    onset, step = rng.uniform(8, 40), rng.uniform(-0.1, 0.3)
    return add(line(rng, 0.6, 3, onset), [step * (t >= onset) for t in TIMES]), onset


@leak
def beside_a_cache(rng):
    return add(line(rng, 0.8, 3), fill(0, rng.uniform(2, 12), rng.uniform(0.2, 0.6))), 0


@leak
def under_regimes(rng):
    level, out = 0.0, []
    for _ in TIMES:
        if rng.random() < 1 / 60 / 10:
            level = rng.uniform(-0.1, 0.1)
        out.append(level)
    return add(line(rng, 1, 3), out), 0


@leak
def under_two_cycles(rng):
    return add(line(rng, 0.8, 3), cycle(24, rng.random(), rng.uniform(0.1, 0.3)),
               cycle(rng.uniform(4, 9), rng.random(), 0.1)), 0


@leak
def restarts_on_a_day(rng):
    period, gain = rng.uniform(24, 40), rng.uniform(2, 4)
    return add([gain * (t % period) / 96 for t in TIMES], daily(rng, 0.05, 0.1)), 0


@leak
def under_slow_walk(rng):
    return add(line(rng, 1, 3), walk(rng, rng.uniform(4, 10), 0.04)), 0
