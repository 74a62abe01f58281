#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""scripts/bitstream.py on stand-ins for Yosys, nextpnr and icepack: what it writes, what it refuses,
and that a failure leaves nothing behind."""

import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BOARDS = json.loads((ROOT / "rtl/boards/boards.json").read_text(encoding="utf-8"))

STAND_INS = {
    "yosys": "print('Yosys 99.9' if '-V' in sys.argv else '$lut')",
    "nextpnr-ice40": """
if "--version" in sys.argv:
    print('"nextpnr-ice40" -- Next Generation Place and Route (Version stand-in)')
    sys.exit()
option = dict(zip(sys.argv, sys.argv[1:]))
if "STAND_IN_ERROR" in os.environ:
    print("ERROR: " + os.environ["STAND_IN_ERROR"])
    sys.exit(1)
open(option["--asc"], "w").write(" ".join(sys.argv[1:]))
open(option["--report"], "w").write(json.dumps(
    {"fmax": {"clk": {"achieved": float(os.environ["STAND_IN_MHZ"]), "constraint": 12}},
     "utilization": {"ICESTORM_LC": {"used": 5, "available": 10}}}))
""",
    "icepack": "open(sys.argv[2], 'w').write(open(sys.argv[1]).read())",
}


class Bitstream(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.bin, self.out = Path(folder.name) / "bin", Path(folder.name) / "out"
        self.bin.mkdir()
        self.out.mkdir()
        for name, body in STAND_INS.items():
            (self.bin / name).write_text(f"#!{sys.executable}\nimport json, os, sys\n{body}\n")
            (self.bin / name).chmod(0o755)
        self.file = self.out / "board.bin"

    def run_it(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
        done = subprocess.run(
            [sys.executable, "-B", str(ROOT / "scripts/bitstream.py"), *arguments],
            env=os.environ | {"PATH": str(self.bin), "STAND_IN_MHZ": "50"} | environment,
            capture_output=True, text=True, check=False)
        self.assertNotIn("Traceback", done.stderr)
        return done

    def build(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
        return self.run_it("--board", "hx8k", "--output", str(self.file), *arguments, **environment)

    def check_failure(self, done: subprocess.CompletedProcess, code: int, says: str) -> None:
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertIn(says, done.stderr)
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
        self.assertEqual(list(self.out.iterdir()), [])

    def test_writes_the_bitstream(self) -> None:
        done = self.build("--seed", "7")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(list(self.out.iterdir()), [self.file])
        command = self.file.read_text()  # of nextpnr, by its stand-in
        self.assertIn("--seed 7", command)
        self.assertIn("ice40_hx8k_b_evn.pcf", command)
        for text in ("yosys 99.9", "nextpnr-ice40 stand-in", "ICESTORM_LC 5 of 10", "50.0 MHz of 12",
                     BOARDS["signatures"]["small"]):
            self.assertIn(text, done.stdout)

    def test_the_signature_is_the_configurations(self) -> None:
        self.assertIn(BOARDS["signatures"]["tiny"], self.build("--config", "tiny").stdout)

    def test_too_slow(self) -> None:
        self.check_failure(self.build(STAND_IN_MHZ="11.9"), 1, "too slow for the board: 11.9 MHz")

    def test_a_failure_keeps_the_file_that_was_there(self) -> None:
        self.file.write_text("older")
        self.assertEqual(self.build(STAND_IN_MHZ="11.9").returncode, 1)
        self.assertEqual(self.file.read_text(), "older")

    def test_what_a_program_says_is_passed_on(self) -> None:
        self.check_failure(self.build(STAND_IN_ERROR="no place for u_core"), 1,
                           "nextpnr-ice40: ERROR: no place for u_core")

    def test_a_missing_program(self) -> None:
        for name in ("icepack", "nextpnr-ice40"):
            (self.bin / name).unlink()
            self.check_failure(self.build(), 2, f"no {name} (scripts/setup.sh fpga installs it)")

    def test_bad_usage(self) -> None:
        self.check_failure(self.build("--seed", "-1"), 2, "--seed")
        self.check_failure(self.build("--device", "85k"), 2, "--device 85k")
        self.check_failure(self.run_it("--board", "hx8k", "--output", f"{self.out}/no/such"), 2,
                           "/no/such: not a file in a folder that is there")
        for arguments in ([], ["--board", "versa"], ["--board", "hx8k", "--config", "wide"]):
            self.assertEqual(self.run_it(*arguments).returncode, 2)


if __name__ == "__main__":
    unittest.main()
