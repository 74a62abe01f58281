#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""scripts/regress.py on a stand-in for the tests: what it runs, keeps, reports and refuses."""

import collections
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from stand_in import ROOT, StandIn  # noqa: E402

sys.path.insert(0, str(ROOT / "scripts"))
import regress_report  # noqa: E402


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: collections.Counter = collections.Counter()
        self.attributes: list[tuple] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list) -> None:
        self.tags[tag] += 1
        self.attributes += attributes
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, tag

    def handle_data(self, data: str) -> None:
        self.text += data


class RegressTest(unittest.TestCase):
    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.at = StandIn(Path(temporary.name))

    def ready(self) -> None:
        self.at.add("suite.0", "even")
        self.at.add("suite.1")
        self.at.add("suite.10")
        self.at.add("fixed")
        self.at.add("tool", "skip")
        self.at.add("cases", "case")
        self.at.write_plan({"random & <co>": [{"match": r"suite\.\d+", "random": True}],
                            "rest": [{"match": "fixed"}, {"match": "tool|cases"}]})

    def test_report(self) -> None:
        self.ready()
        ran = self.at.run("some", "--seed", "10")
        self.assertEqual(ran.returncode, 1, ran.stderr)
        report = self.at.report()
        rows = {row["test"]: row for row in report["tests"]}
        self.assertEqual(list(rows), ["suite.0", "suite.1", "suite.10", "fixed", "cases", "tool"])
        suite = rows["suite.0"]
        self.assertEqual([(run["seed"], run["status"]) for run in suite["of_seeds"]],
                         [(10, "passed"), (11, "failed"), (12, "passed")])
        self.assertAlmostEqual(suite["pass_rate"], 2 / 3)
        self.assertEqual(rows["suite.10"]["passed"], 3)
        self.assertEqual([run["seed"] for run in rows["fixed"]["of_seeds"]], [None])
        self.assertEqual((rows["tool"]["skipped"], rows["tool"]["pass_rate"]), (1, None))
        self.assertEqual(rows["tool"]["of_seeds"][0]["reason"], "no <such> tool; 'install it'")
        self.assertEqual(rows["cases"]["of_seeds"][0]["skipped_cases"], ["no vector unit"])
        self.assertEqual(report["totals"] | {"seconds": 0, "pass_rate": 0},
                         {"tests": 6, "runs": 12, "passed": 10, "failed": 1, "skipped": 1,
                          "missing": 0, "seconds": 0, "pass_rate": 0})
        self.assertEqual([(each["feature"], each["tests"], each["runs"], each["failed"])
                          for each in report["features"]],
                         [("random & <co>", 3, 9, 1), ("rest", 3, 3, 0)])
        self.assertIsNone(report["coverage"])
        self.assertIn("coverage: not measured", ran.stdout)
        self.assertIn("skipped: tool: no <such> tool", ran.stdout)
        self.assertIn("skipped: cases: 1 case: no vector unit", ran.stdout)
        self.assertIn("ctest", report["tool_versions"])
        self.assertEqual(sorted(self.at.events("begin")), sorted(
            [f"suite.{i}@{seed}" for i in (0, 1, 10) for seed in (10, 11, 12)]
            + ["fixed@own", "tool@own", "cases@own"]))

        # The line to paste does it again.
        line = suite["of_seeds"][1]["again"]
        self.assertIn(line, ran.stdout)
        pasted = subprocess.run(["sh", "-c", line], capture_output=True, text=True,
                                env=self.at.environment(), check=False)
        self.assertNotEqual(pasted.returncode, 0)
        self.assertIn("odd: 11", pasted.stdout)
        self.assertIn("out of 1", pasted.stdout)
        self.assertEqual(self.at.events("begin")[-1], "suite.0@11")

        self.check_junit(report, line)
        page = self.check_page()
        self.assertIn(line, page.text)
        text = (self.at.folder / "regress/some.txt").read_text(encoding="utf-8")
        self.assertEqual(text, regress_report.text(report))
        self.assertRegex(text, r"(?m)^random & <co>  suite\.0 +10-12 +3 +2 +66\.7 %")

    def check_junit(self, report: dict, line: str) -> None:
        root = ET.parse(self.at.folder / "regress/some.xml").getroot()
        self.assertEqual(root.tag, "testsuites")
        self.assertEqual([root.get(key) for key in ("tests", "failures", "errors")],
                         ["12", "1", "0"])
        for suite in root:
            cases = suite.findall("testcase")
            self.assertEqual(int(suite.get("tests")), len(cases))
            for what, tag in (("failures", "failure"), ("errors", "error"),
                              ("skipped", "skipped")):
                self.assertEqual(int(suite.get(what)), len(suite.findall(f"testcase/{tag}")))
            for case in cases:
                self.assertTrue(case.get("name") and case.get("classname"))
                float(case.get("time"))
        names = [case.get("name") for case in root.iter("testcase")]
        self.assertEqual(len(set(names)), len(names))
        failure = root.find(".//testcase[@name='suite.0 [seed 11]']/failure")
        self.assertIn(line, failure.text)
        self.assertIn("<&>", failure.text)
        self.assertEqual(regress_report.junit(report),
                         (self.at.folder / "regress/some.xml").read_text(encoding="utf-8"))

    def check_page(self) -> Page:
        text = (self.at.folder / "regress/some.html").read_text(encoding="utf-8")
        page = Page(text)
        self.assertEqual(page.open, [])
        self.assertNotIn("http", text)
        self.assertFalse({"script", "link", "img", "such", "few", "co"} & set(page.tags))
        self.assertFalse([name for name, _ in page.attributes if name in ("src", "href")])
        self.assertIn("random & <co>", page.text)
        self.assertIn("<&>", page.text)
        # Header and features, header and tests.
        self.assertEqual(page.tags["tr"], 1 + 2 + 1 + 6)
        return page

    def test_kept(self) -> None:
        self.ready()
        self.at.run("some", "--seed", "10")
        began = self.at.events("begin")
        first = self.at.report()
        again = self.at.run("some", "--seed", "10")
        # What was skipped is tried again; nothing else.
        self.assertEqual(self.at.events("begin")[len(began):], ["tool@own"])
        self.assertIn("12 runs, 11 kept", again.stdout)
        self.assertEqual(again.returncode, 1)
        self.assertEqual(regress_report.without_times(self.at.report()),
                         regress_report.without_times(first))
        self.at.run("some", "--seed", "10", "--seeds", "4")
        self.assertEqual(sorted(self.at.events("begin")[len(began) + 1:]),
                         ["suite.0@13", "suite.10@13", "suite.1@13", "tool@own"])
        self.at.run("some", "--seed", "10", "--rerun-failed")
        self.assertEqual(sorted(self.at.events("begin")[-2:]), ["suite.0@11", "tool@own"])
        count = len(self.at.events("begin"))
        self.at.run("some", "--seed", "10", "--no-resume")
        self.assertEqual(len(self.at.events("begin")) - count, 12)

    def test_build_id(self) -> None:
        """Another program, another command or another setting from outside: all runs again."""
        self.at.add("fixed")
        self.at.write_plan({"f": [{"match": "fixed"}]})
        program = self.at.build / "test.py"
        changes = [lambda: None,
                   lambda: program.write_text(program.read_text() + "# more\n"),
                   lambda: self.at.tests.append(
                       "set_tests_properties(fixed PROPERTIES TIMEOUT 50)\n") or self.at.write()]
        ids = set()
        for change in changes:
            change()
            for _ in range(2):
                self.assertEqual(self.at.run("some").returncode, 0)
            ids.add(self.at.report()["build_id"])
        for _ in range(2):
            self.at.run("some", environment=self.at.environment(SZT_STRESS_COMMANDS="3"))
        ids.add(self.at.report()["build_id"])
        self.assertEqual(len(ids), 4)
        self.assertEqual(len(self.at.events("begin")), 4)

    def test_changed_meanwhile(self) -> None:
        self.at.add("fixed", seconds=3)
        self.at.write_plan({"f": [{"match": "fixed"}]})
        process = subprocess.Popen(self.at.command("some"), stdout=subprocess.PIPE, text=True,
                                   env=self.at.environment())
        until = time.monotonic() + 60
        while not self.at.events("begin"):
            self.assertLess(time.monotonic(), until)
            time.sleep(0.05)
        program = self.at.build / "test.py"
        before = program.read_text(encoding="utf-8")
        program.write_text(before + "# more\n", encoding="utf-8")
        self.assertIn("problem: the build or its sources changed", process.communicate()[0])
        self.assertEqual(process.returncode, 1)
        # Its result is not taken for one of the build as it was.
        program.write_text(before, encoding="utf-8")
        self.assertEqual(self.at.run("some").returncode, 0)
        self.assertEqual(len(self.at.events("begin")), 2)

    def test_environment(self) -> None:
        self.at.add("a", "even")
        self.at.write_plan({"f": [{"match": "a", "random": True, "seeds": {"some": 2},
                                   "environment": {"some": {"SZT_STAND_IN": "2 0"}}}]})
        self.at.run("some", "--seeds", "5", "--seed", "1")
        self.assertEqual(sorted(self.at.log.read_text(encoding="utf-8").splitlines()),
                         sorted(f"{event} a@{seed} here 2 0" for event in ("begin", "end")
                                for seed in (1, 2)))
        self.assertIn("SZT_TEST_SEED=1 SZT_STAND_IN='2 0' ctest",
                      self.at.report()["tests"][0]["of_seeds"][0]["again"])
        # Another value is another run.
        self.at.run("some", "--seed", "1", "--set", "SZT_STAND_IN=7")
        self.assertEqual(self.at.log.read_text(encoding="utf-8").count("a@1 here 7"), 2)
        refused = self.at.run("some", "--set", "SZT_OTHER=7")
        self.assertEqual((refused.returncode, len(refused.stderr.splitlines())), (2, 1))

    def test_failures_of_every_kind(self) -> None:
        self.at.add("slow", seconds=30, properties="TIMEOUT 30")
        self.at.tests.append("add_test(nothing no_such_program)\n"
                             "add_test(crash sh -c [=[kill -SEGV $$]=])\n")
        self.at.add("off", properties="DISABLED TRUE")
        self.at.write_plan({"f": [{"match": "slow", "timeout": {"some": 1}}, {"match": "nothing"},
                                  {"match": "crash|off"}]})
        self.assertEqual(self.at.run("some").returncode, 1)
        rows = {row["test"]: row["of_seeds"][0] for row in self.at.report()["tests"]}
        self.assertEqual({name: run["status"] for name, run in rows.items()},
                         {"slow": "failed", "nothing": "failed", "crash": "failed",
                          "off": "skipped"})
        self.assertEqual(rows["slow"]["reason"], "out of time (1 s)")
        self.assertIn("Unable to find executable", rows["nothing"]["reason"])

    def test_plan(self) -> None:
        self.ready()
        checked = self.at.run("--check")
        self.assertEqual((checked.returncode, checked.stdout),
                         (0, "regress: 6 tests, 2 features: all fit\n"))
        self.at.add("new")
        self.at.write_plan({"f": [{"match": r"suite\.\d+"}, {"match": r"suite\.0|fixed"}],
                            "g": [{"match": "tool"}, {"match": "case"},
                                  {"match": "none", "needs": ["SZT_NONE"]}]})
        checked = self.at.run("--check")
        self.assertEqual(checked.returncode, 1)
        self.assertEqual(sorted(checked.stdout.splitlines()), [
            "regress: g: nothing matches case", "regress: g: nothing matches none",
            "regress: no feature claims cases", "regress: no feature claims new",
            "regress: suite.0 is claimed twice: f and f"])
        # A variable that is off is a reason, one that is not there is none.
        (self.at.build / "CMakeCache.txt").write_text("SZT_NONE:BOOL=OFF\n", encoding="utf-8")
        self.assertIn("g: none (not built: SZT_NONE is off)", self.at.run("--check").stdout)
        # A run goes on, and does not pass.
        self.at.write_plan({"f": [{"match": "fixed"}]})
        ran = self.at.run("some")
        self.assertEqual((ran.returncode, self.at.report()["totals"]["passed"]), (1, 1))
        self.assertIn("problem: no feature claims new", ran.stdout)
        root = ET.parse(self.at.folder / "regress/some.xml").getroot()
        self.assertEqual((root.get("errors"), root.get("tests")), ("1", "2"))

    def test_refused(self) -> None:
        self.ready()
        (self.at.folder / "broken.json").write_text("{", encoding="utf-8")
        for arguments in (("other",), (), ("some", "--build", "/nowhere"),
                          ("some", "--plan", str(self.at.folder / "broken.json")),
                          ("some", "--launcher", "slurm")):
            command = self.at.command()
            environment = self.at.environment()
            if "slurm" in arguments:
                # Somewhere with CTest and without Slurm.
                tools = self.at.folder / "bin"
                tools.mkdir()
                found = subprocess.run(["sh", "-c", "command -v ctest"], capture_output=True,
                                       text=True, check=True).stdout.strip()
                (tools / "ctest").symlink_to(found)
                environment["PATH"] = str(tools)
            with self.subTest(arguments=arguments):
                ran = subprocess.run([*command, *arguments], capture_output=True, text=True,
                                     env=environment, check=False)
                self.assertEqual((ran.returncode, ran.stdout), (2, ""))
                self.assertEqual(len(ran.stderr.splitlines()), 1, ran.stderr)
        self.assertEqual(self.at.run("some", "--seeds", "0").returncode, 2)
        self.assertEqual(self.at.events("begin"), [])

    def test_hours_and_dry_run(self) -> None:
        self.ready()
        dry = self.at.run("some", "--dry-run", "--jobs", "2")
        self.assertEqual(dry.returncode, 0)
        self.assertRegex(dry.stdout, r"12 runs, 0 kept; about 6\.0 s on 2 processors \(12 never")
        ran = self.at.run("some", "--hours", "0", "--seed", "10")
        self.assertEqual(ran.returncode, 1)
        self.assertEqual(self.at.report()["totals"]["missing"], 12)
        self.assertIn("the time was up", ran.stdout)
        self.assertEqual(self.at.events("begin"), [])
        self.at.run("some", "--seed", "10")
        self.assertEqual(self.at.report()["totals"]["missing"], 0)
        # Other seeds, but as long as these; only what was skipped has no length.
        self.assertRegex(self.at.run("some", "--dry-run").stdout, r"2 kept; .* \(1 never")
        self.assertRegex(self.at.run("some", "--dry-run", "--seed", "10").stdout, "11 kept")

    def test_interrupted(self) -> None:
        for i in range(4):
            self.at.add(f"quick{i}")
        self.at.add("long", seconds=60)
        self.at.write_plan({"f": [{"match": r"quick\d|long"}]})
        process = subprocess.Popen(self.at.command("some", "--jobs", "2"), text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   env=self.at.environment())
        results = self.at.folder / "regress/results"
        until = time.monotonic() + 60
        while len(list(results.glob("*/quick*"))) < 4 or "long@own" not in self.at.events("begin"):
            self.assertLess(time.monotonic(), until)
            time.sleep(0.05)
        # Only one at a time in a folder.
        other = self.at.run("some")
        self.assertEqual(other.returncode, 2)
        self.assertIn("another regress.py", other.stderr)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 130)
        self.assertIn("what has finished is kept", said)
        self.assertFalse(list(results.glob("*/long*")))
        # Nothing of it runs on.
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                command = entry.read_bytes()
            except OSError:
                continue
            self.assertNotIn(os.fsencode(self.at.build / "test.py"), command)
        before = len(self.at.events("begin"))
        dry = self.at.run("some", "--dry-run", "--json", str(self.at.folder / "dry.json"))
        self.assertEqual(dry.returncode, 0)
        expected = json.loads((self.at.folder / "dry.json").read_text(encoding="utf-8"))
        self.assertEqual((expected["runs"], expected["kept"]), (5, 4))
        self.assertEqual(len(self.at.events("begin")), before)


if __name__ == "__main__":
    unittest.main()
