#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Proves that synthesised netlists do what the RTL does: decode, processing elements, encode and
the array, with the models of the families' cells that Yosys ships, by Yosys and ABC; with
--top encoder the whole encoder block of two lanes, which takes minutes.

Both start with every flip-flop at 0, then take any inputs for any number of cycles. Each proof
must refute netlists that are broken by hand: one entry of a look-up table inverted, two wires
exchanged. rtl/synthesis.md says what is taken for granted.

Exit: 0 all proved, 1 something is not, 2 bad usage or a missing program.
"""

import argparse
import concurrent.futures
import copy
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from failure import Failure
from rtl_sources import (BODIES, CONFIGS, FRONT_ENDS, ROOT, parameters, sources, version,
                         yosys_script)
from synth_targets import TARGETS, Target
from synthesis import ARRAY_PARAMETERS

LATENTS = {"fp32": (0, 32), "fp16": (1, 16), "bf16": (2, 16), "int16": (3, 16)}
TOPS = ("decode", "pe", "encode", "array")
SLOW_TOPS = ("encoder",)  # minutes: only if asked for
FLIP_FLOPS = {"$dff", "$dffe", "$sdff", "$sdffe", "$sdffce"}
TRIES = 8  # an entry of a table that no input reaches changes nothing
TIMEOUT = 600  # seconds of a program


@dataclass(frozen=True)
class Family:
    """Of a target: its cells' models; the tables of a cell, each a parameter with its inputs, the
    least significant first; the data input of a flip-flop."""

    cells: str
    tables: dict[str, list[tuple[str, list[str]]]]
    flip_flop: tuple[str, str]


FAMILIES = {
    "ice40": Family("+/ice40/cells_sim.v", {"SB_LUT4": [("LUT_INIT", ["I0", "I1", "I2", "I3"])]},
                    ("SB_DFF.*", "D")),
    "ecp5": Family("+/ecp5/cells_sim.v",
                   {"LUT4": [("INIT", ["A", "B", "C", "D"])],
                    "CCU2C": [(f"INIT{i}", [f"{pin}{i}" for pin in "ABCD"]) for i in (0, 1)]},
                   ("TRELLIS_FF", "DI")),
    "xilinx": Family("+/xilinx/cells_sim.v",
                     {f"LUT{n}": [("INIT", [f"I{i}" for i in range(n)])] for n in range(1, 7)},
                     ("FD[A-Z]+", "D")),
}

# The miter's one output is `trigger`: some output differs. What nothing drives is an input of its
# own before a simplification could take it for a don't-care, and the checks of `sound` want none.
MITER = """\
read_json {netlist}
read_verilog -defer {cells}
hierarchy -check -top {module}
proc
flatten
opt_clean
check -assert
rename -top gate
read_rtlil gold.il
miter -equiv -flatten gold gate miter
hierarchy -top miter
setundef -undriven -anyseq
opt_clean
setundef -init -zero
write_json miter.json
formalff -clk2ff
opt -full
techmap
opt -fast
simplemap
dffunmap
abc -g AND -fast
opt_clean
write_aiger -zinit miter.aig
"""


@dataclass(frozen=True)
class Claim:
    """One netlist and the RTL that it was made of."""

    name: str
    target: Target
    module: str
    values: tuple[tuple[str, str], ...]
    folded: bool

    @property
    def family(self) -> Family:
        return FAMILIES[self.target.name]

    @property
    def bodies(self) -> str:
        return self.target.bodies if self.folded else self.target.always


def claims(arguments: argparse.Namespace) -> Iterator[Claim]:
    config = json.loads(CONFIGS.read_text(encoding="utf-8"))[arguments.config]
    for target in (TARGETS[name] for name in arguments.target or FAMILIES):
        for top in arguments.top or (TOPS + SLOW_TOPS if arguments.name else TOPS):
            for body in arguments.body or ("portable", "folded"):
                folded = body == "folded"
                if folded and (top not in ("pe", "array") or not target.bodies):
                    continue
                for name, module, values in parts(top, config, folded):
                    yield Claim(f"{target.name}.{name}" + (".folded" if folded else ""), target,
                                module, tuple(values.items()), folded)


def parts(top: str, config: dict, folded: bool) -> Iterator[tuple[str, str, dict[str, str]]]:
    """The modules behind a top: name, module and its parameters."""
    of_core = parameters(config, "szt")
    if folded:  # the operand is inside of the adder: there is nothing to register
        of_core["RegisterOperand"] = "1'b0"
    if top == "decode":
        for name, values in FRONT_ENDS.items():
            yield f"decode.{name}", "szt_decode", values
    elif top == "encode":
        for name, (latent, width) in LATENTS.items():
            yield f"encode.{name}", "szt_encode", {"Latent": str(latent), "Width": str(width)}
    elif top == "encoder":
        yield "encoder", "szt_encoder_stream", {"Lanes": "2"}
    elif top == "array":
        yield "array", "ternary_array", {name: of_core[name] for name in ARRAY_PARAMETERS}
    else:  # the element of each row: the width of a sum is as in ternary_array
        act = config["act_width"]
        for row in range(config["rows"]):
            yield f"pe.row{row}", "ternary_pe", {
                "ActWidth": str(act),
                "SumInWidth": str(act + row.bit_length() if row else 1),
                "SumOutWidth": str(act + (row + 1).bit_length()),
                "RegisterOperand": of_core["RegisterOperand"]}


def tables(module: dict, family: Family) -> list[tuple[dict, str, list[int]]]:
    """Each look-up table: cell, parameter, and the entries that its constant inputs leave."""
    found = []
    for cell in module["cells"].values():
        for parameter, pins in family.tables.get(cell["type"], []):
            bits = [cell["connections"].get(pin, ["0"])[0] for pin in pins]
            if all(isinstance(bit, str) for bit in bits):
                continue
            found.append((cell, parameter, [entry for entry in range(2 ** len(pins)) if all(
                bit == str(entry >> i & 1) for i, bit in enumerate(bits) if isinstance(bit, str))]))
    return found


def inverted_entries(netlist: dict, name: str, family: Family) -> Iterator[dict]:
    """Copies with one entry of a table inverted, from the table in the middle on."""
    count = len(tables(netlist["modules"][name], family))
    for i in range(TRIES if count else 0):
        broken = copy.deepcopy(netlist)
        cell, parameter, entries = tables(broken["modules"][name], family)[(count // 2 + i) % count]
        value = cell["parameters"][parameter]  # in binary, entry 0 last
        at = len(value) - 1 - entries[i * len(entries) // TRIES]
        cell["parameters"][parameter] = value[:at] + "10"[int(value[at])] + value[at + 1:]
        yield broken


def exchanged_wires(netlist: dict, name: str, family: Family) -> Iterator[dict]:
    """A copy in which two flip-flops take each other's input; without flip-flops: two outputs."""
    broken = copy.deepcopy(netlist)
    module = broken["modules"][name]
    kind, pin = family.flip_flop
    ends = [cell["connections"][pin] for cell in module["cells"].values()
            if re.fullmatch(kind, cell["type"])]
    if ends:
        ends = ends[len(ends) // 2 - 1:][:2]
    else:
        ends = [port["bits"] for port in module["ports"].values() if port["direction"] == "output"]
        module["netnames"] = {}  # the names that the ports had
    ends[0][0], ends[-1][-1] = ends[-1][-1], ends[0][0]
    yield broken


CORRUPTIONS = {"entry": inverted_entries, "wires": exchanged_wires}


def execute(command: list[str], folder: Path, log: str) -> str:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False,
                              stdin=subprocess.DEVNULL, timeout=TIMEOUT, errors="replace")
    except subprocess.TimeoutExpired:
        raise Failure(f"{command[0]}: out of time after {TIMEOUT} s") from None
    text = done.stdout + done.stderr
    (folder / log).write_text(text, encoding="utf-8")
    if done.returncode != 0:
        errors = [line for line in text.splitlines() if "ERROR" in line] or ["no message"]
        raise Failure(f"{command[0]}: {errors[0]}")
    return text


def yosys(script: str, folder: Path, name: str) -> None:
    (folder / f"{name}.ys").write_text(script, encoding="utf-8")
    execute(["yosys", "-Q", "-T", f"{name}.ys"], folder, f"{name}.log")


def sound(folder: Path) -> None:
    """What the proof takes for granted of its own model: every cell is known, one clock, one edge,
    nothing asynchronous, nothing undriven, one output."""
    miter = json.loads((folder / "miter.json").read_text(encoding="utf-8"))["modules"]["miter"]
    ports = miter["ports"]
    clock = ports["in_clk_i"]["bits"] if "in_clk_i" in ports else None
    for cell in miter["cells"].values():
        kind = cell["type"]
        if kind in FLIP_FLOPS:
            edge = int(cell["parameters"]["CLK_POLARITY"], 2)
            if cell["connections"]["CLK"] != clock or edge != 1:
                raise Failure("a flip-flop without the rising edge of clk_i")
        elif not kind.startswith("$") or re.search(r"ff|latch|mem|\$_?sr", kind):
            raise Failure(f"a cell {kind}")
    outputs = [name for name, port in ports.items() if port["direction"] == "output"]
    inputs = sum(len(port["bits"]) for port in ports.values() if port["direction"] == "input")
    with (folder / "miter.aig").open("rb") as model:
        header = model.readline().split()  # aig M I L O A
    if outputs != ["trigger"] or int(header[4]) != 1:
        raise Failure(f"the miter has the outputs {', '.join(outputs)}")
    if int(header[2]) != inputs:
        raise Failure(f"{int(header[2]) - inputs} bits have no driver")


def compare(claim: Claim, netlist: dict, folder: Path) -> str:
    """Netlist against gold.il beside `folder`, the RTL: "proved", "differs ..." or "undecided"."""
    folder.mkdir()
    shutil.copyfile(folder.parent / "gold.il", folder / "gold.il")
    (folder / "netlist.json").write_text(json.dumps(netlist), encoding="utf-8")
    yosys(MITER.format(netlist="netlist.json", cells=claim.family.cells, module=claim.module),
          folder, "miter")
    sound(folder)
    # scorr merges what is equal in every state that can be reached, dprove decides about the rest.
    text = execute(["yosys-abc", "-c", "read_aiger miter.aig; strash; print_stats; scorr; dprove"],
                   folder, "abc.log")
    if found := re.search(r"was asserted in frame (\d+)", text):
        return f"differs in cycle {found[1]}"
    if re.search(r"^SATISFIABLE", text, re.MULTILINE):
        return "differs"  # without flip-flops there are no cycles
    if re.search(r"^(UNSATISFIABLE|Networks are equivalent)", text, re.MULTILINE):
        return "proved"
    return "undecided"


def check(claim: Claim, at: Path, given: Path | None) -> dict:
    """Makes the netlist (or takes the given one), proves it, refutes its broken copies."""
    started = time.monotonic()
    row: dict = {"name": claim.name, "status": "failed", "refuted": {}, "seconds": 0.0}
    shutil.rmtree(at, ignore_errors=True)
    at.mkdir(parents=True)
    faults = []
    try:
        values = dict(claim.values)
        yosys(yosys_script(values, claim.module) + f"hierarchy -check -top {claim.module}; proc; "
              "flatten; opt_clean; rename -top gold; write_rtlil gold.il\n", at, "gold")
        if not given:
            cells = f"read_verilog -lib {BODIES[claim.bodies]}; " if claim.bodies else ""
            yosys(cells + yosys_script(values, claim.module, sources(claim.bodies))
                  + claim.target.synth.format(top=claim.module, out="synthesised.json") + "\n", at,
                  "synth")
        netlist = json.loads((given or at / "synthesised.json").read_text(encoding="utf-8"))
        tops = [module for module in netlist["modules"].values()
                if int(module["attributes"].get("top", "0"), 2)]
        if len(tops) != 1:
            raise Failure(f"the netlist has {len(tops)} top modules")
        # The netlist alone: the cells' bodies come from their models.
        netlist = {"modules": {claim.module: tops[0]}}
        row["cells"] = len(tops[0]["cells"])
        said = compare(claim, netlist, at / "proof")
        if said != "proved":
            faults.append(said)
        for kind, corrupted in CORRUPTIONS.items() if said == "proved" else ():
            tried = []
            for i, broken in enumerate(corrupted(netlist, claim.module, claim.family)):
                tried.append(compare(claim, broken, at / f"{kind}{i}"))
                if tried[-1].startswith("differs"):
                    break
            if tried:  # front-ends that are wires have no tables
                row["refuted"][kind] = tried[-1].startswith("differs")
                if not row["refuted"][kind]:
                    faults.append(f"broken netlists ({kind}) not refuted: {', '.join(tried)}")
    except Failure as failure:
        faults.append(str(failure))
    except (ValueError, KeyError, OSError) as error:
        faults.append(f"not a netlist of Yosys: {error!r}")
    row |= {"status": "failed" if faults else "proved", "faults": faults,
            "seconds": round(time.monotonic() - started, 1)}
    return row


def say(row: dict, folder: Path) -> None:
    refuted = sum(row["refuted"].values())
    print(f"equivalence: {row['status']:6} {row['name']}, {row.get('cells', 0)} cells, {refuted} "
          f"of {len(row['refuted'])} broken netlists refuted, {row['seconds']} s", flush=True)
    for fault in row["faults"]:
        print(f"    {fault}; all that was said: {folder / row['name']}", flush=True)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    for option, choices in (("target", FAMILIES), ("top", TOPS + SLOW_TOPS),
                            ("body", ("portable", "folded"))):
        parser.add_argument(f"--{option}", action="append", choices=tuple(choices),
                            help="several may be given (all"
                                 f"{' but encoder' if option == 'top' else ''})")
    parser.add_argument("--config", default="tiny",
                        choices=tuple(json.loads(CONFIGS.read_text(encoding="utf-8"))),
                        help="whose array and elements (tiny)")
    parser.add_argument("--name", help="one proof, as --list names it")
    parser.add_argument("--netlist", type=Path, metavar="FILE",
                        help="with --name: this netlist, of Yosys's write_json, is compared")
    parser.add_argument("--list", action="store_true", help="name the proofs and run none")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="run side by side")
    parser.add_argument("--folder", type=Path, default=ROOT / "build/equivalence", metavar="DIR",
                        help="where everything is written (build/equivalence)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the rows")
    return parser.parse_args()


def chosen(arguments: argparse.Namespace) -> list[Claim]:
    if arguments.jobs < 1:
        raise Failure("--jobs must be at least 1", 2)
    todo = [claim for claim in claims(arguments) if arguments.name in (None, claim.name)]
    if not todo:
        raise Failure(f"no proof {arguments.name}: --list names them" if arguments.name
                      else "no such proof: folded bodies are for pe and array, not of iCE40", 2)
    if arguments.netlist and not arguments.name:
        raise Failure("--netlist is for one proof: --name says which", 2)
    if arguments.netlist and not arguments.netlist.is_file():
        raise Failure(f"no file {arguments.netlist}", 2)
    return todo


def main() -> int:
    arguments = parse()
    try:
        todo = chosen(arguments)
        if arguments.list:
            print("\n".join(claim.name for claim in todo))
            return 0
        if missing := [tool for tool in ("yosys", "yosys-abc") if not shutil.which(tool)]:
            raise Failure(f"not installed: {', '.join(missing)} (run scripts/setup.sh test)", 2)
    except Failure as failure:
        print(f"equivalence.py: {failure}", file=sys.stderr)
        return failure.code
    started, rows = time.monotonic(), []
    tools = {"yosys": version(["yosys", "-V"])}
    print(f"equivalence: {len(todo)} netlists, yosys {tools['yosys']}", flush=True)
    folder = arguments.folder.resolve()
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for row in pool.map(lambda claim: check(claim, folder / claim.name, arguments.netlist),
                            todo):
            rows.append(row)
            say(row, folder)
    failed = sum(row["status"] == "failed" for row in rows)
    if arguments.json:
        arguments.json.write_text(json.dumps({"tool_versions": tools, "rows": rows}, indent=1)
                                  + "\n", encoding="utf-8")
    print(f"equivalence: {len(rows) - failed} proved, {failed} failed, "
          f"{time.monotonic() - started:.0f} s", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
