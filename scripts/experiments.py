#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The four experiments on what the fourth state buys in training.

  escape    E1: of the weights that start in the dead zone, the share still there; code changes
            a step; spikes of the loss; spread over seeds
  scratch   E2: training from scratch, every arm
  reopen    E3: a network of szt train on a shifted task (images turned, another text), from codes,
            thresholds and scales alone
  ptq       E3: a float network after quantisation, on its own task; without training, too, with
            three and with four levels in the forward pass
  forget    E4: only codes, thresholds and scales survive every R steps

Every arm has its own learning rate, the best of a sweep on seeds of its own; the seeds of the result
are paired (same first weights, same data in the same order in every arm), intervals are 95 %. Runs
are kept in FOLDER, made once and by one szt. Nothing is computed here but means and intervals.

FOLDER/EXPERIMENT-TASK.json, with --json, is what scripts/plot_experiments.py draws and tabulates.

Exit: 0 done, 2 bad usage, or a run failed.
"""

import argparse
import json
import os
import sys
from pathlib import Path

from training_runs import Failure, Runs, mean_and_interval, significant

RATES = (3e-4, 1e-3, 3e-3, 1e-2)
MEMORY_RATES = (1e-4, *RATES)
ARMS = ("float32", "dead-zone", "ste", "szt", "four-level")
MEMORIES = ("kept-latents", "szt", "random-sign", "opposite-sign", "bt-zero")
SWEEP_SEEDS = (101, 102)
TASKS = {
    "fashion-mlp": {"task": "fashion-mlp", "epochs": 10},
    "fashion-cnn": {"task": "fashion-cnn", "epochs": 2},
    "text": {"task": "text", "steps": 400, "batch": 16},
}
# Steps between two losses of memory: the last a quarter of a run or more.
FORGET_EVERY = {"fashion-mlp": (50, 200, 1000), "fashion-cnn": (20, 50, 200), "text": (10, 25, 75)}
SECOND_STEPS = {"text": 200}  # of a network that goes on; others 1000
EVALUATE_EVERY = {"text": 50}  # steps, where the course is drawn; others 200
TEXTS = Path(__file__).resolve().parent.parent / ".cache/texts"  # scripts/fetch_text.py


class Experiments:
    def __init__(self, arguments: argparse.Namespace) -> None:
        self.runs = Runs(arguments.szt, arguments.folder / "runs", arguments.jobs)
        self.seeds = range(1, arguments.seeds + 1)
        self.rates = arguments.rates
        self.second_steps = arguments.steps or SECOND_STEPS.get(arguments.task, 1000)
        self.task = dict(TASKS[arguments.task])
        if arguments.task == "text":
            self.task["data"] = str(arguments.data)
        if arguments.steps:
            self.task.pop("epochs", None)
            self.task["steps"] = arguments.steps
        self.other = {"rotate": arguments.rotate} if arguments.task != "text" else {
            "data": str(arguments.other_data)}
        self.higher_is_better = arguments.task != "text"
        self.versions: dict = {}
        self.swept: dict[str, list[list[float]]] = {}  # by arm: [rate, mean score]
        self.started_at: dict | None = None  # the networks that an experiment begins with

    def submit(self, options: dict, start: "tuple | None") -> object:
        after, quantized = start or (None, False)
        return self.runs.submit(options, after, quantized=quantized)

    def sweep(self, arms: dict[str, dict], after: dict | None = None,
              rates: tuple[float, ...] = RATES) -> dict[str, float]:
        """Of options by arm, the learning rate with the best mean score over the sweep's seeds."""
        rates = self.rates or rates
        futures = {(arm, rate, seed): self.submit(
            {**options, "rate": rate, "seed": seed}, after[arm, seed] if after else None)
            for arm, options in arms.items() for rate in rates for seed in SWEEP_SEEDS}
        best = {}
        for arm in arms:
            scores = {rate: sum(futures[arm, rate, seed].result()["final"] for seed in SWEEP_SEEDS)
                      / len(SWEEP_SEEDS) for rate in rates}
            self.swept[arm] = [[rate, score] for rate, score in scores.items()]
            best[arm] = (max if self.higher_is_better else min)(scores, key=scores.get)
        return best

    def measure(self, arms: dict[str, dict], rates: dict[str, float],
                after: dict | None = None) -> dict[str, list[dict]]:
        futures = {arm: [self.submit({**options, "rate": rates[arm], "seed": seed},
                                     after[arm, seed] if after else None)
                         for seed in self.seeds] for arm, options in arms.items()}
        reports = {arm: [future.result() for future in of_arm] for arm, of_arm in futures.items()}
        self.versions = next(iter(reports.values()))[0]["tool_versions"]
        return reports

    def rows(self, reports: dict[str, list[dict]], rates: dict[str, float], base: str) -> list[dict]:
        """A row an arm: final score, its paired difference to `base`, the courses of both, and how
        steady the runs were."""
        rows = []
        for arm, of_arm in reports.items():
            final = [report["final"] for report in of_arm]
            paired = [report["final"] - other["final"]
                      for report, other in zip(of_arm, reports[base])]
            spiky = [spikes(report["losses"]) for report in of_arm]
            scales = [layer["rate_in_scales"] for report in of_arm for layer in report["layers"]]
            rows.append({"arm": arm, "rate": rates[arm],
                         "rate_in_scales": [min(scales), max(scales)] if scales else None,
                         "final": mean_and_interval(final), "base": base,
                         "difference": mean_and_interval(paired), "finals": final,
                         "course": self.course(of_arm, "evaluations", "score"),
                         "difference_course": self.difference_course(of_arm, reports[base]),
                         "swept": self.swept.get(arm, []),
                         "spikes": mean_and_interval([len(steps) for steps in spiky]),
                         "spike_steps": spiky})
            if scales and of_arm[0]["measurements"]:
                for column in ("forward_flips", "code_flips"):
                    rows[-1][f"late_{column}"] = mean_and_interval(
                        [late_mean(report["measurements"], column) for report in of_arm])
                rows[-1]["ends"] = {column: [report["measurements"][-1][column]
                                             for report in of_arm]
                                    for column in ("dead", "still_dead", "never_left")}
        return rows

    @staticmethod
    def difference_course(reports: list[dict], others: list[dict]) -> list[list[float]]:
        """[step, mean, half interval] of the paired differences, where both have the same steps."""
        pairs = [list(zip(report["evaluations"], other["evaluations"]))
                 for report, other in zip(reports, others)]
        return [[at[0][0]["step"], *mean_and_interval([a["score"] - b["score"] for a, b in at])]
                for at in zip(*pairs) if all(a["step"] == b["step"] for a, b in at)]

    @staticmethod
    def course(reports: list[dict], table: str, column: str) -> list[list[float]]:
        """[step, mean, half interval] at every step of a table."""
        return [[at[0]["step"], *mean_and_interval([row[column] for row in at])]
                for at in zip(*(report[table] for report in reports))]

    def halve(self) -> None:
        """Half as long: where the course matters more than its end, and runs are many."""
        for length in ("epochs", "steps"):
            if length in self.task:
                self.task[length] = (self.task[length] + 1) // 2

    def evaluate_every(self) -> int:
        return EVALUATE_EVERY.get(self.task["task"], 200)

    def quantized_arms(self, **more: object) -> dict[str, dict]:
        return {arm: {**self.task, **more, "arm": arm} for arm in ARMS}

    def scratch(self) -> list[dict]:
        arms = self.quantized_arms(**{"evaluate-every": self.evaluate_every()})
        rates = self.sweep(arms)
        return self.rows(self.measure(arms, rates), rates, "ste")

    def escape(self) -> list[dict]:
        self.halve()
        arms = self.quantized_arms(**{"measure-every": 20, "schedule": "constant"})
        del arms["float32"]
        rates = self.sweep(arms)
        reports = self.measure(arms, rates)
        rows = self.rows(reports, rates, "ste")
        for row in rows:
            for column in ("dead", "still_dead", "never_left", "forward_flips", "code_flips"):
                row[column] = self.course(reports[row["arm"]], "measurements", column)
        return rows

    def memories(self, networks: dict, task: dict) -> list[dict]:
        """Every memory, from the networks (kept runs by seed). With bt-zero there is no stored bit,
        so that its backward pass has none either: arm ste."""
        arms = {memory: {**task, "memory": memory, "evaluate-every": 50,
                         "arm": "ste" if memory == "bt-zero" else "szt"} for memory in MEMORIES}
        after = {(arm, seed): network if arm == "kept-latents" else (network[0], self.float_first)
                 for arm in arms for seed, network in networks.items()}
        rates = self.sweep(arms, after, MEMORY_RATES)
        return self.rows(self.measure(arms, rates, after), rates, "random-sign")

    def networks(self, arm: str) -> dict:
        networks = {seed: (self.runs.submit({**self.task, "arm": arm, "seed": seed}, keep=True),
                           False) for seed in (*self.seeds, *SWEEP_SEEDS)}
        reports = [networks[seed][0].result() for seed in self.seeds]
        finals = [report["final"] for report in reports]
        self.started_at = {"arm": arm, "rate": reports[0]["rate"], "finals": finals,
                           "final": mean_and_interval(finals)}
        return networks

    def second_task(self) -> dict:
        task = {**self.task, "steps": self.second_steps}
        task.pop("epochs", None)
        return task

    def reopen(self) -> list[dict]:
        self.float_first = False
        return self.memories(self.networks("szt"), {**self.second_task(), **self.other})

    def ptq(self) -> list[dict]:
        self.float_first = True
        networks = self.networks("float32")
        rows = self.memories(networks, self.second_task())
        shot = {**self.second_task(), "steps": 0, "memory": "szt"}
        arms = {f"untrained {arm}": {**shot, "arm": arm} for arm in ("szt", "four-level")}
        arms["untrained random-sign"] = {**shot, "arm": "four-level", "memory": "random-sign"}
        after = {(arm, seed): (network[0], True)
                 for arm in arms for seed, network in networks.items()}
        rates = dict.fromkeys(arms, RATES[0])
        return rows + self.rows(self.measure(arms, rates, after), rates, "untrained szt")

    def forget(self) -> list[dict]:
        rows = []
        self.halve()
        for every in FORGET_EVERY[self.task["task"]]:
            arms = {memory: {**self.task, "forget-every": every, "memory": memory,
                             "arm": "ste" if memory == "bt-zero" else "szt",
                             "evaluate-every": self.evaluate_every()} for memory in MEMORIES}
            del arms["kept-latents"]["forget-every"]  # nothing is forgotten: one run for every R
            rates = self.sweep(arms)
            rows += [{**row, "forget_every": every}
                     for row in self.rows(self.measure(arms, rates), rates, "random-sign")]
        return rows


def spikes(losses: list[float]) -> list[int]:
    """The steps, from 1, whose loss is more than twice the median of the 100 before it."""
    return [i + 1 for i in range(100, len(losses))
            if losses[i] > 2 * sorted(losses[i - 100:i])[50]]


def rate_list(text: str) -> tuple[float, ...]:
    return tuple(float(word) for word in text.split(","))


def late_mean(measurements: list[dict], column: str) -> float:
    """Mean over the second half of the rows."""
    late = measurements[len(measurements) // 2:]
    return sum(row[column] for row in late) / len(late)


def command(arguments: argparse.Namespace) -> str:
    """What makes the same result again, but for paths and jobs."""
    words = ["scripts/experiments.py", arguments.experiment, "--task", arguments.task,
             "--seeds", str(arguments.seeds)]
    if arguments.steps:
        words += ["--steps", str(arguments.steps)]
    if arguments.task == "text" and arguments.data != TEXTS / "sotu.txt":
        words += ["--data", arguments.data.name]
    if arguments.task == "text" and arguments.other_data != TEXTS / "moby-dick.txt":
        words += ["--other-data", arguments.other_data.name]
    if arguments.rates:
        words += ["--rates", ",".join(f"{rate:g}" for rate in arguments.rates)]
    if arguments.experiment == "reopen" and arguments.task != "text":
        words += ["--rotate", f"{arguments.rotate:g}"]
    name = f"{arguments.experiment}-{arguments.task}.json"
    return " ".join([*words, "--json", f"build/experiments/{name}"])


def table(rows: list[dict]) -> None:
    print(f"{'arm':<20} {'rate':>8} {'final':>9} {'±':>8} {'to':<13} {'':>8} {'±':>8} {'spikes':>7}")
    for row in rows:
        name = row["arm"] + (f" R={row['forget_every']}" if "forget_every" in row else "")
        print(f"{name:<20} {row['rate']:>8g} {row['final'][0]:>9.4f} {row['final'][1]:>8.4f} "
              f"{row['base']:<13} {row['difference'][0]:>+8.4f} {row['difference'][1]:>8.4f} "
              f"{row['spikes'][0]:>7.1f}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("experiment", choices=("escape", "scratch", "reopen", "ptq", "forget"))
    parser.add_argument("--task", choices=tuple(TASKS), default="fashion-mlp")
    parser.add_argument("--data", type=Path, default=TEXTS / "sotu.txt",
                        help="of the task text: the text to learn (what fetch_text.py got)")
    parser.add_argument("--other-data", type=Path, default=TEXTS / "moby-dick.txt",
                        help="of the task text: the text after reopening (likewise)")
    parser.add_argument("--rotate", type=float, default=30, help="degrees, of reopen (30)")
    parser.add_argument("--seeds", type=int, default=5, help="of the result (5)")
    parser.add_argument("--rates", type=rate_list, metavar="R,R,...",
                        help="of the sweep (0.0003,0.001,0.003,0.01; where 2-bit weights are "
                             "reopened 0.0001 too)")
    parser.add_argument("--steps", type=int, help="a run, in place of the task's own")
    parser.add_argument("--jobs", type=int, default=2, help="runs side by side, a thread each (2)")
    parser.add_argument("--szt", type=Path, default=Path("build/release/bin/szt"))
    parser.add_argument("--folder", type=Path, default=Path("build/experiments"))
    parser.add_argument("--json", type=Path, help="also write the rows")
    arguments = parser.parse_args()
    try:
        for data in (arguments.data, arguments.other_data):
            if arguments.task == "text" and not data.exists():
                raise Failure(f"{data}: not there; scripts/fetch_text.py gets two texts")
        if arguments.seeds < 2:
            raise Failure("--seeds: an interval needs at least 2")
        if arguments.jobs < 1:
            raise Failure("--jobs: at least 1")
        arguments.szt = arguments.szt.resolve()
        if not arguments.szt.is_file() or not os.access(arguments.szt, os.X_OK):
            raise Failure(f"{arguments.szt}: no such program; build it, or give --szt")
        if arguments.json and not arguments.json.parent.is_dir():
            raise Failure(f"{arguments.json.parent}: no such folder, for --json")
        experiments = Experiments(arguments)
        try:
            rows = getattr(experiments, arguments.experiment)()
        except BaseException:
            experiments.runs.give_up()
            raise
    except Failure as failure:
        print(f"experiments.py: {failure}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("experiments.py: interrupted; the same command goes on", file=sys.stderr)
        return 130
    table(rows)
    if arguments.json:
        head = {"experiment": arguments.experiment, "task": arguments.task,
                "command": command(arguments), "tool_versions": experiments.versions,
                "higher_is_better": experiments.higher_is_better, "seeds": list(experiments.seeds),
                "sweep_seeds": SWEEP_SEEDS, "started_at": experiments.started_at}
        lines = [json.dumps(significant(row)) for row in rows]
        arguments.json.write_text(json.dumps(significant(head))[:-1] + ', "rows": [\n'
                                  + ",\n".join(lines) + "\n]}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
