# SPDX-License-Identifier: GPL-2.0-only
"""Five rules that people write today, each as: the first time in seconds at which it alarms, or None.

They are given the value in windows, as a recording rule would: when each ends, its least, greatest
and mean value.
"""

import collections

Window = collections.namedtuple("Window", "end low high mean")


def windows_of(times, values, span):
    begin, chunk, out = 0, [], []
    for i, time in enumerate(times):
        if chunk and time - times[begin] >= span:
            out.append(Window(times[i - 1], min(chunk), max(chunk), sum(chunk) / len(chunk)))
            begin, chunk = i, []
        chunk.append(values[i])
    out.append(Window(times[-1], min(chunk), max(chunk), sum(chunk) / len(chunk)))
    return out


def least_squares(windows):
    """The slope a second, and how much of the variance it explains."""
    n = len(windows)
    middle, mean = sum(w.end for w in windows) / n, sum(w.mean for w in windows) / n
    xx = sum((w.end - middle) ** 2 for w in windows)
    yy = sum((w.mean - mean) ** 2 for w in windows)
    xy = sum((w.end - middle) * (w.mean - mean) for w in windows)
    return (xy / xx if xx else 0), (xy * xy / xx / yy if xx and yy else 0)


def first_run(hits, length):
    """When `length` hits have come in a row. hits: (time, bool)."""
    run = 0
    for time, hit in hits:
        run = run + 1 if hit else 0
        if run == length:
            return time
    return None


def looks(windows, count):
    """Each place where `count` windows lie before, with these."""
    return ((windows[i].end, windows[i - count:i]) for i in range(count, len(windows)))


def deriv_over_an_hour(times, values):
    """Grows by more than 2 % of its value an hour, for half an hour."""
    return first_run(((t, least_squares(w)[0] * 3600 > 0.02 * max(1, w[-1].mean))
                      for t, w in looks(windows_of(times, values, 300), 12)), 6)


def floor_above_ceiling(times, values):
    """The least of now is above the greatest of an hour ago, twice over, and 20 % are gained."""
    w = windows_of(times, values, 900)
    return first_run(((w[i].end, w[i].low > w[i - 4].high and w[i - 4].low > w[i - 8].high
                       and w[i].mean > 1.2 * w[i - 8].mean) for i in range(8, len(w))), 2)


def predict_a_day(times, values):
    """The line of six hours doubles the value within a day, for an hour."""
    return first_run(((t, least_squares(w)[0] * 86400 > max(1, w[-1].mean))
                      for t, w in looks(windows_of(times, values, 900), 24)), 4)


def straight_over_six_hours(times, values):
    """Least squares explain 80 %, and a tenth is gained; the first half an hour is left out."""
    def hit(w):
        slope, explained = least_squares(w)
        return explained >= 0.8 and slope * 21600 >= 0.1 * max(1, w[0].mean)
    return first_run(((t, hit(w)) for t, w in looks(windows_of(times, values, 900)[2:], 24)), 1)


def since_the_last_halving(times, values):
    """1 % an hour over twelve hours, from the last fall to a half on; the end keeps up."""
    def hit(w):
        falls = [i for i in range(1, len(w)) if w[i].mean < w[i - 1].mean / 2]
        w = w[falls[-1] if falls else 0:]
        if len(w) < 16:
            return False
        slope, end = least_squares(w)[0], least_squares(w[-(len(w) // 4):])[0]
        return slope * 3600 > 0.01 * max(1, w[0].mean) and end >= 0.3 * slope
    return first_run(((t, hit(w)) for t, w in looks(windows_of(times, values, 900), 48)), 1)


RULES = (deriv_over_an_hour, floor_above_ceiling, predict_a_day, straight_over_six_hours,
         since_the_last_halving)
