# SPDX-License-Identifier: Apache-2.0
"""What experiments.py wrote, as numbers to show and as Markdown; for plot_experiments.py (not a
command)."""

import json
import re
from pathlib import Path

from training_runs import Failure, deviation_and_interval, mean_and_interval

EXPERIMENTS = ("scratch", "escape", "reopen", "ptq", "forget")
TASKS = ("fashion-mlp", "fashion-cnn", "text")
WITH_MEMORIES = ("reopen", "ptq", "forget")

# Bits a weight of what is stored, scales and thresholds (two numbers a layer) aside. What has three
# values, or four whose fourth is drawn anew from a seed, is stored five weights to a byte.
BITS = {
    "float32": "32", "dead-zone": "1.6", "ste": "1.6", "szt": "2.0", "four-level": "2.0",
    "kept-latents": "32 + 2", "random-sign": "1.6", "opposite-sign": "2.0", "bt-zero": "1.6",
    "untrained szt": "1.6", "untrained four-level": "2.0",
    "untrained random-sign": "1.6",
}
# Differences shown, and what each of them is.
OF_ARMS = (
    ("szt", "ste", "the zeros' signs in the input gradient"),
    ("ste", "dead-zone", "a gradient for weights in the dead zone, which needs no sign"),
    ("szt", "dead-zone", "both"),
    ("four-level", "szt", "the zeros' signs in the forward pass too"),
    ("szt", "float32", "the price of ternary weights"),
)
OF_MEMORIES = (
    ("szt", "random-sign", "what the stored bit buys"),
    ("random-sign", "bt-zero", "the effect of a non-zero inner level"),
    ("szt", "bt-zero", "both"),
    ("opposite-sign", "random-sign", "a wrong bit against a random one"),
    ("kept-latents", "szt", "what 2 bits a weight lose"),
    ("untrained four-level", "untrained szt", "four levels instead of three, no training"),
    ("untrained four-level", "untrained random-sign", "the stored bit there, no training"),
)
CREDITED = OF_MEMORIES[:2]


class Report:
    """A file of experiments.py."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.json = json.loads(path.read_text())
        except (OSError, ValueError) as error:
            raise Failure(f"{path}: {error}") from error
        try:
            self.experiment, self.task = self.json["experiment"], self.json["task"]
            self.rows = self.json["rows"]
            self.command, self.seeds = self.json["command"], self.json["seeds"]
            higher = self.json["higher_is_better"]
        except (KeyError, TypeError) as error:
            raise Failure(f"{path}: not as this experiments.py writes it ({error!r})") from error
        self.name = f"{self.experiment}-{self.task}"
        if self.name != path.stem:
            raise Failure(f"{path}: holds {self.name}")
        if not self.rows:
            raise Failure(f"{path}: no rows")
        self.higher = higher
        self.factor, self.digits = (100, 2) if higher else (1, 4)
        self.score, self.unit = ("accuracy, %", "points") if higher else ("bits a character",) * 2
        self.of_memories = self.experiment in WITH_MEMORIES

    def groups(self) -> list[tuple[int | None, dict[str, dict]]]:
        """Rows by arm; of forget, for each number of steps between two losses of memory."""
        every = dict.fromkeys(row.get("forget_every") for row in self.rows)
        return [(r, {row["arm"]: row for row in self.rows if row.get("forget_every") == r})
                for r in every]

    def contrasts(self, group: dict[str, dict]) -> list[tuple[dict, dict, str]]:
        return [(group[a], group[b], meaning)
                for a, b, meaning in (OF_MEMORIES if self.of_memories else OF_ARMS)
                if a in group and b in group]

    def number(self, pair: tuple[float, float], sign: str = "") -> str:
        return plus_minus(pair, self.factor, self.digits, sign)


def plus_minus(pair: tuple[float, float], factor: float, digits: int, sign: str = "") -> str:
    mean, half = (round(factor * value, digits) for value in pair)
    return f"{mean:{sign if mean else ''}z.{digits}f} ± {half:.{digits}f}".replace("-", "−")


def paired(a: dict, b: dict, of: str = "finals") -> tuple[float, float]:
    """Mean and half interval of the differences by seed."""
    return mean_and_interval([x - y for x, y in zip(a[of], b[of], strict=True)])


def reading(difference: tuple[float, float], higher_is_better: bool) -> str:
    """What an interval says: nothing, where 0 is in it."""
    mean, half = difference
    if abs(mean) <= half:
        return "not told apart"
    return "**better**" if (mean > 0) == higher_is_better else "**worse**"


def edge(row: dict) -> str:
    """Whether the best learning rate is the lowest or the highest that was tried."""
    rates = [rate for rate, _ in row["swept"]]
    if len(rates) < 2 or min(rates) < row["rate"] < max(rates):
        return ""
    return "lowest tried" if row["rate"] == min(rates) else "highest tried"


def markdown(head: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(cells) + " |" for cells in (head, *rows)]
    return "\n".join([lines[0], "|" + "---|" * len(head), *lines[1:]]) + "\n"


def rate_cell(rate: float) -> str:
    return f"{rate:g}"


def in_scales(row: dict) -> str:
    if not row["rate_in_scales"]:
        return "–"
    low, high = (f"{value:.2g}" for value in row["rate_in_scales"])
    return f"{low} α" if low == high else f"{low}–{high} α"


def name_of(row: dict) -> str:
    return f"`{row['arm']}`"


def difference_name(a: dict, b: dict) -> str:
    return f"{name_of(a)} − {name_of(b)}"


def scores_table(report: Report) -> str:
    forgets = report.experiment == "forget"
    with_bits = report.experiment != "escape"
    head = (["R"] if forgets else []) + ["arm"] + (["bits a weight stored"] if with_bits else []) \
        + ["rate", "rate of the layers", report.score]
    rows = []
    for every, group in report.groups():
        for arm, row in group.items():
            trained = not arm.startswith("untrained")
            rows.append(([str(every)] if forgets else []) + [name_of(row)]
                        + ([BITS[arm]] if with_bits else [])
                        + [rate_cell(row["rate"]) if trained else "–",
                           in_scales(row) if trained else "–", report.number(row["final"])])
    return markdown(head, rows)


def contrasts_table(report: Report) -> str:
    forgets = report.experiment == "forget"
    rows = []
    for every, group in report.groups():
        for a, b, meaning in report.contrasts(group):
            difference = paired(a, b)
            rows.append(([str(every)] if forgets else []) +
                        [difference_name(a, b), meaning, report.number(difference, "+"),
                         reading(difference, report.higher)])
    return markdown((["R"] if forgets else []) +
                    ["difference, paired by seed", "what it is", report.unit, "reads as"], rows)


def sweep_table(report: Report) -> str:
    forgets = report.experiment == "forget"
    swept = [(every, row) for every, group in report.groups() for row in group.values()
             if row["swept"]]
    rates = sorted({rate for _, row in swept for rate, _ in row["swept"]})
    rows = []
    for every, row in swept:
        scores = dict(row["swept"])
        cells = []
        for rate in rates:
            cell = f"{report.factor * scores[rate]:.{report.digits}f}" if rate in scores else "–"
            cells.append(f"**{cell}**" if rate == row["rate"] else cell)
        rows.append(([str(every)] if forgets else []) + [name_of(row), *cells, edge(row)])
    return markdown((["R"] if forgets else []) +
                    ["arm", *map(rate_cell, rates), "best is at the edge"], rows)


def common_spikes(row: dict, rows: list[dict]) -> str:
    """How many of a row's spikes another arm has too, at the same step of the same seed: the same
    batch. With the number of all."""
    all_of = sum(len(steps) for steps in row["spike_steps"])
    common = sum(any(step in other["spike_steps"][seed] for other in rows if other is not row)
                 for seed, steps in enumerate(row["spike_steps"]) for step in steps)
    return f"{common} of {all_of}"


def stability_table(report: Report) -> str:
    rows = []
    for row in report.rows:
        flips = [plus_minus(row[column], 100, 4) if column in row else "–"
                 for column in ("late_forward_flips", "late_code_flips")]
        deviation, low, high = (f"{report.factor * value:.{report.digits}f}"
                                for value in deviation_and_interval(row["finals"]))
        rows.append([name_of(row), plus_minus(row["spikes"], 1, 1),
                     common_spikes(row, report.rows), f"{deviation} ({low}–{high})", *flips])
    return markdown(["arm", "loss spikes a run", "in another arm too",
                     f"deviation over seeds, {report.unit}",
                     "forward values changed a step, %", "codes changed a step, %"], rows)


def spikes_table(report: Report) -> str:
    rows = []
    for a, b, _ in report.contrasts(report.groups()[0][1]):
        difference = mean_and_interval([len(x) - len(y) for x, y in zip(
            a["spike_steps"], b["spike_steps"], strict=True)])
        rows.append([difference_name(a, b),
                     plus_minus(difference, 1, 1, "+"),
                     reading(difference, higher_is_better=False)])
    return markdown(["difference, paired by seed", "loss spikes a run", "reads as"], rows)


def at_share(course: list[list[float]], share: float) -> list[float]:
    """The first row at or after a share of the steps."""
    return next(row for row in course if row[0] >= share * course[-1][0])


def ends_table(report: Report) -> str:
    """Where the weights that began in the dead zone ended, in percent."""
    rows = [[name_of(row), *(plus_minus(mean_and_interval(row["ends"][column]), 100, 2)
                             for column in ("still_dead", "never_left", "dead"))]
            for row in report.rows if "ends" in row]
    return markdown(["weights that began in the dead zone", "in it at the end, %",
                     "never seen outside, %", "of all weights, in it at the end, %"], rows)


def escape_table(report: Report) -> str:
    """Of the weights that began in the dead zone; in percent."""
    shares = (0.05, 0.25, 0.5, 1)
    steps = [at_share(report.rows[0]["still_dead"], share)[0] for share in shares]

    def cell(row: list[float]) -> str:
        return plus_minus(row[1:], 100, 2)

    rows = [[name_of(row), *(cell(at_share(row["still_dead"], share)) for share in shares),
             cell(row["never_left"][-1]), cell(row["dead"][-1])] for row in report.rows]
    return markdown(["arm", *(f"in it at step {step:,}" for step in steps), "never seen outside",
                     "of all weights, in it at the end"], rows)


def escape_contrasts_table(report: Report) -> str:
    rows = []
    for a, b, _ in report.contrasts(report.groups()[0][1]):
        if "ends" not in a or "ends" not in b:
            continue
        rows.append([difference_name(a, b),
                     *(plus_minus(paired(a["ends"], b["ends"], column), 100, 2, "+")
                       for column in ("still_dead", "never_left"))])
    return markdown(["difference, paired by seed", "in the dead zone at the end, points",
                     "never seen outside, points"], rows)


def credited_courses(group: dict[str, dict]) -> list[tuple[str, str, str, list[list[float]]]]:
    """The differences that are credited, [step, mean, half interval], after the first step."""
    courses = []
    for a, b, meaning in CREDITED:
        # Courses of differences are to random-sign, which is one of the two in both.
        row, sign = (group[a], 1) if group[a]["base"] == b else (group[b], -1)
        courses.append((a, b, meaning, [[step, sign * mean, half]
                                        for step, mean, half in row["difference_course"] if step]))
    return courses


def course_table(report: Report) -> str:
    group = report.groups()[0][1]
    shares = (0.01, 0.1, 0.2, 0.5, 1)
    rows, steps = [], []
    for a, b, _, course in credited_courses(group):
        # Each step once: a short course has few.
        chosen = list({point[0]: point for point in (at_share(course, share)
                                                     for share in shares)}.values())
        steps = [step for step, _, _ in chosen]
        rows.append([f"`{a}` − `{b}`",
                     *(report.number((mean, half), "+") for _, mean, half in chosen)])
    return markdown([f"difference, {report.unit}", *(f"step {step:,}" for step in steps)], rows)


def span(numbers: list[int]) -> str:
    if len(numbers) > 2 and numbers == list(range(numbers[0], numbers[-1] + 1)):
        return f"{numbers[0]}–{numbers[-1]}"
    return ", ".join(map(str, numbers))


def provenance(report: Report) -> str:
    versions = report.json["tool_versions"]
    steps = report.rows[0]["course"][-1][0]
    text = (f"`{report.task}`: {steps:,} steps a run; {len(report.seeds)} seeds "
            f"({span(report.seeds)}), rates chosen on seeds {span(report.json['sweep_seeds'])}; "
            "means ± 95 % intervals over seeds. "
            + ", ".join(f"{name} {version}" for name, version in versions.items()) + ".")
    return f"{text}\n\n```sh\n{report.command}\n```\n"


def start_line(report: Report) -> str:
    start = report.json["started_at"]
    trained = next(row for row in report.rows if row["swept"])
    first = trained["course"][0]
    text = (f"The networks that it starts at (`{start['arm']}`, rate {rate_cell(start['rate'])}): "
            f"{report.score.split(',')[0]} {report.number(start['final'])}")
    if first[0] == 0:
        text += f"; as 2-bit weights on the task of this experiment, before its first step: " \
                f"{report.number(first[1:])}"
    return text + ".\n"


def tables(report: Report, picture: str) -> str:
    """All that the results page shows of a report; `picture`: address of the plot."""
    experiment = report.experiment
    try:
        parts = [provenance(report)]
        if report.json["started_at"]:
            parts.append(start_line(report))
        parts += [scores_table(report), contrasts_table(report)]
        if experiment in ("reopen", "ptq"):
            parts.append(course_table(report))
        if not report.of_memories:
            parts += [escape_table(report) if experiment == "escape" else ends_table(report),
                      escape_contrasts_table(report)]
            parts += [stability_table(report), spikes_table(report)]
        parts += [f"![{experiment}, {report.task}]({picture})\n",
                  "The sweep (means of its seeds, " + report.score + "):\n", sweep_table(report)]
    except (KeyError, TypeError, ValueError, IndexError, StopIteration) as error:
        raise Failure(f"{report.path}: not as this experiments.py writes it ({error!r})") from error
    return "\n".join(parts)


MARKED = re.compile(r"(<!-- experiment: (\S+) -->\n).*?(<!-- /experiment -->\n)", re.DOTALL)


def fill_page(text: str, where: Path, blocks: dict[str, str]) -> str:
    """`text` with what is between each pair of marks replaced by its experiment's block."""
    marks = [match[2] for match in MARKED.finditer(text)]
    if sorted(marks) != sorted(blocks):
        raise Failure(f"{where}: needs the marks of {', '.join(blocks)}, once each; has "
                      + (", ".join(marks) or "none"))
    return MARKED.sub(lambda match: f"{match[1]}\n{blocks[match[2]]}\n{match[3]}", text)
