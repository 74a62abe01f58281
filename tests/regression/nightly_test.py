#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""scripts/nightly.sh on small steps: order, what passed before, budget, resuming, refusals."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

STEP = """\
import json, sys, time
folder, name, status, seconds, *rest = sys.argv[1:]
open(folder + "/log", "a").write(" ".join([name, *rest]) + "\\n")
time.sleep(float(seconds))
if "--report" in rest and "--hours" in rest:
    runs = {"runs": 7, "missing": 3, "failed": 0}
    json.dump({"totals": runs, "problems": []}, open(rest[rest.index("--report") + 1], "w"))
print(name, "said <this>")
sys.exit(int(status))
"""
DRY = """\
import json, sys
assert "--dry-run" in sys.argv
json.dump({"seconds": 5400, "runs": 9, "kept": 4, "unmeasured": 2},
          open(sys.argv[sys.argv.index("--json") + 1], "w"))
"""


class NightlyTest(unittest.TestCase):
    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)
        (self.folder / "step.py").write_text(STEP, encoding="utf-8")
        (self.folder / "dry.py").write_text(DRY, encoding="utf-8")

    def step(self, name: str, *words: str, status: int = 0, seconds: float = 0,
             **more: object) -> dict:
        return {"name": name, "about": "about " + name, "minutes": 90,
                "command": [sys.executable, str(self.folder / "step.py"), str(self.folder), name,
                            str(status), str(seconds), *words], **more}

    def write(self, *steps: dict) -> None:
        (self.folder / "steps.json").write_text(json.dumps({"steps": steps}), encoding="utf-8")

    def command(self, *arguments: str) -> list[str]:
        return [str(ROOT / "scripts/nightly.sh"), *arguments, "--steps",
                str(self.folder / "steps.json"), "--folder", str(self.folder / "night")]

    def run_it(self, *arguments: str, status: int = 0) -> str:
        ran = subprocess.run(self.command(*arguments), capture_output=True, text=True, timeout=120,
                             check=False)
        self.assertEqual(ran.returncode, status, ran.stdout + ran.stderr)
        if status == 2:
            self.assertEqual((ran.stdout, len(ran.stderr.splitlines())), ("", 1), ran.stderr)
        return ran.stdout + ran.stderr

    def done(self) -> list[str]:
        """What ran since the last call."""
        log = self.folder / "log"
        lines = log.read_text(encoding="utf-8").splitlines() if log.is_file() else []
        log.unlink(missing_ok=True)
        return lines

    def test_all(self) -> None:
        self.write(self.step("a", always=True, not_with="no_setup"),
                   self.step("b", "{seed}", "{seeds}", "{commands}"), self.step("c"))
        self.assertIn("nightly: all passed", self.run_it("--seed", "5"))
        self.assertEqual(self.done(), ["a", "b 5 5 20000", "c"])
        # The same night again: only what is to run always.
        self.assertIn("b: passed before", self.run_it("--seed", "5"))
        self.assertEqual(self.done(), ["a"])
        self.run_it("--resume", "--no-setup")
        self.assertEqual(self.done(), [])
        # Another night: what names no seed is still good.
        self.run_it("--seed", "6", "--seeds", "2", "--commands", "9", "--no-setup")
        self.assertEqual(self.done(), ["b 6 2 9"])

    def test_lengths(self) -> None:
        self.write(self.step("a"), self.step("b", seconds=0.3), {
            "name": "c", "about": "", "minutes": 1, "dry_run": True,
            "command": [sys.executable, str(self.folder / "dry.py")]})
        said = self.run_it("--dry-run", "--seed", "5", "--hours", "2")
        self.assertEqual(self.done(), [])
        self.assertRegex(said, r"(?m)^  a +1 h 30 min  estimated; about a$")
        self.assertRegex(said, r"(?m)^  c +1 h 30 min  9 runs, 4 kept, 2 never measured")
        self.assertRegex(said, r"(?m)^  in all +4 h 30 min; no new work after 2 h 0 min$")
        self.assertFalse((self.folder / "night").exists())
        self.write(self.step("a"), self.step("b", "{seed}", seconds=0.3))
        # Printed before the first step, too.
        self.assertLess((said := self.run_it("--seed", "5")).index("in all"),
                        said.index("nightly: a ("))
        said = self.run_it("--dry-run", "--seed", "6")
        self.assertRegex(said, r"(?m)^  a +0\.0 s  passed before")
        self.assertRegex(said, r"(?m)^  b +\d\.\d s  as last time")

    def test_failure(self) -> None:
        self.write(self.step("a", status=3), self.step("b"))
        said = self.run_it("--seed", "5", status=1)
        self.assertIn("a said <this>", said)
        self.assertIn("nightly: failed: a,", said)
        self.assertEqual(self.done(), ["a", "b"])
        self.run_it("--seed", "5", status=1)
        self.assertEqual(self.done(), ["a"])
        self.write(self.step("a", status=3, required=True), self.step("b"), self.step("c"))
        self.assertIn("left: c (nothing goes without a)", self.run_it("--seed", "5", status=1))
        self.assertEqual(self.done(), ["a"])

    def test_budget(self) -> None:
        self.write(self.step("a", seconds=1.5),
                   self.step("b", "--report", "{report}", budget=True, status=1))
        said = self.run_it("--seed", "5", "--hours", "0.0002", status=1)
        self.assertIn("nightly: left: b (the time was up", said)
        self.assertEqual(self.done(), ["a"])
        # With time for a part of it: what is left is no failure, and none is one without a budget.
        self.write(self.step("b", "--report", "{report}", budget=True, status=1, seconds=1.5))
        said = self.run_it("--resume", "--hours", "0.0002", status=1)
        self.assertIn("left: 3 of 7 runs", said)
        self.assertNotIn("failed", said)
        self.assertRegex(self.done()[0], r"^b --report \S+ --hours 0\.000[12]")
        self.assertIn("nightly: failed: b", self.run_it("--resume", status=1))
        self.assertNotIn("--hours", self.done()[0])

    def test_interrupted(self) -> None:
        self.write(self.step("a"), self.step("b", seconds=60), self.step("c"))
        process = subprocess.Popen(self.command("--seed", "77"), text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        until = time.monotonic() + 60
        while not (self.folder / "log").is_file() or len(
                (self.folder / "log").read_text(encoding="utf-8").splitlines()) < 2:
            self.assertLess(time.monotonic(), until)
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=30)[0]
        self.assertEqual(process.returncode, 130, said)
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                command = entry.read_bytes()
            except OSError:
                continue
            self.assertNotIn(os.fsencode(self.folder / "step.py"), command)
        self.done()
        self.write(self.step("a"), self.step("b", "{seed}"), self.step("c"))
        self.assertIn("seed 77", self.run_it("--resume"))
        self.assertEqual(self.done(), ["b 77", "c"])

    def test_refused(self) -> None:
        self.write(self.step("a"))
        self.run_it("--resume", status=2)  # nothing to go on with
        self.run_it("--hours", "soon", status=2)
        self.run_it("--seeds", "0", status=2)
        self.run_it("--fast", status=2)
        self.write(self.step("a"), self.step("a"))
        self.run_it(status=2)
        self.write(self.step("a", wrong=1))
        self.run_it(status=2)
        self.write(self.step("a", "{nothing}"))
        self.run_it(status=2)
        self.write(self.step("a"))
        self.run_it("--seed", "5")
        self.run_it("--resume", "--seed", "6", status=2)
        self.assertEqual(self.done(), ["a"])

    def test_real_steps(self) -> None:
        """Those of the project: every command is there, and takes its arguments."""
        said = subprocess.run([str(ROOT / "scripts/nightly.sh"), "--dry-run", "--folder",
                               str(self.folder / "night")], capture_output=True, text=True,
                              check=False)
        self.assertEqual(said.returncode, 0, said.stderr)
        steps = json.loads((ROOT / "tests/nightly.json").read_text(encoding="utf-8"))["steps"]
        for step in steps:
            self.assertRegex(said.stdout, rf"(?m)^  {step['name']} +\d")
            if "/" in step["command"][0]:
                self.assertTrue(os.access(ROOT / step["command"][0], os.X_OK), step["command"])
        # The regression that it names is one of the plan.
        plan = json.loads((ROOT / "tests/testplan.json").read_text(encoding="utf-8"))
        regression = next(step for step in steps if step["name"] == "regression")
        self.assertIn(regression["command"][1], plan["regressions"])


if __name__ == "__main__":
    unittest.main()
