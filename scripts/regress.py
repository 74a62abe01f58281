#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a regression of tests/testplan.json: every test of its features, random ones with several
seeds, by CTest on this machine or by Slurm.

  regress.py smoke|default|nightly     --list says what they are
  regress.py --check                   that the plan and the build's tests fit each other

A result (test, seed, build) is kept in FOLDER as soon as it is there; the same command goes on
where an earlier one was ended. What was skipped is tried again. A build is known by its tests'
commands, its programs, libraries and sources: after any change of them everything runs again.

The report is FOLDER/NAME.json; NAME.txt, NAME.xml (JUnit) and NAME.html are made from it.

Exit: 0 all passed, 1 something failed or is missing (or the plan does not fit), 2 bad usage.
"""

import argparse
import datetime
import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import regress_report
from regress_launch import Local, Slurm
from regress_plan import (PLAN, ROOT, Build, Failure, Pair, Parser, Plan, assign, build_id,
                          digest, pairs_of, read_build, read_plan, source_files)

SEED = 20250816  # of tests/seed.h
CHANGED = "the build or its sources changed meanwhile: some results may be of what is there now"
UNKNOWN = 1.0  # s, of a test that was never measured


class Interrupted(Exception):
    pass


class Store:
    """Results and lengths in the regressions' folder."""

    def __init__(self, folder: Path, build: str) -> None:
        self.folder = folder
        self.results = folder / "results" / build
        self.results.mkdir(parents=True, exist_ok=True)
        self.lengths_file = folder / "lengths.json"
        self.lengths = self.read(self.lengths_file) or {}

    @staticmethod
    def read(path: Path) -> dict | None:
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    def names(self) -> set[str]:
        return {entry.name for entry in os.scandir(self.results)}

    def kept(self, pairs: list[Pair]) -> dict[Pair, dict]:
        names = self.names()
        found = {pair: self.read(self.results / pair.file) for pair in pairs if pair.file in names}
        return {pair: record for pair, record in found.items() if record}

    def drop(self, pairs: list[Pair]) -> None:
        for pair in pairs:
            (self.results / pair.file).unlink(missing_ok=True)

    def add_costs(self, build: Path) -> None:
        """Lengths that CTest itself measured, for tests that never ran from here."""
        costs = build / "Testing/Temporary/CTestCostData.txt"
        if costs.is_file():
            for name, seconds in re.findall(r"^(\S+) [1-9]\d* ([\d.e+-]+)$", costs.read_text(
                    encoding="utf-8", errors="replace"), re.MULTILINE):
                self.lengths.setdefault(name, float(seconds))

    def length(self, pair: Pair) -> float:
        return self.lengths.get(pair.kind, self.lengths.get(pair.test, UNKNOWN))

    def learn(self, records: dict[Pair, dict]) -> None:
        for pair, record in records.items():
            if record["status"] == "passed":
                self.lengths[pair.kind] = record["seconds"]
        new = self.lengths_file.with_suffix(".new")
        new.write_text(json.dumps(self.lengths, indent=0, sort_keys=True), encoding="utf-8")
        new.replace(self.lengths_file)


class Progress:
    """On a terminal one line that is written over; else a line a minute. Failures at once."""

    def __init__(self, pairs: list[Pair], store: Store, kept: int) -> None:
        self.left = {pair: store.length(pair) for pair in pairs}
        self.weight = sum(self.left.values())
        self.kept, self.done, self.failed = kept, 0, 0
        self.started = self.said = time.monotonic()
        self.terminal = sys.stdout.isatty()

    def add(self, pair: Pair, record: dict) -> None:
        self.left.pop(pair, None)
        self.done += 1
        if record["status"] == "failed":
            self.failed += 1
            self.line(f"failed: {pair.test}, {regress_report.of_seed(pair.seed)}: "
                      f"{record['reason']}")

    def line(self, text: str) -> None:
        print(("\r\033[K" if self.terminal else "") + f"regress: {text}", flush=True)

    def show(self) -> None:
        now = time.monotonic()
        if now - self.said < (0.5 if self.terminal else 60):
            return
        self.said = now
        gone, left = now - self.started, sum(self.left.values())
        eta = ""
        if left < self.weight:
            eta = f", about {regress_report.length(gone * left / (self.weight - left))} to go"
        text = (f"{self.kept + self.done} of {self.kept + self.done + len(self.left)}, "
                f"{self.failed} failed, {regress_report.length(gone)} gone{eta}")
        if self.terminal:
            width = shutil.get_terminal_size().columns - 1
            print(f"\r\033[K{f'regress: {text}'[:width]}", end="", flush=True)
        else:
            self.line(text)

    def end(self) -> None:
        if self.terminal:
            print("\r\033[K", end="", flush=True)


def gather(todo: list[Pair], store: Store, progress: Progress, records: dict) -> list[Pair]:
    """Reads every new result, once; what is still without."""
    names = store.names()
    for pair in todo:
        if pair.file in names and (record := store.read(store.results / pair.file)):
            records[pair] = record
            progress.add(pair, record)
    return [pair for pair in todo if pair not in records]


def drive(launcher: Local | Slurm, folder: Path, build: Build, store: Store, todo: list[Pair],
          records: dict, deadline: float | None) -> None:
    progress = Progress(todo, store, len(records))
    todo = sorted(todo, key=store.length, reverse=True)
    try:
        for attempt in range(launcher.attempts):
            if attempt:
                progress.line(f"{len(todo)} without a result: submitted again")
            run = folder / f"{attempt}"
            run.mkdir(parents=True)
            launcher.start(run, build, store.results, todo, list(map(store.length, todo)),
                           deadline)
            alive = True
            while todo and alive:
                # First whether it ended, then what there is: a result in between is not overlooked.
                alive = launcher.alive()
                todo = gather(todo, store, progress, records)
                progress.show()
                if todo and alive:
                    time.sleep(launcher.pause)
            if not todo or (deadline and time.time() >= deadline):
                break
            time.sleep(launcher.pause)  # a network file system may show the last ones late
            todo = gather(todo, store, progress, records)
    finally:
        # Also when all went well: nothing that this script started outlives it.
        launcher.cancel()
        progress.end()


def tool_versions(build: Build) -> dict[str, str]:
    def said(command: list[str]) -> str | None:
        try:
            text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        except (OSError, subprocess.CalledProcessError):
            return None
        return (text.strip().splitlines() or [""])[0]

    def number(command: list[str]) -> str | None:
        found = re.search(r"\d+(\.\d+)+", said(command) or "")
        return found[0] if found else None

    tools = {"ctest": number(["ctest", "--version"]), "python": number(["python3", "--version"])}
    if compiler := build.cache.get("CMAKE_CXX_COMPILER"):
        tools["compiler"] = said([compiler, "--version"])
    if verilator := build.cache.get("VERILATOR"):
        tools["verilator"] = number([verilator, "--version"])
    if yosys := build.cache.get("SZT_YOSYS"):
        tools["yosys"] = number([yosys, "-V"])
    if home := build.cache.get("CMAKE_HOME_DIRECTORY"):
        tools["source"] = said(["git", "-C", home, "describe", "--always", "--dirty"])
    return {name: value for name, value in tools.items() if value}


def coverage_of(home: Path) -> dict | None:
    """What the last coverage.py measured, if it was of these very sources: covered and all."""
    try:
        data = json.loads((home / "build/coverage/coverage.json").read_text(encoding="utf-8"))
        if data["quick"] or data["failed"] or data["sources"] != digest([], set(source_files(home))):
            return None
        names = {"line": "lines", "toggle": "toggles", "functional": "functional",
                 "cmodel": "lines of the model"}
        return {name: data["totals"][key] for key, name in names.items()}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write(report: dict, arguments: argparse.Namespace) -> None:
    name = arguments.folder / report["regression"]
    for path, content in ((arguments.json or name.with_suffix(".json"),
                           json.dumps(report, indent=1) + "\n"),
                          (name.with_suffix(".txt"), regress_report.text(report)),
                          (arguments.junit or name.with_suffix(".xml"),
                           regress_report.junit(report)),
                          (arguments.html or name.with_suffix(".html"),
                           regress_report.page(report))):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    print(regress_report.summary(report))
    print(f"report: {arguments.html or name.with_suffix('.html')}")


def plan_of(store: Store, todo: list[Pair], kept: dict, jobs: int) -> dict:
    """How long it will take, for --dry-run."""
    lengths = [store.length(pair) for pair in todo]
    unknown = sum(pair.kind not in store.lengths and pair.test not in store.lengths
                  for pair in todo)
    wall = max([sum(lengths) / jobs, *lengths]) if lengths else 0.0
    return {"runs": len(todo) + len(kept), "kept": len(kept), "unmeasured": unknown,
            "processor_seconds": round(sum(lengths), 1), "seconds": round(wall, 1)}


def run(arguments: argparse.Namespace, plan: Plan) -> int:
    folder = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    # Inherited by CTest: held as long as anything of it runs, even when this script was killed.
    with (folder / "lock").open("w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Failure(f"another regress.py is at work in {folder}") from None
        build = read_build(arguments.build, folder / "list")
        assigned, problems, left_out = assign(plan, build)
        if arguments.check:
            for problem in problems:
                print(f"regress: {problem}")
            for line in left_out:
                print(f"regress: {line}")
            if not problems:
                print(f"regress: {len(build.tests)} tests, {len(plan.features)} features: all fit")
            return 1 if problems else 0
        # Nobody knows how many Slurm will give: for the estimate, one.
        jobs = arguments.jobs or (1 if arguments.launcher == "slurm" else os.cpu_count() or 1)
        launcher = (Slurm(arguments.jobs, arguments.chunk, arguments.sbatch)
                    if arguments.launcher == "slurm" else Local(jobs, lock.fileno()))
        build.id = build_id(build)
        store = Store(folder, build.id)
        store.add_costs(build.folder)
        pairs = pairs_of(plan, assigned, arguments.name, arguments.seed, arguments.seeds,
                         dict(arguments.set))
        records = store.kept(pairs) if arguments.resume else {}
        records = {pair: record for pair, record in records.items()
                   if record["status"] != "skipped"
                   and not (arguments.rerun_failed and record["status"] == "failed")}
        todo = [pair for pair in pairs if pair not in records]
        expected = plan_of(store, todo, records, jobs)
        print(f"regress: {arguments.name}, build {build.id}: {expected['runs']} runs, "
              f"{expected['kept']} kept; about {regress_report.length(expected['seconds'])} "
              f"on {jobs} processor{'s' if jobs > 1 else ''} ({expected['unmeasured']} never "
              f"measured, taken as {UNKNOWN:g} s)", flush=True)
        if arguments.dry_run:
            for line in problems:
                print(f"problem: {line}")
            if arguments.json:
                arguments.json.write_text(json.dumps(expected) + "\n", encoding="utf-8")
            return 0
        store.drop(todo)
        started = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
        began = time.monotonic()
        deadline = time.time() + arguments.hours * 3600 if arguments.hours is not None else None
        scratch = folder / "runs" / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
        try:
            if todo:
                drive(launcher, scratch, build, store, todo, records, deadline)
        finally:
            store.learn(records)
            if todo and build_id(read_build(arguments.build, folder / "list")) != build.id:
                problems.append(CHANGED)
                store.drop(todo)  # nobody knows of which build they are
        if len(records) == len(pairs):
            shutil.rmtree(scratch, ignore_errors=True)  # its logs say nothing more
        else:
            print(f"regress: {len(pairs) - len(records)} without a result; logs: {scratch}")
        why = "the time was up (--hours)" if deadline and time.time() >= deadline else "no result"
        report = regress_report.make(
            arguments.name, plan.regressions[arguments.name].get("about", ""), build, pairs,
            records, problems, left_out, why, tool_versions(build),
            coverage_of(Path(build.cache.get("CMAKE_HOME_DIRECTORY", "."))), started,
            time.monotonic() - began)
        write(report, arguments)
        return 0 if report["status"] == "passed" else 1


def setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError(f"{text}: not NAME=VALUE")
    return name, value


def positive(text: str) -> int:
    if not re.fullmatch(r"0*[1-9]\d*", text):
        raise argparse.ArgumentTypeError(f"{text}: not a positive number")
    return int(text)


def hours(text: str) -> float:
    if not re.fullmatch(r"\d+(\.\d*)?|\.\d+", text):
        raise argparse.ArgumentTypeError(f"{text}: not a number of hours")
    return float(text)


def interrupt(_signal: int, _frame: object) -> None:
    raise Interrupted


def main() -> int:
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="?", metavar="NAME", help="the regression; see --list")
    parser.add_argument("--build", type=Path, default=ROOT / "build/release", metavar="DIR",
                        help="the build with the tests (build/release)")
    parser.add_argument("--launcher", choices=("local", "slurm"), default="local",
                        help="slurm: a job array; the build and FOLDER at the same paths on all "
                             "nodes")
    parser.add_argument("--seed", type=positive, default=SEED,
                        help=f"the first of the random tests ({SEED})")
    parser.add_argument("--seeds", type=positive, metavar="N",
                        help="how many, where the plan does not fix it")
    parser.add_argument("--set", type=setting, action="append", default=[], metavar="NAME=VALUE",
                        help="in place of the plan's value in the tests' environment")
    parser.add_argument("--jobs", type=positive, metavar="N",
                        help="at once (all processors; with Slurm: as many as it gives)")
    parser.add_argument("--chunk", type=positive, metavar="N",
                        help="runs an element of the Slurm array (so that 1000 elements do)")
    parser.add_argument("--sbatch", default="", metavar="OPTIONS",
                        help="more options of sbatch, e.g. '--partition=long --time=60'")
    parser.add_argument("--hours", type=hours, metavar="H", help="begin no test after that")
    parser.add_argument("--resume", action=argparse.BooleanOptionalAction, default=True,
                        help="go on with the results that are kept")
    parser.add_argument("--rerun-failed", action="store_true", help="keep no failure")
    parser.add_argument("--plan", type=Path, default=PLAN, metavar="FILE",
                        help="(tests/testplan.json)")
    parser.add_argument("--folder", type=Path, default=ROOT / "build/regress", metavar="DIR",
                        help="results and reports (build/regress)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="the report, elsewhere")
    parser.add_argument("--junit", type=Path, metavar="FILE", help="the same as JUnit XML")
    parser.add_argument("--html", type=Path, metavar="FILE", help="the same as a page")
    parser.add_argument("--list", action="store_true", help="the regressions and their features")
    parser.add_argument("--check", action="store_true", help="the plan against the build, no test")
    parser.add_argument("--dry-run", action="store_true", help="how much it is, and run nothing")
    signal.signal(signal.SIGTERM, interrupt)
    signal.signal(signal.SIGINT, interrupt)
    try:
        arguments = parser.parse_args()
        plan = read_plan(arguments.plan)
        if arguments.list:
            for name, regression in plan.regressions.items():
                print(f"{name:10}{regression.get('about', '')}")
            for name, about in plan.features.items():
                inside = dict.fromkeys(regression for entry in plan.entries
                                       if entry.feature == name
                                       for regression in entry.regressions)
                print(f"  {name:24}{about} ({', '.join(inside)})")
            return 0
        if not arguments.check and arguments.name not in plan.regressions:
            raise Failure(f"no regression {arguments.name or 'named'} (--list names them)")
        arguments.folder = arguments.folder.resolve()
        return run(arguments, plan)
    except Interrupted:
        print("regress: interrupted; what has finished is kept, the same command goes on",
              file=sys.stderr)
        return 130
    except (Failure, OSError) as failure:
        print(f"regress.py: {failure}", file=sys.stderr)
        return getattr(failure, "code", 2)


if __name__ == "__main__":
    sys.exit(main())
