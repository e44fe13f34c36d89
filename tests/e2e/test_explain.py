# SPDX-License-Identifier: GPL-2.0-only
"""seep explain names the function, file and line that takes a resource and keeps it."""

import concurrent.futures
import gzip
import re
import signal
import subprocess
import time

import pytest

import explainer
import workload

pytestmark = pytest.mark.probes

SECONDS = 6
AT_ONCE = 8  # workloads that are watched at the same time
WATCHED = 3  # of a watch that something else ends than its duration
OLDER = 4  # leaks from before a watch
RATE = 8  # leaks a second, and as many that are given back; few enough that none is sampled

# (program, leak): (resource, kind) of the row that must be at the top.
LEAKS = {
    ("fds", "file"): ("fd", "file"),
    ("fds", "pipe"): ("fd", "pipe"),
    ("fds", "eventfd"): ("fd", "eventfd"),
    ("fds", "timerfd"): ("fd", "timerfd"),
    ("fds", "posix_timer"): ("timer", "posix"),
    ("fds", "signalfd"): ("fd", "signalfd"),
    ("fds", "epoll"): ("fd", "epoll"),
    ("fds", "inotify"): ("fd", "inotify"),
    ("fds", "watch"): ("watch", None),
    ("fds", "deleted"): ("fd", "file"),
    ("fds", "pidfd"): ("fd", "pidfd"),
    ("fds", "io_uring"): ("fd", "io_uring"),
    ("fds", "other"): ("fd", "other"),
    ("sockets", "socket"): ("fd", "socket"),
    ("sockets", "accepted"): ("fd", "socket"),
    ("sockets", "outgoing"): ("fd", "socket"),
    ("sockets", "close_wait"): ("fd", "socket"),
    ("sockets", "udp"): ("fd", "socket"),
    ("sockets", "unix"): ("fd", "socket"),
    ("tasks", "thread"): ("thread", None),
    ("tasks", "child"): ("process", "child"),
    ("tasks", "zombie"): ("process", "zombie"),
    ("memory", "mapping"): ("mapping", None),
    ("takers", "dup"): ("fd", "eventfd"),
    ("takers", "fcntl"): ("fd", "eventfd"),
    ("takers", "received"): ("fd", "eventfd"),
    ("takers", "close_range"): ("fd", "eventfd"),
    ("takers", "spawned"): ("process", "zombie"),
}


class Case:
    """What explain said of one leaking program; absent if this host has no such resource."""

    def __init__(self, seep, workloads, folder, program, name):
        leak = ("--leak", RATE, "--churn", RATE, "--seconds", 60)
        with workload.Workload(workloads / program, name, folder, *leak) as running:
            books = running.read()
            self.absent = books is None
            if not self.absent:
                self.site = books["site"]
                time.sleep(OLDER / RATE)
                self.answer = explainer.explain(seep, running.pid, SECONDS)


@pytest.fixture(scope="module")
def cases(seep, workloads, tmp_path_factory):
    """Every leak, some of them at a time: they only wait."""
    folder = tmp_path_factory.mktemp("leaks")
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        found = {leak: pool.submit(Case, seep, workloads, folder / "-".join(leak), *leak)
                 for leak in LEAKS}
        return {leak: case.result() for leak, case in found.items()}


@pytest.fixture(params=list(LEAKS), ids="-".join)
def case(request, cases):
    """One of them, with the row that it must be at the top of."""
    found = cases[request.param]
    if found.absent:
        pytest.skip("this kernel has no such resource")
    found.row = LEAKS[request.param]
    return found


@pytest.mark.timeout(300)
def test_the_top_row_names_the_function_that_takes(case):
    top = case.answer.rows[0]
    frame = explainer.culprit(top)
    assert (top["resource"], top["kind"]) == case.row
    assert (top["verdict"], frame["function"]) == ("keeps", case.site)
    assert re.search(r"tests/workloads/\w+\.c$", frame["file"]) and frame["line"] > 0


@pytest.mark.timeout(300)
def test_what_is_kept_and_what_is_given_back_are_told_apart(case):
    rows = [row for row in case.answer.of(*case.row) if row["stack"]]
    kept = [row for row in rows if row["verdict"] == "keeps"]
    returned = [row for row in rows if row["verdict"] == "returns"]
    assert len(kept) == 1 and kept[0]["live"] == kept[0]["created"] and kept[0]["destroyed"] == 0
    assert kept[0]["sampled"] == 1 and kept[0]["live"] >= RATE
    assert returned and all(row["live"] <= 2 for row in returned)
    rate = 3600 * RATE * (2 if case.row == ("fd", "pipe") else 1)
    assert 0.5 * rate < kept[0]["growth_per_hour"] < 2 * rate


@pytest.mark.timeout(300)
def test_nothing_is_lost_or_unseen(case):
    assert case.answer.summary["lost"] == {}
    assert not [row for row in case.answer.rows if row.get("reason") == "not seen being created"]


@pytest.mark.timeout(300)
def test_older_objects_have_no_site_and_say_so(cases):
    older = [row for row in cases["fds", "file"].answer.of("fd", "file")
             if row.get("reason") == "older than the watch"]
    assert len(older) == 1
    assert older[0]["stack"] == [] and older[0]["created"] == 0 and older[0]["live"] >= 3
    assert older[0]["bound"] > 0 and older[0]["bound_source"]


@pytest.fixture
def leaking(workloads, tmp_path):
    """Starts a leaking workload; all end with the test."""
    running = []

    def run(program, name, rate=RATE, churn=RATE):
        running.append(workload.Workload(workloads / program, name, tmp_path / name, "--leak", rate,
                                         "--churn", churn, "--seconds", 60))
        running[-1].read()
        return running[-1]

    yield run
    for each in running:
        each.close()


def test_tcp_shows_the_state(seep, leaking):
    """CLOSE_WAIT: the peer hung up and this function does not look."""
    running = leaking("sockets", "close_wait")
    answer = explainer.explain(seep, running.pid, 3, "--resource", "tcp")
    top = answer.rows[0]
    assert (top["resource"], top["kind"], top["verdict"]) == ("tcp", "CLOSE_WAIT", "keeps")
    assert explainer.culprit(top)["function"] == "connect_and_forget"
    assert {row["resource"] for row in answer.rows} == {"tcp"}


def test_a_resource_is_chosen(seep, leaking):
    running = leaking("fds", "timerfd")
    answer = explainer.explain(seep, running.pid, 3, "--resource", "timer")
    assert (answer.rows[0]["resource"], answer.rows[0]["kind"]) == ("timer", "timerfd")
    assert {row["resource"] for row in answer.rows} == {"timer"}


def test_across_an_exec(seep, workloads):
    """Sites of the old program keep their names; what CLOEXEC closed is given back."""
    process = subprocess.Popen([workloads / "takers", "exec"])
    try:
        answer = explainer.explain(seep, process.pid, 8)
    finally:
        process.kill()
        process.wait()
    before, = answer.site("open_before_exec")
    after, = answer.site("open_after_exec")
    assert before["destroyed"] >= 5 and before["live"] >= 5
    assert abs(before["destroyed"] - before["live"]) <= 1  # every other one is CLOEXEC
    assert after["kind"] == "timerfd" and after["live"] == after["created"] >= 10


def test_a_storm_is_sampled_and_its_sums_are_exact(seep, leaking):
    """2000 a second are given back, 300 kept; one in k is followed, by chance."""
    running = leaking("fds", "eventfd", rate=300, churn=2000)
    answer = explainer.explain(seep, running.pid, 6, "--resource", "fd")
    rows = answer.of("fd", "eventfd")
    kept = [row for row in rows if row["verdict"] == "keeps"]
    created = sum(row["created"] for row in rows)
    assert len(kept) == 1 and kept[0]["sampled"] > 1
    assert "serve_and_forget" in [frame["function"] for frame in kept[0]["stack"]]
    # The workload wakes late on a busy machine, and then takes all that is due.
    assert 0.8 * 2300 < created / answer.summary["seconds"] < 1.2 * 2300
    assert 150 < kept[0]["live"] / answer.summary["seconds"] < 600
    assert answer.summary["lost"] == {}


SHAPES = ("pool-fd", "cache-fd", "warmup-fd", "sawtooth-fd", "burst-fd", "step-fd", "wave-fd",
          "sawtooth-thread")


@pytest.fixture(scope="module")
def innocents(seep, workloads, tmp_path_factory):
    """{shape: Answer}, some of them at a time: they only wait."""
    folder = tmp_path_factory.mktemp("innocents")

    def watch(shape):
        arguments = ("--size", 60, "--period", 1.5, "--seconds", 60)
        with workload.Workload(workloads / "innocents", shape, folder / shape, *arguments) as running:
            running.read()
            return explainer.explain(seep, running.pid, 5)

    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip(SHAPES, pool.map(watch, SHAPES)))


@pytest.mark.parametrize("shape", SHAPES)
def test_innocents_do_not_keep(innocents, shape):
    assert innocents[shape].rows and innocents[shape].keepers() == []


def test_sigint_ends_early_with_results(seep, leaking):
    process = explainer.start(seep, leaking("fds", "eventfd").pid, "--duration", "1h", "--json")
    explainer.wait_attached(process)
    time.sleep(WATCHED)
    process.send_signal(signal.SIGINT)
    answer = explainer.finish(process)
    assert answer.summary["seconds"] < 10
    assert explainer.culprit(answer.rows[0])["function"] == "make_wakeup_eventfd"


def test_the_process_may_end_first(seep, leaking):
    running = leaking("fds", "eventfd")
    process = explainer.start(seep, running.pid, "--duration", "1h", "--json", "--budget", "100%")
    explainer.wait_attached(process)
    time.sleep(WATCHED)
    running.close()
    answer = explainer.finish(process)
    assert explainer.culprit(answer.rows[0])["function"] == "make_wakeup_eventfd"
    assert answer.rows[0]["live"] == answer.rows[0]["created"] > RATE


def test_a_spent_budget_ends_the_watch(seep, leaking):
    running = leaking("fds", "eventfd", rate=100, churn=3000)
    process = explainer.start(seep, running.pid, "--duration", "30s", "--budget", "0.05%", "--json")
    answer = explainer.finish(process)
    assert answer.summary["lost"]["over_budget"] == 1
    assert answer.summary["seconds"] < 20


def test_profiles_are_written(seep, leaking, tmp_path):
    running = leaking("fds", "eventfd")
    pprof, folded = tmp_path / "leak.pb.gz", tmp_path / "leak.folded"
    explainer.explain(seep, running.pid, 3, "--pprof", pprof, "--folded", folded)
    profile = gzip.decompress(pprof.read_bytes())
    assert b"make_wakeup_eventfd" in profile and b"live_bytes" in profile
    lines = [line for line in folded.read_text().splitlines() if ";make_wakeup_eventfd;" in line]
    assert len(lines) == 1
    assert re.fullmatch(r"fd/eventfd;_start;.*;make_wakeup_eventfd;eventfd \d+", lines[0])


def test_people_get_a_sentence(seep, leaking):
    running = leaking("fds", "eventfd")
    text = subprocess.run([seep, "explain", "-p", str(running.pid), "--duration", "3"],
                          capture_output=True, text=True, check=True).stdout
    assert re.match(r"fd eventfd in make_wakeup_eventfd\(\) at fds\.c:\d+: keeps \d+ of \d+,", text)


def test_a_young_process_is_said_to_be_one(seep, leaking):
    """It began less long before the watch than that takes; then it is older."""
    pid = leaking("fds", "eventfd").pid
    said = [subprocess.run([seep, "explain", "-p", str(pid), "--duration", seconds], capture_output=True,
                           text=True, check=True) for seconds in ("6", "3")]
    assert all("keeps" in done.stdout for done in said)
    assert ["may warm up yet" in done.stderr for done in said] == [True, False]


def kernel_thread():
    """kthreadd is 2, unless a PID namespace hides it."""
    with open("/proc/2/stat", encoding="utf-8", errors="replace") as file:
        return 2 if "(kthreadd)" in file.read() else None


@pytest.mark.parametrize("arguments, status, says", [
    (["-p", "4194304"], 3, "process 4194304: No such process"),
    (["-p", "none"], 2, "--pid does not take 'none'"),
    ([], 2, "which process"),
    (["-p", "1", "--resource", "socks"], 2, "'socks' is no resource"),
    (["-p", "1", "--resource", "memory"], 3, "nothing here can explain memory"),
    (["-p", "1", "--duration", "0"], 2, "--duration"),
    (["-p", "1", "--budget", "200%"], 2, "--budget"),
    (["-p", "1", "--alloc-fn", "get"], 2, "--free-fn"),
    (["-p", "2"], 3, "kernel thread"),
])
def test_bad_input_gets_one_line(seep, arguments, status, says):
    if says == "kernel thread" and not kernel_thread():
        pytest.skip("no kernel thread is visible in this PID namespace")
    done = subprocess.run([seep, "explain", *arguments], capture_output=True, text=True,
                          check=False)
    assert done.returncode == status
    assert says in done.stderr and done.stderr.count("\n") == 1 and done.stdout == ""


def test_without_root(seep, leaking):
    running = leaking("fds", "eventfd")
    command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", seep, "explain", "-p",
               str(running.pid)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 3 and "needs root" in done.stderr and done.stderr.count("\n") == 1
