#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Draw and tabulate what experiments.py measured.

FOLDER holds its files EXPERIMENT-TASK.json; each becomes a picture, OUTPUT/EXPERIMENT-TASK.png and
.svg. --page FILE also rewrites that page's tables, between '<!-- experiment: NAME -->' and
'<!-- /experiment -->'. An experiment without a file is skipped, with a line.

Means and intervals are those of experiments.py, or made of its scores by seed with its own
function. Exit: 0 done, 2 bad usage or input.
"""

import argparse
import os
import sys
from pathlib import Path

from experiment_tables import (EXPERIMENTS, TASKS, Report, credited_courses, fill_page, paired,
                               tables)
from plotting import BLUE, GREEN, GREY, ORANGE, PURPLE, VERMILION, legend_on_top, plt, save
from training_runs import Failure

STYLES = {  # colour, line, marker
    "float32": (GREY, (0, (1, 1)), "x"), "dead-zone": (ORANGE, (0, (5, 1, 1, 1)), "v"),
    "ste": (BLUE, (0, (4, 1.5)), "s"), "szt": (VERMILION, "-", "o"),
    "four-level": (GREEN, (0, (6, 1, 1, 1, 1, 1)), "D"),
    "kept-latents": (GREY, (0, (1, 1)), "x"), "random-sign": (GREEN, (0, (5, 1, 1, 1)), "D"),
    "opposite-sign": (PURPLE, (0, (6, 1, 1, 1, 1, 1)), "v"), "bt-zero": (BLUE, (0, (4, 1.5)), "s"),
    "untrained szt": (ORANGE, (0, (1, 2)), "P"), "untrained four-level": (ORANGE, (0, (3, 2)), "*"),
    "untrained random-sign": (ORANGE, (0, (1, 4)), "+"),
}
CREDIT = {"szt": (VERMILION, "-", "o"), "random-sign": (BLUE, (0, (4, 1.5)), "s")}  # by minuend


def band(axes: plt.Axes, course: list, factor: float, style: tuple, label: str) -> None:
    """A mean against steps, with its interval."""
    colour, line, _ = style
    steps = [row[0] for row in course]
    mean = [factor * row[1] for row in course]
    half = [factor * row[2] for row in course]
    axes.plot(steps, mean, color=colour, linestyle=line, lw=1.5, label=label)
    axes.fill_between(steps, [m - h for m, h in zip(mean, half)],
                      [m + h for m, h in zip(mean, half)], color=colour, alpha=0.13, lw=0)


def courses(axes: plt.Axes, report: Report, group: dict[str, dict], zoom: float) -> None:
    """Scores against steps; the axis begins where the last arm is after a share `zoom` of them."""
    ends = []
    for arm, row in group.items():
        course = row["course"]
        if len(course) < 2:
            continue
        band(axes, course, report.factor, STYLES[arm], arm)
        later = [r[1] for r in course if r[0] >= zoom * course[-1][0]]
        ends += [report.factor * value for value in (min(later), max(later))]
    margin = 0.06 * (max(ends) - min(ends))
    axes.set_ylim(min(ends) - margin, max(ends) + 2 * margin)
    axes.set_xlim(left=0)
    axes.set_xlabel("step")
    axes.set_ylabel(f"test {report.score}")


def forest(axes: plt.Axes, report: Report, group: dict[str, dict]) -> None:
    """Every paired difference with its interval, and its seeds."""
    # What no training changed is on another scale, and in the table.
    contrasts = [one for one in report.contrasts(group) if len(one[0]["course"]) > 1]
    for y, (a, b, _) in enumerate(contrasts):
        mean, half = (report.factor * value for value in paired(a, b))
        colour = "black" if abs(mean) > half else "#999999"
        axes.plot([report.factor * (x - z) for x, z in zip(a["finals"], b["finals"])],
                  [y + 0.22] * len(a["finals"]), color=colour, linestyle="none", marker="|", ms=5,
                  alpha=0.7)
        axes.errorbar([mean], [y], xerr=[half], color=colour, marker="o", ms=4.5, capsize=3, lw=1.4)
    axes.axvline(0, color="black", lw=0.8)
    axes.set_yticks(range(len(contrasts)), [f"{a['arm']}\n− {b['arm']}" for a, b, _ in contrasts],
                    fontsize=8)
    axes.set_ylim(len(contrasts) - 0.4, -0.6)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel(f"difference at the end, {report.unit}\n"
                    "bars: 95 %, black: without 0; ticks: seeds")


def scratch(report: Report) -> plt.Figure:
    group = report.groups()[0][1]
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.8, 3.9), width_ratios=(1.35, 1))
    courses(left, report, group, 0.15)
    forest(right, report, group)
    legend_on_top(figure, left, len(group))
    return figure


def escape(report: Report) -> plt.Figure:
    group = report.groups()[0][1]
    figure, ((dead, flips), (spikes, right)) = plt.subplots(2, 2, figsize=(8.8, 6.8))
    for arm, row in group.items():
        band(dead, row["still_dead"], 100, STYLES[arm], arm)
        band(flips, row["forward_flips"], 100, STYLES[arm], arm)
    dead.set_ylabel("of the weights that began in the\ndead zone: still or again in it, %")
    flips.set_ylabel("forward values changed a step, %")
    flips.set_yscale("log")
    for axes in (dead, flips):
        axes.set_xlabel("step")
        axes.set_xlim(left=0)
    for y, (arm, row) in enumerate(group.items()):
        colour, _, marker = STYLES[arm]
        counts = [len(steps) for steps in row["spike_steps"]]
        spikes.plot(counts, [y + 0.22] * len(counts), color=colour, linestyle="none", marker="|",
                    ms=5, alpha=0.7)
        spikes.errorbar([row["spikes"][0]], [y], xerr=[row["spikes"][1]], color=colour,
                        marker=marker, ms=4.5, capsize=3, lw=1.4)
    spikes.set_yticks(range(len(group)), list(group), fontsize=8)
    spikes.set_ylim(len(group) - 0.4, -0.6)
    spikes.grid(axis="y", visible=False)
    spikes.set_xlabel("loss spikes a run\n(loss above twice the median of 100 steps)")
    forest(right, report, group)
    legend_on_top(figure, dead, len(group))
    return figure


def memories(report: Report) -> plt.Figure:
    group = report.groups()[0][1]
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(11.4, 4.0))
    courses(left, report, group, 0.04)
    low, high = left.get_ylim()
    for name, row in group.items():  # what is not trained is a line across, if it is near
        level = report.factor * row["final"][0]
        if len(row["course"]) < 2 and low < level < high:
            colour, line, _ = STYLES[name]
            left.axhline(level, color=colour, lw=1, linestyle=line, label=name)
    for a, b, _, course in credited_courses(group):
        band(middle, course, report.factor, CREDIT[a], f"{a} − {b}")
    middle.axhline(0, color="black", lw=0.8)
    middle.set_xlabel("step")
    middle.set_xlim(left=0)
    middle.set_ylabel(f"difference, {report.unit}")
    middle.legend(loc="best")
    forest(right, report, group)
    legend_on_top(figure, left, len(group))
    return figure


def forget(report: Report) -> plt.Figure:
    groups = report.groups()
    every = [r for r, _ in groups]
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.8, 3.9))
    for arm in groups[0][1]:
        colour, line, marker = STYLES[arm]
        finals = [group[arm]["final"] for _, group in groups]
        left.errorbar(every, [report.factor * mean for mean, _ in finals],
                      yerr=[report.factor * half for _, half in finals], color=colour,
                      linestyle=line, marker=marker, ms=4, capsize=3, lw=1.4, label=arm)
    for a, b, *_ in credited_courses(groups[0][1]):
        colour, line, marker = CREDIT[a]
        found = [paired(group[a], group[b]) for _, group in groups]
        right.errorbar(every, [report.factor * mean for mean, _ in found],
                       yerr=[report.factor * half for _, half in found], color=colour,
                       linestyle=line, marker=marker, ms=4, capsize=3, lw=1.4, label=f"{a} − {b}")
    right.axhline(0, color="black", lw=0.8)
    right.margins(y=0.25)
    right.legend(loc="upper right")
    left.set_ylabel(f"test {report.score}, at the end")
    right.set_ylabel(f"difference at the end, {report.unit}")
    for axes in (left, right):
        axes.set_xscale("log")
        axes.set_xticks(every, [str(r) for r in every])
        axes.minorticks_off()
        axes.set_xlabel("steps between two losses of memory, R")
    legend_on_top(figure, left, len(groups[0][1]))
    return figure


DRAW = {"scratch": scratch, "escape": escape, "reopen": memories, "ptq": memories,
        "forget": forget}


def picture_address(page: Path, output: Path, report: Report) -> str:
    return Path(os.path.relpath(output / f"{report.name}.png", page.parent)).as_posix()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=Path("build/experiments"),
                        metavar="FOLDER", help="where the reports are (build/experiments)")
    parser.add_argument("--output", type=Path, default=Path("build/plots"), metavar="FOLDER",
                        help="where the pictures go (build/plots)")
    parser.add_argument("--page", type=Path, metavar="FILE", help="Markdown page to fill")
    options = parser.parse_args()
    try:
        if not options.folder.is_dir():
            raise Failure(f"{options.folder}: no such folder; experiments.py --json writes there")
        reports: dict[str, list[Report]] = {experiment: [] for experiment in EXPERIMENTS}
        missing: dict[str, list[str]] = {experiment: [] for experiment in EXPERIMENTS}
        for experiment in EXPERIMENTS:
            for task in TASKS:
                path = options.folder / f"{experiment}-{task}.json"
                if path.exists():
                    reports[experiment].append(Report(path))
                else:
                    missing[experiment].append(task)
                    print(f"{path}: not there, skipped")
        if not any(reports.values()):
            raise Failure(f"{options.folder}: no report of experiments.py")
        blocks = {}
        for experiment in EXPERIMENTS:
            parts = [tables(report, picture_address(options.page or Path(), options.output, report))
                     for report in reports[experiment]]
            if missing[experiment]:
                parts.append("Not run yet: " + ", ".join(f"`{t}`" for t in missing[experiment])
                             + ".\n")
            blocks[experiment] = "\n".join(parts)
        if options.page:
            filled = fill_page(options.page.read_text(), options.page, blocks)
        for report in (one for of_one in reports.values() for one in of_one):
            try:
                figure = DRAW[report.experiment](report)
            except (KeyError, TypeError, ValueError, IndexError) as error:
                raise Failure(
                    f"{report.path}: not as this experiments.py writes it ({error!r})") from error
            save(figure, options.output, report.name)
        if options.page:
            options.page.write_text(filled)
            print(options.page)
    except (Failure, OSError) as error:
        print(f"plot_experiments.py: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
