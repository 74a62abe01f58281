#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Proves properties of the RTL: runs the SymbiYosys files of rtl/formal with Yosys and ABC alone,
so that a system without sby has the proofs too.

Of a proof hold all of these, or it has failed: its `prove` tasks are proved, for every length of
run; its `cover` task's cases are reached; each mutant that it names is refuted. Without NAME: all of
them. Everything is written below build/formal. rtl/formal/README.md says how a proof is written.

Exit: 0 all hold, 1 something does not, 2 bad usage or a missing program.
"""

import argparse
import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from failure import Failure
from formal_proof import Mutant, Proof, Task, parse
from rtl_sources import ROOT, RTL, version

FORMAL = RTL / "formal"
README = FORMAL / "README.md"
MARKS = ("<!-- proofs: written by scripts/formal.py --readme -->", "<!-- /proofs -->")
TIMEOUT = 1800  # seconds of CPU time, where a .sby says nothing

# As sby makes its model for ABC. $anyinit keeps every register that has no initial value arbitrary
# at the start, and -zinit makes that an input of the first cycle.
MODEL = """\
hierarchy -check
flatten
async2sync
chformal -assume -early
opt_clean
formalff -clk2ff -ff2anyinit
chformal -live -fair -cover -remove
opt_clean
check -assert
setundef -undriven -anyseq
opt -fast
opt_clean
setattr -unset keep
delete -output
opt -full
techmap
opt -fast
memory_map -formal
formalff -clk2ff -ff2anyinit
simplemap
dffunmap
abc -g AND -fast
opt_clean
write_rtlil model.il
write_aiger -I -zinit -map model.map model.aig
"""


@dataclass
class Outcome:
    """Of one run of an engine."""

    said: str  # "proved", "counterexample", "none within N cycles", or what went wrong
    seconds: float = 0.0  # of CPU time
    assertions: int = 0
    folder: Path = field(default_factory=Path)

    @property
    def counterexample(self) -> bool:
        return self.said.startswith("counterexample")

    def holds(self, task: Task) -> bool:
        if task.expects_failure:
            return self.counterexample
        return self.said == ("proved" if task.options["mode"] == "prove"
                             else f"none within {task.depth} cycles")


def mutate(folder: Path, mutant: Mutant) -> None:
    file = folder / mutant.file
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    if text.count(mutant.old) != 1 or mutant.old == mutant.new:
        raise Failure(f"mutant does not apply: {mutant} ({text.count(mutant.old)} places)")
    file.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")


def execute(command: list[str], folder: Path, log: str, timeout: float) -> tuple[int, str, float]:
    """Exit status (-1: out of time), output and CPU seconds."""
    with (folder / log).open("w", encoding="utf-8") as out:
        # The limit is on CPU time: a busy machine makes no proof fail.
        limit = f"ulimit -t {int(timeout)}; exec \"$@\""
        process = subprocess.Popen(["sh", "-c", limit, "sh", *command], cwd=folder, stdout=out,
                                   stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    text = (folder / log).read_text(encoding="utf-8", errors="replace")
    seconds = usage.ru_utime + usage.ru_stime
    return (-1 if process.returncode < 0 else process.returncode), text, seconds


def check(task: Task, folder: Path, mutant: Mutant | None = None) -> Outcome:
    """Runs one task in `folder`. A mutant is searched for a counterexample of at most `depth`
    cycles, which is quicker than an attempt to prove it."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "src").mkdir(parents=True)
    for file in task.files:
        shutil.copyfile(file, folder / "src" / file.name)
    if mutant:
        mutate(folder / "src", mutant)
    model = MODEL.replace("model.", "../model.")
    (folder / "src" / "model.ys").write_text("\n".join(task.script) + "\n" + model,
                                             encoding="utf-8")
    timeout = float(task.options.get("timeout", TIMEOUT))
    status, text, seconds = execute(["yosys", "-Q", "-T", "model.ys"], folder / "src",
                                    "../yosys.log", timeout)
    outcome = Outcome("", seconds, 0, folder)
    if status != 0:
        errors = [line for line in text.splitlines() if "ERROR" in line] or ["no message"]
        outcome.said = "out of time" if status < 0 else f"yosys: {errors[0]}"
        return outcome
    # aig M I L O A B C J F: B bad-state properties. Without any, ABC would prove nothing at all.
    with (folder / "model.aig").open("rb") as model_file:
        header = model_file.readline().split()
    outcome.assertions = int(header[6]) if len(header) > 6 else 0
    if not outcome.assertions:
        outcome.said = "nothing is asserted"
        return outcome
    # All properties as one output: together they may be inductive where none is alone.
    read = "read_aiger model.aig; fold; orpos; strash"
    search = " ".join([task.engine.removeprefix("abc "), *task.arguments])
    if mutant and header[3] == b"0":
        search = "pdr"  # bmc3 does not take a combinational model
    elif mutant or task.options["mode"] == "bmc":
        search = f"bmc3 -F {task.depth}"
    elif task.engine == "abc ind":  # the step; bmc3 is the base, and finds a counterexample
        search = f"bmc3 -F {task.depth}; {search}"
    status, text, seconds = execute(["yosys-abc", "-c", f"{read}; {search}; write_cex -a trace.aiw"],
                                    folder, "abc.log", timeout)
    outcome.seconds += seconds
    none_within = f"No output asserted in {task.depth} frames" in text
    if found := re.search(r"^Output \d+ of miter .* was asserted in frame (\d+)", text,
                          re.MULTILINE):
        outcome.said = f"counterexample of {found[1]} cycles"
    elif status < 0:
        outcome.said = "out of time"
    elif search.startswith("pdr") and re.search(r"^Property proved", text, re.MULTILINE):
        outcome.said = "proved"
    elif "; ind" in search and none_within and "\nNetworks are equivalent" in text:
        outcome.said = "proved"
    elif search.startswith("bmc3") and "; ind" not in search and none_within:
        outcome.said = f"none within {task.depth} cycles"
    else:
        outcome.said = "undecided"
    return outcome


def waveform(outcome: Outcome) -> Path:
    """The counterexample as a waveform, if Yosys can play it; else as ABC wrote it."""
    trace = outcome.folder / "trace.aiw"
    execute(["yosys", "-Q", "-T", "-p", "read_rtlil model.il; sim -clock clk_i -map model.map "
             "-r trace.aiw -vcd trace.vcd"], outcome.folder, "waveform.log", 60)
    vcd = trace.with_suffix(".vcd")
    return vcd if vcd.is_file() and vcd.stat().st_size else trace


class Run:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lock = threading.Lock()

    def say(self, text: str) -> None:
        with self.lock:
            print(text, flush=True)

    def here(self, path: Path) -> str:
        return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)

    def prove(self, proof: Proof, pool: concurrent.futures.Executor) -> list:
        """Starts all that belongs to a proof."""
        at = self.folder / proof.name
        jobs = [("task", task, pool.submit(self.guarded, task, at / task.name))
                for task in proof.tasks]
        jobs += [("mutant", mutant, pool.submit(self.refute, proof, mutant, at / f"mutant{i}"))
                 for i, mutant in enumerate(proof.mutants, 1)]
        return jobs

    def guarded(self, task: Task, folder: Path, mutant: Mutant | None = None) -> Outcome:
        try:
            return check(task, folder, mutant)
        except Failure as failure:
            return Outcome(str(failure), folder=folder)

    def refute(self, proof: Proof, mutant: Mutant, folder: Path) -> Outcome:
        """With the claims one after the other, until one is refuted."""
        seconds, outcome = 0.0, Outcome("no claim")
        for task in proof.claims:
            if not any(file.name == mutant.file for file in task.files):
                continue
            outcome = self.guarded(task, folder / task.name, mutant)
            seconds += outcome.seconds
            if not re.match("none within", outcome.said):
                break
        outcome.seconds = seconds
        return outcome

    def row(self, proof: Proof, jobs: list) -> dict:
        faults, seconds, refuted, assertions = [], 0.0, 0, 0
        covered = True
        for kind, what, future in jobs:
            outcome = future.result()
            seconds += outcome.seconds
            if kind == "mutant":
                refuted += outcome.counterexample
                if not outcome.counterexample:
                    faults.append(f"mutant not refuted: {what}: {outcome.said}")
                continue
            if not what.expects_failure:
                assertions += outcome.assertions
            if outcome.holds(what):
                continue
            if what.expects_failure:
                covered = False
                faults.append(f"{what.name}: not reached: {outcome.said}")
            else:
                where = f", in {self.here(waveform(outcome))}" if outcome.counterexample else ""
                faults.append(f"{what.name}: {outcome.said}{where}")
        good = "bounded" if proof.bounded else "proved"
        row = {"name": proof.name, "status": "failed" if faults else good, "covered": covered,
               "mutants_refuted": refuted, "mutants": len(proof.mutants),
               "assertions": assertions, "seconds": round(seconds, 1), "about": proof.about}
        if proof.bounded:
            row["depth"] = max(t.depth for t in proof.claims if t.options["mode"] == "bmc")
        lines = [f"formal: {row['status']:7} {proof.name}, {refuted} of {len(proof.mutants)} "
                 f"mutants refuted, {row['seconds']} s"]
        lines += [f"    {fault}" for fault in faults]
        if faults:
            lines.append(f"    again: scripts/formal.py {proof.name}; "
                         f"all it said: {self.here(self.folder / proof.name)}")
        self.say("\n".join(lines))
        return row


def table(rows: list[dict]) -> str:
    lines = ["| proof | what | status | assertions | mutants refuted | CPU s |",
             "|---|---|---|---|---|---|"]
    for row in rows:
        status = row["status"] + (f" to {row['depth']} cycles" if row["status"] == "bounded" else "")
        lines.append(f"| `{row['name']}` | {row['about']} | {status} | {row['assertions']} "
                     f"| {row['mutants_refuted']} of {row['mutants']} | {row['seconds']:g} |")
    return "\n".join(lines)


def write_readme(rows: list[dict], tools: str) -> None:
    text = README.read_text(encoding="utf-8")
    before, mark, rest = text.partition(MARKS[0])
    _, end, after = rest.partition(MARKS[1])
    if not mark or not end:
        raise Failure(f"{README.name} has no section for the proofs", 2)
    README.write_text(f"{before}{mark}\n\n{table(rows)}\n\n{tools}.\n\n{end}{after}",
                      encoding="utf-8")


def tool_versions() -> dict[str, str]:
    missing = [tool for tool in ("yosys", "yosys-abc") if not shutil.which(tool)]
    if missing:
        raise Failure(f"not installed: {', '.join(missing)} (run scripts/setup.sh test)", 2)
    return {"yosys": version(["yosys", "-V"]),
            "abc": version(["yosys-abc", "-c", "version"], r"(?<=ABC )\d+(\.\d+)*")}


def chosen(arguments: argparse.Namespace) -> list[Proof]:
    found = {path.stem: path for path in sorted(arguments.sources.glob("*.sby"))}
    if unknown := [name for name in arguments.name if name not in found]:
        raise Failure(f"no proof {unknown[0]} (--list names them)", 2)
    proofs = [parse(path) for name, path in found.items()
              if not arguments.name or name in arguments.name]
    proofs = [proof for proof in proofs if proof.quick or not arguments.quick]
    if not proofs:
        raise Failure("no proofs", 2)
    return proofs


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="*", metavar="NAME", help="a proof; see --list")
    parser.add_argument("--quick", action="store_true", help="those that take seconds alone")
    parser.add_argument("--list", action="store_true", help="name the proofs and run none")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="run side by side")
    parser.add_argument("--sources", type=Path, default=FORMAL, metavar="DIR",
                        help="where the .sby files are (rtl/formal)")
    parser.add_argument("--folder", type=Path, default=ROOT / "build/formal", metavar="DIR",
                        help="where everything is written (build/formal)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the rows")
    parser.add_argument("--markdown", action="store_true", help="end with the table in Markdown")
    parser.add_argument("--readme", action="store_true",
                        help="write the table of all proofs into rtl/formal/README.md")
    arguments = parser.parse_args()
    try:
        if arguments.jobs < 1:
            raise Failure("--jobs must be at least 1", 2)
        if arguments.readme and (arguments.name or arguments.quick):
            raise Failure("--readme is for all proofs: no NAME, no --quick", 2)
        proofs = chosen(arguments)
        if arguments.list:
            for proof in proofs:
                print(f"{proof.name:24}{'quick  ' if proof.quick else '       '}{proof.about}")
            return 0
        versions = tool_versions()
        tools = ", ".join(f"{tool} {value}" for tool, value in versions.items())
        started = time.monotonic()
        print(f"formal: {len(proofs)} proofs, {tools}", flush=True)
        run = Run(arguments.folder.resolve())
        with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
            todo = [(proof, run.prove(proof, pool)) for proof in proofs]
            rows = [run.row(proof, jobs) for proof, jobs in todo]
        failed = sum(row["status"] == "failed" for row in rows)
        if arguments.json:
            arguments.json.write_text(
                json.dumps({"tool_versions": versions, "rows": rows}, indent=1) + "\n",
                encoding="utf-8")
        if arguments.markdown:
            print(table(rows))
        if arguments.readme and not failed:
            write_readme(rows, f"Yosys {versions['yosys']}, ABC {versions['abc']}; CPU seconds of "
                               "everything, mutants and covers included")
        print(f"formal: {len(rows) - failed} hold, {failed} failed, "
              f"{time.monotonic() - started:.0f} s", flush=True)
        return 1 if failed else 0
    except Failure as failure:
        print(f"formal.py: {failure}", file=sys.stderr)
        return failure.code


if __name__ == "__main__":
    sys.exit(main())
