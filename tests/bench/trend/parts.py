# SPDX-License-Identifier: GPL-2.0-only
"""What shapes are put together from: each part is a list of a value for each minute of four days.

A shape is a function of a random.Random; it returns the value's share of the base at each step,
None where nobody looked, and a leak also when it begins, in hours.
"""

import math

HOURS = 96
STEPS = HOURS * 60
TIMES = [i / 60 for i in range(STEPS)]

STEADY, LEAKS, UNSEEN, LAST = {}, {}, set(), set()


def steady(shape):
    STEADY[shape.__name__] = shape
    return shape


def leak(shape):
    LEAKS[shape.__name__] = shape
    return shape


def unseen(shape):
    """Not looked at while the detector was tuned, but once."""
    UNSEEN.add(shape.__name__)
    return shape


def last(shape):
    """Written when tuning was over."""
    LAST.add(shape.__name__)
    return shape


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


def fill(begin, length, full):
    """Straight up to what is full."""
    return [full * min(1, max(0, t - begin) / length) for t in TIMES]


def settle(begin, tau, height):
    return [height * (1 - math.exp(-max(0, t - begin) / tau)) for t in TIMES]


def cycle(period, phase, amplitude):
    return [amplitude / 2 * math.sin(2 * math.pi * (t / period + phase)) for t in TIMES]


def with_gaps(rng, values):
    """Nobody looked, for minutes or hours."""
    out, until = [], 0.0
    for t, v in zip(TIMES, values):
        if t > until and rng.random() < 4 / 1440:
            until = t + rng.choice((0.1, 0.5, 2, 5))
        out.append(None if t < until else v)
    return out
