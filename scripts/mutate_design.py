# SPDX-License-Identifier: Apache-2.0
"""The mutated designs of mutate.py: every possible mutation by Yosys, a fair sample of it, and one
netlist with all of the sample in which an input selects the active one (not a command)."""

import functools
import json
import random
import re
import shutil
import subprocess
from collections import defaultdict
from dataclasses import asdict, dataclass, field
from pathlib import Path

from failure import Failure
from rtl_sources import CONFIGS, MODULES, ROOT, RTL, SOURCES, parameters

SELECT = "mutsel"  # the input that selects; 0: none
WIDTH = 16
OUTPUTS = {"\\Y", "\\Q", "\\DATA"}
LANES = 4  # of the encoder that is mutated
# A mutated clock is another clock, not another function; a read that Yosys has made asynchronous
# (its register is a cell of its own) has no enable.
NOT_MUTATED = {("", "CLK"), ("$memrd", "EN")}
NOT_SYNTHESISED = {"axil_checker", "axis_checker"}
# Modules whose code is the same in a later design are mutated in the first alone.
CONTROL = {"axil_port", "axil_registers", "stream_register", "stream_discard", "szt_matmul",
           "szt_decode"}


@dataclass(frozen=True)
class Design:
    """A flattened top; `share`: its part of all mutants; `leave_out`: what is not mutated in it."""

    name: str
    top: str
    share: float
    about: str
    leave_out: frozenset = frozenset()

    @property
    def values(self) -> dict[str, str]:
        if self.top == "szt_encoder_stream":
            return {"Lanes": str(LANES)}
        return parameters(json.loads(CONFIGS.read_text())[self.name], "szt")


DESIGNS = {d.name: d for d in (
    Design("tiny", "szt_matmul", 0.45, "4 x 4, RegisterOperand, SplitAdd"),
    Design("tall", "szt_matmul", 0.25, "12 x 5, ActReach 2, SplitAdd, no RegisterOperand",
           frozenset(CONTROL)),
    Design("wide", "szt_matmul", 0.05, "5 x 12, RegisterOperand, no SplitAdd",
           frozenset(p.stem for p in MODULES) - {"accumulator_bank"}),
    Design("encoder", "szt_encoder_stream", 0.25, f"{LANES} lanes", frozenset({"axil_port"})),
)}


@dataclass
class Mutant:
    """`number` selects it in its design; `options` are those of Yosys's mutate."""

    number: int
    design: str
    module: str
    cell_type: str
    options: dict[str, str]
    where: str  # FILE:LINE of the cell
    text: str   # of the RTL there
    wire: str   # that the bit is of, if any

    @property
    def key(self) -> str:
        """Stays as long as the RTL there does; line numbers and Yosys's names are not in it."""
        o = self.options
        control = f"^[{o['ctrlbit']}]" if "ctrlbit" in o else ""
        return (f"{self.design} {self.module} {self.cell_type} "
                f"{o['port']}[{o['portbit']}]{control} "
                f"{o['mode']} {self.wire or '-'} `{self.text}`")

    @property
    def command(self) -> str:
        return "mutate " + " ".join(f"-{k} {v}" for k, v in self.options.items())


@dataclass
class Cell:
    type: str = ""
    module: str = ""
    source: str = ""
    output: str = ""


def yosys(script: str, folder: Path, name: str, timeout: float = 600) -> str:
    """Runs a script in rtl/, so that the places it reports have no folder."""
    (folder / f"{name}.ys").write_text(script)
    log = folder / f"{name}.log"
    with log.open("w") as out:
        done = subprocess.run(["yosys", "-Q", "-T", "-s", str(folder / f"{name}.ys")], cwd=RTL,
                              stdout=out, stderr=subprocess.STDOUT, timeout=timeout, check=False)
    text = log.read_text(errors="replace")
    if done.returncode:
        errors = [line for line in text.splitlines() if "ERROR" in line] or ["no message"]
        raise Failure(f"yosys, {log}: {errors[0]}")
    return text


def flatten(design: Design, folder: Path) -> None:
    """flat.il: one module of word-level cells, each with the number of its RTL module; list.txt:
    every mutation there is."""
    names = [p.stem for p in MODULES]
    lines = ["read_verilog -sv -I. " + " ".join(p.name for p in SOURCES)]
    lines.append("chparam " + " ".join(f"-set {k} {v}" for k, v in design.values.items())
                 + f" {design.top}")
    lines += [f"hierarchy -check -top {design.top}", "proc", "opt_clean"]
    # Longer names later: *skew is deskew as well.
    for name in sorted(names, key=len):
        lines += [f"setattr -set rtl_module {names.index(name) + 1} *{name}/c:* "
                  f"*{name}\\\\*/c:*"]
    lines += ["flatten", "opt", "opt_clean", "rename -top mutated",
              f"write_rtlil {folder}/flat.il", f"mutate -list 10000000 -o {folder}/list.txt"]
    yosys("\n".join(lines) + "\n", folder, "flatten")


def cells(path: Path) -> dict[str, Cell]:
    names = [p.stem for p in MODULES]
    found: dict[str, Cell] = {}
    cell = opened = Cell()
    for line in path.read_text().splitlines():
        words = line.split()
        if words[:1] == ["attribute"]:
            if words[1] == "\\rtl_module":
                value = words[2]
                cell.module = names[int(value.rpartition("'")[2], 2 if "'" in value else 10) - 1]
            elif words[1] == "\\src":
                cell.source = words[2].strip('"')
        elif words[:1] == ["cell"]:
            cell.type = words[1]
            found[words[2]] = opened = cell
            cell = Cell()
        elif words[:1] == ["connect"] and words[1] in OUTPUTS and words[2].startswith("\\"):
            opened.output = " ".join(words[2:])[1:]
        elif words[:1] in (["wire"], ["memory"]):
            cell = Cell()
    return found


@functools.cache
def lines_of(name: str) -> list[str]:
    return (RTL / name).read_text().splitlines()


def source_text(source: str, module: str) -> tuple[str, str]:
    """FILE:LINE and what stands there, of the place in the module's own file."""
    places = [p for p in source.split("|") if ":0.0-" not in p]
    places = [p for p in places if p.startswith(f"{module}.sv:")] or places or [source]
    match = re.fullmatch(r"(\w+\.sv):(\d+)\.(\d+)-(\d+)\.(\d+)", places[-1])
    if not match or match[2] == "0":
        return source, ""
    name, (l1, c1, l2, c2) = match[1], map(int, match.groups()[1:])
    lines = lines_of(name)[l1 - 1:l2]
    if l1 == l2:
        lines = [lines[0][c1 - 1:c2 - 1]]
    else:
        lines[0] = lines[0][c1 - 1:]
    text = " ".join(" ".join(line.partition("//")[0].split()) for line in lines)
    return f"{name}:{l1}", text if len(text) <= 70 else text[:67] + "..."


def sites(design: Design, folder: Path) -> dict[str, dict[tuple, list]]:
    """Mutations by RTL module, then by cell and port."""
    known = cells(folder / "flat.il")
    found: dict[str, dict[tuple, list]] = defaultdict(lambda: defaultdict(list))
    for line in (folder / "list.txt").read_text().splitlines():
        words = line.split()[1:]
        options = {k[1:]: v for k, v in zip(words[::2], words[1::2]) if k != "-src"}
        cell = known[options["cell"]]
        module = cell.module or design.top
        port = options["port"]
        if {("", port), (cell.type, port)} & NOT_MUTATED or module in design.leave_out:
            continue
        found[module][options["cell"], options["port"]].append(options)
    return found


def shares(sizes: dict[str, int], count: int) -> dict[str, int]:
    """Of `count` mutants to modules: by the square root of their size, so that wide data does not
    take what control should get, and at least a minimum."""
    least = max(2, count // (4 * max(1, len(sizes))))
    roots = {name: size ** 0.5 for name, size in sizes.items()}
    total = sum(roots.values())
    return {name: max(min(least, sizes[name]), min(sizes[name], round(count * root / total)))
            for name, root in roots.items()}


def sample(design: Design, folder: Path, count: int, seed: int) -> list[Mutant]:
    """Cell and port first, then the bit and the mode: a bus is not worth 32 flags."""
    known = cells(folder / "flat.il")
    found = sites(design, folder)
    wanted = shares({m: len(ports) for m, ports in found.items()}, count)
    mutants: list[Mutant] = []
    for module in sorted(found):
        rng = random.Random(f"{seed} {design.name} {module}")
        ports = sorted(found[module])
        rng.shuffle(ports)
        taken = set()
        rounds = 0
        while len(taken) < wanted[module] and rounds < 50:
            rounds += 1
            for port in ports:
                options = rng.choice(found[module][port])
                mark = tuple(sorted(options.items()))
                if mark in taken or len(taken) >= wanted[module]:
                    continue
                taken.add(mark)
                cell = known[options["cell"]]
                where, text = source_text(cell.source, module)
                wire = options.pop("wire", "")
                bit = options.pop("wirebit", "")
                mutants.append(Mutant(len(mutants) + 1, design.name, module, cell.type, options,
                                      where, text, f"{wire}[{bit}]" if wire
                                      else cell.output and f"to {cell.output}"))
    return mutants


def ports_of(top: str) -> list[tuple[str, str, str]]:
    """Direction, range and name of each, from the RTL's text."""
    header = (RTL / f"{top}.sv").read_text().partition("\n) (\n")[2].partition("\n);")[0]
    return re.findall(r"^\s*(input|output)\s+wire\s+(\[.*\])?\s*(\w+),?(?:\s*//.*)?$", header,
                      re.MULTILINE)


def wrapper(design: Design) -> str:
    """The top's own ports and checkers around the mutated netlist; the encoder's other numbers of
    lanes as they are."""
    text = (RTL / f"{design.top}.sv").read_text()
    head, _, body = text.partition("\n);\n")
    checkers = body[body.index("`ifndef SYNTHESIS"):]
    local = "\n".join(re.findall(r"^  localparam .*;$", body, re.MULTILINE))
    ports = [name for _, _, name in ports_of(design.top)]
    joined = ", ".join(f".{p}({p})" for p in ports)
    instance = f"mutated u_mutated (.{SELECT}(mutant), {joined});"
    if design.top == "szt_encoder_stream":
        instance = (f"if (Lanes == {LANES}) begin : gen_mutated\n  {instance}\nend else begin : "
                    f"gen_original\n  szt_encoder_stream_original #(.Lanes(Lanes)) u_original "
                    f"({joined});\nend")
    # Not by DPI: the scopes of Verilator 5.006 do not outlive another model's context.
    variable = r'std::getenv(\"SZT_MUTANT\")'
    chosen = f'$c32("({variable} ? std::atoi({variable}) : 0)")'
    return (f"{head}\n);\n{local}\n  bit [{WIDTH - 1}:0] mutant;\n"
            f"  initial mutant = {WIDTH}'({chosen});\n  {instance}\n{checkers}")


def write_if_new(path: Path, text: str) -> None:
    if not path.is_file() or path.read_text() != text:
        path.write_text(text)


def netlist(design: Design, mutants: list[Mutant], folder: Path) -> None:
    """The folder's rtl/: a copy of ours, with the netlist of all mutants below the top."""
    lines = [f"read_rtlil {folder}/flat.il"]
    for m in mutants:
        options = {**m.options, "module": "mutated"}
        lines.append("mutate " + " ".join(f"-{k} {v}" for k, v in options.items())
                     + f" -ctrl {SELECT} {WIDTH} {m.number}")
    lines += ["check -assert", f"write_rtlil {folder}/mutated.il",
              f"write_verilog -noattr {folder}/mutated.v"]
    yosys("\n".join(lines) + "\n", folder, "netlist")
    rtl = folder / "rtl"
    rtl.mkdir(exist_ok=True)
    for path in [*SOURCES, RTL / "assertions.svh"]:
        if path.stem != design.top:
            write_if_new(rtl / path.name, path.read_text())
    write_if_new(rtl / f"{design.top}.sv", wrapper(design))
    if design.top == "szt_encoder_stream":
        original = (RTL / f"{design.top}.sv").read_text()
        write_if_new(rtl / f"{design.top}_original.sv",
                     original.replace(f"module {design.top}", f"module {design.top}_original"))
    # Without Yosys's banner, which has its version and nothing of the design.
    text = (folder / "mutated.v").read_text()
    write_if_new(rtl / "mutated.sv", text.partition("*/\n")[2] or text)
    (folder / "mutants.json").write_text(json.dumps([asdict(m) for m in mutants], indent=1) + "\n")
