#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Static checks: every configuration and front-end through Verilator, Yosys and Icarus, the
structure of the RTL, and the layout of the C++. Prints a line a check; exit 1 if one fails."""

import argparse
import concurrent.futures
import json
import os
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path

from rtl_sources import (BOARDS, BODIES, CONFIGS, FRONT_ENDS, MODULES, PACKAGES, ROOT, RTL, SOURCES,
                         parameters, run, sources, version, yosys_script)

UNITS = sorted((ROOT / "tests" / "cosim" / "units").glob("*.sv"))
# Corners of the legal ranges, besides the configurations.
EXTREMES = [
    {"acc_depth": 4}, {"acc_depth": 7}, {"acc_depth": 255}, {"acc_depth": 65536},
    {"act_width": 2}, {"act_width": 16}, {"acc_width": 11}, {"acc_width": 64},
    {"act_width": 2, "acc_width": 5}, {"act_width": 16, "acc_width": 19},
    {"act_reach": 2}, {"act_reach": 3}, {"act_reach": 4},
    {"rows": 64, "cols": 4, "fifo_depth": 128}, {"rows": 4, "cols": 64, "fifo_depth": 128},
]
# Just outside of them, and the name of the check that must refuse it.
ILLEGAL = [
    ({"rows": 3}, "Rows"), ({"rows": 65, "fifo_depth": 128}, "Rows"),
    ({"cols": 3}, "Cols"), ({"cols": 65, "fifo_depth": 128}, "Cols"),
    ({"act_reach": 0}, "ActReach"), ({"act_reach": 5}, "ActReach"),
    ({"act_width": 1}, "ActWidth"), ({"act_width": 17}, "ActWidth"),
    ({"acc_width": 10}, "AccWidth"), ({"acc_width": 65}, "AccWidth"),
    ({"acc_width": 128}, "field of CONFIG"),
    ({"acc_depth": 3}, "AccDepth"), ({"acc_depth": 65537}, "AccDepth"),
    ({"fifo_depth": 8}, "FifoDepth"), ({"fifo_depth": 24}, "power of two"),
]
# Widths of ternary_add: of an activation, of the sums that come and go.
ADDERS = [(8, 1, 9), (8, 9, 10), (8, 10, 10), (8, 11, 12), (8, 12, 13), (2, 1, 3), (5, 9, 9),
          (16, 20, 21)]
# Widths that no configuration has, through the smoke test.
SMOKE_WIDTHS = [(8, 32), (5, 13), (16, 40)]
# Whatever is behind the front-end must not know that signed zeros exist.
BEHIND = ["ternary_add", "ternary_pe", "ternary_array", "skew", "deskew", "accumulator_bank",
          "ram_1r1w", "stream_register", "stream_fifo", "stream_discard", "weight_loader",
          "axis_checker", "axil_checker"]
FORBIDDEN = re.compile(r"szt|signed.?zero|zero.?sign|decode|\bmode\b|\bbt\b", re.IGNORECASE)
# clang-format lays out some constructs differently from one release to the next.
CLANG_FORMAT_MAJOR = 14


def verilator(top: str, values: dict[str, str], files: list[Path]) -> tuple[bool, str]:
    return run(["verilator", "--lint-only", "-Wall", "--top-module", top, f"-I{RTL}",
                f"-I{RTL}/boards", *(f"-G{k}={v}" for k, v in values.items()), *map(str, [*PACKAGES, *files])])


def yosys(top: str, values: dict[str, str], bodies: str | None = None,
          more: list[Path] | None = None) -> tuple[bool, str]:
    cells = f"read_verilog -lib {BODIES[bodies]}; " if bodies else ""
    ok, text = run(["yosys", "-Q", "-T", "-p",
                    cells + yosys_script(values, top, [*sources(bodies), *(more or [])])
                    + f"prep -top {top}; check -assert"])
    return ok and "Found and reported 0 problems" in text and "Warning:" not in text, text


def icarus(top: str, values: dict[str, str], more: list[Path] | None = None) -> tuple[bool, str]:
    ok, text = run(["iverilog", "-g2012", "-Wall", "-t", "null", "-s", top, f"-I{RTL}",
                    *(f"-P{top}.{k}={v}" for k, v in values.items()),
                    *map(str, [*SOURCES, *(more or [])])])
    return ok and not text, text


def refused(top: str, values: dict[str, str], by: str) -> tuple[bool, str]:
    """Verilator names the check that refuses these parameters; Icarus, which may stumble first,
    does not simulate them either."""
    ok, text = verilator(top, values, [RTL / f"{top}.sv"])
    if ok or not any("$error" in line and by in line for line in text.splitlines()):
        return False, f"verilator: not refused by a check of {by}\n{text}"
    ok, text = icarus_run(top, [f"-P{top}.{k}={v}" for k, v in values.items()], [])
    return not ok, f"icarus: not refused\n{text}"


def icarus_run(top: str, options: list[str], files: list[Path]) -> tuple[bool, str]:
    with tempfile.TemporaryDirectory() as folder:
        program = f"{folder}/{top}"
        ok, text = run(["iverilog", "-g2012", "-s", top, "-o", program, f"-I{RTL}", *options,
                        *map(str, [*SOURCES, *files])])
        return run(["vvp", "-n", program]) if ok else (False, text)


def icarus_bench(name: str, **values: int) -> tuple[bool, str]:
    ok, text = icarus_run(name, [f"-P{name}.{k}={v}" for k, v in values.items()],
                          [ROOT / "tests" / "cosim" / f"{name}.sv"])
    return ok and "PASSED:" in text and "FAILED" not in text, text


def front_door() -> tuple[bool, str]:
    """No file behind the front-end names signed zeros, a decode mode or a format."""
    found = [f"{name}.sv:{i}: {line}" for name in BEHIND
             for i, line in enumerate((RTL / f"{name}.sv").read_text().splitlines(), 1)
             if FORBIDDEN.search(line)]
    return not found, "\n".join(found)


def needed(top: str) -> set[str]:
    """The modules below `top`, itself included, by the files' names."""
    names = {p.stem for p in MODULES}
    found, todo = set(), [top]
    while todo:
        found.add(module := todo.pop())
        text = re.sub(r"//.*", "", (RTL / f"{module}.sv").read_text())
        # A module's name in front of its parameters or of its instance's.
        todo += [m for m in re.findall(r"^\s*(\w+)\s+(?:#\(|u_\w+\s*\()", text, re.MULTILINE)
                 if m in names and m not in found]
    return found


def fusesoc() -> tuple[bool, str]:
    """rtl/szt.core lists the files and the parameters that its tops have."""
    text = (RTL / "szt.core").read_text()
    declared = re.findall(r"^  (\w+): \{datatype", text, re.MULTILINE)
    faults, all_parameters = [], []
    for target, fileset, top in (("default", "matmul", "szt_matmul"),
                                 ("encoder", "encoder", "szt_encoder_stream")):
        files = re.search(rf"^  {fileset}:\n    files:\n((?:      - .*\n)+)", text, re.MULTILINE)
        listed = re.findall(r"- (\w+\.svh?)", files.group(1)) if files else []
        expected = [p.name for p in PACKAGES] + sorted(f"{m}.sv" for m in needed(top))
        if listed != ["assertions.svh", *expected]:
            faults.append(f"fileset {fileset}: {listed}, not assertions.svh and {expected}")
        header = (RTL / f"{top}.sv").read_text().partition(") (")[0]
        parameters_of_top = re.findall(r"^  parameter \w+ (\w+)", header, re.MULTILINE)
        all_parameters += parameters_of_top
        block = (rf"^  {target}: &\w+\n    filesets: \[{fileset}\]\n    toplevel: {top}\n"
                 rf"    parameters: \[{', '.join(parameters_of_top)}\]$")
        if not re.search(block, text, re.MULTILINE):
            faults.append(f"target {target}: not {top} with {parameters_of_top}")
    if declared != all_parameters:
        faults.append(f"parameters: {declared}, not {all_parameters}")
    return not faults, "\n".join(faults)


def elaborated(front_end: str, config: dict) -> dict[str, list[str]]:
    """Every module of the elaborated design but the front-end, what instantiates it and the
    registers (CONFIG shows it), as the sorted lines of its RTLIL without Yosys's running numbers
    (which also decide the order of cells)."""
    with tempfile.TemporaryDirectory() as folder:
        out = f"{folder}/core.il"
        ok, text = run(["yosys", "-Q", "-T", "-p",
                        yosys_script(parameters(config, front_end), "szt_matmul")
                        + f"hierarchy -top szt_matmul; proc; write_rtlil {out}"])
        if not ok:
            raise RuntimeError(text)
        rtlil = Path(out).read_text()
    modules = re.findall(r"^module (\S+)\n(.*?)^end$", rtlil, re.MULTILINE | re.DOTALL)
    skip = ("szt_decode", "matmul_core", "szt_matmul", "axil_registers")
    return {name: sorted(re.sub(r"\$\d+", "$", body).splitlines()) for name, body in modules
            if not any(s in name for s in skip)}


def same_array(config: dict) -> tuple[bool, str]:
    """The plain-ternary and the SZT design elaborate to the same modules but for szt_decode."""
    cores = {name: elaborated(name, config) for name in FRONT_ENDS}
    szt = cores["szt"]
    if not any("ternary_array" in name for name in szt):
        return False, "no ternary_array in the elaborated core"
    different = [f"{name}: {module}" for name, core in cores.items()
                 for module in sorted(set(szt) | set(core)) if szt.get(module) != core.get(module)]
    return not different, "\n".join(different)


def same_function(bodies: str, act: int, sum_in: int, sum_out: int) -> tuple[bool, str]:
    """A proof that a vendor's body of ternary_add is the portable one, at these widths."""
    values = {"ActWidth": str(act), "SumInWidth": str(sum_in), "SumOutWidth": str(sum_out)}
    script = ""
    for name, folder, cells in (("gold", RTL, ""),
                                ("gate", RTL / bodies, f"read_verilog {BODIES[bodies].split()[0]}; ")):
        script += (cells + yosys_script(values, "ternary_add", [folder / "ternary_add.sv"])
                   + f"hierarchy -top ternary_add; rename -top {name}; proc; flatten; opt_clean; "
                   + f"design -stash {name}; ")
    script += ("design -copy-from gold -as gold gold; design -copy-from gate -as gate gate; "
               "miter -equiv -flatten -make_assert gold gate miter; hierarchy -top miter; "
               "sat -verify -prove-asserts miter")
    ok, text = run(["yosys", "-Q", "-T", "-p", script])
    return ok and "SUCCESS!" in text, text


def clang_format() -> tuple[bool, str]:
    files = [p for folder in ("cmodel", "sim", "tests") for pattern in ("*.cc", "*.h")
             for p in sorted((ROOT / folder).rglob(pattern))]
    return run(["clang-format", "--dry-run", "--Werror", *map(str, files)])


def rtl_layout() -> tuple[bool, str]:
    """One module a file of its name, a licence line, at most 100 columns, no tabs."""
    faults = []
    bodies = [path for folder in BODIES for path in sorted((RTL / folder).glob("*.sv"))]
    proofs = sorted((RTL / "formal").glob("*.sv"))
    headers = [RTL / "assertions.svh", RTL / "formal" / "formal.svh"]
    for path in [*SOURCES, *BOARDS, *bodies, *UNITS, *proofs, *headers]:
        lines = path.read_text().splitlines()
        if "SPDX-License-Identifier: Apache-2.0" not in lines[0]:
            faults.append(f"{path.name}: no licence line")
        faults += [f"{path.name}:{i}: over 100 columns or a tab or trailing space"
                   for i, line in enumerate(lines, 1)
                   if len(line) > 100 or "\t" in line or line != line.rstrip()]
        modules = re.findall(r"^(?:module|package) (\w+)", "\n".join(lines), re.MULTILINE)
        if path.suffix == ".sv" and modules != [path.stem]:
            faults.append(f"{path.name}: holds {modules}")
    return not faults, "\n".join(faults)


def registers() -> tuple[bool, str]:
    return run([sys.executable, "-B", str(ROOT / "scripts" / "registers.py"), "--check"])


def checks(configs: dict) -> list[tuple[str, object]]:
    rows: list[tuple[str, object]] = [("rtl layout", rtl_layout), ("rtl front door", front_door),
                                      ("registers up to date", registers),
                                      ("fusesoc core up to date", fusesoc)]
    for name, config in configs.items():
        for front_end in FRONT_ENDS:
            values = parameters(config, front_end)
            rows.append((f"verilator szt_matmul {name} {front_end}",
                         lambda v=values: verilator("szt_matmul", v, [RTL / "szt_matmul.sv"])))
        values = parameters(config, "szt")
        rows.append((f"yosys szt_matmul {name}", lambda v=values: yosys("szt_matmul", v)))
        rows.append((f"icarus szt_matmul {name}", lambda v=values: icarus("szt_matmul", v)))
    for front_end in ("bt", "raw", "szt-forward"):
        values = parameters(configs["tiny"], front_end)
        rows.append((f"yosys szt_matmul tiny {front_end}",
                     lambda v=values: yosys("szt_matmul", v)))
    for bodies in BODIES:
        values = parameters(configs["medium"], "szt")
        rows.append((f"yosys szt_matmul medium with the bodies of {bodies}",
                     lambda v=values, b=bodies: yosys("szt_matmul", v, b)))
        if (RTL / bodies / "ternary_add.sv").exists():
            rows += [(f"ternary_add of {bodies} proved equal at {widths}",
                      lambda b=bodies, w=widths: same_function(b, *w)) for widths in ADDERS]
    for extreme in EXTREMES:
        values = parameters({**configs["tiny"], **extreme}, "szt")
        label = " ".join(f"{k}={v}" for k, v in extreme.items())
        rows.append((f"verilator szt_matmul {label}",
                     lambda v=values: verilator("szt_matmul", v, [RTL / "szt_matmul.sv"])))
    for illegal, by in ILLEGAL:
        values = parameters({**configs["tiny"], **illegal}, "szt")
        label = " ".join(f"{k}={v}" for k, v in illegal.items())
        rows.append((f"refused: szt_matmul {label}",
                     lambda v=values, b=by: refused("szt_matmul", v, b)))
    for latent, width in ((0, 32), (1, 16), (2, 16), (3, 8), (3, 16)):
        values = {"Latent": str(latent), "Width": str(width)}
        label = f"szt_encode Latent={latent} Width={width}"
        rows.append((f"verilator {label}",
                     lambda v=values: verilator("szt_encode", v, [RTL / "szt_encode.sv"])))
        rows.append((f"yosys {label}", lambda v=values: yosys("szt_encode", v)))
        rows.append((f"icarus {label}", lambda v=values: icarus("szt_encode", v)))
    for lanes in (2, 4, 16):
        values = {"Lanes": str(lanes)}
        label = f"szt_encoder_stream Lanes={lanes}"
        rows.append((f"verilator {label}",
                     lambda v=values: verilator("szt_encoder_stream", v,
                                                [RTL / "szt_encoder_stream.sv"])))
        rows.append((f"yosys {label}", lambda v=values: yosys("szt_encoder_stream", v)))
        rows.append((f"icarus {label}", lambda v=values: icarus("szt_encoder_stream", v)))
    boards = json.loads((RTL / "boards/boards.json").read_text())
    for board in boards["boards"].values():
        top = board["top"]
        for name, signature in boards["signatures"].items():
            values = parameters(configs[name], "szt") | {"Expected": f"32'h{signature}"}
            rows.append((f"verilator {top} {name}",
                         lambda t=top, v=values: verilator(t, v, [RTL / f"boards/{t}.sv"])))
            rows.append((f"yosys {top} {name}",
                         lambda t=top, v=values: yosys(t, v, more=BOARDS)))
            rows.append((f"icarus {top} {name}",
                         lambda t=top, v=values: icarus(t, v, BOARDS)))
    for unit in UNITS:
        rows.append((f"verilator {unit.stem}",
                     lambda u=unit: verilator(u.stem, {}, [u])))
    for act, acc in SMOKE_WIDTHS:
        rows.append((f"icarus smoke test, four-state, ActWidth={act} AccWidth={acc}",
                     lambda a=act, c=acc: icarus_bench("icarus_smoke", ActWidth=a, AccWidth=c)))
    rows.append(("icarus smoke test, four-state, every pipeline stage",
                 lambda: icarus_bench("icarus_smoke", Stages=1)))
    for bench in ("icarus_counters", "icarus_encoder_counters"):
        rows.append((f"{bench}, at their carries", lambda b=bench: icarus_bench(b)))
    rows.append(("one array source for every front-end", lambda: same_array(configs["tiny"])))
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="checks at a time")
    parser.add_argument("--only", default="", metavar="TEXT", help="checks whose name has TEXT")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows to FILE")
    options = parser.parse_args()
    missing = [t for t in ("verilator", "yosys", "iverilog", "clang-format") if not shutil.which(t)]
    if missing:
        print(f"lint.py: not installed: {', '.join(missing)} (run scripts/setup.sh test)",
              file=sys.stderr)
        return 2

    configs = json.loads(CONFIGS.read_text())
    versions = {"verilator": version(["verilator", "--version"]), "yosys": version(["yosys", "-V"]),
                "icarus": version(["iverilog", "-V"]),
                "clang-format": version(["clang-format", "--version"])}
    print("lint: " + ", ".join(f"{tool} {v}" for tool, v in versions.items()), flush=True)
    todo = [(name, check) for name, check in checks(configs) if options.only in name]
    skipped = 0
    if options.only in "clang-format":
        if int(versions["clang-format"].split(".")[0]) == CLANG_FORMAT_MAJOR:
            todo.append(("clang-format", clang_format))
        else:
            skipped = 1
            print(f"  skipped  clang-format: the layout is that of {CLANG_FORMAT_MAJOR}, this is "
                  f"{versions['clang-format']}")

    def timed(entry: tuple[str, object]) -> tuple[str, bool, str, float]:
        start = time.monotonic()
        ok, text = entry[1]()
        return entry[0], ok, text, time.monotonic() - start

    rows = []
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for name, ok, text, seconds in pool.map(timed, todo):
            rows.append({"check": name, "passed": ok, "seconds": round(seconds, 2)})
            if not ok:
                print(f"  FAILED   {name}", flush=True)
                print("    " + "\n    ".join(text.strip().splitlines()[-20:]), flush=True)
    failed = sum(not row["passed"] for row in rows)
    print(f"lint: {len(rows) - failed} passed, {failed} failed, {skipped} skipped", flush=True)
    if options.json:
        options.json.write_text(json.dumps({"tool_versions": versions, "rows": rows}, indent=2)
                                + "\n")
    return 1 if failed or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
