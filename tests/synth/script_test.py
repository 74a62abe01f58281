#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""scripts/synth.py: what the array takes, counted by hand, and what the command line refuses."""

import json
import subprocess
import sys
import tempfile
import unittest
from math import ceil, log2
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROWS, COLS, REACH = 12, 5, 2  # of the configuration tall
# Bits of the sum below each row: those of any sum that int8 activations can make there.
WIDTHS = [8 + ceil(log2(row + 2)) for row in range(ROWS)]


def synth(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-B", str(ROOT / "scripts/synth.py"), *arguments],
                          capture_output=True, text=True, check=False)


class Area(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = tempfile.TemporaryDirectory()
        cls.arguments = ["--config", "tall", "--top", "array", "--folder", cls.folder.name,
                         "--json", f"{cls.folder.name}/rows.json"]
        for target in ("ice40", "ecp5", "xilinx"):
            cls.arguments += ["--target", target]
        cls.rows = cls.run_again()

    @classmethod
    def tearDownClass(cls) -> None:
        cls.folder.cleanup()

    @classmethod
    def run_again(cls) -> dict:
        done = synth(*cls.arguments)
        assert done.returncode == 0, done.stderr
        report = json.loads(Path(f"{cls.folder.name}/rows.json").read_text())
        assert "yosys" in report["tool_versions"]
        return {(row["target"], row["body"]): row for row in report["rows"]}

    def test_a_bit_of_a_folded_adder_is_one_table(self) -> None:
        pairs = sum(2 * ceil(width / 2) for width in WIDTHS)
        self.assertEqual(self.rows["ecp5", "folded"]["luts"], COLS * pairs)
        self.assertLessEqual(self.rows["xilinx", "folded"]["luts"], COLS * (sum(WIDTHS) + 1))

    def test_a_portable_one_adds_a_table_a_bit_of_the_activation(self) -> None:
        self.assertEqual(self.rows["ecp5", "portable"]["luts"],
                         COLS * sum(8 + 2 * ceil(width / 2) for width in WIDTHS))
        self.assertLessEqual(self.rows["ice40", "portable"]["luts"],
                             COLS * sum(8 + width for width in WIDTHS))

    def test_registers(self) -> None:
        """The sum and two weights of two bits; activations behind every REACH-th column but the
        last, where they end; the swap tag's diagonals but the first."""
        expected = (COLS * sum(width + 4 for width in WIDTHS) + 8 * ROWS * ((COLS - 1) // REACH)
                    + ROWS - 1 + (COLS - 1) // REACH)
        for key, row in self.rows.items():
            self.assertEqual(row["ffs"], expected, key)

    def test_nothing_else(self) -> None:
        for key, row in self.rows.items():
            self.assertEqual((row["brams"], row["dsps"]), (0, 0), key)
            self.assertAlmostEqual(row["luts_per_mac"], row["luts"] / (ROWS * COLS), 2, key)

    def test_a_second_run_synthesises_nothing(self) -> None:
        before = {p: p.stat().st_mtime_ns for p in Path(self.folder.name).glob("*.log")}
        self.assertEqual(len(before), 5)
        self.assertEqual(self.run_again(), self.rows)
        after = {p: p.stat().st_mtime_ns for p in Path(self.folder.name).glob("*.log")}
        self.assertEqual(before, after)


class Refuses(unittest.TestCase):
    def check(self, *arguments: str, says: str) -> None:
        done = synth(*arguments)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn(says, done.stderr)
        self.assertNotIn("Traceback", done.stderr)

    def test_what_is_not_there(self) -> None:
        self.check("--target", "spartan", says="spartan")
        self.check("--config", "huge", says="huge")
        self.check("--seeds", "-1", says="--seeds")
        self.check("--jobs", "0", says="--jobs")


if __name__ == "__main__":
    unittest.main()
