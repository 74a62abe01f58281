# SPDX-License-Identifier: Apache-2.0
"""Equivalence of a mutant with the design it was made of, by Yosys and ABC (not a command).

Both run side by side from the same state, with reset in the first cycle and any input at any time
after it, reset included. The state is any but for the registers that a mutant may hide, which are
0. What they read from memories is any value, the same for both, and what they write there must be
the same.
Outputs are compared as the suites can see them: the payload of a stream or a response only while it
is valid.
"""

import functools
import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from failure import Failure
from mutate_design import SELECT, WIDTH, Design, ports_of, yosys

# One miter serves all mutants of a design: its input selects.
MITER = ("miter -equiv -flatten gold gate miter; hierarchy -top miter; opt_clean -purge; "
         "setundef -zero; opt_expr; opt_merge; "
         "opt_clean -purge; techmap; simplemap; opt_expr; opt_merge; "
         "opt_clean -purge; dffunmap; aigmap; opt_clean -purge")
SEARCH = "strash; scleanup; lcorr; bmc3 -F 30 -T 5; pdr -T {}"
PAYLOADS = {"tdata": "tvalid", "tkeep": "tvalid", "tlast": "tvalid", "rdata": "rvalid",
            "rresp": "rvalid", "bresp": "bvalid"}


@dataclass
class Verdict:
    said: str  # "equivalent", "different", "undecided"
    seconds: float = 0.0


@dataclass
class Port:
    name: str
    kind: str  # of a memory cell: ADDR, DATA or EN
    direction: str
    width: int
    enable: str = ""


def open_memories(text: str) -> tuple[str, list[Port]]:
    """RTLIL without its memories: ports in the places of their ports."""
    ports: list[Port] = []
    wires: list[str] = []
    connections: list[str] = []
    number = 100_000  # of a port: any that is free

    def replace(match: re.Match) -> str:
        nonlocal number
        body = match[0]
        index = len(wires)
        width = int(re.search(r"parameter \\WIDTH (\d+)", body)[1])
        address = int(re.search(r"parameter \\ABITS (\d+)", body)[1])
        read = match[1] == "$memrd"
        for kind, bits in (("ADDR", address), ("DATA", width), ("EN", width)):
            if kind == "EN" and read:
                continue
            signal = re.search(rf"connect \\{kind} (.*)", body)[1]
            name = f"mem{index}_{kind.lower()}"
            inward = read and kind == "DATA"
            number += 1
            direction = "input" if inward else "output"
            wires.append(f"  wire width {bits} {direction} {number} \\{name}\n")
            connections.append(f"  connect {signal} \\{name}\n" if inward
                               else f"  connect \\{name} {signal}\n")
            ports.append(Port(name, kind, direction, bits,
                              "" if read or kind == "EN" else f"mem{index}_en"))
        return ""

    text = re.sub(r"(?:  attribute .*\n)*  cell (\$memrd|\$memwr_v2) .*\n(?:    .*\n)*  end\n",
                  replace, text)
    text = re.sub(r"(?:  attribute .*\n)*  memory .*\n", "", text)
    head, module, rest = text.partition("module \\mutated\n")
    body, end, tail = rest.rpartition("end\n")
    return head + module + "".join(wires) + body + "".join(connections) + end + tail, ports


def harness(design: Design, ports: list[Port], mutated: bool) -> str:
    """The design, with its mutants or without, and its outputs masked to what can be seen."""
    values = design.values
    widths = {}
    for _, dimension, name in ports_of(design.top):
        text = dimension.strip("[]").rpartition(":")[0] or "0"
        for parameter, value in values.items():
            text = re.sub(rf"\b{parameter}\b", value, text)
        widths[name] = text
    lines = [f"  input wire [{WIDTH - 1}:0] {SELECT}"]
    joined = [f".{SELECT}({SELECT if mutated else 0})"]
    masks = ["  reg seen_reset = 1'b0;", "  always @(posedge clk_i) seen_reset <= 1'b1;"]
    for direction, _, name in ports_of(design.top):
        lines.append(f"  {direction} wire [{widths[name]}:0] {name}")
        stem, _, last = name.rpartition("_")
        if name == "rst_ni":
            joined.append(".rst_ni(rst_ni & seen_reset)")
        elif direction == "output":
            guard = f"{stem}_{PAYLOADS[last]}" if last in PAYLOADS else "seen_reset"
            masks += [f"  wire [{widths[name]}:0] {name}_raw;",
                      f"  assign {name} = {guard} ? {name}_raw : '0;"]
            joined.append(f".{name}({name}_raw)")
        else:
            joined.append(f".{name}({name})")
    for port in ports:
        lines.append(f"  {port.direction} wire [{port.width - 1}:0] {port.name}")
        if port.enable:
            mask = port.enable if port.kind == "DATA" else f"{{{port.width}{{|{port.enable}}}}}"
        else:
            mask = f"{{{port.width}{{seen_reset}}}}"
        if port.direction == "output":
            masks += [f"  wire [{port.width - 1}:0] {port.name}_raw;",
                      f"  assign {port.name} = {port.name}_raw & {mask};"]
        joined.append(f".{port.name}({port.name}{'_raw' if port.direction == 'output' else ''})")
    return ("module harness (\n" + ",\n".join(lines) + "\n);\n" + "\n".join(masks)
            + "\n  mutated u_mutated (" + ", ".join(joined) + ");\nendmodule\n")


def prepare(design: Design, folder: Path) -> None:
    """miter.aig: the design with its mutants beside the one without."""
    opened, ports = open_memories((folder / "mutated.il").read_text())
    (folder / "opened.il").write_text(opened)
    script = ""
    for name in ("gold", "gate"):
        (folder / f"{name}.sv").write_text(harness(design, ports, name == "gate"))
        script += (f"read_rtlil {folder}/opened.il; read_verilog -sv {folder}/{name}.sv; "
                   f"hierarchy -check -top harness; proc; flatten; opt; opt_clean -purge; "
                   f"rename -top {name}; design -stash {name}; design -reset; ")
    script += "".join(f"design -copy-from {name} -as {name} {name}; " for name in ("gold", "gate"))
    script += f"{MITER}; write_aiger -zinit -symbols {folder}/miter.aig"
    yosys(script.replace("; ", "\n") + "\n", folder, "miter", 3000)


@dataclass
class Aiger:
    """A binary AIGER file, its latches and gates as literals."""

    inputs: int
    latches: list[int]
    outputs: list[int]
    gates: list[tuple[int, int]]
    select: dict[int, int]  # literal of an input, and which bit of the selector it is
    same: dict[int, int]    # what stands for an input that starts a register


@functools.cache
def read_aiger(path: Path, _stamp: float) -> Aiger:
    data = path.read_bytes()
    header, _, _ = data.partition(b"\n")
    inputs, latches, outputs, gates = map(int, header.split()[2:6])
    at = len(header) + 1
    lines = []
    for _ in range(latches + outputs):
        end = data.index(b"\n", at)
        lines.append(int(data[at:end].split()[0]))
        at = end + 1
    found = []
    for index in range(gates):
        deltas = []
        for _ in range(2):
            value = shift = 0
            while True:
                byte = data[at]
                at += 1
                value |= (byte & 0x7F) << shift
                shift += 7
                if byte < 0x80:
                    break
            deltas.append(value)
        left = 2 * (inputs + latches + index + 1) - deltas[0]
        found.append((left, left - deltas[1]))
    names = {2 * (int(i) + 1): name for i, name in
             re.findall(r"^i(\d+) (.*)$", data[at:].decode(errors="replace"), re.MULTILINE)}
    select = {literal: int(match[1]) for literal, name in names.items()
              if (match := re.fullmatch(rf"\S*{SELECT}\[(\d+)\]", name))}
    # Yosys makes an input of each register's first value, with all names that it has. A register
    # whose name a mutant has taken starts at 0, and so does its twin.
    starts: dict[str, dict[str, int]] = {"gold": {}, "gate": {}}
    for literal, name in names.items():
        for side, alias in re.findall(r"(?:^| )init:(gold|gate)\.(\S+)", " " + name):
            starts[side][alias] = literal
    same = {2 * (i + 1): 0 for i in range(inputs)}
    same |= {literal: literal for literal, name in names.items() if "init:" not in name}
    for alias, literal in starts["gate"].items():
        if alias in starts["gold"]:
            same[literal] = same[starts["gold"][alias]] = starts["gold"][alias]
    if len(select) != WIDTH:
        raise Failure(f"{path}: {len(select)} inputs of {SELECT}, not {WIDTH}")
    return Aiger(inputs, lines[:latches], lines[latches:], found, select, same)


def write_aiger(path: Path, model: Aiger, number: int) -> None:
    """With the selector at a number."""
    constant = {literal: number >> bit & 1 for literal, bit in model.select.items()}

    def of(literal: int) -> int:
        plain = literal & ~1
        return constant.get(plain, model.same.get(plain, plain)) ^ (literal & 1)

    first = model.inputs + len(model.latches) + 1
    out = bytearray()
    last = first + len(model.gates) - 1
    out += (f"aig {last} {model.inputs} {len(model.latches)} {len(model.outputs)} "
            f"{len(model.gates)}\n").encode()
    for literal in [*model.latches, *model.outputs]:
        out += f"{of(literal)}\n".encode()
    for index, gate in enumerate(model.gates):
        left, right = sorted((of(gate[0]), of(gate[1])), reverse=True)
        for delta in (2 * (first + index) - left, left - right):
            while delta >= 0x80:
                out.append(delta & 0x7F | 0x80)
                delta >>= 7
            out.append(delta)
    path.write_bytes(out)


def prove(number: int, folder: Path, timeout: float) -> Verdict:
    """Within about `timeout` seconds of ABC; `prepare` comes before. Of mutant 0, which is none, it
    must say equivalent."""
    start = time.monotonic()
    miter = folder / "miter.aig"
    one = folder / f"miter{number}.aig"
    write_aiger(one, read_aiger(miter, miter.stat().st_mtime), number)
    log = one.with_suffix(".log")
    limit = f"ulimit -t {int(2 * timeout)}; exec \"$@\""
    with log.open("w") as out:
        subprocess.run(["sh", "-c", limit, "sh", "yosys-abc", "-c",
                        f"read_aiger {one}; " + SEARCH.format(int(timeout))],
                       stdout=out, stderr=subprocess.STDOUT, cwd=folder, check=False)
    one.unlink()
    text = log.read_text(errors="replace")
    said = "undecided"
    if re.search(r"was asserted in frame|[Nn]etworks are (NOT|not) (EQUIVALENT|equivalent)", text):
        said = "different"
    elif re.search(r"Networks are equivalent|Property proved", text):
        said = "equivalent"
    return Verdict(said, time.monotonic() - start)
