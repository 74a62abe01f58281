#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Synthesises, places and routes all that the documents state, and writes their tables.

Every part is a list of designs: what the fourth state costs (cost), the smallest multiply
(multiply), the clock of the array (clock), every configuration (configs), and the clock of the core
with plain ternary and with SZT (ratio). Results go to rtl/results/yosys-VERSION.json; where several
are there, a table takes for each line the newest that has it. --write fills rtl/synthesis.md and
README.md. What a missing program leaves out is printed, and the line is from another file or not
there.

Runs are kept in build/synth: an interrupted report goes on where it was. From clean, all of it
takes hours; --dry-run lists it.

Exit: 0 done, 1 a run failed, 2 bad usage or a missing program.
"""

import argparse
import concurrent.futures
import dataclasses
import json
import os
import sys
from pathlib import Path

from failure import Failure
from rtl_sources import CONFIGS, FRONT_ENDS, ROOT, RTL
from synth_pages import PAGES, fill
from synth_targets import TARGETS
from synthesis import Design, Synthesis

RESULTS = RTL / "results"
FPGAS = ("ice40", "ecp5", "gowin", "xilinx")
ORDERS = 5  # of the source files: how far names alone move a count
SEEDS = 10


@dataclasses.dataclass(frozen=True)
class Job:
    part: str
    design: Design
    seeds: int = 0
    freq: int = 300  # MHz that placing aims at


def of(target: str, config: str, top: str, front_end: str = "szt", folded: bool = False,
       order: int = 0) -> Design:
    return Design(TARGETS[target], config, top, front_end, folded, order)


def cost() -> list[Job]:
    jobs = [Job("cost", of(target, "small", "decode", front_end))
            for target in FPGAS for front_end in FRONT_ENDS]
    jobs += [Job("cost", of(target, "small", "axi", front_end, order=order))
             for target in FPGAS for front_end in FRONT_ENDS for order in range(ORDERS)]
    return jobs


def multiply() -> list[Job]:
    jobs = [Job("multiply", of(target, "medium", "array", folded=folded))
            for target in (*FPGAS, "osu018") for folded in (False, True)
            if not folded or TARGETS[target].bodies]
    return jobs + [Job("multiply", of(target, "medium", "int8")) for target in ("ice40", "ecp5")]


def clock() -> list[Job]:
    return [Job("clock", of(*which), SEEDS) for which in (
        ("ice40", "small", "array"), ("ice40", "small", "adder"),
        ("ecp5", "medium", "array"), ("ecp5", "medium", "array", "szt", True),
        ("ecp5", "medium", "adder"))]


def configs() -> list[Job]:
    return [Job("configs", of("ice40", config, "axi"), SEEDS, 160) for config in ("tiny", "small")] \
        + [Job("configs", of("ecp5", config, "axi", folded=True), seeds, 200)
           for config, seeds in (("tiny", SEEDS), ("small", SEEDS), ("medium", SEEDS), ("large", 3))]


def ratio() -> list[Job]:
    return [Job("ratio", of(target, config, "core", front_end, folded), SEEDS, freq)
            for target, config, folded, freq in (("ice40", "small", False, 160),
                                                 ("ecp5", "medium", True, 200))
            for front_end in ("bt", "szt")]


PARTS = {part.__name__: part for part in (cost, multiply, clock, configs, ratio)}


def left_out(synthesis: Synthesis, job: Job) -> str:
    """Why a job, or a half of it, cannot be done here; empty: it can."""
    target = job.design.target
    if target.needs and not target.needs.exists():
        return f"{target.name}: no {target.needs.name} (Debian: {target.package})"
    if job.seeds and target.name not in synthesis.placers:
        return f"{target.name}: not placed, no {target.place or 'program for it'}"
    return ""


def run(synthesis: Synthesis, jobs: list[Job], workers: int, results: Path) -> None:
    said = set()
    rows = []
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        for i, job in enumerate(jobs, 1):
            if why := left_out(synthesis, job):
                if why not in said:
                    print(f"synth_report: left out: {why}", file=sys.stderr)
                    said.add(why)
                if not job.seeds:
                    continue
            print(f"synth_report: {i} of {len(jobs)}: {job.part}: {job.design.label()}",
                  file=sys.stderr)
            synthesis.freq = job.freq
            row = synthesis.row(job.design, job.seeds, pool)
            rows.append({"part": job.part, "order": job.design.order, **row})
    results.mkdir(parents=True, exist_ok=True)
    file = results / f"yosys-{synthesis.versions['yosys']}.json"
    kept = json.loads(file.read_text(encoding="utf-8"))["rows"] if file.exists() else []
    made = {(job.part, job.design.target.name, job.design.config) for job in jobs}
    rows = [row for row in kept if (row["part"], row["target"], row["config"]) not in made] + rows
    lines = ",\n".join(json.dumps(row) for row in rows)
    draft = file.with_suffix(".part")
    draft.write_text(f'{{"tool_versions": {json.dumps(synthesis.versions)}, "rows": [\n{lines}\n]}}\n',
                     encoding="utf-8")
    draft.rename(file)
    print(file.relative_to(ROOT) if file.is_relative_to(ROOT) else file)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", nargs="*", choices=(*PARTS, []), help="of the report (all)")
    parser.add_argument("--target", action="append", choices=tuple(TARGETS),
                        help="of these alone; several may be given (all)")
    parser.add_argument("--config", action="append",
                        choices=tuple(json.loads(CONFIGS.read_text(encoding="utf-8"))),
                        help="of these alone; several may be given (all)")
    parser.add_argument("--seeds", type=int, default=SEEDS,
                        help=f"place with that many at most ({SEEDS}); 0: count alone")
    parser.add_argument("--dry-run", action="store_true", help="list the runs")
    parser.add_argument("--write", action="store_true",
                        help="run nothing: fill the documents from the results that are there")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="placed side by side")
    parser.add_argument("--folder", type=Path, default=ROOT / "build/synth")
    parser.add_argument("--results", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    try:
        if arguments.jobs < 1:
            raise Failure("--jobs must be at least 1", 2)
        if arguments.seeds < 0:
            raise Failure("--seeds must not be negative", 2)
        jobs = [dataclasses.replace(job, seeds=min(job.seeds, arguments.seeds))
                for part in arguments.part or PARTS for job in PARTS[part]()
                if job.design.target.name in (arguments.target or TARGETS)
                and job.design.config in (arguments.config or [job.design.config])]
        if arguments.dry_run:
            for job in jobs:
                print(f"{job.part:<9} {job.design.label()}"
                      + (f", {job.seeds} seeds at {job.freq} MHz" if job.seeds else ""))
            return 0
        if not arguments.write:
            arguments.folder.mkdir(parents=True, exist_ok=True)
            synthesis = Synthesis(arguments.folder, 0)
            print("synth_report: " + ", ".join(f"{k} {v}" for k, v in synthesis.versions.items()),
                  file=sys.stderr)
            run(synthesis, jobs, arguments.jobs, arguments.results)
        files = sorted(arguments.results.glob("yosys-*.json"))
        if not files:
            raise Failure(f"{arguments.results}: no results; run this without --write", 2)
        if arguments.write:
            for page in PAGES:
                fill(ROOT / page, [json.loads(file.read_text(encoding="utf-8")) for file in files])
                print(page)
    except Failure as failure:
        print(f"synth_report.py: {failure}", file=sys.stderr)
        return failure.code
    return 0


if __name__ == "__main__":
    sys.exit(main())
