#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Check scripts/experiments.py, its statistics and its tables, on a stand-in for szt."""

import json
import math
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
SCRIPTS = HERE.parent.parent / "scripts"
sys.path.insert(0, str(SCRIPTS))

import experiment_tables  # noqa: E402 (after the path)
from experiments import late_mean, spikes  # noqa: E402
from training_runs import (CHI2_95, T_95, Failure, deviation_and_interval,  # noqa: E402
                           mean_and_interval, significant)


class StatisticsTest(unittest.TestCase):
    def test_mean_and_interval(self):
        # t for 4 degrees of freedom is 2.776; the deviation of 1 .. 5 is the root of 2.5.
        mean, half = mean_and_interval([1, 2, 3, 4, 5])
        self.assertEqual(mean, 3)
        self.assertAlmostEqual(half, 2.776 * math.sqrt(2.5 / 5), places=12)
        mean, half = mean_and_interval([0, 1])
        self.assertEqual(mean, 0.5)
        self.assertAlmostEqual(half, 12.706 * 0.5, places=12)
        self.assertEqual(mean_and_interval([7, 7, 7]), (7, 0))
        mean, half = mean_and_interval([7])
        self.assertEqual(mean, 7)
        self.assertTrue(math.isnan(half))

    def test_quantiles(self):
        """Student's density, by Simpson's rule, holds 95 % between them."""
        for degrees, quantile in enumerate(T_95, 1):
            constant = math.gamma((degrees + 1) / 2) / (math.sqrt(degrees * math.pi)
                                                        * math.gamma(degrees / 2))
            n = 2000
            width = quantile / n
            total = sum((1 if i in (0, n) else 4 if i % 2 else 2)
                        * (1 + (i * width) ** 2 / degrees) ** (-(degrees + 1) / 2)
                        for i in range(n + 1))
            self.assertAlmostEqual(2 * constant * total * width / 3, 0.95, places=4, msg=degrees)
        # More values than the table has: a wider interval than need be, not a narrower one.
        _, half = mean_and_interval([0, 1] * 50)
        self.assertGreater(half, 1.984 * math.sqrt(0.25 * 100 / 99 / 100))

    def test_spikes(self):
        quiet = [1.0] * 100
        self.assertEqual(spikes(quiet), [])
        self.assertEqual(spikes([*quiet, 2.0]), [])  # more than twice
        self.assertEqual(spikes([*quiet, 2.1]), [101])
        self.assertEqual(spikes([*quiet, 2.1, 1.0, 5.0]), [101, 103])
        self.assertEqual(spikes([9.0] * 100 + [1.0] * 10), [])
        self.assertEqual(spikes([1.0] * 99 + [9.0]), [])  # nothing to compare with yet
        # The median forgets: after a rise that stays, what was a spike is none.
        self.assertEqual(spikes(quiet + [3.0] * 100), list(range(101, 151)))

    def test_common_spikes(self):
        rows = [{"spike_steps": steps} for steps in ([[7, 9], [5]], [[9], [7]], [[], []])]
        answers = [experiment_tables.common_spikes(row, rows) for row in rows]
        self.assertEqual(answers, ["1 of 3", "1 of 2", "0 of 0"])

    def test_deviation(self):
        deviation, low, high = deviation_and_interval([1, 2, 3, 4, 5])
        self.assertAlmostEqual(deviation, math.sqrt(2.5))
        self.assertAlmostEqual(low / deviation, 0.599, places=3)
        self.assertAlmostEqual(high / deviation, 2.874, places=3)
        for freedom, quantiles in enumerate(CHI2_95, 1):
            for quantile, share in zip(quantiles, (0.025, 0.975)):
                # The distribution function, by the series of the incomplete gamma function.
                x, a = quantile / 2, freedom / 2
                term = total = 1 / a
                for n in range(1, 200):
                    term *= x / (a + n)
                    total += term
                found = total * math.exp(a * math.log(x) - x) / math.gamma(a)
                self.assertAlmostEqual(found, share, places=4, msg=freedom)
        self.assertTrue(math.isnan(deviation_and_interval(range(11))[1]))

    def test_plus_minus(self):
        show = experiment_tables.plus_minus
        self.assertEqual(show((-0.01234, 0.001), 100, 2, "+"), "−1.23 ± 0.10")
        self.assertEqual(show((0.01234, 0.001), 100, 2, "+"), "+1.23 ± 0.10")
        self.assertEqual(show((0.01234, 0.001), 100, 2), "1.23 ± 0.10")
        for nothing in (-0.00001, 0.0, 0.00001):
            self.assertEqual(show((nothing, 0.001), 100, 2, "+"), "0.00 ± 0.10")

    def test_late_mean(self):
        rows = [{"x": value} for value in (100, 100, 1, 3)]
        self.assertEqual(late_mean(rows, "x"), 2)

    def test_significant(self):
        self.assertEqual(significant({"a": (0.123456789, [math.nan, 3]), "b": "x"}),
                         {"a": [0.123457, [None, 3]], "b": "x"})

    def test_reading(self):
        read = experiment_tables.reading
        self.assertEqual(read((1, 0.5), True), "**better**")
        self.assertEqual(read((1, 0.5), False), "**worse**")
        self.assertEqual(read((-1, 0.5), True), "**worse**")
        self.assertEqual(read((-1, 0.5), False), "**better**")
        self.assertEqual(read((0.5, 0.5), True), "not told apart")
        self.assertEqual(read((-0.4, 0.5), True), "not told apart")

    def test_edge(self):
        swept = [[0.1, 5], [0.2, 7], [0.3, 6]]
        for rate, answer in ((0.1, "lowest tried"), (0.2, ""), (0.3, "highest tried")):
            self.assertEqual(experiment_tables.edge({"rate": rate, "swept": swept}), answer)
        self.assertEqual(experiment_tables.edge({"rate": 1, "swept": []}), "")

    def test_page(self):
        page = "a\n<!-- experiment: x -->\nold\n<!-- /experiment -->\nb\n"
        fill = experiment_tables.fill_page
        self.assertEqual(
            fill(page, Path("p"), {"x": "new\n"}),
            "a\n<!-- experiment: x -->\n\nnew\n\n<!-- /experiment -->\nb\n")
        for blocks in ({"y": ""}, {"x": "", "y": ""}, {}):
            with self.assertRaises(Failure):
                fill(page, Path("p"), blocks)
        with self.assertRaises(Failure):
            fill(page + page, Path("p"), {"x": ""})


class ExperimentsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.dir = Path(folder.name)

    def run_script(self, experiment, *more, **environment):
        return subprocess.run(
            [sys.executable, "-B", SCRIPTS / "experiments.py", experiment, "--szt",
             HERE / "fake_szt.py", "--folder", self.dir, "--seeds", "3", "--jobs", "2",
             "--json", self.dir / f"{experiment}-fashion-mlp.json", *map(str, more)],
            capture_output=True, text=True, env=os.environ | environment, check=False)

    def experiment(self, name, *more):
        result = self.run_script(name, *more)
        self.assertEqual(result.returncode, 0, result.stderr)
        path = self.dir / f"{name}-fashion-mlp.json"
        rows = json.loads(path.read_text())["rows"]
        return {row["arm"]: row for row in rows}, experiment_tables.Report(path)

    def calls(self):
        return (self.dir / "runs" / "calls").read_text().splitlines()

    def test_sweeps_pairs_and_tabulates(self):
        rows, report = self.experiment("scratch", "--steps", 400)
        self.assertEqual(list(rows), ["float32", "dead-zone", "ste", "szt", "four-level"])
        for row in rows.values():
            self.assertEqual(row["rate"], 0.001)  # neither the first nor the last of the sweep
            self.assertEqual([rate for rate, _ in row["swept"]], [0.0003, 0.001, 0.003, 0.01])
            self.assertEqual(row["spike_steps"], [[400], [399, 400], [398, 399, 400]])
        # 0.53 + 0.001 * seed, of seeds 1, 2, 3; the sweep's of 101 and 102 at its four rates.
        szt = rows["szt"]
        self.assertEqual(szt["finals"], [0.531, 0.532, 0.533])
        self.assertAlmostEqual(szt["final"][1], 4.303 * 0.001 / math.sqrt(3), places=6)
        self.assertEqual([score for _, score in szt["swept"]], [0.5315, 0.6315, 0.5315, 0.5315])
        self.assertEqual(szt["base"], "ste")
        self.assertAlmostEqual(szt["difference"][0], 0.01)
        self.assertAlmostEqual(szt["difference_course"][1][1], 0.005)
        self.assertEqual(szt["rate_in_scales"], [0.002, 0.002])
        self.assertIsNone(rows["float32"]["rate_in_scales"])
        # 5 arms at 4 rates on 2 seeds, then on 3 seeds; and nothing of it a second time.
        self.assertEqual(len(self.calls()), 55)
        self.experiment("scratch", "--steps", 400)
        self.assertEqual(len(self.calls()), 55)
        # A wider sweep makes what is new in it alone.
        wider, _ = self.experiment("scratch", "--steps", 400, "--rates", "0.001,0.003,0.03")
        self.assertEqual(len(self.calls()), 65)
        self.assertEqual([rate for rate, _ in wider["szt"]["swept"]], [0.001, 0.003, 0.03])
        self.assertEqual(wider["szt"]["finals"], szt["finals"])

        text = experiment_tables.tables(report, "picture.png")
        for line in (
                "scripts/experiments.py scratch --task fashion-mlp --seeds 3 --steps 400 --json "
                "build/experiments/scratch-fashion-mlp.json",
                "| `float32` | 32 | 0.001 | – | 50.20 ± 0.25 |",
                "| `szt` | 2.0 | 0.001 | 0.002 α | 53.20 ± 0.25 |",
                "| `szt` − `ste` | the zeros' signs in the input gradient | +1.00 ± 0.00 | "
                "**better** |",
                "| `szt` | 2.0 ± 2.5 | 6 of 6 | 0.10 (0.05–0.63) | "
                "1.0000 ± 0.0000 | 2.0000 ± 0.0000 |",
                "| `szt` | 46.80 ± 0.25 | 46.80 ± 0.25 | 40.00 ± 0.00 |",
                "| `ste` − `dead-zone` | −1.00 ± 0.00 | −1.00 ± 0.00 |",
                "| `szt` − `ste` | 0.0 ± 0.0 | not told apart |",
                "| `szt` | 53.15 | **63.15** | 53.15 | 53.15 |  |",
                "![scratch, fashion-mlp](picture.png)"):
            self.assertIn(line + "\n", text)
        self.assertIn("3 seeds (1–3), rates chosen on seeds 101, 102", text)

    def test_reopens_what_it_trained(self):
        rows, report = self.experiment("ptq", "--steps", 40)
        self.assertEqual(report.json["started_at"]["finals"], [0.501, 0.502, 0.503])
        # Each run starts at the network of its own seed, quantised but for kept-latents.
        starts = {}
        for call in self.calls():
            words = dict(zip(call.split()[::2], call.split()[1::2]))
            if "--output" in words:
                starts[words["--output"]] = words["--seed"]
            if "--start" in words:
                network = words["--start"]
                self.assertEqual(network.endswith("-quantized.safetensors"),
                                 words["--memory"] != "kept-latents", call)
                self.assertEqual(starts[network.replace("-quantized", "")], words["--seed"], call)
                self.assertEqual(words["--arm"] == "ste", words["--memory"] == "bt-zero", call)
        self.assertEqual(sorted(starts.values()), ["1", "101", "102", "2", "3"])
        text = experiment_tables.tables(report, "picture.png")
        for line in (
                "| `bt-zero` | 1.6 | 0.001 | 0.002 α | 52.20 ± 0.25 |",
                "| `kept-latents` | 32 + 2 | 0.001 | 0.002 α | 57.20 ± 0.25 |",
                "| `szt` − `random-sign` | what the stored bit buys | +1.00 ± 0.00 | **better** |",
                "| `random-sign` − `bt-zero` | the effect of a non-zero inner level | +2.00 ± 0.00 "
                "| **better** |",
                "| `untrained szt` | 1.6 | – | – | 45.20 ± 0.25 |",
                "| `untrained four-level` − `untrained szt` | four levels instead of three, no "
                "training | +1.00 ± 0.00 | **better** |"):
            self.assertIn(line + "\n", text)
        # The course of random-sign - bt-zero has the sign of the difference at the end.
        courses = experiment_tables.credited_courses(rows)
        self.assertEqual([course[-1][0] for *_, course in courses], [40, 40])
        for (*_, course), expected in zip(courses, (0.01, 0.02)):
            self.assertAlmostEqual(course[-1][1], expected)

    def test_a_failed_run_ends_it_with_a_line(self):
        result = self.run_script("scratch", "--steps", 200, FAKE_SZT_FAIL="ste")
        self.assertEqual(result.returncode, 2, result.stderr)
        last = result.stderr.strip().splitlines()[-1]
        self.assertIn("experiments.py: ", last)
        self.assertIn("fake: told to fail", last)
        self.assertFalse((self.dir / "scratch-fashion-mlp.json").exists())

    def test_refuses(self):
        for arguments, part in ((("--seeds", 1), "--seeds"), (("--szt", "/none"), "/none"),
                                (("--szt", self.dir), "no such program"), (("--jobs", 0), "--jobs"),
                                (("--json", "/none/x.json"), "/none: no such folder"),
                                (("--task", "text", "--data", "/none/text"), "/none/text: not there")):
            result = self.run_script("scratch", *arguments)
            self.assertEqual(result.returncode, 2)
            self.assertEqual(result.stderr.count("\n"), 1, result.stderr)
            self.assertIn(part, result.stderr)


if __name__ == "__main__":
    unittest.main()
