#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The long regression: what scripts/test.sh runs in minutes, for longer and with a seed of the
day; and every proof. The steps are those of tests/nightly.json, one after the other.

A step that passed is not run again for the same sources and arguments: the same command goes on
where an earlier one was ended, and after midnight --resume does, with the seed of that night.
Before the first step, and with --dry-run alone, the steps and their lengths are printed: as last
measured here, or estimated.

Exit: 0 every step passed, 1 one failed or is left, 2 bad usage.
"""

import argparse
import datetime
import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from regress import hours, positive
from regress_plan import ROOT, Failure, Parser, digest, source_files
from regress_report import length

STEPS = ROOT / "tests/nightly.json"
SHOWN = 60  # lines of a failed step's log
KEYS = {"name", "about", "command", "minutes", "always", "required", "not_with", "budget",
        "dry_run"}


class Interrupted(Exception):
    pass


@dataclass
class Step:
    name: str
    about: str
    command: list[str]
    minutes: float  # estimated, for where it was never measured
    always: bool = False  # also when it passed before: quick then
    required: bool = False  # nothing can be done without it
    not_with: str = ""  # an argument that leaves it out
    budget: bool = False  # takes --hours
    dry_run: bool = False  # knows itself how long it will take: --dry-run --json FILE


@dataclass
class Night:
    """What a step's command may name in braces."""
    seed: int
    commands: int
    seeds: int


def read_json(path: Path) -> dict:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def read_steps(path: Path) -> list[Step]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))["steps"]
        for each in data:
            if unknown := set(each) - KEYS:
                raise Failure(f"{path.name}: {each.get('name')}: unknown key {min(unknown)}")
        steps = [Step(**each) for each in data]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Failure(f"{path.name}: {error}") from None
    if len({step.name for step in steps}) != len(steps):
        raise Failure(f"{path.name}: two steps have the same name")
    return steps


class Nightly:
    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments = arguments
        self.folder = arguments.folder.resolve()
        self.state_file = self.folder / "state.json"
        self.state = read_json(self.state_file)
        # Lengths outlive the night.
        self.lengths = self.state.setdefault("lengths", {})
        self.passed = self.state.setdefault("passed", {})
        self.night = self.which_night()
        self.steps = [step for step in read_steps(arguments.steps)
                      if not (step.not_with and getattr(arguments, step.not_with))]
        for step in self.steps:
            self.command(step)  # refused before anything runs
        self.sources = digest([], set(source_files(ROOT)))
        self.started = time.monotonic()

    def which_night(self) -> Night:
        given = self.arguments
        old = self.state.get("night")
        if given.resume:
            if not old:
                raise Failure(f"--resume: no night in {self.folder}")
            for name, value in old.items():
                if getattr(given, name) not in (None, value):
                    raise Failure(f"--resume: that night had --{name} {value}")
            return Night(**old)
        return Night(given.seed or int(datetime.date.today().strftime("%Y%m%d")),
                     given.commands or 20000, given.seeds or 5)

    def report(self, step: Step) -> Path:
        return self.folder / f"{step.name}.json"

    def command(self, step: Step) -> list[str]:
        names = {**vars(self.night), "jobs": os.cpu_count() or 1, "report": self.report(step)}
        try:
            return [word.format(**names) for word in step.command]
        except (KeyError, IndexError, ValueError) as error:
            raise Failure(f"{self.arguments.steps.name}: {step.name}: no {error}") from None

    def key(self, step: Step) -> str:
        """Of the sources and the command, so that another night or change makes it run again; a
        step that names no seed is the same every night."""
        words = json.dumps([self.sources, self.command(step)])
        return hashlib.sha256(words.encode()).hexdigest()[:16]

    def kept(self, step: Step) -> bool:
        return not step.always and self.passed.get(step.name) == self.key(step)

    def expected(self, step: Step) -> tuple[float, str]:
        """Seconds, and where they are from."""
        if self.kept(step):
            return 0.0, "passed before"
        if step.dry_run:
            with tempfile.TemporaryDirectory() as folder:
                report = Path(folder) / "dry.json"
                command = [*self.command(step), "--dry-run", "--json", str(report)]
                subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, check=False,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                if said := read_json(report):
                    return said["seconds"], (f"{said['runs']} runs, {said['kept']} kept, "
                                             f"{said['unmeasured']} never measured")
        if step.name in self.lengths:
            return self.lengths[step.name], "as last time"
        return step.minutes * 60, "estimated"

    def announce(self) -> None:
        total = 0.0
        budget = self.arguments.hours
        print(f"nightly: seed {self.night.seed}, {self.night.seeds} seeds, "
              f"{self.night.commands} stress commands")
        for step in self.steps:
            seconds, source = self.expected(step)
            total += seconds
            print(f"  {step.name:12}{length(seconds):>12}  {source}; {step.about}")
        within = "" if budget is None else f"; no new work after {length(budget * 3600)}"
        print(f"  {'in all':12}{length(total):>12}{within}", flush=True)

    def save(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.state["night"] = vars(self.night)
        new = self.state_file.with_suffix(".new")
        new.write_text(json.dumps(self.state, indent=1) + "\n", encoding="utf-8")
        new.replace(self.state_file)

    def remaining(self) -> float | None:
        if self.arguments.hours is None:
            return None
        return self.arguments.hours * 3600 - (time.monotonic() - self.started)

    def execute(self, step: Step) -> str:
        """passed, failed, or left: of which the time did not suffice for all."""
        command = self.command(step)
        remaining = self.remaining()
        if step.budget and remaining is not None:
            command += ["--hours", f"{max(remaining, 0) / 3600:.6f}"]
        log = self.folder / f"{step.name}.log"
        print(f"nightly: {step.name} ({log})", flush=True)
        self.report(step).unlink(missing_ok=True)
        began = time.monotonic()
        with log.open("w", encoding="utf-8") as out:
            try:
                process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out,
                                           stderr=subprocess.STDOUT, start_new_session=True)
            except OSError as error:
                raise Failure(f"{step.name}: {error}") from None
            try:
                status = process.wait()
            except Interrupted:
                os.killpg(process.pid, signal.SIGTERM)
                process.wait()
                raise
        seconds = time.monotonic() - began
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines() or ["(no output)"]
        if status == 0:
            # What a step kept of an earlier night's end makes it short: no measure of the whole.
            if not step.dry_run:
                self.lengths[step.name] = round(seconds, 1)
            self.passed[step.name] = self.key(step)
            print(f"    passed, {length(seconds)}: {lines[-1]}", flush=True)
            return "passed"
        print("\n".join(f"    {line}" for line in lines[-SHOWN:]), flush=True)
        report = read_json(self.report(step)) if step.budget else {}
        total = report.get("totals", {})
        remaining = self.remaining()
        if (remaining is not None and remaining <= 0 and total.get("missing")
                and not total["failed"] and not report["problems"]):
            print(f"    left: {total['missing']} of {total['runs']} runs", flush=True)
            return "left"
        print(f"    failed ({status}), {length(seconds)}; all it said: {log}", flush=True)
        return "failed"

    def run(self) -> int:
        self.announce()
        if self.arguments.dry_run:
            return 0
        self.save()
        ended: dict[str, list[str]] = {"passed": [], "failed": [], "left": []}
        impossible = ""
        try:
            for step in self.steps:
                remaining = self.remaining()
                if self.kept(step):
                    print(f"nightly: {step.name}: passed before", flush=True)
                    ended["passed"].append(step.name)
                elif impossible or (remaining is not None and remaining <= 0):
                    ended["left"].append(step.name)
                else:
                    how = self.execute(step)
                    ended[how].append(step.name)
                    if how == "failed" and step.required:
                        impossible = f" (nothing goes without {step.name})"
                    self.save()
        except Interrupted:
            print("nightly: interrupted; what passed is kept, the same command goes on",
                  file=sys.stderr)
            return 130
        finally:
            self.save()
        gone = length(time.monotonic() - self.started)
        if ended["left"]:
            why = impossible or " (the time was up; --resume goes on)"
            print(f"nightly: left: {', '.join(ended['left'])}{why}")
        if ended["failed"]:
            print(f"nightly: failed: {', '.join(ended['failed'])}, {gone}")
        if ended["failed"] or ended["left"]:
            return 1
        print(f"nightly: all passed, {gone}")
        return 0


def interrupt(_signal: int, _frame: object) -> None:
    raise Interrupted


def main() -> int:
    parser = Parser(prog="nightly.sh", description=__doc__,
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=positive, metavar="N",
                        help="the first of the random tests (the date, as YYYYMMDD)")
    parser.add_argument("--commands", type=positive, metavar="N",
                        help="of the stress suite, on each configuration (20000)")
    parser.add_argument("--seeds", type=positive, metavar="N",
                        help="how many seeds, from --seed on, the random tests run (5)")
    parser.add_argument("--no-setup", action="store_true",
                        help="install nothing: the tools are here already")
    parser.add_argument("--hours", type=hours, metavar="H",
                        help="begin nothing new after that, and say what is left")
    parser.add_argument("--resume", action="store_true", help="go on with the last night")
    parser.add_argument("--dry-run", action="store_true", help="the steps and their lengths alone")
    parser.add_argument("--steps", type=Path, default=STEPS, metavar="FILE",
                        help="(tests/nightly.json)")
    parser.add_argument("--folder", type=Path, default=ROOT / "build/nightly", metavar="DIR",
                        help="logs and state (build/nightly)")
    os.environ.setdefault("CCACHE_BASEDIR", str(ROOT))
    signal.signal(signal.SIGTERM, interrupt)
    signal.signal(signal.SIGINT, interrupt)
    try:
        arguments = parser.parse_args()
        return Nightly(arguments).run()
    except Interrupted:
        return 130
    except (Failure, OSError) as failure:
        print(f"nightly.sh: {failure}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
