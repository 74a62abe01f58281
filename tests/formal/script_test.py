#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""scripts/formal.py on small proofs: that each of their parts can fail, and what it refuses."""

import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

COUNTER = """\
module counter(input wire clk_i, input wire rst_ni, output reg [2:0] count_o);
  always @(posedge clk_i)
    if (!rst_ni) count_o <= 0;
    else if (count_o != 3'd5) count_o <= count_o + 3'd1;
endmodule
"""
PROOF = """\
`include "formal.svh"
module counter_proof(input wire clk_i, input wire rst_ni);
  `RESET_FIRST
  wire [2:0] count;
  counter u_counter(.clk_i(clk_i), .rst_ni(rst_ni), .count_o(count));
  `PROVE(Bounded, !started_q || count <= 3'dLIMIT)
  wire reach = started_q & count == 3'dREACHED;
  `REACH(1, reach)
endmodule
"""
SBY = """\
# SPDX-License-Identifier: Apache-2.0
# Counts to five.
#: quick
#: mutant counter.v: 3'd5 ==> 3'd6

[tasks]
prove
cover

[options]
prove: mode prove
cover: mode bmc
cover: expect fail
depth 20

[engines]
prove: abc pdr
cover: abc bmc3

[script]
cover: verilog_defines -DCOVER
read -formal -sv counter.v counter_proof.sv
prep -top counter_proof

[files]
formal.svh
counter.v
counter_proof.sv
"""


class Script(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        (self.folder / "formal.svh").write_text((ROOT / "rtl/formal/formal.svh").read_text())
        self.write()

    def write(self, sby: str = SBY, limit: int = 5, reached: int = 5, proof: str = PROOF) -> None:
        (self.folder / "count.sby").write_text(sby)
        (self.folder / "counter.v").write_text(COUNTER)
        (self.folder / "counter_proof.sv").write_text(
            proof.replace("LIMIT", str(limit)).replace("REACHED", str(reached)))

    def formal(self, *arguments: str, own: bool = True) -> subprocess.CompletedProcess:
        where = ["--sources", str(self.folder), "--folder", str(self.folder / "out")] if own else []
        return subprocess.run([sys.executable, "-B", str(ROOT / "scripts/formal.py"), *where,
                               *arguments], capture_output=True, text=True, check=False)

    def failed(self, reason: str, **what) -> None:
        self.write(**what)
        done = self.formal()
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn(reason, done.stdout)
        self.assertIn("again: scripts/formal.py count", done.stdout)

    def refused(self, reason: str, *arguments: str) -> None:
        done = self.formal(*arguments)
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertIn(reason, done.stderr)

    def test_a_proof_that_holds(self) -> None:
        rows = self.folder / "rows.json"
        done = self.formal("--json", str(rows), "--markdown")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        report = json.loads(rows.read_text())
        self.assertEqual(set(report["tool_versions"]), {"yosys", "abc"})
        row, = report["rows"]
        self.assertEqual((row["name"], row["status"], row["covered"], row["mutants_refuted"]),
                         ("count", "proved", True, 1))
        self.assertIn("| `count` | Counts to five. | proved | 1 | 1 of 1 |", done.stdout)

    def test_a_property_that_does_not_hold(self) -> None:
        self.failed("prove: counterexample of", limit=4, reached=4)
        self.assertTrue((self.folder / "out/count/prove/trace.aiw").stat().st_size)

    def test_a_cover_that_is_not_reached(self) -> None:
        self.failed("cover: not reached", reached=6)

    def test_a_mutant_that_is_not_refuted(self) -> None:
        self.failed("mutant not refuted", limit=6)

    def test_a_mutant_that_does_not_apply(self) -> None:
        self.failed("mutant does not apply", sby=SBY.replace("3'd5 ==>", "3'd7 ==>"))
        self.failed("mutant does not apply", sby=SBY.replace("3'd5 ==> 3'd6", "count_o ==> x"))

    def test_nothing_asserted(self) -> None:
        proof = "\n".join(line for line in PROOF.splitlines() if "`PROVE" not in line)
        self.failed("nothing is asserted", proof=proof)

    def test_broken_source(self) -> None:
        self.failed("yosys: ", proof=PROOF.replace("endmodule", ""))

    def test_a_bounded_claim_is_called_bounded(self) -> None:
        self.write(SBY.replace("prove: mode prove", "prove: mode bmc")
                   .replace("prove: abc pdr", "prove: abc bmc3"))
        done = self.formal("--markdown")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("| bounded to 20 cycles |", done.stdout)

    def test_files_that_lack_a_part(self) -> None:
        for line, reason in (("#: mutant counter.v: 3'd5 ==> 3'd6\n", "no mutant"),
                             ("cover: expect fail\n", "no cover"),
                             ("# Counts to five.\n", "no description"),
                             ("prove: mode prove\n", "is not for mode")):
            self.write(SBY.replace(line, ""))
            self.refused(reason)
        self.write(SBY.replace("depth 20", "skip 3"))
        self.refused("an option skip 3 is not supported")
        self.write(SBY + "absent.v\n")
        self.refused("no file")

    def test_refused(self) -> None:
        self.refused("no proof nothing", "nothing")
        self.refused("--jobs", "--jobs", "0")
        self.refused("--readme", "--readme", "--quick")
        self.assertEqual(self.formal("--no-such-option").returncode, 2)

    def test_the_projects_own_files_are_read(self) -> None:
        done = self.formal("--list", own=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        names = [line.split()[0] for line in done.stdout.splitlines()]
        self.assertEqual(names, sorted(path.stem for path in (ROOT / "rtl/formal").glob("*.sby")))
        self.assertGreater(len(names), 5)


if __name__ == "__main__":
    unittest.main()
