#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Check scripts/plot_experiments.py on results of scripts/experiments.py with a stand-in for szt.

Exit status 0: all as it should be; 77: skipped, there is no matplotlib to draw with.
"""

import os
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SKIPPED = 77
DEBIANS = Path("/usr/bin/python3")  # where python3-matplotlib installs to
EXPERIMENTS = ("scratch", "escape", "reopen", "ptq", "forget")

try:
    import matplotlib
except ImportError as error:
    if DEBIANS.exists() and DEBIANS.resolve() != Path(sys.executable).resolve():
        os.execv(DEBIANS, [str(DEBIANS), "-B", *sys.argv])
    print(f"SKIPPED: {error}; 'scripts/setup.sh all' installs matplotlib")
    sys.exit(SKIPPED)


def script(name, *arguments, **environment):
    return subprocess.run(
        [sys.executable, "-B", ROOT / "scripts" / name, *map(str, arguments)],
        capture_output=True, text=True, env=os.environ | environment, check=False)


class PlotTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.dir = Path(cls.folder.name)
        for name in EXPERIMENTS:
            result = script("experiments.py", name, "--szt", HERE / "fake_szt.py", "--folder",
                            cls.dir, "--seeds", 2, "--steps", 300,
                            "--json", cls.dir / f"{name}-fashion-mlp.json")
            assert result.returncode == 0, result.stderr

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.out = Path(folder.name)
        self.page = self.out / "page.md"
        self.page.write_text("".join(f"## {name}\n<!-- experiment: {name} -->\nold\n"
                                     "<!-- /experiment -->\nprose\n" for name in EXPERIMENTS))

    def copy(self, name, text=None):
        source = self.out / "in"
        source.mkdir(exist_ok=True)
        text = text or (self.dir / name).read_text()
        (source / name).write_text(text)
        return source

    def test_draws_and_tabulates_every_experiment(self):
        plots = self.out / "plots"
        result = script("plot_experiments.py", self.dir, "--output", plots, "--page", self.page)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual({p.name for p in plots.iterdir()},
                         {f"{name}-fashion-mlp{end}" for name in EXPERIMENTS
                          for end in (".png", ".svg")})
        for file in plots.iterdir():
            if file.suffix == ".png":
                self.assertEqual(file.read_bytes()[:8], b"\x89PNG\r\n\x1a\n")
            else:
                xml.etree.ElementTree.parse(file)
        page = self.page.read_text()
        self.assertNotIn("old\n", page)
        self.assertEqual(page.count("\nprose\n"), 5)
        for name in EXPERIMENTS:
            self.assertIn(f"![{name}, fashion-mlp](plots/{name}-fashion-mlp.png)", page)
        self.assertEqual(page.count("Not run yet: `fashion-cnn`, `text`."), 5)
        # A second time changes nothing.
        again = self.out / "again"
        self.assertEqual(script("plot_experiments.py", self.dir, "--output", again).returncode, 0)
        for file in again.iterdir():
            self.assertEqual(file.read_bytes(), (plots / file.name).read_bytes(), file.name)
        self.assertEqual(script("plot_experiments.py", self.dir, "--output", plots, "--page",
                                self.page).returncode, 0)
        self.assertEqual(self.page.read_text(), page)

    def test_skips_what_was_not_run(self):
        source = self.copy("scratch-fashion-mlp.json")
        result = script("plot_experiments.py", source, "--output", self.out / "plots", "--page",
                        self.page)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("escape-fashion-mlp.json: not there, skipped\n", result.stdout)
        self.assertEqual(result.stdout.count("skipped"), 14)
        self.assertIn("Not run yet: `fashion-mlp`, `fashion-cnn`, `text`.", self.page.read_text())

    def refused(self, *arguments, part):
        before = self.page.read_text()
        result = script("plot_experiments.py", *arguments, "--output", self.out / "plots", "--page",
                        self.page)
        self.assertEqual(result.returncode, 2, result.stdout)
        self.assertEqual(result.stderr.count("\n"), 1, result.stderr)
        self.assertIn(part, result.stderr)
        self.assertFalse((self.out / "plots").exists())
        self.assertEqual(self.page.read_text(), before)

    def test_refuses(self):
        self.refused(self.out / "none", part="no such folder")
        (self.out / "in").mkdir()
        self.refused(self.out / "in", part="no report")
        good = (self.dir / "scratch-fashion-mlp.json").read_text()
        for text, part in (("{", "scratch-fashion-mlp.json"), ("[]", "not as"),
                           (good.replace('"scratch"', '"escape"'), "holds escape"),
                           (good.replace('"finals"', '"other"'), "not as"),
                           (good.replace('"course"', '"other"'), "not as")):
            self.refused(self.copy("scratch-fashion-mlp.json", text), part=part)
        self.copy("scratch-fashion-mlp.json")
        self.page.write_text("no marks\n")
        self.refused(self.out / "in", part="needs the marks")

    def test_says_what_to_install(self):
        (self.out / "matplotlib.py").write_text("raise ImportError('none')\n")
        result = script("plot_experiments.py", PYTHONPATH=str(self.out))
        self.assertEqual(result.returncode, 2)
        self.assertEqual(result.stderr.count("\n"), 1)
        self.assertIn("python3-matplotlib", result.stderr)


if __name__ == "__main__":
    print(f"matplotlib {matplotlib.__version__}")
    unittest.main()
