#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""scripts/regress.py --launcher slurm on a real cluster of two nodes, one of which is killed in
the middle: no result is lost, no finished test runs again, and the report is that of the local
launcher."""

import collections
import json
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from cluster import Cluster, why_not  # noqa: E402
from stand_in import ROOT, StandIn  # noqa: E402

sys.path.insert(0, str(ROOT / "scripts"))
import regress_report  # noqa: E402

SKIPPED = 77
SEEDS = 4
LENGTH = 1.5  # s a test
OPTIONS = ("some", "--seed", "10", "--launcher", "slurm", "--chunk", "3")


class SlurmTest(unittest.TestCase):
    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.addCleanup(temporary.cleanup)
        folder = Path(temporary.name)
        folder.chmod(0o755)
        self.at = StandIn(folder)
        self.at.add("even", "even", LENGTH)
        for i in range(4):
            self.at.add(f"suite.{i}", seconds=LENGTH)
        self.at.add("fixed", seconds=LENGTH)
        self.at.add("tool", "skip")
        self.at.add("always", "fail")
        self.at.write_plan({
            "random": [{"match": "even", "random": True},
                       {"match": r"suite\.\d", "random": True}],
            "rest": [{"match": "fixed|tool|always"}]}, SEEDS)
        self.count = 5 * SEEDS + 3
        (folder / "cluster").mkdir()
        self.cluster = Cluster(folder / "cluster")
        self.addCleanup(self.cluster.stop)
        self.cluster.start()
        self.results = folder / "regress/results"

    def finished(self) -> set[str]:
        """As the log names them."""
        found = set()
        for path in self.results.glob("*/[!.]*.json"):
            record = json.loads(path.read_text(encoding="utf-8"))
            found.add(f"{record['test']}@{record['seed'] or 'own'}")
        return found

    def until(self, what: object, process: subprocess.Popen) -> None:
        end = time.monotonic() + 40
        while not what():
            self.assertLess(time.monotonic(), end, self.cluster.logs())
            self.assertIsNone(process.poll(), self.cluster.logs())
            time.sleep(0.05)

    def start(self) -> subprocess.Popen:
        return subprocess.Popen(self.at.command(*OPTIONS), stdout=subprocess.PIPE, text=True,
                                stderr=subprocess.STDOUT, env=self.cluster.environment)

    def test_killed_node(self) -> None:
        process = self.start()
        first_seen: dict[str, float] = {}

        def on_n2() -> set[str]:
            return set(self.at.events("begin", "n2")) - set(self.at.events("end", "n2"))

        def in_the_middle() -> bool:
            """Some have finished, their results are there, and what n2 is at is far from its end:
            whether the next one to finish leaves a result would be a matter of luck."""
            now = time.monotonic()
            at_work = on_n2()
            for test in at_work:
                first_seen.setdefault(test, now)
            return (len(self.finished()) >= 4 and bool(at_work)
                    and set(self.at.events("end")) <= self.finished()
                    and all(now - first_seen[test] < LENGTH / 3 for test in at_work))

        self.until(in_the_middle, process)
        self.cluster.kill_node("n2")
        killed, finished = on_n2(), self.finished()
        said = process.communicate(timeout=70)[0]
        self.assertEqual(process.returncode, 1, said + self.cluster.logs())

        began = collections.Counter(self.at.events("begin"))
        ended = collections.Counter(self.at.events("end"))
        print(f"n2 killed with {len(finished)} of {self.count} finished and "
              f"{', '.join(sorted(killed))} running there")
        # No result is lost.
        report = self.at.report()
        self.assertEqual((report["totals"]["runs"], report["totals"]["missing"]), (self.count, 0))
        self.assertEqual(set(ended), set(began))
        self.assertEqual((len(ended), set(ended.values())), (self.count, {1}))
        # What was cut short ran twice, everything else once.
        self.assertTrue(killed)
        self.assertEqual({test: count for test, count in began.items() if count > 1},
                         {test: 2 for test in killed})

        # The same report as from here, but for times.
        local = self.at.run("some", "--seed", "10", "--jobs", "4", folder="local")
        self.assertEqual(local.returncode, 1, local.stderr)
        other = self.at.report("local")
        self.assertNotEqual(report, other)
        plain, plain_other = map(regress_report.without_times, (report, other))
        self.assertEqual(plain, plain_other)
        self.assertEqual((plain["totals"]["failed"], plain["totals"]["skipped"]),
                         (SEEDS // 2 + 1, 1))
        self.assertEqual(json.dumps(plain), json.dumps(plain_other))

        # And with Slurm once more nothing runs but what was skipped.
        before = len(self.at.events("begin"))
        more = self.at.run(*OPTIONS, environment=self.cluster.environment)
        self.assertIn(f"{self.count - 1} kept", more.stdout)
        self.assertEqual(self.at.events("begin")[before:], ["tool@own"])
        self.assertEqual(regress_report.without_times(self.at.report()), plain)

    def test_interrupted(self) -> None:
        """Nothing stays in the queue, and another run goes on."""
        process = self.start()
        self.until(lambda: len(self.finished()) >= 3, process)
        process.terminate()
        said = process.communicate(timeout=30)[0]
        self.assertEqual(process.returncode, 130, said)
        self.cluster.wait(lambda: not subprocess.run(
            ["squeue", "--noheader"], capture_output=True, env=self.cluster.environment,
            check=True).stdout, "empty queue")
        finished = self.finished()
        self.assertLess(len(finished), self.count)
        ran = self.at.run(*OPTIONS, environment=self.cluster.environment)
        self.assertEqual(ran.returncode, 1, ran.stderr)
        self.assertEqual(self.at.report()["totals"]["missing"], 0)
        began = collections.Counter(self.at.events("begin"))
        self.assertEqual({test for test in finished if began[test] > 1} - {"tool@own"}, set())


if __name__ == "__main__":
    if reason := why_not():
        print(f"SKIPPED: {reason}")
        sys.exit(SKIPPED)
    unittest.main()
