# SPDX-License-Identifier: GPL-2.0-only
"""Shapes of growth that is a leak, and of growth, cycles and jumps that is none.

Each shape is a function of a random.Random and the time in hours; it returns a list of the value's
share of the base at each step, and leaks also when they begin. Four days, a sample a minute.
"""

import math

HOURS = 96
STEPS = HOURS * 60
TIMES = [i / 60 for i in range(STEPS)]

STEADY, LEAKS, UNSEEN = {}, {}, set()


def steady(shape):
    STEADY[shape.__name__] = shape
    return shape


def leak(shape):
    LEAKS[shape.__name__] = shape
    return shape


def unseen(shape):
    """Never looked at while the detector was tuned."""
    UNSEEN.add(shape.__name__)
    return shape


# Parts that shapes are put together from.

def daily(rng, low=0.2, high=1.0):
    """A daily cycle around zero, sharper or blunter, each day a little other."""
    amplitude, phase, blunt = rng.uniform(low, high), rng.uniform(0, 24), rng.uniform(0.5, 1.5)
    days = [rng.uniform(0.9, 1.1) for _ in range(HOURS // 24 + 2)]

    def value(t):
        s = math.sin(2 * math.pi * (t - phase) / 24)
        return amplitude * days[int((t - phase + 24) // 24)] * math.copysign(abs(s) ** blunt, s) / 2
    return [value(t) for t in TIMES]


def saw(rng, shortest, longest, depth, jitter=0.15):
    """Teeth: each rises for a period and falls back."""
    period, out, begin, length, top = rng.uniform(shortest, longest), [], 0, 0, 1
    for t in TIMES:
        if t >= begin + length:
            begin, length = t, period * rng.uniform(1 - jitter, 1 + jitter)
            top = rng.uniform(1 - jitter, 1 + jitter)
        out.append(depth * top * (t - begin) / length)
    return out


def bursts(rng, a_day, decay, height):
    out, level = [], 0.0
    fall = math.exp(-1 / 60 / decay)
    for _ in TIMES:
        if rng.random() < a_day / 1440:
            level += height * rng.uniform(0.3, 1.5)
        level *= fall
        out.append(level)
    return out


def walk(rng, correlation, spread):
    """Returns to its mean within about `correlation` hours."""
    keep = math.exp(-1 / 60 / correlation)
    kick, x, out = spread * math.sqrt(1 - keep * keep), rng.gauss(0, spread), []
    for _ in TIMES:
        x = keep * x + rng.gauss(0, kick)
        out.append(x)
    return out


def jumps(rng, at, size):
    marks = sorted((rng.uniform(*at), size(rng)) for _ in range(rng.randint(1, 4)))
    return [sum(s for m, s in marks if t >= m) for t in TIMES]


def line(rng, low=0.25, high=2.5, onset=0.0):
    gain = math.exp(rng.uniform(math.log(low), math.log(high)))
    return [gain * max(0.0, t - onset) / HOURS for t in TIMES]


def add(*parts):
    return [1 + sum(values) for values in zip(*parts)]


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
@unseen
def odd_cycle(rng):
    period, phase = rng.uniform(7, 40), rng.uniform(0, 6.28)
    return add([0.3 * math.sin(2 * math.pi * t / period + phase) for t in TIMES])


@steady
@unseen
def cache_in_steps(rng):
    """Fills by load: a daily cycle makes it fill faster by day, and full it is."""
    load, level, out, full = daily(rng, 0.5, 1), 0.0, [], rng.uniform(0.3, 1.2)
    for d in load:
        level = min(full, level + (0.5 + d) / 60 / 12)
        out.append(level)
    return add(out)


@steady
@unseen
def deploy_and_warm(rng):
    marks = [(rng.uniform(4, 90), rng.uniform(0.1, 0.5)) for _ in range(3)]
    return add([sum(s * (1 - math.exp(-(t - m) / 3)) for m, s in marks if t > m) for t in TIMES])


@steady
@unseen
def day_with_bursts(rng):
    return add(daily(rng), bursts(rng, 5, 2, 0.6))


@steady
@unseen
def teeth_on_a_day(rng):
    return add(daily(rng, 0.2, 0.6), saw(rng, 2, 8, 0.6))


@steady
@unseen
def slow_decline(rng):
    return [1 + 0.8 * (1 - t / HOURS) + d for t, d in zip(TIMES, daily(rng, 0.1, 0.4))]


@steady
@unseen
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
@unseen
def under_deploys(rng):
    return add(line(rng, 0.6, 3), jumps(rng, (5, 90), lambda r: r.uniform(-0.1, 0.2))), 0


@leak
@unseen
def exponential(rng):
    tau = rng.uniform(30, 60)
    return add([0.2 * (math.exp(t / tau) - 1) for t in TIMES]), 0


@leak
@unseen
def under_a_week(rng):
    first = rng.randrange(7)
    factor = [0.6 if (first + t // 24) % 7 >= 5 else 1.0 for t in TIMES]
    return add(line(rng, 0.8, 3), [f * d for f, d in zip(factor, daily(rng, 0.1, 0.5))]), 0


@leak
@unseen
def late_under_teeth(rng):
    onset = rng.uniform(12, 50)
    return add(line(rng, 1, 4, onset), saw(rng, 0.3, 4, 0.3)), onset


@leak
@unseen
def restarts_under_teeth(rng):
    period, gain = rng.uniform(16, 40), rng.uniform(2, 4)
    return add([gain * (t % period) / HOURS for t in TIMES], saw(rng, 0.2, 1.5, 0.1)), 0


@leak
@unseen
def with_pauses(rng):
    """The workload pauses for an hour or three now and then."""
    total, out, until = 0.0, [], 0.0
    for t in TIMES:
        if t > until and rng.random() < 3 / 1440:
            until = t + rng.uniform(1, 3)
        total += 0 if t < until else 2 / STEPS
        out.append(total)
    return add(out), 0
