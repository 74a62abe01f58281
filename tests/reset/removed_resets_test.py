#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The four-state smoke run finds a reset that is missing: in copies of the RTL of szt_matmul, each
without one assignment of a reset, an X must come out or a result must be wrong. One a module;
--all: every one, which takes minutes.

Exit: 0 all were found, 1 one was not, 2 bad usage, 77 there is no Icarus."""

import argparse
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
from lint import needed  # noqa: E402
from rtl_sources import PACKAGES, RTL, SOURCES  # noqa: E402

BENCH = ROOT / "tests/cosim/icarus_smoke.sv"
RESET = re.compile(r"if \(!rst_ni")
ASSIGNMENT = re.compile(r"\s*(\w+)(\[[^]]*\])?\s*<= [^;]*;")
# What the smoke run does not find, and why; --all fails if it finds one of these after all.
SETTLES = "the first clock out of reset gives it a value, before anything can depend on it"
NOT_FOUND = {
    "accumulator_bank.write4_q": SETTLES,
    "axil_registers.clear_q": SETTLES,
    "axil_registers.flush_q": SETTLES,
    "axil_registers.dropped_q": SETTLES,
    "axil_registers.settling_q": SETTLES,
    "matmul_core.held_result_q": SETTLES,
    "stream_fifo.free_q": SETTLES,
    "weight_loader.ended_q": "matters to a soft reset between the first tile's last code beat and "
                             "its start only: a cycle that this run does not hit; the soft resets of "
                             "cosim/protocol_test do",
}


def assignments(text: str) -> list[tuple[int, str]]:
    """Lines with an assignment in reset alone, and the register."""
    found, inside = [], False
    for number, line in enumerate(text.splitlines()):
        if RESET.search(line):
            if match := ASSIGNMENT.search(line[line.index(")") + 1:]):
                found.append((number, match[1]))
            inside = line.rstrip().endswith("begin")
        elif inside and re.match(r"\s*end\b", line):
            inside = False
        elif inside and (match := ASSIGNMENT.match(line)):
            found.append((number, match[1]))
    return found


def without(text: str, number: int) -> str:
    lines = text.splitlines()
    lines[number] = ASSIGNMENT.sub(" ;", lines[number], count=1)
    return "\n".join(lines) + "\n"


def smoke(folder: Path, changed: Path | None = None, text: str = "") -> tuple[bool, str]:
    """Whether the smoke run passes, on the RTL with one file changed."""
    files = []
    for file in SOURCES:
        if file == changed:
            files.append(folder / file.name)
            files[-1].write_text(text, encoding="utf-8")
        else:
            files.append(file)
    # The optional pipeline stages have resets of their own.
    program = folder / "smoke"
    built = subprocess.run(["iverilog", "-g2012", "-s", "icarus_smoke", "-Picarus_smoke.Stages=1",
                            "-o", program, f"-I{RTL}",
                            *files, BENCH], capture_output=True, text=True, check=False)
    if built.returncode != 0:
        return False, "does not build: " + built.stderr
    try:
        ran = subprocess.run(["vvp", "-n", program], capture_output=True, text=True, check=False,
                             timeout=120)
    except subprocess.TimeoutExpired:
        return False, "does not end"
    return ran.returncode == 0 and "PASSED:" in ran.stdout and "FAILED" not in ran.stdout, \
        ran.stdout


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", action="store_true")
    every = parser.parse_args().all
    if not shutil.which("iverilog"):
        print("Icarus is not here")
        return 77
    names = needed("szt_matmul")
    cases = []
    for file in SOURCES:
        if file in PACKAGES or file.stem not in names or "checker" in file.stem:
            continue
        text = file.read_text(encoding="utf-8")
        found = assignments(text)
        counting = [case for case in found if f"{file.stem}.{case[1]}" not in NOT_FOUND]
        cases += [(file, text, *case) for case in (found if every else counting[:1])]
    if len(cases) < 5:
        print(f"{len(cases)} resets alone were found in the RTL: does this test still read it?")
        return 1

    def judge(case: tuple[Path, str, int, str]) -> tuple[str, bool, str]:
        file, text, number, register = case
        with tempfile.TemporaryDirectory() as folder:
            passed, said = smoke(Path(folder), file, without(text, number))
        reason = next((line for line in said.splitlines() if "FAILED" in line), said[:80])
        return f"{file.stem}.{register} (line {number + 1})", passed, reason.strip()

    with tempfile.TemporaryDirectory() as folder:
        whole, said = smoke(Path(folder))
    if not whole:
        print(f"the RTL as it is does not pass\n{said}")
        return 1
    missed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, passed, reason in pool.map(judge, cases):
            known = NOT_FOUND.get(name.split(" ")[0])
            if passed and known is None:
                missed += 1
            print(f"{name}: " + ((f"not found: {known}" if known else "NOT FOUND") if passed
                                 else reason), flush=True)
            if "does not build" in reason or (every and known and not passed):
                missed += 1
    print(f"{len(cases)} resets removed, {missed} not as expected")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
