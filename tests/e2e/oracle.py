# SPDX-License-Identifier: GPL-2.0-only
"""What the kernel itself says a process holds, by /proc and pidfd_getfd: the judge over seep.

Keys are those of agent/model/resource.h, "resource/kind" or "resource" where there are no kinds.
Slow and simple on purpose, and sharing no code with seep.
"""

import collections
import ctypes
import os
import pathlib
import re
import socket
import stat
import struct

SYS_KCMP, SYS_PIDFD_GETFD = 312, 438
KCMP_FILES = 2
TCP_STATES = ["", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT",
              "CLOSE", "CLOSE_WAIT", "LAST_ACK", "LISTEN", "CLOSING", "NEW_SYN_RECV"]
ANON_KINDS = {"eventfd", "timerfd", "signalfd", "eventpoll", "inotify", "pidfd", "io_uring"}
libc = ctypes.CDLL(None, use_errno=True)


def threads(pid):
    return sorted(int(t) for t in os.listdir(f"/proc/{pid}/task"))


def tables(pid):
    """One thread for each descriptor table that the process has: sharers are counted once."""
    distinct = []
    for tid in threads(pid):
        same = (libc.syscall(SYS_KCMP, tid, other, KCMP_FILES, 0, 0) == 0 for other in distinct)
        if os.listdir(f"/proc/{pid}/task/{tid}/fd") and not any(same):
            distinct.append(tid)
    return distinct


def descriptors(pid):
    """(thread, number, link) of each."""
    for tid in tables(pid):
        for number in os.listdir(f"/proc/{pid}/task/{tid}/fd"):
            path = f"/proc/{pid}/task/{tid}/fd/{number}"
            yield tid, int(number), os.readlink(path), path


def descriptor_kind(link, path):
    if link.startswith("socket:"):
        return "socket"
    if link.startswith("anon_inode:"):
        name = link[len("anon_inode:"):].strip("[]")
        name = {"eventpoll": "epoll"}.get(name, name)
        return name if name in ANON_KINDS | {"epoll"} else "other"
    mode = os.stat(path).st_mode
    return "pipe" if stat.S_ISFIFO(mode) else "file" if link.startswith("/") else "other"


def borrow_socket(pid, number):
    """A copy of a descriptor in this process, as a socket object."""
    pidfd = os.pidfd_open(pid)
    try:
        copy = libc.syscall(SYS_PIDFD_GETFD, pidfd, number, 0)
        if copy < 0:
            raise OSError(ctypes.get_errno(), "pidfd_getfd")
        return socket.socket(fileno=copy)
    finally:
        os.close(pidfd)


def socket_keys(pid, number):
    """The view's key and the length of the accept queue."""
    with borrow_socket(pid, number) as copy:
        if copy.family == socket.AF_UNIX:
            return "unix", 0
        if copy.family not in (socket.AF_INET, socket.AF_INET6):
            return None, 0
        if copy.type == socket.SOCK_DGRAM and copy.proto in (0, socket.IPPROTO_UDP):
            return "udp", 0
        if copy.type != socket.SOCK_STREAM:
            return None, 0
        info = copy.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
        state = TCP_STATES[info[0]]
        unacked = struct.unpack_from("<I", info, 24)[0]
        return "tcp/" + state, unacked if state == "LISTEN" else 0


def count_descriptors(pid, counts):
    deleted = {}
    for tid, number, link, path in descriptors(pid):
        kind = descriptor_kind(link, path)
        counts[f"fd/{kind}"] += 1
        if kind == "timerfd":
            counts["timer/timerfd"] += 1
        elif kind == "inotify":
            text = pathlib.Path(f"/proc/{pid}/task/{tid}/fdinfo/{number}").read_text()
            counts["watch"] += text.count("inotify wd:")
        elif kind == "file":
            info = os.stat(path)
            # A memfd never had a name that could be deleted.
            if info.st_nlink == 0 and not link.startswith("/memfd:"):
                deleted[info.st_dev, info.st_ino] = info.st_size
        elif kind == "socket" and tid == pid:
            key, backlog = socket_keys(pid, number)
            counts[key] += 1
            counts["backlog"] += backlog
    counts["deleted"] = sum(deleted.values())
    counts.pop(None, None)


def families():
    """{parent: {child: state}} of the whole host."""
    found = collections.defaultdict(dict)
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            fields = pathlib.Path(f"/proc/{entry}/stat").read_bytes().rpartition(b")")[2].split()
        except OSError:
            continue
        found[int(fields[1])][int(entry)] = fields[0].decode()
    return found


def count_memory(pid, counts):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    for kind, word in (("anon", "RssAnon"), ("file", "RssFile"), ("shmem", "RssShmem"),
                       ("swap", "VmSwap"), ("pagetable", "VmPTE")):
        found = re.search(rf"^{word}:\s+(\d+) kB", status, re.MULTILINE)
        counts[f"memory/{kind}"] = int(found[1]) * 1024 if found else 0
    maps = pathlib.Path(f"/proc/{pid}/maps").read_text(errors="replace")
    counts["mapping"] = maps.count("\n") - maps.count("[vsyscall]")


def count(pid, all_families=None):
    """Everything that one process holds; families() may be read once for many."""
    counts = collections.Counter()
    counts["thread"] = len(threads(pid))
    count_descriptors(pid, counts)
    for child, state in (all_families or families())[pid].items():
        zombie = state == "Z" and len(threads(child)) == 1  # else only its leader has ended
        counts["process/zombie" if zombie else "process/child"] += 1
    counts["timer/posix"] = pathlib.Path(f"/proc/{pid}/timers").read_text().count("\nClockID:")
    count_memory(pid, counts)
    return counts
