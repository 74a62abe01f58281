#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""scripts/coverage.py on stand-ins for what the suites count: what is covered, excluded, wrong and
left; and that regress.py shows it for the same sources alone."""

import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

import coverage_lines  # noqa: E402
import regress  # noqa: E402
from regress_plan import digest, source_files  # noqa: E402

SOURCE = """\
module one (input wire clk_i, output logic [3:0] sum_o);
  always_ff @(posedge clk_i) begin
    if (sum_o == 4'd3) sum_o <= 4'd0;
    else sum_o <= sum_o + 4'd1;
  end
endmodule
"""
PLAN = {"group": {"points": {"a": ["x", "y"], "b": ["0", "1"]},
                  "crosses": [{"points": ["a", "b"], "ignore": [
                      {"bins": {"a": ["y"], "b": ["1"]}, "reason": "never"}]}]}}
SAMPLES = "group a=x b=0 3\ngroup a=x b=1 1\ngroup a=y b=0 1\n"
HIGH = {"file": "one.sv", "signals": ["sum_o"], "bits": "3:2", "reason": "counts to 3"}


class Stand:
    """RTL of one module, its counts, a plan and exclusions."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("rtl", "counts", "build"):
            (folder / name).mkdir()
        (folder / "rtl/one.sv").write_text(SOURCE)
        self.plan(PLAN)
        self.exclude([HIGH])
        self.counts(["one__W4", {}])
        self.samples(SAMPLES)

    def point(self, page: str, kind: str, line: int, name: str, count: int,
              file: str = "rtl/one.sv") -> str:
        fields = {"f": self.folder / file, "l": line, "n": 5, "page": f"{kind}/{page}", "o": name,
                  "h": "TOP.one"}
        text = "".join(f"\x01{key}\x02{value}" for key, value in fields.items())
        return f"C '{text}' {count}\n"

    def counts(self, *instances: list) -> None:
        """A file an instance: its page, and counts other than those of a run without gaps."""
        for old in (self.folder / "counts").glob("*.dat"):
            old.unlink()
        for number, (page, other) in enumerate(instances):
            usual = {"if": 2, "else": 7, "sum_o[0]": 9, "sum_o[1]": 4, "sum_o[2]": 0, "sum_o[3]": 0}
            text = "# SystemC::Coverage-3\n"
            for name, count in (usual | other).items():
                kind, line = ("v_toggle", 1) if "[" in name else ("v_branch", 3)
                text += self.point(page, kind, line, name, count)
            text += self.point("bench", "v_line", 1, "block", 0, "bench.sv")  # not of the RTL
            (self.folder / f"counts/{number}.dat").write_text(text)

    def samples(self, text: str) -> None:
        (self.folder / "counts/0.bins").write_text(text)

    def plan(self, plan: dict) -> None:
        (self.folder / "plan.json").write_text(json.dumps(plan))

    def exclude(self, entries: list) -> None:
        (self.folder / "exclusions.json").write_text(json.dumps(entries))

    def run(self, *more: str) -> tuple[int, str]:
        at = self.folder
        done = subprocess.run(
            [sys.executable, "-B", str(ROOT / "scripts/coverage.py"), "--keep", "--no-gcov",
             "--folder", str(at / "build"), "--rtl", str(at / "rtl"), "--counts",
             str(at / "counts"), "--plan", str(at / "plan.json"), "--exclusions",
             str(at / "exclusions.json"), *more], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def report(self) -> dict:
        return json.loads((self.folder / "build/coverage.json").read_text())


class Coverage(unittest.TestCase):
    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.at = Stand(Path(temporary.name))

    def expect(self, code: int, *texts: str) -> None:
        got, said = self.at.run()
        self.assertEqual(got, code, said)
        for text in texts:
            self.assertIn(text, said)

    def test_complete(self) -> None:
        self.expect(0, "line 100 %; toggle 100 %; functional 100 %")
        report = self.at.report()
        self.assertEqual(report["totals"], {"line": [2, 2], "toggle": [2, 2], "user": [0, 0],
                                            "functional": [7, 7], "cmodel": [0, 0]})
        self.assertEqual(report["rtl"][0]["toggle"], {"points": 4, "excluded": 2, "covered": 2})
        self.assertEqual(report["exclusions"], [HIGH | {"points": 2}])
        self.assertIn("verilator", report["tool_versions"])

    def test_gap(self) -> None:
        self.at.counts(["one", {"else": 0, "sum_o[1]": 0, "sum_o[0]": 0}])
        self.expect(1, "gap: one.sv:3: line else", "gap: one.sv:1: toggle sum_o[1:0]",
                    "unmet: line: 1 of 2 not covered", "unmet: toggle: 2 of 2 not covered")

    def test_instances_are_merged_by_source(self) -> None:
        self.at.counts(["one__W2", {"if": 0, "sum_o[0]": 0}], ["one__W4", {"else": 0}])
        self.expect(0)

    def test_wrong_exclusions(self) -> None:
        for entry, text in (
                ({"signals": ["sum"]}, "exclusion of nothing: one.sv: sum"),
                ({"signals": ["sum_o"], "bits": "9:8"}, "exclusion of nothing: one.sv: sum_o[9:8]"),
                ({"line": "sum_o <= 4'd9;"}, "exclusion of nothing"),
                ({"signals": ["sum_o"], "bits": "1"}, "exclusion of what is covered: one.sv: "
                 "sum_o[1]"),
                ({"line": "if (sum_o", "point": "if"}, "exclusion of what is covered"),
                ({"signals": ["sum_o"], "bits": "3"}, "excluded twice")):
            self.at.exclude([HIGH, {"file": "one.sv", "reason": "because", **entry}])
            self.expect(1, f"wrong: {text}")

    def test_excluded_line_is_found_by_its_text(self) -> None:
        self.at.counts(["one", {"else": 0}])
        self.at.exclude([HIGH, {"file": "one.sv", "line": "if (sum_o == 4'd3)", "point": "else",
                                "reason": "because"}])
        self.expect(0, "line 100 %")

    def test_functional(self) -> None:
        for samples, text in (
                ("group a=x b=0 3\ngroup a=x b=1 1\n", "gap: group: a: y"),
                ("group a=x b=1 3\ngroup a=y b=0 1\n", "gap: group: a x b: x x 0"),
                (SAMPLES + "group a=y b=1 1\n", "wrong: ignored, but seen: group: a x b: y x 1"),
                (SAMPLES + "group a=z b=1 1\n", "wrong: the plan has no group: a=z"),
                (SAMPLES + "other a=z 1\n", "wrong: the plan has no group other")):
            self.at.samples(samples)
            self.expect(1, text)

    def test_bad_input_is_one_line(self) -> None:
        at = self.at.folder

        def refused(text: str, *more: str) -> None:
            code, said = self.at.run(*more)
            self.assertEqual(code, 2, said)
            self.assertEqual(len(said.strip().splitlines()), 1, said)
            self.assertIn(text, said)

        refused("No such file", "--plan", str(at / "none.json"))
        self.at.exclude([{"file": "one.sv", "signals": ["sum_o"]}])
        refused("wants file, signals or line, reason")
        self.at.exclude([HIGH | {"bits": "x"}])
        refused("bits are N or HIGH:LOW")
        self.at.exclude([HIGH])
        self.at.samples("group a=x\n")
        refused("not a sample")
        self.at.samples(SAMPLES)
        (at / "counts/1.dat").write_text("# SystemC::Coverage-3\nC 'cut")
        refused("1.dat:2: not a point")
        (at / "counts/1.dat").write_text("nothing")
        refused("no counts of Verilator")
        for file in (at / "counts").glob("*.dat"):
            file.unlink()
        refused("no counts")

    def test_a_process_that_died_while_it_wrote(self) -> None:
        (self.at.folder / "counts/7.dat.part").write_text("")
        self.expect(1, "unmet: failed: a process that ended")

    def test_failed_suite(self) -> None:
        (self.at.folder / "counts/run.json").write_text(
            json.dumps({"failed": ["cosim_test.0"], "quick": False, "configs": ["tiny"]}))
        self.expect(1, "unmet: failed: cosim_test.0")

    def test_quick_judges_no_goal(self) -> None:
        self.at.counts(["one", {"else": 0}])
        (self.at.folder / "counts/run.json").write_text(
            json.dumps({"failed": [], "quick": True, "configs": ["tiny"]}))
        self.expect(0, "gap: one.sv:3: line else", "no goal judged")


class Lines(unittest.TestCase):
    def test_lines_of_all_builds_together(self) -> None:
        source = str(ROOT / "cmodel/src/one.cc")
        text = [json.dumps({"files": [
            {"file": source, "lines": [{"line_number": n, "count": c} for n, c in counts]},
            {"file": "/usr/include/vector", "lines": [{"line_number": 1, "count": 0}]}]})
            for counts in ([(1, 4), (2, 0), (3, 0)], [(2, 1), (3, 0), (4, 0)])]
        lines: dict = {"cmodel/src/one.cc": {}}
        for each in text:
            coverage_lines.read_json(each, ROOT, lines)
        self.assertEqual(lines, {"cmodel/src/one.cc": {1: 4, 2: 1, 3: 0, 4: 0}})
        self.assertEqual(coverage_lines.judged(coverage_lines.rows_of(lines)), (2, 4))
        self.assertEqual(coverage_lines.worst(lines, 3), [("cmodel/src/one.cc", [3, 4], 4)])
        self.assertEqual(coverage_lines.ranges([3, 4, 7]), "3-4, 7")


class Regression(unittest.TestCase):
    def test_of_the_same_sources_only(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            home = Path(name)
            subprocess.run(["git", "init", "-q", name], check=True)
            (home / ".gitignore").write_text("/build/\n")
            (home / "source").write_text("1")
            file = home / "build/coverage/coverage.json"
            file.parent.mkdir(parents=True)
            self.assertIsNone(regress.coverage_of(home))
            report = {"quick": False, "failed": [], "sources": digest([], set(source_files(home))),
                      "totals": {"line": [2, 2], "toggle": [1, 3], "functional": [5, 5],
                                 "cmodel": [9, 10]}}
            file.write_text(json.dumps(report))
            found = regress.coverage_of(home)
            self.assertEqual(regress.regress_report.covered({"coverage": found}),
                             "lines 100 %, toggles 33.3 %, functional 100 %, "
                             "lines of the model 90.0 %")
            for wrong in ({"quick": True}, {"failed": ["a suite"]}):
                file.write_text(json.dumps(report | wrong))
                self.assertIsNone(regress.coverage_of(home))
            file.write_text(json.dumps(report))
            (home / "source").write_text("2")
            self.assertIsNone(regress.coverage_of(home))


if __name__ == "__main__":
    unittest.main()
