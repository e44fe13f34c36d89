# SPDX-License-Identifier: GPL-2.0-only
"""Boots a kernel with the guest's archive and takes down what it prints on its serial console."""

import os
import re
import signal
import subprocess
import time

MEMORY = "1024"
COMMAND_LINE = "console=ttyS0 quiet loglevel=1 panic=-1"


class Case:
    """What one case printed."""

    def __init__(self, name, began):
        self.name, self.began = name, began
        self.lines = []
        self.status = None  # None: it never ended
        self.seconds = None


class Boot:
    """One boot: its cases by name, and what else came over the console."""

    def __init__(self):
        self.cases = {}
        self.console = []
        self.seconds = 0.0
        self.overdue = False

    def last_words(self):
        words = [line for line in self.console if line.strip()]
        return words[-1][:200] if words else "nothing on the console"


BEGIN = re.compile(r"^@begin (\S+) (\S+)$")
END = re.compile(r"^@end (\S+) (\d+) (\S+)$")


def parse(text):
    boot, current = Boot(), None
    # Firmware and loader leave escape sequences before the first line of the guest.
    for line in text.replace("\r", "").splitlines():
        begin, end = BEGIN.match(line), END.match(line)
        if begin:
            current = boot.cases[begin[1]] = Case(begin[1], float(begin[2]))
        elif end and current and end[1] == current.name:
            current.status, current.seconds = int(end[2]), float(end[3]) - current.began
            current = None
        elif current:
            current.lines.append(line)
        boot.console.append(line)
    return boot


def boot(image, archive, cases, log, limit):
    """Run it to its end, or to the limit in seconds. The raw console is kept in the file log."""
    # Two processors, since per-CPU counters must add up, but one thread: with a thread each, qemu 7.2
    # lets one run into code that the other is patching (jump labels), and the guest panics.
    command = ["qemu-system-x86_64", "-accel", "tcg,thread=single", "-cpu", "max", "-smp", "2",
               "-m", MEMORY, "-nodefaults", "-no-reboot", "-display", "none", "-serial", "stdio",
               "-kernel", image, "-initrd", archive,
               "-append", f"{COMMAND_LINE} cases={','.join(cases)}"]
    start = time.monotonic()
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out,
                                   stderr=subprocess.STDOUT, start_new_session=True)
        try:
            process.wait(limit)
            overdue = False
        except subprocess.TimeoutExpired:
            overdue = True
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    result = parse(log.read_text(errors="replace"))
    result.seconds, result.overdue = time.monotonic() - start, overdue
    return result
