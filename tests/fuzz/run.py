#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Lets each fuzzer run for a while; what it finds stays beside its corpus.

    O=build python3 tests/fuzz/run.py SECONDS

The harnesses are libFuzzer programs (make builds them under clang's sanitizers). A corpus is kept
from run to run in build/tests/fuzz/NAME.corpus.
"""

import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / os.environ.get("O", "build") / "tests" / "fuzz"
CASE_SECONDS = 10  # one input that takes longer is a hang


def add_seeds(name, corpus):
    """Few bytes make an ELF file by chance: the reader's fuzzer begins with a small real one."""
    if name == "reader_fuzz":
        subprocess.run(["cc", "-O2", "-g", "-I.", "-nostdlib", "-shared", "-fPIC",
                        "agent/model/escape.c", "-o", corpus / "seed"], cwd=ROOT, check=True)
    if name == "go_fuzz":  # the forged program as it is, in each of the ways
        for way in range(3):
            (corpus / f"seed-{way}").write_bytes(bytes([way, 22, 14]) + bytes(48))


def fuzz(program, seconds):
    """True when nothing was found and it really ran."""
    corpus = FOLDER / f"{program.name}.corpus"
    corpus.mkdir(exist_ok=True)
    add_seeds(program.name, corpus)
    done = subprocess.run([program, f"-max_total_time={seconds}", "-max_len=65536",
                           f"-timeout={CASE_SECONDS}", f"-artifact_prefix={corpus}-", corpus],
                          text=True, errors="replace", stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE)
    runs = re.search(r"^Done (\d+) runs", done.stderr, re.MULTILINE)
    if done.returncode or not runs or int(runs[1]) == 0:
        print(f"FAILED  {program.name}: ended with {done.returncode}",
              *done.stderr.splitlines()[-40:], sep="\n", flush=True)
        return False
    print(f"  FUZZ     {program.name}: {runs[1]} inputs in {seconds} s", flush=True)
    return True


def main(seconds):
    programs = sorted(p for p in FOLDER.glob("*_fuzz") if p.is_file())
    good = sum(fuzz(program, seconds) for program in programs)
    print(f"{good} passed, {len(programs) - good} failed")
    return 0 if programs and good == len(programs) else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
