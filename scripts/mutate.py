#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Mutation coverage: small faults all over the RTL, each of which a test must find.

Yosys makes the mutants (a bit of a cell's port inverted, stuck, or inverted by its neighbour) of
the flattened cores `tiny`, `tall` and `wide` and of the encoder block. All of a design's are in one
Verilated netlist, in which SZT_MUTANT selects the active one. Each runs the suites of tests/cosim,
the quick ones first, until one fails. Those that survive are proved equivalent, if they are; else
they must be explained in tests/mutants/explained.json, or they are gaps.

Controls: without a mutant every suite passes; with the expectations compiled out, the scoreboard's
among them, a sample of the killed mutants must survive.

Everything is written below build/mutants; results are kept there and used again while the RTL and
the suite that gave them are the same.

Exit: 0 no gap, 1 a gap or a control that fails, 2 bad usage or a missing program.
"""

import argparse
import concurrent.futures
import json
import os
import random
import re
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path

from failure import Failure
import mutate_proof
from mutate_design import DESIGNS, Design, Mutant, flatten, netlist, sample
from mutate_proof import prepare, prove
from mutate_report import killers, page, rows_of, table
from mutate_run import Result, Runner, digest, stages, stored
from rtl_sources import MODULES, ROOT, version

EXPLAINED = ROOT / "tests" / "mutants" / "explained.json"
QUICK = 40
PROOF_CONTROLS = 3



def explanations() -> list[tuple[re.Pattern, str]]:
    """A mutant's key, in which * stands for anything, and why no test can or need find it."""
    found = []
    for entry in json.loads(EXPLAINED.read_text()):
        pattern = ".*".join(re.escape(part) for part in entry["mutant"].split("*"))
        found.append((re.compile(pattern), entry["reason"]))
    return found


class Campaign:
    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments = arguments
        self.folder: Path = arguments.folder.resolve()
        self.runner = Runner(self.folder, arguments.nice)
        self.lock = threading.Lock()
        self.mutants: list[Mutant] = []
        self.start = time.monotonic()
        self.kept_path = self.folder / "results.json"
        self.kept: dict[str, dict] = {}
        if self.kept_path.is_file():
            self.kept = json.loads(self.kept_path.read_text())

    def say(self, text: str) -> None:
        print(text, flush=True)

    def progress(self, what: str, done: int, count: int, began: float) -> None:
        if not sys.stderr.isatty():
            return
        left = (time.monotonic() - began) / max(1, done) * (count - done)
        end = "\n" if done == count else "\r"
        print(f"mutate: {what} {done} of {count}, {left / 60:.0f} min left   ", end=end,
              file=sys.stderr, flush=True)

    def make(self) -> None:
        """The mutants and their netlists."""
        a = self.arguments
        for design in DESIGNS.values():
            folder = self.folder / design.name
            folder.mkdir(parents=True, exist_ok=True)
            stamp = folder / "made"
            want = f"{self.runner.made} {a.count} {a.seed}"
            if not stamp.is_file() or stamp.read_text() != want:
                stamp.unlink(missing_ok=True)
                (folder / "miter.aig").unlink(missing_ok=True)
                flatten(design, folder)
                made = sample(design, folder, round(a.count * design.share), a.seed)
                netlist(design, made, folder)
                stamp.write_text(want)
            rows = json.loads((folder / "mutants.json").read_text())
            self.mutants += [Mutant(**row) for row in rows]

    def build(self) -> None:
        build = self.folder / "build"
        log = self.folder / "build.log"
        launcher = ["-DCMAKE_CXX_COMPILER_LAUNCHER=ccache"] if shutil.which("ccache") else []
        commands = [
            ["cmake", "-S", str(ROOT), "-B", str(build), "-G", "Ninja",
             "-DCMAKE_BUILD_TYPE=Release", f"-DSZT_MUTANTS={self.folder}",
             "-DSZT_CONFIGS=tiny;medium", "-DSZT_FAULTS=OFF",
             "-DSZT_TRAIN=OFF", "-DSZT_SYSTEMC=OFF", *launcher],
            ["cmake", "--build", str(build), "--target", "mutants", "-j", str(self.arguments.jobs)]]
        with log.open("w") as out:
            for command in commands:
                if subprocess.run(["nice", "-n", str(self.arguments.nice), *command], stdout=out,
                                  stderr=subprocess.STDOUT, check=False).returncode:
                    raise Failure(f"the build failed: {log}")

    def controls(self, designs: list[Design]) -> bool:
        """Control 1: nothing fails without a mutant."""
        good = True
        for design in designs:
            for stage, result, cpu in self.runner.controls(design):
                if result.outcome != "survived":
                    good = False
                    self.say(f"mutate: control FAILED: {design.name} without a mutant: "
                             f"{stage.name}: {result.outcome} {result.test} {result.why}")
                elif self.arguments.verbose:
                    self.say(f"mutate: control: {design.name}: {stage.name} passes, {cpu:.1f} s")
        return good

    def run(self, chosen: list[Mutant]) -> dict[str, Result]:
        results: dict[str, Result] = {}
        todo = []
        for mutant in chosen:
            row = self.kept.get(self.identity(mutant))
            if row and self.runner.valid(DESIGNS[mutant.design], mutant, row):
                fields = {k: v for k, v in row.items() if k not in ("command", "print")}
                results[self.identity(mutant)] = Result(**fields)
            else:
                todo.append(mutant)
        began, last = time.monotonic(), time.monotonic()

        def judge(mutant: Mutant) -> tuple[Mutant, Result, str]:
            return mutant, *self.runner.judge(DESIGNS[mutant.design], mutant)

        with concurrent.futures.ThreadPoolExecutor(self.arguments.jobs) as pool:
            futures = [pool.submit(judge, mutant) for mutant in todo]
            for done, future in enumerate(concurrent.futures.as_completed(futures), 1):
                mutant, result, fingerprint = future.result()
                results[self.identity(mutant)] = result
                self.kept[self.identity(mutant)] = stored(mutant, result, fingerprint)
                self.progress("run", done, len(todo), began)
                if time.monotonic() - last > 20 or done == len(todo):
                    last = time.monotonic()
                    self.save()
        return results

    def identity(self, mutant: Mutant) -> str:
        return f"{mutant.design} {mutant.command}"

    def save(self) -> None:
        draft = self.kept_path.with_suffix(".new")
        draft.write_text(json.dumps(self.kept, indent=0) + "\n")
        draft.replace(self.kept_path)

    def blind(self, killed: list[tuple[Mutant, Result]]) -> tuple[int, int]:
        """Control 2: of those that a comparison killed, how many die without one."""
        a = self.arguments
        rng = random.Random(a.seed)
        chosen = rng.sample(killed, min(a.blind, len(killed)))

        def one(pair: tuple[Mutant, Result]) -> Result:
            mutant, result = pair
            design = DESIGNS[mutant.design]
            stage = next(s for s in stages(design, mutant.module) if s.name == result.stage)
            stage = replace(stage, filter=result.test)  # the test that killed it, no other
            return self.runner.run(design, stage, mutant.number,
                                   self.runner.limits[design.name, result.stage], blind=True)

        with concurrent.futures.ThreadPoolExecutor(a.jobs) as pool:
            dead = [r for r in pool.map(one, chosen) if r.outcome != "survived"]
        self.blind_reasons = Counter(r.outcome for r in dead)
        return len(dead), len(chosen)

    def proof_control(self, name: str, killed: list[Mutant]) -> None:
        """Control 3: no mutant is proved equivalent, mutants that a test killed are not."""
        found = [m for m in killed if m.design == name]
        chosen = random.Random(name).sample(found, min(PROOF_CONTROLS, len(found)))
        said = [prove(0, self.folder / name, 60).said]
        said += [prove(m.number, self.folder / name, 10).said for m in chosen]
        self.say(f"mutate: control of the proofs, {name}: without a mutant {said[0]}; of "
                 f"{len(said) - 1} killed {said[1:].count('equivalent')} equivalent")
        if said[0] != "equivalent" or "equivalent" in said[1:]:
            raise Failure(f"the proofs of {name} are not to be believed")

    def proofs(self, survivors: list[Mutant], killed: list[Mutant]) -> dict[str, str]:
        """What ABC says of each; kept, as it costs most."""
        path = self.folder / "proofs.json"
        kept = json.loads(path.read_text()) if path.is_file() else {}
        seconds = self.arguments.proof_seconds
        # What was not decided is tried again with more time.
        kept = {m: v for m, v in kept.items() if v[0] != "undecided" or v[1] >= seconds}
        made_by = digest(Path(mutate_proof.__file__))
        said: dict[str, str] = {}

        def mark(mutant: Mutant) -> str:
            return f"{self.runner.rtl} {made_by} {self.identity(mutant)}"

        def one(mutant: Mutant) -> tuple[Mutant, str]:
            if mark(mutant) not in kept:
                verdict = prove(mutant.number, self.folder / mutant.design, seconds)
                with self.lock:
                    kept[mark(mutant)] = [verdict.said, seconds]
                    path.write_text(json.dumps(kept, indent=0) + "\n")
            return mutant, kept[mark(mutant)][0]

        began = time.monotonic()
        for name in {m.design for m in survivors if mark(m) not in kept}:
            if not (self.folder / name / "miter.aig").is_file():  # `make` removes an old one
                prepare(DESIGNS[name], self.folder / name)
            self.proof_control(name, killed)
        with concurrent.futures.ThreadPoolExecutor(self.arguments.jobs) as pool:
            futures = [pool.submit(one, mutant) for mutant in survivors]
            for done, future in enumerate(concurrent.futures.as_completed(futures), 1):
                mutant, verdict = future.result()
                said[self.identity(mutant)] = verdict
                self.progress("proof", done, len(survivors), began)
        return said


def show(campaign: Campaign, number: str) -> None:
    design, _, index = number.partition(":")
    chosen = [m for m in campaign.mutants if m.design == design and str(m.number) == index]
    if not chosen:
        raise Failure(f"--show {number}: not one of DESIGN:NUMBER of --list", 2)
    mutant, folder = chosen[0], campaign.folder / design
    print(f"{mutant.key}\n  module {mutant.module}, rtl/{mutant.where}\n  {mutant.command}")
    row = campaign.kept.get(campaign.identity(mutant))
    if row:
        print(f"  last result: {row['outcome']} {row['stage']} {row['test']} {row['why']}")
    for stage in stages(DESIGNS[design], mutant.module):
        environment = " ".join(f"{k}={v}" for k, v in stage.environment)
        print(f"  {stage.name}:\n    SZT_MUTANT={mutant.number} SZT_TEST_CONFIGS={design} "
              f"SZT_RTL_PATH={folder} {environment} {campaign.runner.program(stage.suite)} "
              f"--gtest_fail_fast --gtest_filter='{stage.filter}'")


def choose(campaign: Campaign) -> list[Mutant]:
    a = campaign.arguments
    chosen = [m for m in campaign.mutants
              if (not a.module or m.module in a.module) and (not a.design or m.design in a.design)]
    if a.quick:
        # One of each module in turn, until there are enough.
        by_module: dict[str, list[Mutant]] = defaultdict(list)
        for mutant in chosen:
            by_module[mutant.module].append(mutant)
        rng = random.Random(a.seed)
        for mutants in by_module.values():
            rng.shuffle(mutants)
        turns = [m[i] for i in range(QUICK) for m in by_module.values() if i < len(m)]
        chosen = turns[:QUICK]
    if not chosen:
        raise Failure("no mutant is chosen", 2)
    return chosen


def report(campaign: Campaign, chosen: list[Mutant], outcomes: dict[str, tuple[str, Result]],
           blind: tuple[int, int], versions: dict[str, str]) -> int:
    a = campaign.arguments
    rows = rows_of(chosen, outcomes)
    total = rows[-1]
    print(table(rows))
    print("killed first by:")
    for name, count in killers(outcomes):
        print(f"  {count:5} {name}")
    for mutant in chosen:
        status, result = outcomes[campaign.identity(mutant)]
        if status in ("gap", "crash") or (status == "explained" and a.verbose):
            print(f"mutate: {status}: {mutant.design}:{mutant.number} rtl/{mutant.where} "
                  f"{mutant.key} ({result.why or 'survived'})")
    others = ", ".join(f"{n} by {k}" for k, n in campaign.blind_reasons.items())
    print(f"mutate: control without expectations: {blind[0]} of {blind[1]} that a test had killed "
          f"are killed{f' ({others})' if others else ''}")
    blind_bad = blind[1] > 0 and blind[0] > blind[1] // 10
    bad = total["gaps"] + total["crash"]
    minutes = (time.monotonic() - campaign.start) / 60
    line = (f"mutate: {total['mutants']} mutants: {total['killed']} killed, {total['equivalent']} "
            f"equivalent, {total['explained']} explained, {total['gaps']} gaps, {total['crash']} "
            f"crashes; score {total['score']}; {minutes:.1f} min")
    mutants = []
    for m in chosen:
        status, r = outcomes[campaign.identity(m)]
        mutants.append({"mutant": m.key, "number": m.number, "where": m.where, "status": status,
                        "command": m.command, "how": r.outcome, "suite": r.stage, "test": r.test,
                        "why": r.why, "seconds": r.seconds})
    whole = {"tool_versions": versions, "count": a.count, "seed": a.seed, "rows": rows,
             "killers": dict(killers(outcomes)), "blind_killed": blind[0], "blind_of": blind[1],
             "mutants": mutants}
    if a.json:
        a.json.write_text(json.dumps(whole, indent=1) + "\n")
    if a.markdown:
        a.markdown.write_text(page(whole))
    print(line)
    return 1 if bad or blind_bad else 0


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1100, help="mutants in all, about (1100)")
    parser.add_argument("--seed", type=int, default=1, help="of the choice of mutants (1)")
    parser.add_argument("--module", action="append", choices=[p.stem for p in MODULES],
                        metavar="NAME", help="mutants of this RTL module alone; several times")
    parser.add_argument("--design", action="append", choices=tuple(DESIGNS),
                        help="of this design alone; several times")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} of the mutants")
    parser.add_argument("--list", action="store_true", help="print the mutants and stop")
    parser.add_argument("--show", metavar="DESIGN:NUMBER", help="print one mutant, where it is and "
                        "how a suite is run on it")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="runs side by side")
    parser.add_argument("--nice", type=int, default=0, help="of what is run (0)")
    parser.add_argument("--blind", type=int, default=30, help="mutants of the second control (30)")
    parser.add_argument("--proof-seconds", type=float, default=60, help="of ABC's, a mutant (60)")
    parser.add_argument("--no-proofs", action="store_true", help="survivors are not proved")
    parser.add_argument("--verbose", action="store_true", help="also the controls and what is "
                        "explained")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "mutants")
    parser.add_argument("--json", type=Path, help="also write all of it")
    parser.add_argument("--markdown", type=Path, help="also write table and gaps")
    return parser.parse_args()


def campaign_of(a: argparse.Namespace) -> int:
    if not 1 <= a.count <= 20000 or a.jobs < 1 or a.blind < 0 or a.proof_seconds <= 0:
        raise Failure("--count is 1 to 20000; --jobs and --proof-seconds at least 1, --blind 0", 2)
    missing = [t for t in ("yosys", "yosys-abc", "verilator", "cmake", "ninja")
               if not shutil.which(t)]
    if missing:
        raise Failure(f"not installed: {', '.join(missing)} (run scripts/setup.sh test)", 2)
    reasons = explanations()
    campaign = Campaign(a)
    campaign.make()
    if a.show:
        show(campaign, a.show)
        return 0
    chosen = choose(campaign)
    if a.list:
        for m in chosen:
            print(f"{m.design}:{m.number} rtl/{m.where} {m.key}")
        return 0
    versions = {"yosys": version(["yosys", "-V"]), "verilator": version(["verilator", "--version"]),
                "cmake": version(["cmake", "--version"])}
    print("mutate: " + ", ".join(f"{tool} {v}" for tool, v in versions.items()), flush=True)
    campaign.build()
    if not campaign.controls([DESIGNS[d] for d in dict.fromkeys(m.design for m in chosen)]):
        return 1
    results = campaign.run(chosen)
    survivors = [m for m in chosen if results[campaign.identity(m)].outcome == "survived"]
    if a.quick:  # a proof takes as long as many mutants
        survivors = [m for m in survivors if not any(p.fullmatch(m.key) for p, _ in reasons)]
    killed = [m for m in chosen if results[campaign.identity(m)].outcome == "test"]
    proofs = {} if a.no_proofs else campaign.proofs(survivors, killed)
    outcomes: dict[str, tuple[str, Result]] = {}
    for m in chosen:
        result = results[campaign.identity(m)]
        status = "killed" if result.killed else result.outcome
        if status == "survived":
            reason = next((why for pattern, why in reasons if pattern.fullmatch(m.key)), "")
            said = proofs.get(campaign.identity(m), "not proved")
            status = "equivalent" if said == "equivalent" else "explained" if reason else "gap"
            result.why = reason or f"survived; ABC: {said}"
        outcomes[campaign.identity(m)] = (status, result)
    tested = [(m, results[campaign.identity(m)]) for m in killed]
    return report(campaign, chosen, outcomes, campaign.blind(tested), versions)


def main() -> int:
    try:
        return campaign_of(parse())
    except Failure as failure:
        print(f"mutate.py: {failure}", file=sys.stderr)
        return failure.code


if __name__ == "__main__":
    sys.exit(main())
