# SPDX-License-Identifier: GPL-2.0-only
"""Judges what a guest printed: each case of it gives results, each with a reason when it is bad.

The words of counting are those of the end-to-end tests (tests/e2e/rows.py, workload.py): a guest
and this host are held to the same books.
"""

import collections
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))

import rows  # noqa: E402
import workload  # noqa: E402

Result = collections.namedtuple("Result", "name word why", defaults=("",))  # ok, FAIL or skip

# Every kernel of the matrix allows the best rung of each topic. (seep check's words.)
BEST_RUNGS = {"process": "iterator", "fd": "iterator", "netns": "iterator",
              "thread ledger": "tp_btf", "tcp ledger": "tp_btf", "fd ledger": "fentry"}


def verdict(name, complaints):
    """One result: bad when there is any complaint."""
    return Result(name, "FAIL", "; ".join(complaints[:3])) if complaints else Result(name, "ok")


def json_lines(lines):
    return [json.loads(line) for line in lines if line.startswith("{")]


def words_of(case, first):
    """The rest of the lines that start with this word."""
    return [line.split(" ", 1)[1] for line in case.lines if line.startswith(first + " ")]


def statuses(case):
    return [f"seep ended with {status}" for status in words_of(case, "status") if status != "0"]


def judge_boot(case, release):
    complaints = []
    if words_of(case, "release") != [release]:
        complaints.append(f"it says {words_of(case, 'release')}, not {release}")
    if "btf" not in case.lines:
        complaints.append("no BTF")
    if not {"pids", "memory"} <= set(" ".join(words_of(case, "controllers")).split()):
        complaints.append("cgroup v2 lacks pids or memory")
    return [verdict("boot", complaints)]


def judge_load(case, release):
    """load TOPIC PROGRAM ok | absent WHY | refused WHY, for every program."""
    results = []
    for line in words_of(case, "load"):
        topic, program, word, *why = line.split(" ", 3)
        word = {"ok": "ok", "absent": "skip", "refused": "FAIL"}[word]
        results.append(Result(f"load {topic}/{program}", word, " ".join(why)))
    return results or [Result("load", "FAIL", "no program was tried")]


def judge_check(case, release):
    said = {row["check"]: row for row in json_lines(case.lines)}
    complaints = statuses(case)
    if said.get("kernel", {}).get("value") != release:
        complaints.append("the kernel is not named")
    results = [verdict("check", complaints)]
    for topic, rung in BEST_RUNGS.items():
        row = said.get(topic, {"value": None, "reason": None})
        results.append(verdict(f"check {topic}", [] if row["value"] == rung else
                               [f"took {row['value']}, not {rung}: {row['reason']}"]))
    return results


def looks(case):
    """(books by workload, rows of seep) of each barrier."""
    books, seen = {}, []
    for line in case.lines:
        if line.startswith("books "):
            _, name, text = line.split(" ", 2)
            books[name] = json.loads(text)
        elif line.startswith("{"):
            seen.append(json.loads(line))
        elif line.startswith("status "):
            yield books, seen
            books, seen = {}, []


def judge_counts(case, release):
    """Each workload at each barrier: its books are what seep saw."""
    compared, values = collections.Counter(), collections.defaultdict(set)
    wrong = collections.defaultdict(list)
    for books, seen in looks(case):
        counted = rows.counts(seen)
        for name, line in books.items():
            compared[name] += 1
            values[name].add(json.dumps(line["books"]))
            for difference in workload.differences(line["books"], counted.get(line["pid"], {})):
                wrong[name].append(f"barrier {line['barrier']}: {difference}")
    results = [verdict("counts", statuses(case))]
    for name in words_of(case, "workload"):
        if not compared[name]:
            results.append(Result(f"counts {name}", "skip", f"this kernel has no {name}"))
            continue
        still = ["it did not move"] if len(values[name]) < 2 else []
        results.append(verdict(f"counts {name}", wrong[name] + still))
    return results


def judge_bounds(case, release):
    """The limits of the cgroup are found, and what all its members use of them."""
    seen = json_lines(case.lines)
    results = [verdict("bounds", statuses(case))]
    memory = [int(word) for word in words_of(case, "memory.current")]
    for resource, source, bound, used in (
            ("thread", "pids.max", 200, [int(w) for w in words_of(case, "pids.current")]),
            ("memory", "memory.max", 64 << 20, memory)):
        row = (rows.find(seen, resource=resource, kind=None) or [{}])[0]
        found = (row.get("bound"), row.get("bound_source"), row.get("bound_scope"))
        complaints = [] if found == (bound, source, "cgroup") else [f"bound is {found}"]
        if not used or not min(used) <= (row.get("bound_used") or 0) <= max(used):
            complaints.append(f"bound_used is {row.get('bound_used')}, the cgroup says {used}")
        results.append(verdict(f"bounds {source}", complaints))
    return results


# By the name of a workload: the key of its books, and the programs that see what it creates, each
# a rung of its own (bpf/ledger.bpf.c).
CREATIONS = {"eventfd": ("fd/eventfd", ("install_fentry", "install_kprobe")),
             "thread": ("thread", ("newtask_tp", "newtask_fentry", "newtask_kprobe")),
             "child": ("process/child", ("newtask_tp", "newtask_fentry", "newtask_kprobe")),
             "outgoing": ("tcp/ESTABLISHED", ("connect_tp", "connect_fentry", "connect_kprobe"))}


def created_of(seen, pid, key):
    """What the last look said that a process created; only descriptors are told apart by kind."""
    wanted = key if key.startswith("fd/") else key.split("/")[0]
    found = [row["created"] for row in seen if row["pid"] == pid and rows.key_of(row) == wanted]
    return found[-1] if found else None


def parse_rungs(case):
    """Per rung: books by (workload, when), rows of seep, runs that the kernel skipped by program."""
    rungs = collections.defaultdict(lambda: ({}, [], {}))
    books, seen, missed = {}, [], {}
    for line in case.lines:
        words = line.split(" ", 3)
        if words[0] == "rung":
            books, seen, missed = rungs[words[1]]
        elif words[0] in ("before", "after"):
            books[words[1], words[0]] = json.loads(line.split(" ", 2)[2])
        elif words[0] == "program":
            missed[words[2]] = int(words[3])
        elif line.startswith("{"):
            seen.append(json.loads(line))
    return rungs


def judge_creation(name, key, program, rung):
    """Exact but for runs that the kernel skipped, and it counts those: on a preemptible kernel a
    program can be interrupted by a task that comes to the same program."""
    books, seen, missed = rung
    before, after = books[name, "before"], books[name, "after"]
    took = after["books"].get(key, 0) - before["books"].get(key, 0)
    created = created_of(seen, after["pid"], key)
    if created is None or not took - missed[program] <= created <= took or took == 0:
        return [f"books {took}, counted {created}, skipped by the kernel {missed.get(program)}"]
    return []


def judge_rungs(case, release):
    """Every rung by itself counts what the workload's books say it took."""
    rungs = parse_rungs(case)
    results = [verdict("rungs", statuses(case))]
    for name, (key, programs) in CREATIONS.items():
        for program in programs:
            rung = {"tp": "tp_btf"}.get(program.split("_")[1], program.split("_")[1])
            results.append(verdict(f"rungs {rung} {name}",
                                   judge_creation(name, key, program, rungs[rung])))
    return results


# The always-on agent's programs: iterators, tp_btf and fentry, and of the ledger one a topic.
ALWAYS_ON = {"census_task", "census_file", "census_netns", "newtask_tp", "connect_tp",
             "install_fentry"}


def judge_agent(case, release):
    programs = {tuple(line.split(" ")[:2]) for line in words_of(case, "program")}
    others = {f"{kind} {name}" for kind, name in programs
              if kind != "tracing" or name not in ALWAYS_ON}
    missing = ALWAYS_ON - {name for _, name in programs} - {"census_netns"}
    served = [line for line in case.lines if line.startswith("seep_rung_info{")]
    return [verdict("agent", statuses(case) + ([] if served else ["no rung on /metrics"])),
            verdict("agent programs", [f"attached: {o}" for o in sorted(others)] +
                    [f"not attached: {m}" for m in sorted(missing)]),
            verdict("agent end", [f"left {line}" for line in words_of(case, "left")])]


def judge_explain(case, release):
    """The first site's stack names the function that the workload says it takes at."""
    results = [verdict("explain", statuses(case))]
    for books, sites in looks(case):
        for name, line in books.items():
            functions = [f["function"] for f in sites[0].get("stack", [])] if sites else []
            results.append(verdict(f"explain {name}", [] if line["site"] in functions else
                                   [f"not {line['site']} but {functions}"]))
    return results


JUDGES = {"boot": judge_boot, "load": judge_load, "check": judge_check, "counts": judge_counts,
          "bounds": judge_bounds, "rungs": judge_rungs, "agent": judge_agent,
          "explain": judge_explain}


def judge(boot, release, names):
    """Results of all cases that were asked for; one that never ended is a failure of its own."""
    results = []
    for name in names:
        case = boot.cases.get(name)
        if not case or case.status is None:
            state = "the time limit came" if boot.overdue else "the guest ended"
            when = f"within {name}" if case else f"before {name}"
            results.append(Result(name, "FAIL", f"{state} {when}: {boot.last_words()}"))
            continue
        try:
            results += JUDGES[name](case, release)
        except (ValueError, KeyError, AssertionError) as error:
            results.append(Result(name, "FAIL", f"not as agreed: {error!r}"))
    return results
