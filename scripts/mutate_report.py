# SPDX-License-Identifier: Apache-2.0
"""The tables of mutate.py (not a command)."""

import re
from collections import Counter, defaultdict

from mutate_design import Mutant
from mutate_run import Result

COLUMNS = ("module", "mutants", "killed", "by a test", "by an error", "assertion", "time-out",
           "crash", "equivalent", "explained", "gaps", "score")


def rows_of(chosen: list[Mutant], outcomes: dict[str, tuple[str, Result]]) -> list[dict]:
    """The table: a row for each RTL module, and the sum."""
    counts: dict[str, Counter] = defaultdict(Counter)
    for mutant in chosen:
        status, result = outcomes[f"{mutant.design} {mutant.command}"]
        for name in (mutant.module, "all"):
            counts[name]["mutants"] += 1
            counts[name][status] += 1
            if status == "killed":
                counts[name][result.outcome] += 1
    rows = []
    for name in [*sorted(n for n in counts if n != "all"), "all"]:
        c = counts[name]
        killable = c["mutants"] - c["equivalent"] - c["explained"]
        score = f"{100 * c['killed'] / killable:.1f} %" if killable else "-"
        rows.append(dict(zip(COLUMNS, (name, c["mutants"], c["killed"], c["test"], c["error"],
                                       c["assertion"], c["timeout"], c["crash"], c["equivalent"],
                                       c["explained"], c["gap"], score), strict=True)))
    return rows


def table(rows: list[dict], markdown: bool = False) -> str:
    if markdown:
        lines = ["| " + " | ".join(COLUMNS) + " |", "|---" * len(COLUMNS) + "|"]
        lines += ["| " + " | ".join(str(row[c]) for c in COLUMNS) + " |" for row in rows]
    else:
        width = max(len(row["module"]) for row in rows)
        lines = [f"{COLUMNS[0]:<{width}}  " + "  ".join(COLUMNS[1:])]
        lines += [f"{row['module']:<{width}}  "
                  + "  ".join(f"{row[c]:>{len(c)}}" for c in COLUMNS[1:]) for row in rows]
    return "\n".join(lines)


def killers(outcomes: dict[str, tuple[str, Result]]) -> list[tuple[str, int]]:
    """Tests without their parameter, by how many mutants they killed first."""
    found = Counter(f"{r.stage}: {re.sub('/.*$', '', re.sub('^[A-Z][a-z]+/', '', r.test))}"
                    for status, r in outcomes.values() if status == "killed")
    return found.most_common()


def page(report: dict) -> str:
    """The report of --json as Markdown: the table, the controls, every gap."""
    total = report["rows"][-1]
    tools = ", ".join(f"{name} {value}" for name, value in report["tool_versions"].items())
    lines = ["# Mutation coverage", "",
             f"Written by `scripts/mutate.py --count {report['count']} --seed {report['seed']} "
             f"--markdown FILE`; {tools}.", "", table(report["rows"], True), "",
             f"Control: with the expectations compiled out, {report['blind_killed']} of "
             f"{report['blind_of']} mutants that a test had killed are killed.", "",
             f"## The gaps ({total['gaps']})", "",
             "*Different*: some input, perhaps one that no legal use brings, tells the mutant from "
             "the original. *Undecided*: neither that nor the contrary was shown in time.", ""]
    for mutant in report["mutants"]:
        if mutant["status"] in ("gap", "crash"):
            key = mutant["mutant"].replace("`", "")
            lines.append(f"- `{mutant['where']}`: `{key}` ({mutant['why'] or 'survived'})")
    return "\n".join(lines) + "\n"
