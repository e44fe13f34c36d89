#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Breaks a copy of seep, one small mistake at a time, and expects the named tests to turn red.

A test that stays green on a broken counter proves nothing. The copy is built and tested unbroken
first: red means something only where green was possible.

    O=build python3 tests/mutations/run.py [NAME…]
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = os.environ.get("O", "build")
JOBS = str(os.cpu_count() or 1)
BARRIERS = "12"  # enough for each workload to have taken, given back, and held many

# name, file, what is there exactly once, what replaces it, tests (pytest -k) that must turn red
MUTATIONS = (
    ("shared tables counted for each thread", "bpf/file.bpf.c",
     "return first_to_show(task, session) ? pid : 0;", "return pid;",
     "test_dead_leader"),
    ("unshared tables not counted", "bpf/file.bpf.c",
     "return first_to_show(task, session) ? pid : 0;", "return 0;",
     "test_tables_shared_and_unshared"),
    ("every 32nd descriptor dropped", "bpf/file.bpf.c",
     "\tfill_file(&row.file, file, ctx->fd);\n",
     "\tfill_file(&row.file, file, ctx->fd);\n\tif (row.file.fd % 32 == 31)\n\t\treturn 0;\n",
     "fds-eventfd and not by_proc"),
    ("timerfd taken for eventfd", "agent/probe/file_kinds.c",
     "[FILE_KIND_TIMERFD] = SLOT_FD_TIMERFD", "[FILE_KIND_TIMERFD] = SLOT_FD_EVENTFD",
     "fds-timerfd and not by_proc"),
    ("timerfd not among the timers", "agent/probe/file.c",
     "if (row->kind == FILE_KIND_TIMERFD)", "if (row->kind == FILE_KIND_MAX)",
     "fds-timerfd and not by_proc"),
    ("fifo taken for a file", "bpf/lib/file_kind.bpf.h",
     "return FILE_KIND_PIPE;", "return FILE_KIND_FILE;",
     "fds-pipe and not by_proc"),
    ("open files taken for deleted ones", "bpf/file.bpf.c",
     "inode->i_nlink == 0", "inode->i_nlink <= 1",
     "fds-file and not by_proc"),
    ("watches not counted", "agent/probe/file.c",
     "if (row->kind == FILE_KIND_INOTIFY)", "if (row->kind == FILE_KIND_MAX)",
     "fds-watch and not by_proc"),
    ("POSIX timers not looked for", "bpf/task.bpf.c",
     "if (has_posix_timers(signal))", "if (!signal)",
     "fds-posix_timer and not by_proc"),
    ("one POSIX timer too many", "agent/probe/posix_timers.c",
     'strncmp(line, "ID:", 3) == 0', 'strncmp(line, "ID:", 3) <= 0',
     "fds-posix_timer and not by_proc"),
    ("a thread forgotten", "bpf/task.bpf.c",
     ".threads = signal->nr_threads", ".threads = signal->nr_threads - (signal->nr_threads > 4)",
     "tasks-thread and not by_proc"),
    ("zombies taken for children", "agent/probe/task.c",
     "p->zombie ? SLOT_PROCESS_ZOMBIE : SLOT_PROCESS_CHILD", "SLOT_PROCESS_CHILD",
     "tasks-zombie and not by_proc"),
    ("CLOSE_WAIT taken for LAST_ACK", "agent/probe/file.c",
     "SLOT_TCP_CLOSE_WAIT, SLOT_TCP_LAST_ACK,", "SLOT_TCP_LAST_ACK, SLOT_TCP_CLOSE_WAIT,",
     "sockets-close_wait and not by_proc"),
    ("the accept queue not read", "bpf/file.bpf.c",
     "row->backlog = sk->sk_ack_backlog;", "row->backlog = 0;",
     "sockets-backlog and not by_proc"),
    ("UDP taken for TCP", "agent/probe/file.c",
     "row->protocol == IPPROTO_TCP", "row->protocol != IPPROTO_ICMP",
     "sockets-udp and not by_proc"),
    ("shared memory taken for anonymous", "bpf/lib/kernel.bpf.h",
     "enum rss_counter { RSS_FILE, RSS_ANON, RSS_SWAP, RSS_SHMEM,",
     "enum rss_counter { RSS_FILE, RSS_SHMEM, RSS_SWAP, RSS_ANON,",
     "memory-shmem and not by_proc"),
    ("one mapping lost", "bpf/task.bpf.c",
     ".mappings = mm->map_count", ".mappings = mm->map_count - 1",
     "memory-mapping and not by_proc"),
    ("TIME_WAIT without an owner not counted", "agent/probe/netns.c",
     "*ret = tw;", "*ret = 0;",
     "test_time_wait_exhausts_ports"),
    ("a reused number keeps its history", "agent/model/model.c",
     "bool fresh = !p || p->start != start || p->exec_id != exec_id;", "bool fresh = !p;",
     "test_pid_reuse"),
    ("numbers of the wrong PID namespace", "bpf/lib/kernel.bpf.h",
     "if (inum == inode)", "if (inum)",
     "test_seep_in_pid_namespace"),
)


def run(tree, command, **options):
    return subprocess.run(command, cwd=tree, text=True, errors="replace", stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, **options)


def build(tree):
    done = run(tree, ["make", "-s", f"-j{JOBS}", f"O={BUILD}", "all", "workloads"])
    return done.returncode, done.stdout


def tests(tree, expression):
    """(all green, output) of the tests that an expression chooses; none chosen is not green."""
    environment = dict(os.environ, O=BUILD, SEEP_BARRIERS=BARRIERS)
    done = run(tree, [sys.executable, "-B", "-m", "pytest", "-q", "-x", "--tb=line",
                      "-p", "no:cacheprovider", "tests/e2e", "-k", expression], env=environment)
    return done.returncode, done.stdout


def complaints(tree):
    """What seep says on stderr: a program that the kernel refuses is a fall-back, not a mutation."""
    done = subprocess.run([tree / BUILD / "seep", "top", "--once", "--json"], text=True,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    return done.stderr


def check_unbroken(tree, mutations):
    """The chosen tests on the copy as it is: returns what is wrong with it, or None."""
    status, output = build(tree)
    if status:
        return f"the copy does not build:\n{output}"
    wanted = " or ".join(sorted({f"({mutation[4]})" for mutation in mutations}))
    status, output = tests(tree, wanted)
    return f"tests fail without any mutation:\n{output}" if status else None


def break_and_test(tree, mutation):
    """None when the mutation was caught, else what went wrong."""
    _, file, before, after, expression = mutation
    path = tree / file
    text = path.read_text()
    mutant, places = place_of(before).subn(lambda found: after.strip(), text)
    if places != 1:
        return f"does not apply: {file} has its place {places} times"
    path.write_text(mutant)
    try:
        status, output = build(tree)
        if status:
            return f"does not build:\n{output}"
        warnings = complaints(tree)
        if warnings:
            return f"does not run:\n{warnings}"
        status, output = tests(tree, expression)
        return None if status == 1 else f"not caught by -k '{expression}' ({status}):\n{output}"
    finally:
        path.write_text(text)


def place_of(before):
    """However its words are laid out in lines."""
    return re.compile(r"\s+".join(re.escape(word) for word in before.split()))


def but_toolchains(folder, names):
    """Those of Go take gigabytes, and no mutation is of Go's."""
    return ["go"] if pathlib.Path(folder) == ROOT / BUILD and "go" in names else []


def copy_tree(folder):
    """The tree with what is built, so that each mutation rebuilds only what it touches."""
    tree = pathlib.Path(folder) / "seep"
    shutil.copytree(ROOT, tree, symlinks=True, ignore=shutil.ignore_patterns(".git", "build*"))
    if (ROOT / BUILD).is_dir():
        shutil.copytree(ROOT / BUILD, tree / BUILD, symlinks=True, ignore=but_toolchains)
    return tree


def main(names):
    mutations = [m for m in MUTATIONS if not names or m[0] in names]
    caught = failed = 0
    with tempfile.TemporaryDirectory(prefix="seep-mutations-") as folder:
        tree = copy_tree(folder)
        wrong = check_unbroken(tree, mutations)
        if wrong:
            print(f"FAILED  {wrong}")
            print("0 passed, 1 failed, 0 skipped")
            return 1
        for mutation in mutations:
            wrong = break_and_test(tree, mutation)
            caught, failed = caught + (wrong is None), failed + (wrong is not None)
            print(f"{'FAILED ' if wrong else 'caught '} {mutation[0]}{': ' + wrong if wrong else ''}",
                  flush=True)
    print(f"{caught} mutations caught, {failed} not")
    print(f"{caught} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
