# SPDX-License-Identifier: Apache-2.0
"""Runs the suites of tests/cosim on the mutants of mutate.py (not a command)."""

import hashlib
import os
import re
import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from failure import Failure
import mutate_design
from mutate_design import CONTROL, Design, Mutant
from rtl_sources import CONFIGS, SOURCES, version

KILLED = ("test", "error", "assertion", "timeout")  # a crash is none
# A message that ends a run on its own: the device broke its contract, or a checker in the RTL.
ASSERTION = re.compile(r"does not hold|the RTL stopped the simulation|Verilog \$stop")
ERROR = re.compile(r'what\(\): |C\+\+ exception with description|broken device')


@dataclass(frozen=True)
class Stage:
    """A suite, or a part of it."""

    name: str
    suite: str
    filter: str
    environment: tuple = ()


LEFT_OUT = "*LargestK*"  # takes minutes
# Quick ones first.
MATMUL = (
    Stage("smoke", "matmul", "*BriefCommands*:*ExtremeOperands*:*AccumulatorHazardWindow*"),
    Stage("control", "control", "*"),
    Stage("stress-300", "stress", "*", (("SZT_STRESS_COMMANDS", "300"),)),
    Stage("backward", "backward", "*"),
    Stage("matmul", "matmul", f"-{LEFT_OUT}"),
    Stage("stress", "stress", "*", (("SZT_STRESS_COMMANDS", "1500"),)),
)
PROTOCOL = Stage("protocol", "protocol", "*")
# Of the encoder only 4 lanes are mutated.
ENCODER = (
    Stage("encoder pins", "encoder_stream", "*EncoderPinsTest*/4"),
    Stage("encoder tensors", "encoder_stream", "EncoderRtl.*:*EncoderDriverTest*/Rtl4"),
)


def stages(design: Design, module: str = "") -> list[Stage]:
    if design.name == "encoder":
        return list(ENCODER)
    found = list(MATMUL)
    if design.name == "tiny":  # its bench is of that size
        found.insert(0 if module in CONTROL else 3, PROTOCOL)
    return found


@dataclass
class Result:
    key: str
    outcome: str  # one of KILLED, or "crash", "survived"
    stage: str = ""
    test: str = ""
    why: str = ""
    seconds: float = 0.0

    @property
    def killed(self) -> bool:
        return self.outcome in KILLED


def digest(*paths: Path) -> str:
    made = hashlib.sha256()
    for path in paths:
        made.update(path.read_bytes())
    return made.hexdigest()[:16]


class Runner:
    def __init__(self, folder: Path, nice: int) -> None:
        self.folder = folder
        self.bin = folder / "build" / "bin"
        self.nice = nice
        self.limits: dict[tuple[str, str], float] = {}  # CPU seconds, by design and stage
        self.digests: dict[str, str] = {}
        # Not the netlist: a mutant is the same in another sample.
        self.rtl = digest(*SOURCES)
        made_by = digest(*SOURCES, CONFIGS, Path(mutate_design.__file__))
        self.made = f"{version(['yosys', '-V'])} {made_by}"

    def program(self, suite: str, blind: bool = False) -> Path:
        return self.bin / f"mutants_{suite}{'_blind' if blind else ''}"

    def run(self, design: Design, stage: Stage, number: int, limit: float,
            blind: bool = False) -> Result:
        """One stage with one mutant."""
        environment = {**os.environ, **dict(stage.environment), "SZT_MUTANT": str(number),
                       "SZT_RTL_PATH": str(self.folder / design.name),
                       "SZT_TEST_CONFIGS": design.name}
        for name in ("GTEST_TOTAL_SHARDS", "GTEST_SHARD_INDEX", "SZT_TEST_SEED"):
            environment.pop(name, None)
        program = self.program(stage.suite, blind)
        command = [str(program), f"--gtest_filter={stage.filter}", "--gtest_fail_fast",
                   "--gtest_brief=1"]
        # CPU time: a busy machine kills no mutant. The wall clock is for what sleeps.
        shell = f"ulimit -t {int(limit + 1)}; ulimit -v 8000000; exec nice -n {self.nice} \"$@\""
        before = time.monotonic()
        try:
            done = subprocess.run(["sh", "-c", shell, "sh", *command], env=environment,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, timeout=40 * limit + 60, check=False,
                                  cwd=self.folder)
            code, text = done.returncode, done.stdout.decode(errors="replace")
        except subprocess.TimeoutExpired as late:
            code, text = -24, (late.stdout or b"").decode(errors="replace")
        return classify(code, text, stage, time.monotonic() - before)

    def controls(self, design: Design) -> list[tuple[Stage, Result, float]]:
        """Every stage without a mutant; sets the limits of time."""
        rows = []
        for stage in stages(design):
            before = os.times()
            result = self.run(design, stage, 0, 900)
            after = os.times()
            cpu = (after.children_user + after.children_system - before.children_user
                   - before.children_system)
            # Watchdogs and random lengths make a failing run longer than a passing one.
            self.limits[design.name, stage.name] = 10 + 5 * cpu
            rows.append((stage, result, cpu))
        return rows

    def fingerprint(self, mutant: Mutant, stage: Stage) -> str:
        if stage.suite not in self.digests:
            self.digests[stage.suite] = digest(self.program(stage.suite))
        return f"{self.rtl} {self.digests[stage.suite]} {stage.filter} {stage.environment}"

    def judge(self, design: Design, mutant: Mutant) -> tuple[Result, str]:
        """Stage by stage until one fails; and the fingerprint of what was run."""
        seconds, prints = 0.0, []
        for stage in stages(design, mutant.module):
            result = self.run(design, stage, mutant.number, self.limits[design.name, stage.name])
            seconds += result.seconds
            prints.append(self.fingerprint(mutant, stage))
            if result.outcome != "survived":
                result.key, result.seconds = mutant.key, round(seconds, 2)
                return result, prints[-1]
        return Result(mutant.key, "survived", seconds=round(seconds, 2)), " ".join(prints)

    def valid(self, design: Design, mutant: Mutant, row: dict) -> bool:
        """Whether a stored result is of this RTL and these programs."""
        found = stages(design, mutant.module)
        if row["key"] != mutant.key:
            return False
        if row["outcome"] == "survived":
            return row["print"] == " ".join(self.fingerprint(mutant, s) for s in found)
        return any(row["stage"] == s.name and row["print"] == self.fingerprint(mutant, s)
                   for s in found)


def classify(code: int, text: str, stage: Stage, seconds: float) -> Result:
    """What an exit status and an output mean."""
    result = Result("", "", stage.name, seconds=seconds)
    failed = re.findall(r"^\[  FAILED  \] ([^\s,]+)", text, re.MULTILINE)
    running = re.findall(r"^\[ RUN      \] (\S+)", text, re.MULTILINE)
    result.test = (failed or running or [""])[0]
    if code == 0 and re.search(r"^\[  PASSED  \] [1-9]\d* test", text, re.MULTILINE):
        result.outcome = "survived"
    elif "is not built" in text or "cannot open shared" in text:
        raise Failure(f"{stage.name}: {text.strip().splitlines()[-1]}", 2)
    elif code in (-24, -9, 137, 152):  # out of CPU time, as sh says it or not
        result.outcome = "timeout"
    elif ASSERTION.search(text) and (failed or code in (-6, 134)):
        result.outcome = "assertion"
    elif code == 1 and failed:
        result.outcome = "error" if ERROR.search(text) else "test"
    elif code in (-6, 134) and ERROR.search(text):
        result.outcome = "error"
    else:
        result.outcome = "crash"
    if result.outcome != "survived":
        lines = [line for line in text.splitlines() if line.strip()]
        told = [line for line in lines if ERROR.search(line) or ASSERTION.search(line)]
        said = told or [line for line in lines if ": Failure" in line] or lines[-1:] or [""]
        result.why = f"exit {code}: {said[0].strip()}"[:200].replace(str(Path.cwd()), ".")
    return result


def stored(mutant: Mutant, result: Result, fingerprint: str) -> dict:
    return {"command": mutant.command, "print": fingerprint, **asdict(result)}
