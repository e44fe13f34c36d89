# SPDX-License-Identifier: GPL-2.0-only
"""seep top as people meet it: the sentence, the table in a pipe, the live view on a terminal."""

import contextlib
import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import pytest

LEAK = """
import ctypes, os, sys, time
ctypes.CDLL(None).prctl(15, sys.argv[1].encode("latin-1"), 0, 0, 0)
kept = []
while len(kept) < 900:
    kept.append(os.eventfd(0))
    time.sleep(0.05)
time.sleep(600)
"""
# Enough of them that its own limit is nearer than the host's.
IDLE = LEAK.replace("900", "400").replace("0.05", "0")
FULL = LEAK.replace("900", "1000").replace("0.05", "0")
# Sets a title, clears the screen, is no UTF-8: at most 15 bytes.
HOSTILE = b"\x1b]0;p\x07\x1b[2J\x9b\xff\n"
# What can be said before there is a trend.
AT_FIRST_LOOK = re.compile(r"No trend yet\. Nearest to a bound: |Near its bound: |.* a steady ")


@contextlib.contextmanager
def running(command, **options):
    process = subprocess.Popen(command, **options)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def python(program, name):
    return running([sys.executable, "-c", program, name], preexec_fn=lower_limit)


@contextlib.contextmanager
def idle(name):
    """A process that has all that it will ever hold."""
    with python(IDLE, name) as process:
        wait_until(lambda: len(os.listdir(f"/proc/{process.pid}/fd")) >= 400)
        yield process


def lower_limit():
    import resource
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))


def wait_until(what, seconds=15):
    """The first true value of what()."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = what()
        if value:
            return value
        time.sleep(0.1)
    pytest.fail(f"not within {seconds} s; last: {value!r}")


@pytest.fixture
def alone(tmp_path, monkeypatch):
    """No agent gives its history, whatever else runs on this host."""
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    monkeypatch.delenv("NO_COLOR", raising=False)


def run_top(seep, *arguments, **options):
    return subprocess.run([seep, "top", *map(str, arguments)], capture_output=True, timeout=60,
                          **options)


def test_plain(seep, alone):
    with idle("idler") as process:
        begin = time.monotonic()
        result = run_top(seep, "--once", "--filter", "idler", "--all")
        assert time.monotonic() - begin < 5
    lines = result.stdout.decode().splitlines()
    assert result.returncode == 0 and not result.stderr
    assert AT_FIRST_LOOK.match(lines[0]) and "(idler, pid " in lines[0]
    assert lines[1] == "watching for 0 s; a trend needs 60 s"
    assert lines[3].split()[:5] == ["GROUP/COMM", "PID", "RESOURCE", "KIND", "LIVE"]
    row = next(line for line in lines if re.search(rf"\b{process.pid} +fd\b", line))
    assert "(idler)" in row and " 1024 " in row


def test_one_process(seep, alone):
    with idle("idler") as process:
        text = run_top(seep, "--once", "-p", process.pid).stdout.decode()
    assert re.search(r"^fd +eventfd +400 ", text, re.M)
    assert re.search(r"^fd +\d+ +1024 +\d\d%  RLIMIT_NOFILE \(process\)$", text, re.M)


@pytest.fixture
def guilty(seep, alone):
    """A process that leaks eventfds, and an agent whose window is two seconds."""
    agent = [seep, "agent", "--web.listen-address=127.0.0.1:0", "--interval=100ms",
             "--trend.window=2s"]
    with python(LEAK, "leaker") as process, running(agent, stderr=subprocess.DEVNULL):
        yield process


def grown(seep, pid):
    lines = run_top(seep, "--once", "-p", pid).stdout.decode().splitlines()
    return lines if "history" in lines[1] and re.search(r"^fd .*growing", "\n".join(lines), re.M) else None


def test_leak(seep, guilty):
    lines = wait_until(lambda: grown(seep, guilty.pid), 40)
    assert re.fullmatch(rf"session/python3\S* \(leaker, pid {guilty.pid}\): \d+ fd eventfd/h, "
                        r"limit 1024 \(RLIMIT_NOFILE\) in \d+ s", lines[0])
    assert lines[1] == "history from the running agent, window 2 s; 1 grows"
    assert run_top(seep, "--once", "-p", guilty.pid, "--fail-on", "growing").returncode == 1
    assert run_top(seep, "--once", "--filter", "nobody here", "--fail-on", "growing").returncode == 0


def test_what_is_full_comes_before_what_grows(seep, guilty):
    """It has no trend, and fails now."""
    wait_until(lambda: grown(seep, guilty.pid), 40)
    with python(FULL, "fuller") as process:
        wait_until(lambda: len(os.listdir(f"/proc/{process.pid}/fd")) >= 1000)

        def look():
            """Both are told; what grows may stand still for a moment where this host is busy."""
            told = run_top(seep, "--once", "--filter", "python3").stdout.decode().splitlines()
            return told if re.search(r"\d grows?, 1 near its bound$", told[1]) else None

        lines = wait_until(look, 40)
        rows = run_top(seep, "--once", "--json", "-p", process.pid).stdout.decode().splitlines()
    assert re.fullmatch(rf"Near its bound: session/python3\S* \(fuller, pid {process.pid}\): "
                        r"100\d fd, 98 % of 1024 \(RLIMIT_NOFILE\)", lines[0])
    order = [pid for line in lines for pid in (process.pid, guilty.pid) if f" {pid} " in line[20:]]
    assert order.index(process.pid) < order.index(guilty.pid)
    ratio, = (row["bound_ratio"] for row in map(json.loads, rows)
              if row["resource"] == "fd" and not row["kind"])
    assert 0.97 < ratio < 0.99


def test_json_streams(seep, alone):
    with idle("idler") as process:
        result = run_top(seep, "--json", "-n", 3, "-d", "100ms", "-p", process.pid)
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert sum(row["resource"] == "fd" and row["kind"] is None for row in rows) == 3


@pytest.mark.parametrize("arguments,status", [
    (["--sort", "size"], 2), (["--fail-on", "bad"], 2), (["--once", "-p", 4194305], 3),
    (["-d", "1ms"], 2), (["--nonsense"], 2), (["-p", "x"], 2),
])
def test_bad_input(seep, alone, arguments, status):
    result = run_top(seep, *arguments)
    assert result.returncode == status
    assert not result.stdout and result.stderr.count(b"\n") == 1 and result.stderr.startswith(b"seep: ")


def test_ordinary_user(seep, alone):
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        copy = shutil.copy(seep, folder)
        command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", copy, "top", "--once"]
        plain = subprocess.run(command, capture_output=True, timeout=60)
        rows = subprocess.run([*command, "--json"], capture_output=True, timeout=60)
    assert plain.returncode == 0 and not plain.stderr
    assert b"fd: proc only (" in plain.stdout.splitlines()[-1]
    assert rows.returncode == 0 and rows.stderr.count(b"\n") == 1
    assert all(json.loads(line)["schema"] == 1 for line in rows.stdout.splitlines())


def test_hostile_name_in_a_pipe(seep, alone):
    with idle(HOSTILE.decode("latin-1")) as process:
        table = run_top(seep, "--once", "--all").stdout
        page = run_top(seep, "--once", "-p", process.pid).stdout
    for output in (table, page):
        assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", output)
        assert rb"\x1b]0;p\x07" in output
        output.decode()  # all of it is UTF-8


class Terminal:
    """A tmux of our own, with seep top in its only pane and a shell to come back to."""

    def __init__(self, command, width=80, height=24):
        self.folder = tempfile.TemporaryDirectory()
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", width, "-y", height, "sh")
        self.command = command

    def tmux(self, *arguments):
        environment = dict(os.environ, LC_ALL="C.UTF-8", PS1="READY> ")
        return subprocess.run(["tmux", "-S", self.folder.name + "/socket", *map(str, arguments)], check=True, text=True,
                              capture_output=True, env=environment).stdout

    def screen(self):
        return self.tmux("capture-pane", "-p")

    def type(self, *keys):
        self.tmux("send-keys", *keys)

    def ask(self, what):
        return self.tmux("display-message", "-p", f"#{{{what}}}").strip()

    def sees(self, pattern, seconds=10):
        return wait_until(lambda: re.search(pattern, self.screen(), re.M), seconds)

    def assert_restored(self):
        """As before: the main screen, a cursor, a terminal that edits lines and echoes."""
        self.sees(r"READY>\s*\Z")
        assert self.ask("alternate_on") == "0" and self.ask("cursor_flag") == "1"
        self.type("clear; stty -a", "Enter")
        self.sees(r"(^|\s)icanon\b")
        settings = self.screen()
        assert re.search(r"(^|\s)echo\b", settings) and re.search(r"(^|\s)icrnl\b", settings)

    def __enter__(self):
        try:
            self.type("PS1='READY> '; clear", "Enter")
            wait_until(lambda: self.screen().startswith("READY>"))
            self.type(self.command, "Enter")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error):
        self.tmux("kill-server")
        self.folder.cleanup()


def test_live(seep, alone):
    with idle("idler"), Terminal(f"{seep} top -d 500ms; echo STATUS $?") as terminal:
        terminal.sees(r"^q quit", 5)
        assert AT_FIRST_LOOK.match(" ".join(terminal.screen().splitlines()[:2]))
        terminal.sees(r"watching for \d+ s; a trend needs 60")
        terminal.type("/")
        terminal.type("-l", "python")
        terminal.sees(r"^only names that contain: python_")
        terminal.type("Enter")
        terminal.sees(r"by growth, with python;")
        terminal.type("s")
        terminal.sees(r"by live, with python;")
        terminal.type("Enter")
        terminal.sees(r"^group +session/python3")
        terminal.type("Escape", "g")
        terminal.sees(r"^session/python3\S* +x\d+ ")
        terminal.type("h")
        terminal.sees(r"^OLDEST ")
        terminal.type("q", "p")
        terminal.sees(r"^PAUSED ")
        terminal.tmux("resize-window", "-x", 60, "-y", 12)
        wait_until(lambda: terminal.screen().splitlines()[-1].startswith("q quit"))
        terminal.type("q")
        terminal.sees(r"^STATUS 0")
        terminal.assert_restored()


def child_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return int(file.read().split()[0])


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_signals_restore(seep, alone, signum):
    with Terminal(f"{seep} top -d 60") as terminal:
        terminal.sees(r"^q quit")
        os.kill(child_of(int(terminal.ask("pane_pid"))), signum)
        terminal.assert_restored()


def test_hostile_name_on_a_terminal(seep, alone):
    with idle(HOSTILE.decode("latin-1")), \
            Terminal(f"{seep} top --all --filter python", 160, 40) as terminal:
        title = terminal.ask("pane_title")
        terminal.sees(r"\\x1b\]0;p\\x07")
        assert terminal.ask("pane_title") == title


def output_on_terminal(command, environment):
    """What it writes to a terminal until it ends."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execvpe(command[0], command, environment)
    output = b""
    with contextlib.suppress(OSError):  # the terminal's end
        while piece := os.read(fd, 65536):
            output += piece
    os.close(fd)
    assert os.waitpid(pid, 0)[1] == 0
    return output


@pytest.mark.parametrize("no_color", ["", "1"])
def test_colors(seep, alone, no_color):
    environment = dict(os.environ, TERM="xterm-256color", NO_COLOR=no_color, LC_ALL="C.UTF-8")
    output = output_on_terminal([seep, "top", "-n", "2", "-d", "200ms"], environment)
    assert b"q quit" in output
    assert bool(re.search(rb"\x1b\[[0-9;]*3[0-7]m", output)) == (not no_color)


def test_unknown_terminal(seep, alone):
    """Where curses cannot draw, the table still comes."""
    environment = dict(os.environ, TERM="no-such-terminal")
    output = output_on_terminal([seep, "top", "-n", "1"], environment)
    assert b"GROUP/COMM" in output and b"\x1b" not in output
