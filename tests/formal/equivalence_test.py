#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""scripts/equivalence.py: what it says of netlists that are broken by hand, and what it refuses."""

import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PE, DECODE = "ice40.pe.row1", "ice40.decode.szt"


class Script(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.own = tempfile.TemporaryDirectory()
        cls.folder = Path(cls.own.name)
        cls.first = {name: cls.equivalence("--name", name, "--json", str(cls.folder / "rows.json"))
                     for name in (DECODE, PE, "ecp5.pe.row1.folded")}

    @classmethod
    def tearDownClass(cls) -> None:
        cls.own.cleanup()

    @classmethod
    def equivalence(cls, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
        given = "--netlist" in arguments
        return subprocess.run([sys.executable, "-B", str(ROOT / "scripts/equivalence.py"),
                               "--folder", str(cls.folder / ("given" if given else "out")),
                               *arguments], capture_output=True, text=True, check=False,
                              env=os.environ | environment)

    def differs(self, name: str, reason: str, change) -> None:
        """The netlist of setUpClass with one change."""
        netlist = json.loads((self.folder / "out" / name / "synthesised.json").read_text())
        module, = (m for key, m in netlist["modules"].items()
                   if key in ("szt_decode", "ternary_pe"))
        change(module["cells"])
        (self.folder / "changed.json").write_text(json.dumps(netlist))
        done = self.equivalence("--name", name, "--netlist", str(self.folder / "changed.json"))
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn(reason, done.stdout)
        self.assertIn(f"equivalence: failed {name}", done.stdout)

    def test_equal_netlists(self) -> None:
        for name, done in self.first.items():
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertIn(f"equivalence: proved {name}, ", done.stdout)
            self.assertIn(" 2 of 2 broken netlists refuted, ", done.stdout)
        row, = json.loads((self.folder / "rows.json").read_text())["rows"]
        self.assertEqual(row["refuted"], {"entry": True, "wires": True})

    def test_the_same_netlist_given(self) -> None:
        done = self.equivalence("--name", PE, "--netlist",
                                str(self.folder / "out" / PE / "synthesised.json"))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_an_inverted_table(self) -> None:
        def invert(cells: dict) -> None:
            table = next(c for c in cells.values() if c["type"] == "SB_LUT4")["parameters"]
            table["LUT_INIT"] = table["LUT_INIT"].translate({48: 49, 49: 48})
        self.differs(PE, "differs in cycle", invert)
        self.differs(DECODE, "    differs;", invert)

    def test_another_start(self) -> None:
        def start_at_one(cells: dict) -> None:
            # Not of a weight: one that starts at 0- adds 0.
            cell = next(c for c in cells.values() if c["type"] == "TRELLIS_FF"
                        and c["connections"].get("CE", ["1"]) == ["1"])
            cell["parameters"]["REGSET"] = "SET"
        self.differs("ecp5.pe.row1.folded", "differs in cycle 0", start_at_one)

    def test_another_edge(self) -> None:
        def fall(cells: dict) -> None:
            next(c for c in cells.values() if c["type"] == "SB_DFF")["type"] = "SB_DFFN"
        self.differs(PE, "clk_i", fall)

    def test_another_clock(self) -> None:
        def take(cells: dict) -> None:
            cell = next(c for c in cells.values() if c["type"] == "SB_DFF")["connections"]
            cell["C"] = cell["D"]
        self.differs(PE, "a flip-flop without the rising edge of clk_i", take)

    def test_a_wire_without_driver(self) -> None:
        def cut(cells: dict) -> None:
            next(c for c in cells.values() if c["type"] == "SB_LUT4")["connections"]["I0"] = [99999]
        self.differs(PE, "yosys: ", cut)

    def test_a_cell_without_model(self) -> None:
        def rename(cells: dict) -> None:
            next(c for c in cells.values() if c["type"] == "SB_LUT4")["type"] = "SB_NONE"
        self.differs(PE, "yosys: ", rename)

    def refused(self, reason: str, *arguments: str, **environment: str) -> None:
        done = self.equivalence(*arguments, **environment)
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertIn(reason, done.stderr)

    def test_refused(self) -> None:
        self.refused("no proof nothing", "--name", "nothing")
        self.refused("--jobs", "--jobs", "0")
        self.refused("--name says which", "--netlist", __file__)
        self.refused("no file", "--name", PE, "--netlist", "absent.json")
        self.refused("no such proof", "--target", "ice40", "--body", "folded")
        self.refused("not installed: yosys", "--name", PE, PATH="")
        self.assertEqual(self.equivalence("--top", "axi").returncode, 2)

    def test_files_that_are_no_netlists(self) -> None:
        for text, reason in (("{", "not a netlist"), ("{}", "not a netlist"),
                             ('{"modules": {}}', "has 0 top modules")):
            (self.folder / "other.json").write_text(text)
            done = self.equivalence("--name", PE, "--netlist", str(self.folder / "other.json"))
            self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
            self.assertIn(reason, done.stdout)


if __name__ == "__main__":
    unittest.main()
