# SPDX-License-Identifier: GPL-2.0-only
"""How long seep's readers hold the lock of another process's memory, by the kernel's own
tracepoints. The tracing adds a microsecond or so to each hold."""

import collections
import re
import subprocess

LINE = re.compile(r"-(\d+) .* (\d+\.\d+): mmap_lock_(acquire_returned|released): mm=(\S+) ")
SWITCH = re.compile(r" (\d+\.\d+): sched_switch: .*prev_pid=(\d+) .*next_pid=(\d+) ")

# In a mount namespace and a trace instance of its own: whoever traces here goes on. Says "ready";
# the end of its input is its own.
TRACER = """
set -e
mount -t tracefs none /mnt
trace=/mnt/instances/seep-$$
mkdir $trace
end() {
    for e in $trace/events/*/*/enable; do echo 0 > $e; done
    cat $trace/trace
    grep -h overrun: $trace/per_cpu/*/stats
    rmdir $trace
}
trap end EXIT
record() {
    echo "$2" > $trace/events/$1/filter
    echo 1 > $trace/events/$1/enable
}
echo mono > $trace/trace_clock
echo 32768 > $trace/buffer_size_kb
record sched/sched_switch 'prev_comm == "seep-reader" || next_comm == "seep-reader"'
record mmap_lock/mmap_lock_acquire_returned 'comm == "seep-reader"'
record mmap_lock/mmap_lock_released 'comm == "seep-reader"'
echo ready
cat > /dev/null
"""


class Holds:
    """Of one process's lock by one reader, in seconds: whole, and what of that the reader ran."""

    def __init__(self):
        self.whole, self.ran = [], []

    def add(self, whole, away):
        self.whole.append(whole)
        self.ran.append(whole - away)


class Trace:
    """After the block: holds, {(reader, memory): Holds}; lost, how many events found no room."""

    def __enter__(self):
        self.process = subprocess.Popen(["unshare", "-m", "bash", "-c", TRACER], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdout.readline() == "ready\n"
        return self

    def __exit__(self, *error):
        text = self.process.communicate()[0]
        self.lost = sum(map(int, re.findall(r"^overrun: (\d+)", text, re.M)))
        self.holds = collections.defaultdict(Holds)
        begun, left, away = {}, {}, collections.Counter()
        for line in text.splitlines():
            if found := SWITCH.search(line):
                at, before, after = float(found[1]), int(found[2]), int(found[3])
                left[before] = at
                away[after] += at - left.pop(after, at)
            elif found := LINE.search(line):
                key, at = (int(found[1]), found[4]), float(found[2])
                if found[3] == "acquire_returned":
                    begun[key] = at, away[key[0]]
                elif key in begun:
                    begin, before = begun.pop(key)
                    self.holds[key].add(at - begin, away[key[0]] - before)

    def most(self):
        """Those of the memory that was read most: a reader hardly ever locks its own."""
        return max(self.holds.values(), key=lambda holds: len(holds.whole))
