# SPDX-License-Identifier: Apache-2.0
"""scripts/activity.py: what it reads of Verilator's counts, what it makes of a checkpoint, and what
it says of bad input. No simulation runs."""

import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
sys.path.insert(0, str(SCRIPTS))
import activity  # noqa: E402


def point(module: str, signal: str, hierarchy: str, count: int) -> str:
    fields = {"page": f"v_toggle/{module}", "o": signal, "h": hierarchy}
    return "C '" + "".join(f"\x01{k}\x02{v}" for k, v in fields.items()) + f"' {count}"


class Activity(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = Path(self.folder.name)

    def test_counts_of_elements_alone(self) -> None:
        file = self.path / "counts.dat"
        file.write_text("\n".join([
            "# SystemC::Coverage-3",
            point("ternary_pe__Pi1", "psum_q[0]", "TOP.u_array.gen_row[0].gen_col[1].u_pe", 3),
            point("ternary_pe__Pi2", "psum_q[11]", "TOP.u_array.gen_row[1].gen_col[1].u_pe", 4),
            point("ternary_add", "operand[2]", "TOP.u_array.gen_row[1].gen_col[1].u_pe.u_add", 5),
            point("accumulator_bank", "operand[2]", "TOP.u_accumulators", 100),
            "not a point"]), encoding="latin-1")
        self.assertEqual(activity.changes(file),
                         {("ternary_pe", "psum_q"): 7, ("ternary_add", "operand"): 5})

    def test_zeros_lose_their_sign_and_nothing_else_changes(self) -> None:
        header = json.dumps({"other": {"data_offsets": [0, 1]},
                             "t.codes": {"data_offsets": [1, 3]}}).encode()
        # Codes from the lowest bits on: 00 01 10 11, then four 0-; beside them a byte of another.
        body = bytes([0b10101010, 0b11100100, 0b10101010])
        file, out = self.path / "q", self.path / "plain"
        file.write_bytes(len(header).to_bytes(8, "little") + header + body)
        activity.without_zero_signs(file, "t", out)
        self.assertEqual(out.read_bytes(), file.read_bytes()[:-3] + bytes([0b10101010, 0b11000100, 0]))
        with self.assertRaisesRegex(activity.Failure, "no u.codes"):
            activity.without_zero_signs(file, "u", out)

    def test_table_gives_the_share_over_plain_ternary(self) -> None:
        def arm(more: float) -> dict:
            return dict.fromkeys(activity.NETS, 1.0) | {"all": 5.0 * more}
        result = {"tool_versions": {"verilator": "9.9"}, "config": "tiny", "tensor": "t",
                  "cycles": 1234,
                  "arms": dict(zip(activity.ARMS, (arm(1.0), arm(1.01), arm(0.98))))}
        lines = activity.table(result).splitlines()
        self.assertIn("| all, against plain ternary | +0.00 % | +1.00 % | -2.00 % |", lines)
        self.assertIn("1,234 cycles; Verilator 9.9.", lines[-1])

    def test_missing_file_is_one_line(self) -> None:
        done = subprocess.run([sys.executable, "-B", SCRIPTS / "activity.py", "--weights",
                               self.path / "none"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 2, done)
        self.assertRegex(done.stderr, r"\Aactivity.py: .*none: not there; .*demo.sh makes it.*\n\Z")


if __name__ == "__main__":
    unittest.main()
