# SPDX-License-Identifier: Apache-2.0
"""A project of a few tests for regress.py to run: what they do depends on SZT_TEST_SEED, and each
writes into a log when it begins and when it ends."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REGRESS = ROOT / "scripts/regress.py"
# CTest has these in the environment of the test that this is part of.
OUTER = ("SZT_", "GTEST_", "CTEST_", "SLURM", "SBATCH", "SQUEUE", "SCANCEL")

TEST = """\
import os, sys, time
name, what, seconds, folder = sys.argv[1:]
seed = os.environ.get("SZT_TEST_SEED", "own")
word = name + "@" + seed
node = os.environ.get("SLURMD_NODENAME", "here")
more = os.environ.get("SZT_STAND_IN", "")
def note(event):
    file = os.open(folder + "/log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(file, f"{event} {word} {node} {more}\\n".encode())
    os.close(file)
note("begin")
time.sleep(float(seconds))
note("end")
print(f"seed {seed} <&> \\x1b[31mred\\x1b[0m, took {time.process_time() * 1000:.0f} ms")
if what == "skip":
    print("SKIPPED: no <such> tool; 'install it'")
    sys.exit(77)
if what == "case":
    print("file.cc:7: Skipped\\nno vector unit\\n")
if what == "even" and seed != "own" and int(seed) % 2:
    sys.exit("odd: " + seed)
if what == "fail":
    sys.exit("always")
"""


class StandIn:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.build = folder / "build"
        self.log = folder / "log"
        self.plan = folder / "plan.json"
        self.build.mkdir()
        (self.build / "test.py").write_text(TEST, encoding="utf-8")
        self.tests: list[str] = []

    def add(self, name: str, what: str = "pass", seconds: float = 0, properties: str = "") -> None:
        # The folder, not the log itself: a file in a command is part of the build's id.
        words = [sys.executable, "-B", self.build / "test.py", name, what, seconds,
                 self.folder]
        self.tests.append("add_test([=[" + name + "]=] "
                          + " ".join(f"[=[{word}]=]" for word in words) + ")\n"
                          + f"set_tests_properties([=[{name}]=] PROPERTIES SKIP_RETURN_CODE 77 "
                          + properties + ")\n")
        self.write()

    def write(self) -> None:
        (self.build / "CTestTestfile.cmake").write_text("".join(self.tests), encoding="utf-8")

    def write_plan(self, features: dict[str, list[dict]], seeds: int = 3) -> None:
        plan = {"regressions": {"some": {"about": "a <few>", "seeds": seeds}},
                "features": [{"name": name, "about": "", "tests": [
                    {"in": ["some"], **tests} for tests in of]} for name, of in features.items()]}
        self.plan.write_text(json.dumps(plan), encoding="utf-8")

    def command(self, *arguments: str, folder: str = "regress") -> list[str]:
        return [sys.executable, "-B", str(REGRESS), *arguments, "--build", str(self.build),
                "--plan", str(self.plan), "--folder", str(self.folder / folder)]

    @staticmethod
    def environment(**more: str) -> dict[str, str]:
        return {name: value for name, value in os.environ.items()
                if not name.startswith(OUTER)} | more

    def run(self, *arguments: str, folder: str = "regress",
            environment: dict[str, str] | None = None) -> subprocess.CompletedProcess:
        return subprocess.run(self.command(*arguments, folder=folder), capture_output=True,
                              text=True, env=environment or self.environment(), timeout=120,
                              check=False)

    def report(self, folder: str = "regress") -> dict:
        return json.loads((self.folder / folder / "some.json").read_text(encoding="utf-8"))

    def events(self, event: str, node: str | None = None) -> list[str]:
        """Tests (NAME@SEED) that began, or ended, on a node, in order and as often as they did."""
        if not self.log.is_file():
            return []
        lines = [line.split(" ") for line in self.log.read_text(encoding="utf-8").splitlines()]
        return [line[1] for line in lines if line[0] == event and node in (None, line[2])]
