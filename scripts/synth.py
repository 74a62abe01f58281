#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Synthesises the array or the whole core for FPGAs and a standard-cell library, places and routes
it where a program for that is there, and prints what it takes and how fast it is.

Without --seeds nothing is placed. An Fmax is that of the design between registers of its own (a
shift register in, a signature out), once for each seed: median, least and greatest. Results are kept
by content in build/synth: a second run is quick.

Exit: 0 done, 1 a run failed, 2 bad usage or a missing program.
"""

import argparse
import concurrent.futures
import json
import os
import sys
from pathlib import Path

from failure import Failure
from rtl_sources import CONFIGS, FRONT_ENDS, ROOT
from synth_targets import OSU018, TARGETS
from synthesis import TOPS, Design, Synthesis

PRODUCTS = ("tiny", "small", "medium", "large")
COLUMNS = (("target", 8), ("config", 7), ("top", 6), ("format", 12), ("body", 9), ("luts", 8),
           ("ffs", 7), ("carries", 8), ("brams", 6), ("luts_per_mac", 13), ("cells_packed", 13),
           ("fmax_median", 12), ("fmax_min", 9), ("fmax_max", 9), ("area", 9), ("delay_ps", 9))


def designs(arguments: argparse.Namespace) -> list[Design]:
    chosen = []
    for target in arguments.target or TARGETS:
        for config in arguments.config or PRODUCTS:
            for top in arguments.top or ("array", "core", "axi"):
                if target == "osu018" and (top != "array" or not OSU018.exists()):
                    continue  # its memories would be flip-flops
                # The array does not know its front-end.
                for front_end in ("szt",) if top == "array" else arguments.format or ("szt",):
                    for body in arguments.body or ("portable", "folded"):
                        if body == "portable" or (TARGETS[target].bodies and top != "decode"):
                            chosen.append(Design(TARGETS[target], config, top, front_end,
                                                 body == "folded"))
    return chosen


def table(rows: list[dict], markdown: bool = False) -> str:
    def cell(row: dict, column: str) -> str:
        value = row.get(column, "")
        return f"{value:g}" if isinstance(value, float) else str(value)

    columns = [(name, width) for name, width in COLUMNS if any(name in row for row in rows)]
    if markdown:
        lines = ["| " + " | ".join(name for name, _ in columns) + " |", "|---" * len(columns) + "|"]
        lines += ["| " + " | ".join(cell(row, name) for name, _ in columns) + " |" for row in rows]
    else:
        lines = [" ".join(f"{name:>{width}}" for name, width in columns)]
        lines += [" ".join(f"{cell(row, name):>{width}}" for name, width in columns)
                  for row in rows]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    for option, choices in (("target", TARGETS), ("config", json.loads(CONFIGS.read_text())),
                            ("top", TOPS), ("format", FRONT_ENDS),
                            ("body", ("portable", "folded"))):
        parser.add_argument(f"--{option}", action="append", choices=tuple(choices),
                            help={"format": "of the core's weights (szt)", "top": "several may be "
                                  "given (array, core, axi)"}.get(option,
                                                                  "several may be given (all)"))
    parser.add_argument("--seeds", type=int, default=0, help="place and route with that many (0)")
    parser.add_argument("--freq", type=int, default=300, help="MHz that placing aims at (300)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="placed side by side")
    parser.add_argument("--folder", type=Path, default=ROOT / "build/synth")
    parser.add_argument("--json", type=Path, help="also write the rows")
    parser.add_argument("--netlist", type=Path,
                        help="also write the netlist, of one design, as Verilog")
    parser.add_argument("--markdown", type=Path, help="also write the table")
    arguments = parser.parse_args()
    try:
        if arguments.seeds < 0 or arguments.jobs < 1:
            raise Failure("--seeds must not be negative, --jobs at least 1", 2)
        synthesis = Synthesis(arguments.folder, arguments.freq)
        tools = ", ".join(f"{name} {value}" for name, value in synthesis.versions.items())
        print(f"synth: {tools}", file=sys.stderr)
        rows, todo = [], designs(arguments)
        if arguments.netlist and len(todo) != 1:
            raise Failure(f"--netlist: {len(todo)} designs are chosen; say which one", 2)
        with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
            for i, design in enumerate(todo):
                print(f"synth: {i + 1} of {len(todo)}: {design.label()}", file=sys.stderr)
                rows.append(synthesis.row(design, arguments.seeds, pool))
        if arguments.netlist:
            synthesis.verilog(todo[0], arguments.netlist.resolve())
    except Failure as failure:
        print(f"synth.py: {failure}", file=sys.stderr)
        return failure.code
    print(table(rows))
    if arguments.json:
        arguments.json.write_text(json.dumps(
            {"tool_versions": synthesis.versions, "rows": rows}, indent=1) + "\n")
    if arguments.markdown:
        arguments.markdown.write_text(f"{table(rows, True)}\n\n{tools}.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
