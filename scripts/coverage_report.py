# SPDX-License-Identifier: Apache-2.0
"""The report of coverage.py as text and as a page (not a command)."""

from collections import defaultdict

from coverage_lines import JUDGED, judged, ranges
from coverage_rtl import Rtl, folded
from regress_report import columns, length

KINDS = ("line", "toggle", "user")


def percent(covered: int, total: int) -> str:
    """100 % only where nothing is left."""
    if not total:
        return "-"
    return "100 %" if covered == total else f"{min(100 * covered / total, 99.9):.1f} %"


def totals(result: dict) -> dict:
    """Covered and to cover, for the regressions' report too."""
    found = {}
    for kind in KINDS:
        cells = [row[kind] for row in result["rtl"]]
        found[kind] = [sum(cell["covered"] for cell in cells),
                       sum(cell["points"] - cell["excluded"] for cell in cells)]
    found["functional"] = [result["functional_total"]["hit"], result["functional_total"]["bins"]]
    found["cmodel"] = list(judged(result["cpp"])) if result["cpp"] else [0, 0]
    return found


def unmet(result: dict, goal: float) -> list[str]:
    """Why the exit status is 1."""
    lines = [f"failed: {name}" for name in result["failed"]]
    if result["quick"]:
        return lines  # the other configurations are missing
    lines += result["wrong"]
    for kind in (*KINDS, "functional"):
        covered, total = result["totals"][kind]
        if covered < total:
            lines.append(f"{kind}: {total - covered} of {total} not covered")
    covered, total = result["totals"]["cmodel"]
    if total and 100 * covered < goal * total:
        lines.append(f"cmodel: {percent(covered, total)} of the lines, below {goal:g} %")
    return lines


def gap_lines(rtl: Rtl, result: dict) -> list[str]:
    lines = folded(rtl.gaps())
    for row in result["functional"]:
        lines += [f"{row['group']}: {row['what']}: {name}" for name, count in row["hits"].items()
                  if not count]
    return lines


def cell(of: dict) -> str:
    total = of["points"] - of["excluded"]
    return f"{of['covered']}/{total}" if total else "-"


def rtl_rows(result: dict) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    header = ("module", "line and branch", "", "toggle", "", "excluded", "user")
    rows = []
    for row in result["rtl"]:
        cells = []
        for kind in ("line", "toggle"):
            of = row[kind]
            cells += [cell(of), percent(of["covered"], of["points"] - of["excluded"])]
        left_out = sum(row[kind]["excluded"] for kind in KINDS)
        rows.append((row["file"].removesuffix(".sv"), *cells, str(left_out), cell(row["user"])))
    total = result["totals"]
    rows.append(("total", *(text for kind in ("line", "toggle") for text in
                            ("/".join(map(str, total[kind])), percent(*total[kind]))),
                 str(sum(row[kind]["excluded"] for row in result["rtl"] for kind in KINDS)),
                 "/".join(map(str, total["user"])) if total["user"][1] else "-"))
    return header, rows


def functional_rows(result: dict) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    rows = []
    for row in result["functional"]:
        hits = list(row["hits"].values())
        hit = sum(count > 0 for count in hits)
        rows.append((row["group"], row["what"], f"{hit}/{len(hits)}", percent(hit, len(hits)),
                     str(row["ignored"] or ""), f"{min(hits):,}"))
    total = result["functional_total"]
    rows.append(("total", "", f"{total['hit']}/{total['bins']}",
                 percent(total["hit"], total["bins"]), str(total["ignored"]), ""))
    return ("group", "coverpoint or cross", "bins hit", "", "ignored", "fewest hits"), rows


def cpp_rows(result: dict) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    return ("folder", "files", "lines", "covered", ""), [
        (row["folder"], str(row["files"]), str(row["lines"]), str(row["covered"]),
         percent(row["covered"], row["lines"])) for row in result["cpp"]]


def text(result: dict, gaps: int) -> str:
    parts = [*columns(*rtl_rows(result), 1), "", *columns(*functional_rows(result), 2), ""]
    if result["cpp"]:
        parts += [*columns(*cpp_rows(result), 1), ""]
        parts += [f"did not run: {name}: {ranges(missing)}"
                  for name, missing, _ in result["cpp_worst"]]
    found = result["gap_lines"]
    parts += [f"gap: {line}" for line in found[:gaps]]
    if len(found) > gaps:
        parts.append(f"gap: and {len(found) - gaps} more lines; all are in the JSON")
    parts += [f"wrong: {line}" for line in result["wrong"]]
    parts += [f"unmet: {line}" for line in result["unmet"] if line not in result["wrong"]]
    total = result["totals"]
    parts.append("; ".join(f"{name} {percent(*total[name])}" for name in
                           ("line", "toggle", "functional", "cmodel"))
                 + f"; {length(result['seconds'])}"
                 + ("; quick, no goal judged" if result["quick"] else ""))
    return "\n".join(parts)


def markdown(header: tuple[str, ...], rows: list[tuple[str, ...]], left: int) -> list[str]:
    lines = ["| " + " | ".join(header) + " |",
             "|" + "---|" * left + "---:|" * (len(header) - left)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def page(result: dict) -> str:
    tools = ", ".join(f"{name} {value}" for name, value in result["tool_versions"].items())
    lines = ["# Coverage", "",
             f"Written by `scripts/coverage.py --readme`; {tools}. Suites on "
             f"{', '.join(f'`{name}`' for name in result['configs'])}.", "",
             "## RTL", "",
             "Points of Verilator, of all instances of a module together: blocks and branches, and "
             "bits that changed at least once. Covered of those that are not excluded.", "",
             *markdown(*rtl_rows(result), 1), ""]
    if not result["totals"]["user"][1]:
        lines += ["The RTL has no cover properties; its assertions end a simulation.", ""]
    lines += ["## Functional", "", "Bins of `plan.json`.", "",
              *markdown(*functional_rows(result), 2), ""]
    if result["cpp"]:
        lines += ["## C++", "", "Lines with code, by gcov. The goal is 95 % of "
                  + " and ".join(f"`{name}`" for name in JUDGED)
                  + " together; the trainer (libtorch) and the SystemC models are not built here.",
                  "", *markdown(*cpp_rows(result), 1), ""]
    lines += ["## What is left", ""]
    left = [*result["wrong"], *result["gap_lines"]]
    lines += [f"- {line}" for line in left] or ["Nothing."]
    lines += ["", "## Exclusions", "",
              "Of `exclusions.json`: what no test can or need reach, and why. An entry that "
              "leaves out nothing, or anything that is covered, is an error.", ""]
    by_file = defaultdict(list)
    for entry in result["exclusions"]:
        by_file[entry["file"]].append(entry)
    rows = []
    for file in sorted(by_file):
        for entry in by_file[file]:
            bits = f"[{entry['bits']}]" if "bits" in entry else ""
            what = (", ".join(f"`{name}{bits}`" for name in entry["signals"])
                    if "signals" in entry else f"`{entry['line'].replace('|', '&#124;')}`"
                    + (f" ({entry['point']})" if "point" in entry else ""))
            rows.append((file.removesuffix(".sv"), what, str(entry["points"]), entry["reason"]))
    lines += markdown(("module", "what", "points", "why"), rows, 2)
    if result["ignored"]:
        lines += ["", "Ignored bins of crosses, by `plan.json`:", "",
                  *(f"- {group}: {what}: {bins}: {reason}"
                    for group, what, bins, reason in result["ignored"])]
    return "\n".join([*lines, ""])
