#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""load.py SERVER PORT SECONDS SEED: a varied load from one seeded schedule, the same each time.

Pauses, quiet and busy stretches, ramps of connections and of requests, bursts, and stretches in
which each request brings a connection of its own. Ends by itself; the last line says how much was
done: {"requests":…,"connections":…,"phases":…}.
"""

import collections
import json
import random
import sys
import time

import clients

TOP_RATE = {"Redis": 250, "Nginx": 100, "Postgres": 30}  # requests a second of a busy stretch
LASTING = 3  # connections that are never closed, as a pool keeps them
TICK = 0.02

# connections and rate (shares of TOP_RATE) at begin and end; renew: a connection for each request.
Phase = collections.namedtuple("Phase", "name seconds connections rate renew")


def make_phase(rng):
    few, many = rng.randint(LASTING, 8), rng.randint(10, 20)
    busy, quiet = rng.uniform(0.4, 1), rng.uniform(0.02, 0.2)
    return rng.choice((
        Phase("pause", rng.uniform(3, 18), (few, few), (0, 0), False),
        Phase("quiet", rng.uniform(5, 20), (few, few), (quiet, quiet), False),
        Phase("busy", rng.uniform(5, 25), (many, many), (busy, busy), False),
        Phase("ramp up", rng.uniform(5, 25), (few, many), (quiet, busy), False),
        Phase("ramp down", rng.uniform(5, 25), (many, few), (busy, quiet), False),
        Phase("burst", rng.uniform(0.5, 2), (25, 25), (3, 3), False),
        Phase("reconnect", rng.uniform(3, 15), (few, few), (quiet, quiet), True)))


def schedule(seed, seconds):
    """Phases that last so long together, each kind at least once if there is time."""
    rng, phases, length = random.Random(seed), [], 0
    while length < seconds:
        phases.append(make_phase(rng))
        length += phases[-1].seconds
    return phases


def between(ends, share):
    return ends[0] + (ends[1] - ends[0]) * share


class Load:
    def __init__(self, name, port, seed):
        self.dial, self.port, self.top = clients.ALL[name], port, TOP_RATE[name]
        self.rng = random.Random(f"{name} {seed}")
        self.open, self.next = [], 0
        self.done = collections.Counter()

    def hold(self, number):
        """So many connections; the youngest come and go."""
        while len(self.open) < number:
            self.open.append(self.dial(self.port))
            self.done["connections"] += 1
        while len(self.open) > number:
            self.open.pop().close()

    def ask(self, renew):
        if renew:
            self.open.pop().close()
            self.hold(len(self.open) + 1)
        self.next += 1
        self.open[-1 if renew else self.next % len(self.open)].ask(self.rng)
        self.done["requests"] += 1

    def fill(self):
        """What the server keeps for good, as fast as it takes it: a slow machine would fill it for
        as long as a leak takes to be proved."""
        connection = self.dial(self.port)
        for _ in range(self.dial.FILL):
            connection.ask(self.rng)
        connection.close()

    def play(self, phase, begin):
        """Requests that a slow machine did not get done in a phase are dropped with it."""
        owed, last = 0.0, begin
        while (now := time.monotonic()) < begin + phase.seconds:
            share = (now - begin) / phase.seconds
            self.hold(round(between(phase.connections, share)))
            owed += between(phase.rate, share) * self.top * (now - last)
            last = now
            while owed >= 1 and time.monotonic() < begin + phase.seconds:
                owed -= 1
                self.ask(phase.renew)
            time.sleep(TICK)
        self.done["phases"] += 1


def main(name, port, seconds, seed):
    load, end = Load(name, int(port), seed), time.monotonic() + float(seconds)
    load.fill()
    begin = time.monotonic()
    for phase in schedule(f"{name} {seed}", float(seconds)):
        left = end - begin
        load.play(phase._replace(seconds=min(phase.seconds, left)), begin)
        begin += phase.seconds
    print(json.dumps(load.done), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
