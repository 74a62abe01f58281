#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fuzzing: random files for every reader and random commands for the device models, by libFuzzer
under the address and undefined-behaviour sanitizers. The targets are those of tests/fuzz; without
TARGET, all.

Builds the preset `fuzz`, then runs every target up to N executions, each as long as the others
until it has made them. What is executed counts as long as the target's program is the same, so
the same command goes on where it was ended; the corpora in build/fuzz/corpus stay for good. Before
that, and each on its own, files of up to 1 MiB that are hard on a reader. A file that takes over a second or an
allocation over 64 MiB is a crash, too.

A crash prints the file, in build/fuzz/found, and the line that repeats it. Mended, the file belongs
into tests/fuzz/corpus/TARGET/found. Until it is mended, the target does not run on.

Exit: 0 no crash (with --hours also before N executions), 1 a crash, 2 bad usage or a missing
program.
"""

import argparse
import hashlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from regress import hours, positive
from regress_plan import ROOT, Failure, Parser
from regress_report import length

BUILD = ROOT / "build/fuzz"
SEEDS = ROOT / "tests/fuzz/corpus"
LIMITS = ["-timeout=1", "-malloc_limit_mb=64", "-rss_limit_mb=2048"]
LARGEST = 1 << 20
LENGTHS = {"device": 256, "encoder": 1024}  # bytes of an input; more are only more of the same
LONGEST = 4096
PIECE = 60.0  # s, about, of one run of a program
FIRST = 20_000  # executions, to know how many fit into a piece
LARGE_SECONDS = 20
REPEATS = 3  # of what took too long, which another program may have caused
# More memory for freed blocks would cost time, and files are small.
ENVIRONMENT = {"ASAN_OPTIONS": "quarantine_size_mb=16"}


@dataclass
class Target:
    name: str
    id: str = ""  # of the program
    executions: int = 0
    seconds: float = 0.0
    corpus: int = 0
    rss: int = 0  # MiB
    large: bool = False  # the large files were run
    crashes: list[str] = field(default_factory=list)
    running: int = 0  # executions
    pieces: int = 0  # that run

    @property
    def program(self) -> Path:
        return BUILD / "bin" / f"fuzz_{self.name}"

    def folder(self, what: str) -> Path:
        path = BUILD / what / self.name
        path.mkdir(parents=True, exist_ok=True)
        return path

    @property
    def rate(self) -> float:
        return self.executions / self.seconds if self.seconds else 0.0

    def row(self) -> dict:
        return {"executions": self.executions, "seconds": round(self.seconds, 1),
                "executions_per_second": round(self.rate), "corpus_files": self.corpus,
                "peak_rss_mib": self.rss, "crashes": self.crashes}


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


def repeat(target: Target, file: str) -> str:
    return " ".join([relative(target.program), *LIMITS, shlex.quote(file)])


def build(jobs: int) -> None:
    if not shutil.which("clang++"):
        raise Failure("clang++ not found: scripts/setup.sh regress")
    os.environ.setdefault("CCACHE_BASEDIR", str(ROOT))
    print("fuzz: build", flush=True)
    for command in (["cmake", "--preset", "fuzz"],
                    ["cmake", "--build", "--preset", "fuzz", "--parallel", str(jobs)]):
        made = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, check=False)
        if made.returncode != 0:
            sys.stderr.write("\n".join((made.stdout + made.stderr).splitlines()[-40:]) + "\n")
            raise Failure(f"{' '.join(command[:3])} failed")


def known_targets() -> list[str]:
    return sorted(folder.name for folder in SEEDS.iterdir() if folder.is_dir())


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


class Campaign:
    def __init__(self, arguments: argparse.Namespace, names: list[str]) -> None:
        self.arguments = arguments
        self.runs = arguments.runs
        self.lock = threading.RLock()
        self.processes: set[subprocess.Popen] = set()
        self.stopped = False
        self.failure = ""
        self.end = None if arguments.hours is None else time.monotonic() + arguments.hours * 3600
        self.state_file = BUILD / "fuzz.json"
        self.state = self.read_state()
        self.targets = [self.restore(name) for name in names]

    def restore(self, name: str) -> Target:
        target = Target(name)
        target.id = digest(target.program)
        old = self.state.get(name, {})
        if old.get("id") == target.id:
            target.executions, target.seconds = old["executions"], old["seconds"]
            target.rss, target.large = old["rss"], old["large"]
        target.corpus = len(list(target.folder("corpus").iterdir()))
        return target

    def read_state(self) -> dict:
        try:
            return json.loads(self.state_file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}

    def save(self) -> None:
        self.state = self.read_state()  # another campaign may have other targets
        for target in self.targets:
            self.state[target.name] = {"id": target.id, "executions": target.executions,
                                       "seconds": target.seconds, "rss": target.rss,
                                       "large": target.large}
        new = self.state_file.with_suffix(".new")
        new.write_text(json.dumps(self.state, indent=1) + "\n", encoding="utf-8")
        new.replace(self.state_file)

    def remaining(self) -> float:
        return PIECE if self.end is None else self.end - time.monotonic()

    def execute(self, target: Target, *arguments: str) -> tuple[int, str]:
        """A run of the program; its status and what it said."""
        command = [str(target.program), *LIMITS, "-print_final_stats=1",
                   f"-artifact_prefix={target.folder('found')}/", *arguments]
        with tempfile.TemporaryFile() as out:
            with self.lock:
                if self.stopped:
                    return 0, ""
                process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out,
                                           stderr=out, env={**os.environ, **ENVIRONMENT})
                self.processes.add(process)
            status = process.wait()
            with self.lock:
                self.processes.discard(process)
            out.seek(0)
            said = out.read().decode(errors="replace")
        return (0, "") if self.stopped else (status, said)

    def repeats(self, target: Target, file: Path) -> bool:
        """Whether the file is a crash, then and not by the machine's being busy."""
        tries = REPEATS if file.name.startswith(("timeout-", "slow-unit-")) else 1
        for _ in range(tries):
            with tempfile.TemporaryDirectory() as folder:
                status, _said = self.execute(target, f"-artifact_prefix={folder}/", str(file))
            if status == 0:
                return False
        return True

    def judge(self, target: Target, status: int, said: str) -> None:
        """What a failed run found."""
        files = re.findall(r"Test unit written to (\S+)", said)
        if not files:
            target.crashes.append(f"exit status {status} and no file")
            print("\n".join(said.splitlines()[-20:]), flush=True)
        for name in files:
            file = Path(name) if Path(name).is_absolute() else ROOT / name
            self.report(target, file, said)

    def report(self, target: Target, file: Path, said: str = "") -> None:
        if not self.repeats(target, file):
            print(f"fuzz: {target.name}: {file.name} does not repeat", flush=True)
            if file.name.startswith("crash-"):
                target.crashes.append(f"{relative(file)} (does not repeat)")
            else:
                file.unlink()
            return
        reasons = re.findall(r"does not hold: .*|.*runtime error: .*|ERROR: .*|  what\(\): .*", said)
        reason = reasons[0].strip() if reasons else "see the line below"
        target.crashes.append(relative(file))
        print(f"fuzz: {target.name}: CRASH: {reason}\n"
              f"    {relative(file)}\n    {repeat(target, relative(file))}", flush=True)

    def take_found(self, target: Target) -> None:
        """Earlier crashes: those that are mended become part of the corpus."""
        for file in sorted(target.folder("found").iterdir()):
            if file.name.startswith("slow-unit-") or not self.repeats(target, file):
                file.replace(target.folder("corpus") / file.name)
            else:
                self.report(target, file)

    def run_large(self, target: Target) -> None:
        from_script = BUILD / "large" / target.name
        if target.large or not from_script.is_dir():
            return
        with tempfile.TemporaryDirectory() as folder:
            status, said = self.execute(
                target, "-runs=5000", f"-max_total_time={LARGE_SECONDS}", f"-max_len={LARGEST}",
                "-len_control=0", folder, str(from_script))
        self.note(target, said)
        if status != 0:
            self.judge(target, status, said)
        elif not self.stopped:
            target.large = True

    def note(self, target: Target, said: str, seconds: float = 0.0) -> int:
        values = {name: int(value) for name, value in
                  re.findall(r"^stat::(\w+):\s+(\d+)", said, re.MULTILINE)}
        done = values.get("number_of_executed_units", 0)
        with self.lock:
            target.rss = max(target.rss, values.get("peak_rss_mb", 0))
            if seconds:
                target.executions += done
                target.seconds += seconds
            target.corpus = len(list(target.folder("corpus").iterdir()))
            self.save()
        return done

    def run_piece(self, target: Target, runs: int) -> None:
        began = time.monotonic()
        words = [f"-runs={runs}", f"-max_len={LENGTHS.get(target.name, LONGEST)}"]
        words.append(f"-max_total_time={max(1, int(min(2 * PIECE, self.remaining())))}")
        if (dictionary := SEEDS.parent / f"{target.name}.dict").is_file():
            words.append(f"-dict={dictionary}")
        folders = [str(target.folder("corpus")), str(SEEDS / target.name)]
        status, said = self.execute(target, *words, *folders)
        self.note(target, said, time.monotonic() - began)
        if status != 0:
            self.judge(target, status, said)
        elif not self.stopped:
            print(f"fuzz: {target.name}: {target.executions:,} of {self.runs:,}, "
                  f"{target.rate:,.0f} a second, corpus {target.corpus}", flush=True)

    def next(self) -> tuple[Target, int] | None:
        """The target that has had the least time, and executions for a piece of time."""
        with self.lock:
            if self.stopped or self.remaining() <= 0:
                return None
            waiting = [target for target in self.targets
                       if not target.crashes and target.executions + target.running < self.runs]
            if not waiting:
                return None
            target = min(waiting, key=lambda each: each.seconds + each.pieces * PIECE)
            most = max(FIRST // 10, int(target.rate * PIECE)) if target.seconds else FIRST
            runs = min(most, self.runs - target.executions - target.running)
            target.running += runs
            target.pieces += 1
            return target, runs

    def work(self, first: list[Target]) -> None:
        try:
            while not self.stopped:
                with self.lock:
                    target = first.pop() if first else None
                if target is None:
                    break
                self.take_found(target)
                if not target.crashes:
                    self.run_large(target)
            while (job := self.next()) is not None:
                target, runs = job
                try:
                    self.run_piece(target, runs)
                finally:
                    with self.lock:
                        target.running -= runs
                        target.pieces -= 1
        except (OSError, ValueError) as error:
            self.failure = str(error)
            self.stop()

    def stop(self, *_signal: object) -> None:
        self.stopped = True
        for process in list(self.processes):
            process.kill()

    def run(self) -> None:
        first = list(reversed(self.targets))
        threads = [threading.Thread(target=self.work, args=(first,), daemon=True)
                   for _ in range(self.arguments.jobs)]
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():
                thread.join(0.2)  # so that signals are seen
        self.save()
        if self.failure:
            raise Failure(self.failure)


def table(targets: list[Target]) -> str:
    rows = [("target", "executions", "exec/s", "corpus", "peak RSS", "crashes")]
    rows += [(target.name, f"{target.executions:,}", f"{target.rate:,.0f}", str(target.corpus),
              f"{target.rss} MiB", str(len(target.crashes))) for target in targets]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) if i == 0 else cell.rjust(width)
                               for i, (cell, width) in enumerate(zip(row, widths)))
                     for row in rows)


def first_line(*command: str) -> str:
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    return said.stdout.splitlines()[0] if said.stdout else ""


def parse() -> argparse.Namespace:
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="(all; see --list)")
    parser.add_argument("--runs", type=positive, default=10_000_000, metavar="N",
                        help="executions of each target (10000000)")
    parser.add_argument("--jobs", type=positive, default=os.cpu_count() or 1, metavar="N",
                        help="programs at once (one a processor)")
    parser.add_argument("--hours", type=hours, metavar="H", help="end after that, at the latest")
    parser.add_argument("--json", type=Path, default=BUILD / "report.json", metavar="FILE",
                        help="the report (build/fuzz/report.json)")
    parser.add_argument("--list", action="store_true", help="print the targets and end")
    return parser.parse_args()


def main() -> int:
    try:
        arguments = parse()
        if arguments.list:
            print("\n".join(known_targets()))
            return 0
        for name in arguments.targets:
            if name not in known_targets():
                raise Failure(f"no target {name}; there are {', '.join(known_targets())}")
        build(arguments.jobs)
        built = (BUILD / "fuzz_targets.txt").read_text(encoding="utf-8").strip().split(";")
        names = arguments.targets or built
        if missing := set(names) - set(built):
            raise Failure(f"target {min(missing)} is not built here")
        subprocess.run([sys.executable, "-B", str(SEEDS.parent / "make_corpus.py"), "--large",
                        str(BUILD / "large")], check=True)
        began = time.monotonic()
        campaign = Campaign(arguments, list(dict.fromkeys(names)))
        signal.signal(signal.SIGTERM, campaign.stop)
        signal.signal(signal.SIGINT, campaign.stop)
        campaign.run()
    except (Failure, OSError, subprocess.CalledProcessError) as failure:
        print(f"fuzz.py: {failure}", file=sys.stderr)
        return 2
    targets = campaign.targets
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps({
        "runs": arguments.runs, "seconds": round(time.monotonic() - began, 1),
        "tools": {"clang": first_line("clang++", "--version"),
                  "cmake": first_line("cmake", "--version")},
        "targets": {target.name: target.row() for target in targets}}, indent=1) + "\n",
        encoding="utf-8")
    print(table(targets))
    crashes = sum(len(target.crashes) for target in targets)
    if crashes:
        print(f"fuzz: {crashes} crashes")
        for target in targets:
            for crash in target.crashes:
                print(f"    {target.name}: {crash}")
        return 1
    if campaign.stopped:
        print("fuzz: interrupted; the same command goes on")
        return 130
    left = sum(target.executions < arguments.runs for target in targets)
    print(f"fuzz: no crash, {length(time.monotonic() - began)}"
          + (f"; {left} targets have not made all executions, the same command goes on"
             if left else ""))
    return 0


if __name__ == "__main__":
    sys.exit(main())
