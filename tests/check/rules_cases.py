# SPDX-License-Identifier: GPL-2.0-only
"""What the alerting rules are shown: series of fixed shapes, each with the alerts that it must raise.

A shape maps hours to a value, or to None where no sample is. A case lives three days and is told
apart by its instance label. What it does not list must never fire in these three days.
"""

import math
import random

HOURS = 72
STEP_MINUTES = 5
DAY = 24
MIB = 1 << 20
APP = {"group": "app.service/app"}


def metric(name, **labels):
    return name + "{" + ",".join(f'{key}="{value}"' for key, value in labels.items()) + "}"


def live(shape, resource="fd", kind="socket"):
    return {metric("seep_group_live", resource=resource, kind=kind, **APP): shape}


def live_bytes(shape, kind="anon"):
    return {metric("seep_group_live_bytes", resource="memory", kind=kind, **APP): shape}


def bounded(shape, limit, source="RLIMIT_NOFILE", resource="fd"):
    labels = dict(APP, resource=resource, source=source)
    return {metric("seep_group_bound_used", **labels): shape,
            metric("seep_group_bound", **labels): lambda t: limit if shape(t) is not None else None}


def leak(per_hour=3, base=100):
    return lambda t: base + math.floor(per_hour * t)


def saw_tooth(period, low=100, high=600):
    return lambda t: low + (high - low) * (t % period) / period


def cycle(low=100, high=600):
    return lambda t: (low + high) / 2 - (high - low) / 2 * math.cos(2 * math.pi * t / DAY)


def evening_peak(t):
    """A day that rises for 20 hours and falls in four."""
    hour = t % DAY
    return 100 + 25 * (hour if hour < 20 else 5 * (DAY - hour))


def warm_up(hours, high=1000):
    return lambda t: high * (1 - math.exp(-t / hours))


def filling(start, end, high=1000):
    return lambda t: high * min(1, max(0, t - start) / (end - start))


def noise(low, high, seed=1):
    values = [random.Random(f"{seed} {i}").randint(low, high)
              for i in range(HOURS * 60 // STEP_MINUTES + 1)]
    return lambda t: values[round(t * 60 / STEP_MINUTES)]


def bursts(high):
    """Nothing half of the time, else up to high."""
    either = noise(-high, high)
    return lambda t: max(0, either(t))


def wander(seed):
    """Noise with a memory of hours around 500."""
    draw, value, values = random.Random(seed), 0, []
    for _ in range(HOURS * 60 // STEP_MINUTES + 1):
        value = 0.98 * value + draw.gauss(0, 12)
        values.append(max(0, round(500 + value)))
    return lambda t: values[round(t * 60 / STEP_MINUTES)]


def by_load(t):
    """A leak that follows the load of the day: 11 an hour at noon, one at night."""
    return 100 + math.floor(6 * t - 5 * DAY / (2 * math.pi) * math.sin(2 * math.pi * t / DAY))


def total(*shapes):
    return lambda t: sum(shape(t) for shape in shapes)


def gap(shape, *pairs):
    return lambda t: None if any(start <= t < end for start, end in pairs) else shape(t)


def constant(value):
    return lambda t: value


def restarting(shape, at):
    """The target is away for six minutes, then begins anew."""
    return gap(lambda t: shape(t) if t < at else shape(t - at), (at, at + 0.1))


def agent(shape=constant(1), version="1"):
    return {metric("seep_build_info", version=version): shape}


def lost(per_hour, **labels):
    return {metric("seep_lost_events_total", **labels): lambda t: math.floor(per_hour * t)}


def verdict(shape, word="leaking", resource="fd", kind="socket", rate=41):
    """What the agent says of one slot, and that it is alive."""
    bytes_ = "_bytes" if resource == "memory" else ""
    labels = dict(APP, resource=resource, kind=kind)
    return {metric("seep_group_verdict", **labels, verdict=word):
                lambda t: 1 if shape(t) else None,
            metric(f"seep_group_rate{bytes_}_per_hour", **labels): constant(rate),
            "seep_last_census_timestamp_seconds": lambda t: t * 3600}


def forecast(word, hours, limit=1024, resource="fd", source="RLIMIT_NOFILE"):
    """The agent says when a bound is met, half of which is in use."""
    return (verdict(since(20), word, resource, "all") | bounded(constant(limit / 2), limit, source,
                                                                resource)
            | {metric("seep_group_eta_low_seconds", **APP, resource=resource):
                   lambda t: hours * 3600 if t >= 20 else None})


def since(start):
    return lambda t: t >= start


def go(cpu=0.1, gc=0.2, allocated=0, cycles=10, heap=None, limit=None, processes=1, until=HOURS):
    """A Go program that takes so much of a core until then: the collector's share of that, MiB
    allocated in a CPU second, collections a second; MiB that live, and may."""
    def total(each_second):
        return lambda t: 3600 * min(t, until) * each_second

    fixed = {"seep_go_memory_limit_bytes": limit and limit * MIB, "seep_group_processes": processes}
    if heap:
        fixed[metric("seep_group_live_bytes", resource="goheap", kind="all")] = heap * MIB
    rows = {name: constant(value) for name, value in fixed.items() if value}
    rows |= {"seep_go_cpu_seconds_total": total(cpu),
             "seep_go_gc_cpu_seconds_total": total(cpu * gc),
             "seep_go_allocated_bytes_total": total(cpu * allocated * MIB),
             "seep_go_gc_cycles_total": total(cycles)}
    return {with_group(name): shape for name, shape in rows.items()}


def with_group(name):
    name, _, labels = name.partition("{")
    return metric(name, **APP).rstrip("}") + ("," + labels if labels else "}")


def pool(shape, processes=1):
    return {with_group("seep_go_pool_excess_connections"): shape,
            with_group("seep_group_processes"): constant(processes)}


def timers(count, goroutines):
    return {with_group("seep_go_channel_timers"): constant(count),
            with_group("seep_go_goroutines"): goroutines if callable(goroutines) else constant(goroutines)}


def in_cgroup(megabytes):
    return {metric("seep_group_bound_bytes", resource="memory", source="memory.max", **APP):
            constant(megabytes * MIB)}


def now_and_then(length, period, start=28):
    return lambda t: t >= start and (t - start) % period < length


def case(series, *alerts):
    return series, alerts


GUILTY = {
    "leak": case(live(leak()), "SeepGrowing"),
    "leak of one an hour": case(live(leak(per_hour=1)), "SeepGrowing"),
    "leak of threads": case(live(leak(), "thread", "all"), "SeepGrowing"),
    "leak of memory": case(live_bytes(lambda t: 2e9 + 3e6 * t), "SeepGrowing"),
    "leak under a saw-tooth": case(live(total(leak(), saw_tooth(0.8))), "SeepGrowing"),
    "leak under noise": case(live(total(leak(5), bursts(2000))), "SeepGrowing"),
    "leak by load": case(live(by_load), "SeepGrowing"),
    "leak, agent restarts": case(live(gap(leak(), (20, 20.3), (40, 40.9))), "SeepGrowing"),
    "leak, another kind steady": case(live(leak()) | live(constant(40), kind="file"), "SeepGrowing"),
    "proved": case(verdict(since(28)) | verdict(since(29), kind="all"), "SeepLeaking"),
    "proved, of memory": case(verdict(since(28), resource="memory", kind="anon", rate=3e6),
                              "SeepLeaking"),
    "proved, of the whole": case(verdict(since(28), kind="all"), "SeepLeaking"),
    "proved, and seen by Prometheus": case(verdict(since(28)) | live(leak()), "SeepLeaking"),
    "proved late": case(verdict(since(50)) | live(leak()), "SeepGrowing", "SeepLeaking"),
    "proved with holes": case(verdict(now_and_then(3, 3.5)), "SeepLeaking"),
    "proved, agent restarts": case({name: gap(shape, (40, 40.3), (55, 56.5)) for name, shape
                                    in verdict(since(28)).items()}, "SeepLeaking"),
    "another leak of the group": case(verdict(since(28), resource="timer", kind="posix")
                                      | live(leak()), "SeepLeaking", "SeepGrowing"),
    "forecast by the agent": case(forecast("growing", 3), "SeepBoundSoon"),
    "forecast of a leak": case(forecast("leaking", 3, 1000, "process", "pids.max"), "SeepBoundSoon",
                               "SeepLeaking"),
    "fast towards a bound": case(bounded(lambda t: min(1024, 100 + 80 * max(0, t - 10)), 1024),
                                 "SeepBoundSoon", "SeepBoundNear", "SeepBoundFull"),
    "host runs out of pids": case(bounded(lambda t: 1000 + 440 * t, 32768, "kernel.pid_max",
                                          "process"),
                                  "SeepBoundNear", "SeepBoundSoon", "SeepBoundFull"),
    "full within minutes": case(bounded(lambda t: 1000 if 30 <= t < 30.6 else 100, 1024),
                                "SeepBoundFull"),
    "full and steady": case(bounded(constant(1000), 1024), "SeepBoundNear", "SeepBoundFull"),
    "at 85 % for good": case(bounded(noise(860, 900), 1024), "SeepBoundNear"),
    "ports of a namespace": case(
        {metric("seep_netns_bound_used", netns="4026531840", resource="tcp",
                source="ip_local_port_range"): constant(25000),
         metric("seep_netns_bound", netns="4026531840", resource="tcp",
                source="ip_local_port_range"): constant(28232)}, "SeepBoundNear"),
    "a transaction is left open": case(
        {metric("seep_group_transaction_oldest_seconds", **APP): lambda t: 3600 * (t - 20)
         if 20 < t < 30 else None}, "SeepIdleInTransaction"),
    "a Go program churns": case(go(gc=0.14, allocated=190, cycles=5), "SeepGoChurn"),
    "collections back to back": case(go(gc=0.4, allocated=5, cycles=28, heap=58, limit=64),
                                     "SeepGoLimitOutgrown"),
    "heap may pass the cgroup's limit": case(go(gc=0, cycles=0.1, heap=600) | in_cgroup(1000),
                                             "SeepGoLimitMissing"),
    "pool follows the load": case(pool(lambda t: 24 if t % 1 < 0.2 else 0), "SeepGoPoolUnlimited"),
    "timers nobody waits for": case(timers(4800, 20), "SeepGoTimersAbandoned"),
    "agent is gone": case(agent(gap(constant(1), (30, 99))), "SeepAgentAbsent"),
    "census hangs": case({"seep_last_census_timestamp_seconds": lambda t: min(t, 40) * 3600},
                         "SeepCensusStale"),
    "ring buffer too small": case(lost(20, topic="process", reason="ring_full"), "SeepLosesEvents"),
    "agent eats a core": case(agent() | {"process_cpu_seconds_total": lambda t: 900 * t},
                              "SeepAgentExpensive"),
}

INNOCENT = {
    "steady": case(live(constant(500))),
    "noise": case(live(noise(3, 400))),
    "wandering": case(live(wander(5)) | live(wander(6), kind="file")
                      | live(wander(7), kind="pipe")),
    "saw-tooth of an hour": case(live(saw_tooth(0.8))),
    "saw-tooth of ten hours": case(live(saw_tooth(10))),
    "saw-tooth of a day": case(live(saw_tooth(DAY))),
    "warm-up": case(live(warm_up(2))),
    "slow warm-up": case(live(warm_up(12))),
    "very slow warm-up": case(live(warm_up(30))),
    "step": case(live(lambda t: 100 if t < 30 else 900)),
    "steps": case(live(lambda t: 100 + 100 * (t // 9))),
    "burst": case(live(lambda t: 900 if 30 <= t < 33 else 100)
                  | bounded(lambda t: 950 if 30 <= t < 30.5 else 100, 1024)),
    "a verdict now and then": case(verdict(now_and_then(0.5, 6))),
    "a verdict at each other scrape": case(verdict(
        lambda t: t > 28 and round(t * 60 / STEP_MINUTES) % 2)),
    "grows, not proved": case(verdict(since(3), "growing")),
    "warms up": case(verdict(since(1), "warming")),
    "warms up towards a bound": case(forecast("warming", 1)),
    "forecast of a day": case(forecast("growing", 20)),
    "peaks at the bound": case(bounded(lambda t: 1020 if t > 1 and t % 2 < 0.05 else 200, 1024)),
    "daily cycle": case(live(cycle()) | bounded(cycle(), 1024)),
    "daily cycle with a late peak": case(live(evening_peak) | bounded(evening_peak, 1024)),
    "daily cycle of other days": case(live(lambda t: cycle(high=600 + 3 * t)(t))),
    "target restarts": case(live(restarting(warm_up(1), 35))),
    "target restarts each night": case(live(lambda t: 100 + 30 * (t % DAY))),
    "leak ends by a restart": case(live(lambda t: 100 + 5 * t if t < 20 else 100)),
    "agent restarts": case(live(gap(noise(300, 400), (20, 20.3), (50, 50.2)))
                           | agent(gap(constant(1), (20, 20.3), (50, 50.2)))),
    "agent is upgraded": case(agent(gap(constant(1), (30, 99)))
                              | agent(gap(constant(1), (0, 30)), version="2")),
    "cache fills, then stops": case(live(filling(0, 20))),
    "cache fills late": case(live(filling(30, 52))),
    "cache of pages": case(live_bytes(lambda t: 1e9 + 1e8 * t, kind="file")),
    "a drop in the ocean": case(live_bytes(lambda t: 8e9 + 1e5 * t)),
    "group of the rest": case({metric("seep_group_live", group="other", resource="fd",
                                      kind="socket"): leak()}),
    "transactions that end": case({metric("seep_group_transaction_oldest_seconds", **APP):
                                   noise(10, 200)}),
    "allocates much, collects cheaply": case(go(gc=0.05, allocated=500, cycles=20)),
    "churns for half an hour": case(go(allocated=400, until=0.5)),
    "collector waits for a processor": case(go(gc=0.5, allocated=100, cycles=0.2)),
    "small heap of many collections": case(go(allocated=30, cycles=5)),
    "at its limit and at rest": case(go(gc=0.02, allocated=1, cycles=0.01, heap=60, limit=64)),
    "collects where the limit is far": case(go(gc=0.4, allocated=5, cycles=28, heap=20, limit=64)),
    "collects at the limit only": case(go(gc=0.2, allocated=40, cycles=0.2 / 1.2, heap=50, limit=64)
                                       | in_cgroup(80)),
    "knows its limit": case(go(gc=0, cycles=0.1, heap=600, limit=900) | in_cgroup(1000)),
    "room in the cgroup": case(go(gc=0, cycles=0.1, heap=400) | in_cgroup(1000)),
    "heaps of two cgroups": case(go(gc=0, cycles=0.1, heap=900, processes=2) | in_cgroup(1000)),
    "a timer of each goroutine": case(timers(5000, 5000)),
    "a handful of timers": case(timers(60, 8)),
    "a short timeout in a busy loop": case(timers(900, 20)),
    "fills its first heap": case(live_bytes(lambda t: MIB * (1 + t / 24)) | go(gc=0, cycles=0)
                                 | {with_group("seep_go_heap_live_bytes"): lambda t: MIB * t / 24}),
    "goroutines of a burst": case(timers(4800, lambda t: 20 if t % 1 < 0.8 else 5000)),
    "pool of a handful": case(pool(noise(0, 3))),
    "one burst of a pool": case(pool(lambda t: 24 if 30 <= t < 30.5 else 0)),
    "a connection of each process": case(pool(constant(20), processes=10)),
    "half way to a bound": case(bounded(filling(10, 16, high=480), 1024)),
    "memory of the host is in use": case({
        metric("seep_group_bound_used_bytes", resource="memory", source="MemTotal", **APP):
            noise(900, 950),
        metric("seep_group_bound_bytes", resource="memory", source="MemTotal", **APP):
            constant(1000)}),
    "processes end while they are read": case(lost(50, topic="process", reason="vanished")),
    "a burst of losses": case({metric("seep_lost_events_total", topic="fd", reason="map_full"):
                               lambda t: 0 if t < 30 else 12}),
    "agent at work": case(agent() | {"process_cpu_seconds_total": lambda t: 30 * t,
                                     "seep_last_census_timestamp_seconds": lambda t: t * 3600}),
}

CASES = GUILTY | INNOCENT

# Once fired, these never stop for the last day: nobody closes a ticket because of a quiet night.
LASTING = {"leak": "SeepGrowing", "leak by load": "SeepGrowing",
           "leak, agent restarts": "SeepGrowing", "proved": "SeepLeaking",
           "proved with holes": "SeepLeaking", "proved, agent restarts": "SeepLeaking"}


def notation(shape):
    """The samples of a shape in promtool's words; a gap begins as Prometheus marks it."""
    words, before = [], None
    for i in range(HOURS * 60 // STEP_MINUTES + 1):
        value = shape(i * STEP_MINUTES / 60)
        if value is None:
            words.append("_" if before is None else "stale")
        else:
            words.append(f"{value:.10g}")
        before = value
    return " ".join(words)


def with_instance(name, instance):
    name, _, labels = name.partition("{")
    return name + "{" + ",".join(filter(None, [f'instance="{instance}",job="seep"',
                                               labels.rstrip("}")])) + "}"


def question(expression, *answers):
    return {"expr": expression, "eval_time": f"{HOURS}h",
            "exp_samples": [{"labels": labels, "value": value} for labels, value in answers]}


def questions(name):
    """After three days: which alerts has the case ever raised, and did the lasting one last?"""
    firing = f'alertstate="firing",instance="{name}"'
    yield question(f"group by (alertname) (last_over_time(ALERTS{{{firing}}}[{HOURS}h]))",
                   *((f'{{alertname="{alert}"}}', 1) for alert in CASES[name][1]))
    if name in LASTING:
        yield question(f'max(count_over_time(ALERTS{{{firing},alertname="{LASTING[name]}"}}[{DAY}h]))',
                       ("{}", DAY * 60 // STEP_MINUTES + 1))


def promtool_file(rules, names):
    series = [{"series": with_instance(metric_name, name), "values": notation(shape)}
              for name in names for metric_name, shape in CASES[name][0].items()]
    return {"rule_files": [str(rules)], "evaluation_interval": f"{STEP_MINUTES}m",
            "tests": [{"interval": f"{STEP_MINUTES}m", "input_series": series,
                       "promql_expr_test": [q for name in names for q in questions(name)]}]}
