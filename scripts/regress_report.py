# SPDX-License-Identifier: Apache-2.0
"""The report of a regression: one dictionary, which is the JSON file, and text, JUnit XML and a
page made from it. For regress.py (not a command)."""

import copy
import html
import re
import xml.etree.ElementTree as ET

from regress_plan import Build, Pair, again

COUNTS = ("passed", "failed", "skipped", "missing")
# What no XML file may contain.
NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
DURATION = re.compile(r"\b\d+(\.\d+)? ?(ms|us|ns|s|sec|seconds)\b")


def counted(runs: list[dict]) -> dict:
    """Totals of runs. The pass rate is of those that passed or failed; None without any."""
    total = {status: sum(run["status"] == status for run in runs) for status in COUNTS}
    judged = total["passed"] + total["failed"]
    return {"runs": len(runs), **total,
            "pass_rate": total["passed"] / judged if judged else None,
            "seconds": round(sum(run["seconds"] for run in runs), 3)}


def make(regression: str, about: str, build: Build, pairs: list[Pair], records: dict[Pair, dict],
         problems: list[str], left_out: list[str], why_missing: str, tools: dict[str, str],
         coverage: dict | None, started: str, seconds: float) -> dict:
    """Nothing in it says where a test ran; times alone may differ from one launcher to another."""
    rows: dict[tuple[str, str], dict] = {}
    for pair in pairs:
        record = records.get(pair)
        run = {"seed": pair.seed, "status": "missing", "seconds": 0.0, "reason": why_missing}
        if record:
            run |= {key: record[key] for key in ("status", "seconds", "reason")}
            run["skipped_cases"] = record["cases"]
        if run["status"] in ("failed", "missing"):
            run["again"] = again(pair, build.folder)
        if run["status"] == "failed":
            run["output"] = record["output"]
        row = rows.setdefault((pair.feature, pair.test), {
            "feature": pair.feature, "test": pair.test,
            "environment": dict(pair.environment), "of_seeds": []})
        row["of_seeds"].append(run)
    for row in rows.values():
        row |= counted(row["of_seeds"])
        row["of_seeds"] = row.pop("of_seeds")  # last, below the totals
    features = []
    for feature in dict.fromkeys(pair.feature for pair in pairs):
        of_feature = [row for row in rows.values() if row["feature"] == feature]
        features.append({"feature": feature, "tests": len(of_feature),
                         **counted([run for row in of_feature for run in row["of_seeds"]])})
    total = counted([run for row in rows.values() for run in row["of_seeds"]])
    good = not problems and not total["failed"] and not total["missing"] and total["passed"] > 0
    return {"regression": regression, "about": about, "status": "passed" if good else "failed",
            "started": started, "seconds": round(seconds, 3), "build_id": build.id,
            "tool_versions": tools, "coverage": coverage, "problems": problems, "left_out": left_out,
            "totals": {"tests": len(rows), **total}, "features": features,
            "tests": list(rows.values())}


def without_times(report: dict) -> dict:
    """What two reports of the same seeds have in common."""
    def strip(part: object) -> object:
        if isinstance(part, dict):
            return {key: DURATION.sub("TIME", value) if key == "output" else strip(value)
                    for key, value in part.items() if key not in ("seconds", "started")}
        return [strip(each) for each in part] if isinstance(part, list) else part
    return strip(copy.deepcopy(report))


def rate(of: dict) -> str:
    """100 % only where all passed: 999 of 1000 are 99.9 %, 99,999 of 100,000 not 100."""
    if of["pass_rate"] is None:
        return "-"
    return "100 %" if of["failed"] == 0 else f"{min(100 * of['pass_rate'], 99.9):.1f} %"


def length(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"


def of_seed(seed: int | None) -> str:
    return "its own seed" if seed is None else f"seed {seed}"


def seeds_of(row: dict) -> str:
    """As a range where it is one."""
    seeds = [run["seed"] for run in row["of_seeds"]]
    if seeds == [None]:
        return "own"
    if len(seeds) > 1 and seeds == list(range(seeds[0], seeds[0] + len(seeds))):
        return f"{seeds[0]}-{seeds[-1]}"
    return ", ".join(map(str, seeds))


def runs_with(report: dict, *statuses: str) -> list[tuple[dict, dict]]:
    return [(row, run) for row in report["tests"] for run in row["of_seeds"]
            if run["status"] in statuses]


def skips(report: dict) -> list[str]:
    lines = {}
    for row, run in runs_with(report, "skipped"):
        lines[f"{row['test']}: {run['reason']}"] = None
    for row, run in runs_with(report, "passed"):
        if reasons := run["skipped_cases"]:
            plural = "s" if len(reasons) > 1 else ""
            why = "; ".join(dict.fromkeys(reasons))
            lines[f"{row['test']}: {len(reasons)} case{plural}: {why}"] = None
    return [*lines, *report["left_out"]]


def verdict(report: dict) -> str:
    total = report["totals"]
    return (f"{report['regression']} {report['status']}: {total['tests']} tests, "
            f"{total['runs']} runs: {total['passed']} passed, {total['failed']} failed, "
            f"{total['skipped']} skipped, {total['missing']} missing; "
            f"{length(report['seconds'])}, {length(total['seconds'])} of tests")


def covered(report: dict) -> str:
    """What coverage.py measured of the same sources, in a line."""
    if report["coverage"] is None:
        return "not measured"
    parts = [f"{name} {rate({'pass_rate': done / of if of else None, 'failed': of - done})}"
             for name, (done, of) in report["coverage"].items()]
    return ", ".join(parts)


def columns(header: tuple[str, ...], rows: list[tuple[str, ...]], left: int) -> list[str]:
    widths = [max(map(len, column)) for column in zip(header, *rows)]
    return ["  ".join(cell.ljust(width) if i < left else cell.rjust(width)
                      for i, (cell, width) in enumerate(zip(row, widths))).rstrip()
            for row in (header, *rows)]


def summary(report: dict) -> str:
    """What a terminal shows: features, and every run that needs eyes."""
    rows = [(each["feature"], str(each["tests"]), str(each["runs"]), str(each["passed"]),
             str(each["failed"]), str(each["skipped"]), str(each["missing"]), rate(each),
             length(each["seconds"])) for each in report["features"]]
    lines = columns(("feature", "tests", "runs", "passed", "failed", "skipped", "missing", "rate",
                     "time"), rows, 1)
    lines += [f"skipped: {line}" for line in skips(report)]
    lines += [f"problem: {line}" for line in report["problems"]]
    for row, run in runs_with(report, "failed", "missing"):
        lines += [f"{run['status']}: {row['test']}, {of_seed(run['seed'])}: {run['reason']}",
                  f"    {run['again']}"]
    return "\n".join([*lines, f"coverage: {covered(report)}", verdict(report)])


def text(report: dict) -> str:
    rows = [(row["feature"], row["test"], seeds_of(row), str(row["runs"]), str(row["passed"]),
             rate(row), length(row["seconds"])) for row in report["tests"]]
    tools = ", ".join(f"{tool} {value}" for tool, value in report["tool_versions"].items())
    table = columns(("feature", "test", "seeds", "runs", "passed", "rate", "time"), rows, 3)
    return "\n".join([f"Regression {report['regression']}: {report['about']}",
                      f"started {report['started']}, build {report['build_id']}", tools, "",
                      *table, "", summary(report), ""])


def clean(words: object) -> str:
    return NOT_XML.sub("?", str(words))


def junit(report: dict) -> str:
    """A suite a feature, a case a test and seed: the form that Jenkins and GitLab read."""
    def counts(of: dict) -> dict[str, str]:
        return {"tests": str(of["runs"]), "failures": str(of["failed"]),
                "errors": str(of["missing"]), "time": f"{of['seconds']:.3f}"}

    top = counts(report["totals"])
    if report["problems"]:
        top |= {"tests": str(report["totals"]["runs"] + 1),
                "errors": str(report["totals"]["missing"] + 1)}
    suites = ET.Element("testsuites", {"name": f"szt {report['regression']}", **top})
    for feature in report["features"]:
        suite = ET.SubElement(suites, "testsuite", {
            "name": feature["feature"], **counts(feature), "skipped": str(feature["skipped"]),
            "timestamp": report["started"]})
        for row in report["tests"]:
            if row["feature"] != feature["feature"]:
                continue
            for run in row["of_seeds"]:
                suffix = "" if run["seed"] is None else f" [{of_seed(run['seed'])}]"
                case = ET.SubElement(suite, "testcase", {
                    "classname": clean(feature["feature"]), "name": clean(row["test"] + suffix),
                    "time": f"{run['seconds']:.3f}"})
                message = {"message": clean(run["reason"])}
                if run["status"] == "failed":
                    words = f"{run['again']}\n\n{run['output']}"
                    ET.SubElement(case, "failure", message).text = clean(words)
                elif run["status"] == "missing":
                    ET.SubElement(case, "error", message).text = clean(run["again"])
                elif run["status"] == "skipped":
                    ET.SubElement(case, "skipped", message)
    if report["problems"]:
        suite = ET.SubElement(suites, "testsuite", {
            "name": "problems", "tests": "1", "failures": "0", "errors": "1", "skipped": "0",
            "time": "0", "timestamp": report["started"]})
        case = ET.SubElement(suite, "testcase", {"classname": "problems", "name": "plan and build",
                                                "time": "0"})
        ET.SubElement(case, "error", {"message": report["problems"][0]}).text = clean(
            "\n".join(report["problems"]))
    ET.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(suites, "unicode") + "\n"


STYLE = """
:root { color-scheme: light dark; --line: #8884; --good: #2a7d46; --bad: #c22f2f; --other: #a06a00 }
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 78rem; padding: 0 1rem }
h1 { font-size: 1.5rem; margin-bottom: .2rem } h2 { font-size: 1.1rem; margin-top: 2rem }
.passed { color: var(--good) } .failed { color: var(--bad) } .other { color: var(--other) }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th, td { text-align: left; padding: .25rem .6rem; border-bottom: 1px solid var(--line) }
th { position: sticky; top: 0; background: Canvas } td.n, th.n { text-align: right }
tr.bad td { background: color-mix(in srgb, var(--bad) 9%, Canvas) }
code, pre { font: 13px/1.4 ui-monospace, monospace }
pre { overflow-x: auto; padding: .6rem; border: 1px solid var(--line); border-radius: 4px }
.meta { color: color-mix(in srgb, CanvasText 65%, Canvas) }
"""


def page(report: dict) -> str:
    """One file, nothing loaded from elsewhere."""
    esc = html.escape

    def table(header: list[str], rows: list[tuple[dict, list[str]]], left: int) -> str:
        def line(cells: list[str], tag: str, bad: str = "") -> str:
            return f"<tr{bad}>" + "".join(
                f"<{tag}{'' if i < left else ' class=n'}>{esc(cell)}</{tag}>"
                for i, cell in enumerate(cells)) + "</tr>"
        return "\n".join([
            "<table><thead>", line(header, "th"), "</thead><tbody>",
            *(line(cells, "td", " class=bad" if of["failed"] or of["missing"] else "")
              for of, cells in rows), "</tbody></table>"])

    def numbers(of: dict) -> list[str]:
        return [*(str(of[key]) for key in ("runs", *COUNTS)), rate(of), length(of["seconds"])]

    tools = ", ".join(f"{tool} {value}" for tool, value in report["tool_versions"].items())
    title = f"Regression {report['regression']}: {report['status']}"
    parts = [f"<h1 class={report['status']}>{esc(title)}</h1>",
             f"<p>{esc(report['about'])}</p><p>{esc(verdict(report))}</p>",
             f"<p class=meta>Started {esc(report['started'])}; build {esc(report['build_id'])}; "
             f"{esc(tools)}. Coverage: {esc(covered(report))}.</p>"]
    for row, run in runs_with(report, "failed", "missing"):
        parts += ["<h2 class=failed>" + esc(f"{run['status']}: {row['test']}, "
                                            f"{of_seed(run['seed'])}") + "</h2>",
                  f"<p>{esc(run['reason'])}</p><pre>{esc(run['again'])}</pre>"]
        if run.get("output"):
            parts.append(f"<details><summary>What it said last</summary>"
                         f"<pre>{esc(run['output'])}</pre></details>")
    for heading, kind, lines in (("Problems", "failed", report["problems"]),
                                 ("Skipped", "other", skips(report))):
        if lines:
            parts += [f"<h2 class={kind}>{heading}</h2><ul>",
                      *(f"<li>{esc(line)}</li>" for line in lines), "</ul>"]
    names = ["runs", *COUNTS, "rate", "time"]
    parts += ["<h2>Features</h2>", table(["feature", "tests", *names], [
        (each, [each["feature"], str(each["tests"]), *numbers(each)])
        for each in report["features"]], 1)]
    parts += ["<h2>Tests</h2>", table(["feature", "test", "seeds", *names], [
        (row, [row["feature"], row["test"], seeds_of(row), *numbers(row)])
        for row in report["tests"]], 3)]
    return "\n".join(["<!DOCTYPE html>", '<html lang="en"><head><meta charset="utf-8">',
                      '<meta name="viewport" content="width=device-width">',
                      f"<title>{esc(title)}</title><style>{STYLE}</style></head><body>",
                      *parts, "</body></html>", ""])
