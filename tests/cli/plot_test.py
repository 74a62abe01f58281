#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Check scripts/plot_theory.py on reports of the szt tool.

Usage: plot_test.py SZT

Exit status 0: all as it should be; 77: skipped, there is no matplotlib to draw with.
"""

import json
import os
import struct
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SKIPPED = 77
DEBIANS = Path("/usr/bin/python3")  # where python3-matplotlib installs to

try:
    import matplotlib
except ImportError as error:
    if DEBIANS.exists() and DEBIANS.resolve() != Path(sys.executable).resolve():
        os.execv(DEBIANS, [str(DEBIANS), *sys.argv])
    print(f"SKIPPED: {error}; 'scripts/setup.sh all' installs matplotlib")
    sys.exit(SKIPPED)

SZT = ""


def szt(*arguments):
    subprocess.run([SZT, *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)


def plot(*arguments, **environment):
    return subprocess.run(
        [sys.executable, ROOT / "scripts" / "plot_theory.py", *map(str, arguments)],
        capture_output=True, text=True, env=os.environ | environment, check=False)


def write_checkpoint(path):
    """Two matrices of 4 x 4, one of them all zero."""
    header, data = {}, b""
    for name, values in (("layer.0.weight", range(-8, 8)), ("layer.1.weight", [0] * 16)):
        begin = len(data)
        data += struct.pack("<16f", *values)
        header[name] = {"dtype": "F32", "shape": [4, 4], "data_offsets": [begin, len(data)]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


class PlotTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.dir = Path(folder.name)

    def refused(self, *arguments, part):
        result = plot(*arguments, "--output", self.dir / "out")
        self.assertEqual(result.returncode, 2, result.stderr)
        self.assertEqual(result.stderr.count("\n"), 1, result.stderr)
        self.assertIn(part, result.stderr)
        self.assertFalse((self.dir / "out").exists())

    def test_draws_every_report(self):
        write_checkpoint(self.dir / "in")
        reports = [self.dir / name for name in ("phi", "mfpt", "histogram", "closed")]
        szt("theory", "phi", "--points", 9, "--samples", 1000, "--json", reports[0])
        szt("theory", "mfpt", "--sigma", "0.2,0.1", "--drift", "0,0.1", "--paths", 1000,
            "--json", reports[1])
        szt("inspect", "--histogram", self.dir / "in", "--json", reports[2])
        out = self.dir / "out"
        result = plot(*reports[:3], "--output", out)
        self.assertEqual(result.returncode, 0, result.stderr)
        names = {"state_change", "first_passage", "dead_zone", "sqnr"}
        self.assertEqual({p.name for p in out.iterdir()},
                         {name + suffix for name in names for suffix in (".png", ".svg")})
        for name in names:
            self.assertEqual((out / f"{name}.png").read_bytes()[:8], b"\x89PNG\r\n\x1a\n")
            xml.etree.ElementTree.parse(out / f"{name}.svg")
        # The same numbers, the same picture.
        again = self.dir / "again"
        self.assertEqual(plot(reports[0], "--output", again).returncode, 0)
        for file in again.iterdir():
            self.assertEqual(file.read_bytes(), (out / file.name).read_bytes(), file.name)
        # Other numbers, another picture; and one without Monte-Carlo.
        szt("theory", "phi", "--points", 9, "--samples", 0, "--json", reports[3])
        self.assertEqual(plot(reports[3], "--output", again).returncode, 0)
        self.assertNotEqual((out / "state_change.svg").read_bytes(),
                            (again / "state_change.svg").read_bytes())

    def test_refuses_what_it_cannot_draw(self):
        bad = self.dir / "bad"
        self.refused(bad, part="bad")
        for text in ("{", "[]", '{"command": "theory footprint", "rows": [1]}'):
            bad.write_text(text)
            self.refused(bad, part="bad")
        bad.write_text('{"command": "theory phi", "rows": [{"sigma": 1}]}')
        self.refused(bad, part="not as this szt writes it")
        szt("theory", "mfpt", "--sigma", "0.2", "--paths", 0, "--json", bad)
        self.refused(bad, part="two sigmas")

    def test_says_what_to_install(self):
        (self.dir / "matplotlib.py").write_text("raise ImportError('none')\n")
        result = plot("report", PYTHONPATH=str(self.dir))
        self.assertEqual(result.returncode, 2)
        self.assertEqual(result.stderr.count("\n"), 1)
        self.assertIn("python3-matplotlib", result.stderr)


if __name__ == "__main__":
    print(f"matplotlib {matplotlib.__version__}")
    SZT = sys.argv.pop(1)
    unittest.main()
