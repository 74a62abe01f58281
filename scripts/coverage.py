#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Coverage of the suites: lines, branches, toggles and covers of the RTL (Verilator), functional
coverage against tests/coverage/plan.json, and lines of C++ (gcov).

Builds with counters below build/coverage, runs the suites of the C++ model, the co-simulation and
the tool, merges what every process wrote, and takes off what tests/coverage/exclusions.json names
with a reason. The seed is always the suites' own.

Goals: every point of rtl/*.sv and every bin of the plan but those; 95 % of the lines of
cmodel/src and cmodel/include. An exclusion that leaves out nothing, or what a test reaches, is an
error.

Exit: 0 goals met, 1 below a goal, a wrong exclusion or a failed suite, 2 bad usage or a missing
program or file.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import coverage_functional as functional
import coverage_lines as lines_of
import coverage_report as report_of
from coverage_rtl import Failure, Rtl, exclude, read_exclusions
from regress_plan import digest, source_files
from rtl_sources import RTL, ROOT, version

DATA = ROOT / "tests/coverage"
FOLDER = ROOT / "build/coverage"
CONFIGS = ("tiny", "tall", "wide")
SUITES = "^(cosim|cmodel|cli|registers)_"
BUILT = (*CONFIGS, "medium")  # which the tests of the tool want, and which adds no point
QUICK_SUITES = "^cosim_"
GOAL = 95.0  # % of the lines of the model
# 2^24 cycles: once, on the smallest.
LONG = "*LargestK/"


def run(command: list[str], log: Path) -> None:
    with log.open("w", encoding="utf-8") as out:
        done = subprocess.run(command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        errors = [line for line in lines if "error" in line.lower()] or lines[-1:] or ["no message"]
        raise Failure(f"{command[0]} failed, log: {log}: {errors[0].strip()}")


def say(text: str) -> None:
    print(f"coverage: {text}", flush=True)


def build(folder: Path, configs: tuple[str, ...], jobs: int) -> None:
    say(f"building {', '.join(configs)} with counters in {folder}, 15 minutes from clean")
    folder.mkdir(parents=True, exist_ok=True)
    # Everything that the tests are built against; what is run, says --quick.
    run(["cmake", "--preset", "release", "-B", str(folder), "-DSZT_COVERAGE=line;toggle;user",
         "-DSZT_GCOV=ON", "-DSZT_FAULTS=OFF", "-DSZT_TRAIN=OFF", "-DSZT_SYSTEMC=OFF",
         "-DCMAKE_CXX_FLAGS_RELEASE=-O1", f"-DSZT_CONFIGS={';'.join(BUILT)}"],
        folder / "configure.log")
    # No netlists, boards and other simulators, which add no point.
    listed = subprocess.run(["cmake", "--build", str(folder), "--target", "help"], cwd=ROOT,
                            capture_output=True, text=True, check=True).stdout
    targets = sorted(set(re.findall(r"^((?:cosim|cmodel|cli|registers)(?:_\w+)?_test): phony",
                                    listed, re.MULTILINE)))
    run(["cmake", "--build", str(folder), "--parallel", str(jobs), "--target", *targets],
        folder / "build.log")


def suites(folder: Path, counts: Path, configs: tuple[str, ...], which: str, jobs: int) -> list[str]:
    """Runs them with a folder for their counts; those that failed."""
    shutil.rmtree(counts, ignore_errors=True)
    counts.mkdir(parents=True)
    for file in folder.rglob("*.gcda"):
        file.unlink()
    environment = {name: value for name, value in os.environ.items()
                   if not name.startswith(("SZT_", "GTEST_"))}
    environment |= {"SZT_COVERAGE_FOLDER": str(counts), "SZT_TEST_CONFIGS": ",".join(configs),
                    "GTEST_FILTER": "-" + ":".join(f"{LONG}{name}" for name in configs[1:])
                    if configs[1:] else "*"}
    failed, count = [], 0
    with (folder / "suites.log").open("w", encoding="utf-8") as log:
        with subprocess.Popen(
                ["ctest", "--test-dir", str(folder), "-R", which, "--parallel", str(jobs),
                 "--timeout", "3600", "--output-on-failure"], env=environment, cwd=ROOT,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                errors="replace") as process:
            for line in process.stdout:
                log.write(line)
                match = re.match(r"\s*(\d+/\d+) Test +#\d+: (\S+) \.+\s*(.*?) +([\d.]+) sec", line)
                if match:
                    count += 1
                    say(f"{match[1]} {match[2]}: {match[3].strip('* ')}, {match[4]} s")
                    # What is not there (a Python module) is skipped.
                    if "Passed" not in match[3] and "Skipped" not in match[3]:
                        failed.append(match[2])
    if not count:
        raise Failure(f"no suite ran: {folder / 'suites.log'}")
    return failed


def measure(arguments: argparse.Namespace, failed: list[str], seconds: float) -> dict:
    rtl, samples = Rtl(arguments.rtl.resolve()), Counter()
    files = sorted(arguments.counts.glob("*.dat"))
    if not files:
        raise Failure(f"{arguments.counts}: no counts (*.dat)")
    if left := sorted(arguments.counts.glob("*.part")):
        failed = [*failed, f"a process that ended while it wrote {left[0].name}"]
    for number, file in enumerate(files, 1):
        # The tool's tests run other configurations too, whose constants are not those of the page.
        top = re.search(r"-Vszt_rtl_([a-z]+)", file.name)
        if not top or top[1] in arguments.configs:
            rtl.read(file)
        if number % 20 == 0:
            say(f"merged {number} of {len(files)} files")
    for file in sorted(arguments.counts.glob("*.bins")):
        functional.read_samples(file, samples)
    exclusions, wrong = exclude(rtl, read_exclusions(arguments.exclusions))
    plan = functional.read_plan(arguments.plan)
    rows, contradictions = functional.measure(plan, samples)
    lines = lines_of.measure(arguments.folder, ROOT) if arguments.gcov else {}
    result = {
        "tool_versions": {"verilator": version(["verilator", "--version"]),
                          **({"gcov": version([lines_of.gcov_of(arguments.folder), "--version"],
                                              r"\d+\.\d+(\.\d+)?(?=\s*$|\n)")} if lines else {})},
        "sources": digest([], set(source_files(ROOT))),
        "configs": list(arguments.configs), "quick": arguments.quick,
        "seconds": round(seconds), "failed": failed, "wrong": [*wrong, *contradictions],
        "rtl": rtl.rows(), "rtl_gaps": [point.text() for point in rtl.gaps()],
        "exclusions": exclusions,
        "functional": rows, "functional_total": functional.totals(rows),
        "ignored": functional.reasons(plan),
        "cpp": lines_of.rows_of(lines) if lines else None,
        "cpp_worst": lines_of.worst(lines, 12),
    }
    result["totals"] = report_of.totals(result)
    result["unmet"] = report_of.unmet(result, GOAL)
    result["gap_lines"] = report_of.gap_lines(rtl, result)
    return result


def positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text}: not a number from 1")
    return int(text)


def arguments_of() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true",
                        help="tiny and the suites of tests/cosim only: shows figures, judges no goal")
    parser.add_argument("--keep", action="store_true",
                        help="no build and no run: reports what the last run counted")
    parser.add_argument("--jobs", type=positive, default=os.cpu_count() or 1,
                        help="of the build and of the suites")
    parser.add_argument("--json", type=Path, metavar="FILE",
                        help="the report, elsewhere than in build/coverage/coverage.json")
    parser.add_argument("--readme", action="store_true", help="writes tests/coverage/results.md")
    parser.add_argument("--gaps", type=positive, default=40, metavar="N",
                        help="how many lines of gaps to print (40)")
    # For its own test: stand-ins.
    for name, default in (("folder", FOLDER), ("rtl", RTL), ("plan", DATA / "plan.json"),
                          ("exclusions", DATA / "exclusions.json"), ("counts", None)):
        parser.add_argument(f"--{name}", type=Path, default=default, help=argparse.SUPPRESS)
    parser.add_argument("--no-gcov", dest="gcov", action="store_false", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.quick and arguments.readme:
        parser.error("--readme wants a whole run, not --quick")
    arguments.folder = arguments.folder.resolve()
    arguments.counts = (arguments.counts or arguments.folder / "counts").resolve()
    arguments.configs = CONFIGS[:1] if arguments.quick else CONFIGS
    return arguments


def main() -> int:
    arguments = arguments_of()
    try:
        tools = ["verilator"] if arguments.keep else ["cmake", "ctest", "verilator"]
        for tool in tools:
            if not shutil.which(tool):
                raise Failure(f"no {tool} (scripts/setup.sh installs it)")
        began, failed = time.monotonic(), []
        run_of = arguments.counts / "run.json"  # what --keep needs to know
        if arguments.keep:
            if run_of.is_file():
                last = json.loads(run_of.read_text(encoding="utf-8"))
                failed, arguments.quick, arguments.configs = (
                    last["failed"], last["quick"], last["configs"])
        else:
            build(arguments.folder, arguments.configs, arguments.jobs)
            failed = suites(arguments.folder, arguments.counts, arguments.configs,
                            QUICK_SUITES if arguments.quick else SUITES, arguments.jobs)
            run_of.write_text(json.dumps({"failed": failed, "quick": arguments.quick,
                                          "configs": arguments.configs}) + "\n", encoding="utf-8")
        result = measure(arguments, failed, time.monotonic() - began)
        file = arguments.json or arguments.folder / "coverage.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        print(report_of.text(result, arguments.gaps))
        if arguments.readme:
            (DATA / "results.md").write_text(report_of.page(result), encoding="utf-8")
    except (Failure, OSError) as failure:
        print(f"coverage.py: {failure}", file=sys.stderr)
        return 2
    return 1 if result["unmet"] else 0


if __name__ == "__main__":
    sys.exit(main())
