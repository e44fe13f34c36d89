# SPDX-License-Identifier: GPL-2.0-only
"""Shapes that were not looked at while the detector was tuned: they tell how it does elsewhere.

After the one look, a reset asks for a stretch of 18 windows where it had asked for 12, since teeth
of 12 to 20 hours were folded. Teeth of a day are taken for the restarts that they may be.
"""

import math

from parts import (STEPS, TIMES, add, bursts, cycle, daily, fill, jumps, leak, line, saw, settle,
                   steady, unseen, walk, with_gaps)

# What is no leak.


@steady
@unseen
def sessions(rng):
    """People log in by day and stay for hours."""
    live, out, stay = 0.0, [], rng.uniform(2, 9)
    for d in daily(rng, 0.6, 1):
        live += (max(0, 0.3 + d) - live / stay) / 60
        out.append(live * 0.3)
    return add(out)


@steady
@unseen
def rotated(rng):
    """A log or a buffer that is cut at a size: it fills faster by day."""
    level, out, full = 0.0, [], rng.uniform(0.3, 0.9)
    for d in daily(rng, 0.5, 1):
        level += (0.6 + d) / 60 / 7
        level = 0.0 if level > full else level
        out.append(level)
    return add(out)


@steady
@unseen
def pool_scales(rng):
    """A pool that follows load in steps of a tenth, up at once and down after an hour."""
    size, low_since, out = 0.0, 0.0, []
    for t, d in zip(TIMES, daily(rng, 0.6, 1)):
        want = math.ceil(d * 10 + rng.gauss(0, 0.2)) / 10
        if want >= size:
            size, low_since = want, t
        elif t - low_since > 1:
            size, low_since = size - 0.1, t
        out.append(size)
    return add(out)


@steady
@unseen
def caches_one_after_the_other(rng):
    """Three caches of three services, each filled within some hours of its first use."""
    marks = sorted(rng.uniform(0, 70) for _ in range(3))
    return add(*(fill(m, rng.uniform(1, 8), rng.uniform(0.1, 0.5)) for m in marks))


@steady
@unseen
def gap_then_other_level(rng):
    """Nobody looked for hours, and then it is something else."""
    at, length, other = rng.uniform(10, 70), rng.uniform(1, 12), rng.uniform(-0.4, 0.8)
    return [None if at <= t < at + length else 1 + (other if t >= at else 0) for t in TIMES]


@steady
@unseen
def teeth_of_any_period(rng):
    return add(saw(rng, 0.05, 20, rng.uniform(0.1, 3), rng.uniform(0, 0.4)))


@steady
@unseen
def backlog_of_a_day_off(rng):
    """A burst of a day: up for hours, and down for more."""
    begin, rise, tau = rng.uniform(5, 50), rng.uniform(3, 12), rng.uniform(3, 12)
    return add([0 if t < begin else (t - begin) / rise if t < begin + rise
                else math.exp(-(t - begin - rise) / tau) for t in TIMES])


@steady
@unseen
def warm_up_under_a_day(rng):
    return add(settle(0, rng.uniform(1, 10), rng.uniform(0.3, 1)), daily(rng, 0.1, 0.4))


@steady
@unseen
def restarts_with_caches(rng):
    """Each deploy empties what fills within hours."""
    out, begin = [], 0.0
    length, full = rng.uniform(8, 40), rng.uniform(2, 7)
    for t in TIMES:
        if t >= begin + length:
            begin, length = t, rng.uniform(8, 40)
        out.append(min(1, (t - begin) / full))
    return add(out)


@steady
@unseen
def slow_walk(rng):
    return add(walk(rng, rng.uniform(8, 20), rng.uniform(0.05, 0.15)))


# What is one.


@leak
@unseen
def per_session(rng):
    """Each login leaves something: as load, never at night."""
    total, out = 0.0, []
    for d in daily(rng, 1, 1):
        total += max(0, d) / 60 / 24
        out.append(total)
    return add(out), 0


@leak
@unseen
def on_errors(rng):
    """Some errors an hour, each of which leaves a descriptor; more on some days."""
    a_day, total, out = rng.uniform(20, 100), 0.0, []
    days = [rng.uniform(0.6, 1.4) for _ in range(5)]
    for t in TIMES:
        total += rng.random() < a_day * days[int(t // 24)] / 1440
        out.append(total / a_day / 4)
    return add(out), 0


@leak
@unseen
def beside_a_pool(rng):
    live, out = 0.0, []
    for _ in TIMES:
        live += (rng.random() < 0.2) * 0.05 - live / 60 / 1
        out.append(live * 0.3)
    return add(line(rng, 0.6, 3), out), 0


@leak
@unseen
def after_a_slow_warm_up(rng):
    return add(line(rng, 1, 3), settle(0, rng.uniform(3, 8), 0.3)), 0


@leak
@unseen
def under_merges(rng):
    return add(line(rng, 1, 3), saw(rng, 0.5, 1.5, 0.1), saw(rng, 4, 9, 0.3, 0.3)), 0


@leak
@unseen
def late_and_faster(rng):
    onset, power = rng.uniform(10, 40), rng.uniform(1.1, 1.6)
    return add([2 * (max(0, t - onset) / 60) ** power for t in TIMES]), onset


@leak
@unseen
def gaps_under_teeth(rng):
    return with_gaps(rng, add(line(rng, 0.6, 2.5), saw(rng, 0.3, 3, 0.3))), 0


@leak
@unseen
def deploys_reset_it(rng):
    """A deploy each day or two, at working hours."""
    out, begin, gain = [], 0.0, rng.uniform(1, 4)
    days = sorted(rng.sample(range(4), rng.choice((1, 2, 2))))
    marks = [24 * d + rng.uniform(9, 17) for d in days]
    for t in TIMES:
        begin = max([0.0] + [m for m in marks if m <= t])
        out.append(gain * (t - begin) / 96)
    return add(out), 0


@leak
@unseen
def few_but_steady(rng):
    """A descriptor each hour or three, on few."""
    each = rng.uniform(1, 3)
    return add([0.02 * math.floor(t / each) for t in TIMES]), 0


@leak
@unseen
def under_noise_and_bursts(rng):
    return add(line(rng, 1, 3), bursts(rng, 4, 1, 0.3), jumps(rng, (5, 90), lambda r: 0.1 * r.random()),
               [rng.gauss(0, 0.02) for _ in range(STEPS)]), 0


@leak
@unseen
def under_other_cycles(rng):
    return add(line(rng, 1, 3), cycle(rng.uniform(8, 16), rng.random(), rng.uniform(0.05, 0.2))), 0
