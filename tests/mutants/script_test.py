#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""scripts/mutate.py on a stand-in for the suites: what counts as a kill and what does not; and that
a harmless mutant of the RTL is proved equivalent, a harmful one is not."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from mutate_design import (DESIGNS, Mutant, flatten, netlist, ports_of, sample,  # noqa: E402
                           shares, wrapper)
from mutate_proof import open_memories, prepare, prove  # noqa: E402
from mutate_report import rows_of  # noqa: E402
from mutate_run import Result, Runner, Stage  # noqa: E402

# Mutant 0 and 1: nothing; 2: a test; 3: forever; 4: a signal; 5: a checker; 6: the driver; 7: no
# test at all; 8: a suite that says it failed and exits with 0.
SUITE = """\
#!/bin/sh
fails() { echo "[  FAILED  ] Rtl/MatmulTest.Sums/tiny, where ... (1 ms)"; exit 1; }
case $SZT_MUTANT in
  0|1) echo "[  PASSED  ] 3 tests." ;;
  2) echo "matmul_test.cc:1: Failure"; fails ;;
  3) while :; do :; done ;;
  4) kill -SEGV $$ ;;
  5) echo "%Fatal: top.HeldWithinDepth does not hold"; fails ;;
  6) echo 'C++ exception with description "broken device: hangs" thrown'; fails ;;
  7) echo "[  PASSED  ] 0 tests." ;;
  8) echo "[  FAILED  ] Rtl/MatmulTest.Sums/tiny (1 ms)" ;;
esac
"""
EXPECTED = {0: "survived", 1: "survived", 2: "test", 3: "timeout", 4: "crash", 5: "assertion",
            6: "error", 7: "crash", 8: "crash"}


def run(*arguments: str) -> tuple[int, str]:
    done = subprocess.run([sys.executable, "-B", str(ROOT / "scripts" / "mutate.py"), *arguments],
                          capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


class Runs(unittest.TestCase):
    def test_what_is_a_kill(self):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "build" / "bin").mkdir(parents=True)
            suite = folder / "build" / "bin" / "mutants_fake"
            suite.write_text(SUITE)
            suite.chmod(0o755)
            runner = Runner(folder, 0)
            for number, expected in EXPECTED.items():
                result = runner.run(DESIGNS["tiny"], Stage("fake", "fake", "*"), number, 1)
                self.assertEqual(result.outcome, expected, f"{number}: {result}")
                self.assertEqual(result.killed, number in (2, 3, 5, 6))
                if number == 2:
                    self.assertEqual(result.test, "Rtl/MatmulTest.Sums/tiny")

    def test_table_counts(self):
        mutants = [Mutant(i, "tiny", "skew", "$add", {"cell": str(i)}, "", "", "")
                   for i in range(4)]
        said = [("killed", "test"), ("gap", "survived"), ("equivalent", "survived"),
                ("killed", "timeout")]
        outcomes = {f"tiny {m.command}": (status, Result("", how))
                    for m, (status, how) in zip(mutants, said, strict=True)}
        row = rows_of(mutants, outcomes)[-1]
        got = (row["mutants"], row["killed"], row["time-out"], row["gaps"], row["score"])
        self.assertEqual(got, (4, 2, 1, 1, "66.7 %"))

    def test_every_module_has_its_share(self):
        given = shares({"one": 2, "small": 20, "big": 10000}, 100)
        self.assertEqual(given["one"], 2)
        self.assertGreaterEqual(given["small"], 8)
        self.assertGreater(given["big"], given["small"])

    def test_bad_usage_is_one_line(self):
        for arguments in (["--count", "0"], ["--jobs", "0"], ["--blind", "-1"]):
            code, text = run(*arguments)
            self.assertEqual(code, 2)
            self.assertEqual(len(text.splitlines()), 1, text)


class Designs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.temporary.cleanup)
        cls.folder = Path(cls.temporary.name)
        cls.design = DESIGNS["tiny"]
        flatten(cls.design, cls.folder)

    def test_same_seed_same_mutants_all_different(self):
        first = sample(self.design, self.folder, 100, 1)
        self.assertEqual(first, sample(self.design, self.folder, 100, 1))
        self.assertNotEqual(first, sample(self.design, self.folder, 100, 2))
        self.assertEqual(len({m.command for m in first}), len(first))
        self.assertGreater(len({m.module for m in first}), 12)
        self.assertFalse([m for m in first if m.options["port"] == "CLK"])

    def test_wrapper_has_every_port_and_the_checkers(self):
        text = wrapper(self.design)
        for _, _, name in ports_of("szt_matmul"):
            self.assertIn(f".{name}({name})", text)
        for checker in ("u_axil_checker", "u_codes_checker", "u_results_checker"):
            self.assertIn(checker, text)

    def test_memories_become_ports(self):
        text, ports = open_memories((self.folder / "flat.il").read_text())
        self.assertNotIn("cell $mem", text)
        self.assertEqual(sum(p.direction == "input" for p in ports), 5)  # a read port each

    def test_harmless_and_harmful(self):
        def mutant(number: int, mode: str, wire: str) -> Mutant:
            for line in (self.folder / "list.txt").read_text().splitlines():
                words = line.split()[1:]
                options = {k[1:]: v for k, v in zip(words[::2], words[1::2]) if k != "-src"}
                if options["mode"] == mode and options.pop("wire", "") == wire:
                    options.pop("wirebit")
                    return Mutant(number, "tiny", "szt_matmul", "", options, "", "", "")
            self.fail(f"no mutation of {wire}")

        # A read that is not asked for changes nothing: what it brings is not used.
        read = "u_core.u_accumulators.u_ram.read_i"
        netlist(self.design, [mutant(1, "inv", "irq_o"), mutant(2, "const1", read),
                              mutant(3, "const0", read)], self.folder)
        prepare(self.design, self.folder)
        said = [prove(number, self.folder, 60).said for number in range(4)]
        self.assertEqual(said, ["equivalent", "different", "equivalent", "different"])


if __name__ == "__main__":
    unittest.main()
