#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Draw what `szt theory` and `szt inspect --histogram` computed.

Each REPORT is a file that one of these wrote with --json; what it holds decides the pictures:

  szt theory phi            state_change   probability of a state change, BT and SZT
  szt theory mfpt           first_passage  ratio of the two first-passage times, and its limit
  szt inspect --histogram   dead_zone      share of each tensor's weights in the dead zone
                            sqnr           how well three and four levels reconstruct each tensor

Each picture becomes FOLDER/NAME.png and FOLDER/NAME.svg. Every number is the tool's; nothing is
computed here. Exit: 0 drawn, 2 bad usage or input.
"""

import argparse
import json
import sys
from pathlib import Path

from plotting import BLUE, GREEN, GREY, VERMILION, legend_on_top, plt, save

# matplotlib itself only after plotting.py, which says what to install where there is none.
from matplotlib.ticker import LogLocator, NullFormatter, PercentFormatter

LABELS_AT_MOST = 60


class Failure(Exception):
    """Bad input: one line."""


def error_bars(axes: plt.Axes, x: list, rows: list[dict], name: str, **style: object) -> None:
    """Monte-Carlo estimates `name` with their intervals."""
    y = [row[name] for row in rows]
    low = [row[name] - row[f"{name}_low"] for row in rows]
    high = [row[f"{name}_high"] - row[name] for row in rows]
    axes.errorbar(x, y, yerr=[low, high], linestyle="none", capsize=0, elinewidth=0.9, **style)


def state_change(report: dict) -> plt.Figure:
    rows = report["rows"]
    sigmas = list(dict.fromkeys(row["sigma"] for row in rows))
    figure, grid = plt.subplots(2, len(sigmas), sharex=True, sharey="row", squeeze=False,
                                figsize=(1.6 + 3.1 * len(sigmas), 5.2))
    for column, sigma in enumerate(sigmas):
        part = [row for row in rows if row["sigma"] == sigma]
        x = [row["w"] / row["threshold"] for row in part]
        every = max(1, len(part) // 40)
        for axes in grid[:, column]:
            for name, label, colour, line, marker in (
                    ("szt", "SZT: the code", VERMILION, "-", "o"),
                    ("bt", "BT: the forward value", BLUE, (0, (4, 1.5)), "s")):
                axes.plot(x, [row[name] for row in part], color=colour, linestyle=line, lw=1.6,
                          label=label)
                # A logarithm has no place for the estimate 0.
                seen = [row for row in part[::every] if row.get(f"{name}_mc")
                        or axes is grid[0, column] and f"{name}_mc" in row]
                if seen:
                    error_bars(axes, [row["w"] / row["threshold"] for row in seen], seen,
                               f"{name}_mc", color=colour, marker=marker, ms=3, mfc="white",
                               mew=0.9, label=label + ", through the encoder (99 %)")
        grid[0, column].set_title(f"noise σ = {sigma / part[0]['threshold']:g} Δ")
        grid[0, column].set_ylim(-0.02, 0.6)
        grid[1, column].set_yscale("log")
        grid[1, column].set_ylim(1e-6, 1.5)
        grid[1, column].set_xlabel("weight w / Δ")
    grid[0, 0].set_ylabel("P[state changes]")
    grid[1, 0].set_ylabel("the same, logarithmic")
    legend_on_top(figure, grid[0, 0], 2, rows=2)
    return figure


def first_passage(report: dict) -> plt.Figure:
    rows = sorted((row for row in report["rows"] if row["drift"] == 0),
                  key=lambda row: row["sigma"])
    if len(rows) < 2:
        raise Failure("first_passage needs two sigmas or more without drift")
    x = [row["sigma"] / row["threshold"] for row in rows]
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.7))
    left.axhline(4, color=GREY, lw=1.2, linestyle=(0, (4, 2)), label="closed form of the diffusion")
    left.plot(x, [row["ratio_shifted"] for row in rows], color=GREEN, lw=1.4,
              label="boundaries moved by 0.5826 σ")
    left.plot(x, [row["ratio_discrete"] for row in rows], color=BLUE, linestyle="none", marker="D",
              ms=5, label="integral equation of the steps")
    if "ratio_mc" in rows[0]:
        error_bars(left, x, rows, "ratio_mc", color=VERMILION, marker="o", ms=4, mfc="white",
                   label="paths through the encoder, 99 %")
    left.set_xscale("log")
    left.set_xlabel("noise of a step σ / Δ")
    left.set_ylabel("exit from the dead zone /\nfirst change of the code")
    left.legend(loc="lower left")
    right.plot(x, [4 - row["ratio_shifted"] for row in rows], color=GREEN, lw=1.4,
               label="boundaries moved by 0.5826 σ")
    right.plot(x, [4 - row["ratio_discrete"] for row in rows], color=BLUE, linestyle="none",
               marker="D", ms=5, label="integral equation of the steps")
    right.set_xscale("log")
    right.set_yscale("log")
    right.set_xlabel("noise of a step σ / Δ")
    right.set_ylabel("4 − ratio")
    right.legend(loc="upper left")
    for axes in (left, right):
        axes.xaxis.set_minor_locator(LogLocator(subs="auto"))
        axes.xaxis.set_minor_formatter(NullFormatter())
    return figure


def short_names(rows: list[dict]) -> list[str]:
    """Names without what all of them begin and end with, cut at dots."""
    parts = [row["tensor"].split(".") for row in rows]
    common = 0
    while len(parts) > 1 and all(len(p) > common + 1 for p in parts) \
            and len({p[common] for p in parts}) == 1:
        common += 1
    last = {p[-1] for p in parts}
    keep = -1 if last == {"weight"} and all(len(p) > common + 1 for p in parts) else None
    names = [".".join(p[common:keep]) for p in parts]
    return [name if len(name) <= 44 else "…" + name[-43:] for name in names]


def tensor_panels(rows: list[dict]) -> tuple[plt.Figure, list[plt.Axes]]:
    """A panel a rule, a line a tensor."""
    rules = [rule["rule"] for rule in rows[0]["rules"]]
    height = min(1.7 + 0.165 * len(rows), 14)
    figure, axes = plt.subplots(1, len(rules), sharey=True, figsize=(9.2, max(height, 2.4)))
    every = -(-len(rows) // LABELS_AT_MOST)
    axes[0].set_yticks(range(0, len(rows), every), short_names(rows)[::every], fontsize=7.5)
    axes[0].set_ylim(len(rows) - 0.3, -0.7)
    for panel, rule in zip(axes, rules, strict=True):
        panel.set_title(rule)
    return figure, list(axes)


def dead_zone(report: dict) -> plt.Figure:
    rows = report["rows"]
    figure, panels = tensor_panels(rows)
    y = range(len(rows))
    for index, axes in enumerate(panels):
        under = [row["rules"][index] for row in rows]
        axes.plot([rule["gaussian_share"] for rule in under], y, color=BLUE, lw=1.5,
                  label="Gaussian of the same mean |w|")
        axes.plot([rule["laplace_share"] for rule in under], y, color=GREEN, lw=1.5,
                  linestyle=(0, (4, 1.5)), label="Laplace of the same mean |w|")
        axes.plot([rule["dead_zone_share"] for rule in under], y, color=VERMILION,
                  linestyle="none", marker="o", ms=4, label="the tensor")
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    legend_on_top(figure, panels[0], 3)
    panels[len(panels) // 2].set_xlabel("share of the weights in the dead zone, |w| ≤ Δ")
    return figure


def sqnr(report: dict) -> plt.Figure:
    rows = report["rows"]
    figure, panels = tensor_panels(rows)
    for index, axes in enumerate(panels):
        under = [(y, row["rules"][index]) for y, row in enumerate(rows)
                 if row["rules"][index]["sqnr_forward_db"] is not None]
        y = [place for place, _ in under]
        three = [rule["sqnr_forward_db"] for _, rule in under]
        four = [rule["sqnr_backward_db"][2] for _, rule in under]
        axes.hlines(y, three, four, color="#BBBBBB", lw=1)
        axes.plot(three, y, color=BLUE, linestyle="none", marker="s", ms=3.6,
                  label="three levels (forward)")
        axes.plot(four, y, color=VERMILION, linestyle="none", marker="o", ms=4,
                  label="four levels (backward, k = 2)")
    legend_on_top(figure, panels[0], 2)
    panels[len(panels) // 2].set_xlabel("signal to quantisation noise, dB")
    return figure


PICTURES = {
    "theory phi": {"state_change": state_change},
    "theory mfpt": {"first_passage": first_passage},
    "inspect --histogram": {"dead_zone": dead_zone, "sqnr": sqnr},
}


def read_report(path: Path) -> dict:
    try:
        report = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise Failure(f"{path}: {error}") from error
    if not isinstance(report, dict) or report.get("command") not in PICTURES \
            or not report.get("rows"):
        raise Failure(f"{path}: no report of " + ", ".join(f"'szt {c}'" for c in PICTURES))
    return report


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reports", nargs="+", type=Path, metavar="REPORT")
    parser.add_argument("--output", type=Path, default=Path("build/plots"), metavar="FOLDER",
                        help="where the pictures go (default: build/plots)")
    options = parser.parse_args()
    try:
        for path in options.reports:
            report = read_report(path)
            for name, draw in PICTURES[report["command"]].items():
                try:
                    figure = draw(report)
                except (KeyError, TypeError) as error:
                    raise Failure(f"{path}: not as this szt writes it ({error!r})") from error
                save(figure, options.output, name)
    except (Failure, OSError) as error:
        print(f"plot_theory.py: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
