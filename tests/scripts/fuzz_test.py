#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""scripts/fuzz.py on a stand-in for a libFuzzer program: executions counted and gone on with, a
crash reported, kept and forgotten when mended, what takes too long only once; refusals."""

import contextlib
import io
import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
import fuzz  # noqa: E402

# Crashes while there is a file `broken`; run on a file it ends with 77 if that says so.
PROGRAM = '''#!/usr/bin/env python3
import re, sys
from pathlib import Path
here = Path(__file__).resolve().parent
options = dict(re.findall(r"^-(\\w+)=(.*)$", "\\n".join(sys.argv[1:]), re.M))
files = [Path(word) for word in sys.argv[1:] if not word.startswith("-")]
if "runs" not in options:
    text = files[0].read_text()
    sys.exit(77 if text == "bad" and (here / "broken").exists() else 0)
runs = int(options["runs"])
print(f"stat::number_of_executed_units: {runs}")
print("stat::peak_rss_mb: 33")
(files[0] / "one").write_text("good")
for what, text in (("crash", "bad"), ("timeout", "slow")):
    if (here / ("broken" if what == "crash" else "busy")).exists():
        found = Path(options["artifact_prefix"] + what + "-1")
        found.write_text(text)
        print("does not hold: one is two")
        print(f"artifact_prefix='x'; Test unit written to {found}")
        sys.exit(77)
'''


class FuzzTest(unittest.TestCase):
    def setUp(self) -> None:
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = Path(holder.name)
        (self.folder / "bin").mkdir()
        self.program = self.folder / "bin/fuzz_demo"
        self.program.write_text(PROGRAM, encoding="utf-8")
        self.program.chmod(0o755)
        (self.folder / "seeds/corpus/demo").mkdir(parents=True)
        (self.folder / "seeds/make_corpus.py").write_text("", encoding="utf-8")
        (self.folder / "fuzz_targets.txt").write_text("demo\n", encoding="utf-8")

    def run_it(self, *arguments: str) -> tuple[int, str]:
        out = io.StringIO()
        with mock.patch.multiple(fuzz, BUILD=self.folder, SEEDS=self.folder / "seeds/corpus",
                                 build=lambda jobs: None), \
                mock.patch.object(sys, "argv", ["fuzz.py", "--jobs", "1", *arguments]), \
                mock.patch.object(fuzz.signal, "signal"), \
                contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            return fuzz.main(), out.getvalue()

    def report(self) -> dict:
        return json.loads((self.folder / "report.json").read_text(encoding="utf-8"))

    def test_counts_and_goes_on(self) -> None:
        status, said = self.run_it("--runs", "30000")
        self.assertEqual(status, 0, said)
        self.assertRegex(said, r"demo +30,000 .* 1 +33 MiB +0")
        self.assertEqual(self.report()["targets"]["demo"]["executions"], 30000)
        self.assertIn("clang", self.report()["tools"])
        self.run_it("--runs", "30500")
        self.assertEqual(self.report()["targets"]["demo"]["executions"], 30500)
        # Another program counts from the beginning; the corpus stays.
        self.program.write_text(PROGRAM + "# new\n", encoding="utf-8")
        self.run_it("--runs", "10")
        self.assertEqual(self.report()["targets"]["demo"]["executions"], 10)

    def test_crash(self) -> None:
        (self.folder / "bin/broken").touch()
        for _ in range(2):  # found, and still there
            status, said = self.run_it("--runs", "10")
            self.assertEqual(status, 1)
            self.assertRegex(said, r"CRASH: .*\n +\S+/found/demo/crash-1\n +\S+/fuzz_demo "
                                   r"-timeout=1 .* \S+/found/demo/crash-1\n")
            self.assertEqual(len(self.report()["targets"]["demo"]["crashes"]), 1)
        (self.folder / "bin/broken").unlink()
        status, said = self.run_it("--runs", "10")
        self.assertEqual(status, 0, said)
        self.assertTrue((self.folder / "corpus/demo/crash-1").is_file())
        self.assertFalse((self.folder / "found/demo/crash-1").exists())

    def test_too_slow_once(self) -> None:
        (self.folder / "bin/busy").touch()
        status, said = self.run_it("--runs", "10")
        self.assertEqual(status, 0, said)
        self.assertIn("timeout-1 does not repeat", said)

    def test_no_time(self) -> None:
        status, said = self.run_it("--runs", "10", "--hours", "0")
        self.assertEqual(status, 0, said)
        self.assertIn("1 targets have not made all executions", said)

    def test_refusals(self) -> None:
        for arguments in (["nothing"], ["--runs", "0"], ["--hours", "x"], ["--wrong"]):
            said = subprocess.run([sys.executable, "-B", str(ROOT / "scripts/fuzz.py"), *arguments],
                                  capture_output=True, text=True, check=False)
            self.assertEqual(said.returncode, 2, arguments)
            self.assertEqual(len(said.stderr.splitlines()), 1, said.stderr)
            self.assertTrue(said.stderr.startswith("fuzz.py: "), said.stderr)

    def test_lists_what_is_built(self) -> None:
        said = subprocess.run([sys.executable, "-B", str(ROOT / "scripts/fuzz.py"), "--list"],
                              capture_output=True, text=True, check=False).stdout.split()
        text = (ROOT / "tests/fuzz/CMakeLists.txt").read_text(encoding="utf-8")
        for name in said:
            self.assertIn(name, text)
            self.assertTrue((ROOT / f"tests/fuzz/{name}.cc").is_file())


if __name__ == "__main__":
    unittest.main()
