#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Builds the bitstream of the self-test for a board: Yosys, nextpnr and the family's packer, the
system's or those of .venv; rtl/boards/README.md says what the board shows.

The clock that the placed and routed design can run at is compared with the board's: a bitstream that
is too slow is not written.

Exit: 0 done, 1 a run failed or is too slow, 2 bad usage or a missing program.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from failure import Failure
from rtl_sources import BOARDS as BOARD_SOURCES
from rtl_sources import BODIES, CONFIGS, ROOT, RTL, parameters, sources, yosys_script
from synth_targets import TARGETS
from synthesis import newest_yosys, placer

BOARDS = json.loads((RTL / "boards/boards.json").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Flow:
    """From a netlist to a bitstream. In what a program is called with: {netlist}, {pins}, {placed},
    {report}, {seed}, {freq} (MHz), {size}, {bitstream}."""

    synth: str  # Yosys, with {top} and {out}
    place: str
    pins: str  # suffix of the file of pins
    pack: str
    suffix: str  # of the bitstream
    sizes: tuple[str, ...]  # of the device, the board's usual one first
    load: str  # how it gets to the board


FLOWS = {
    # Flip-flops with an enable that few share cannot share a tile with others: HX8K is too full.
    "ice40": Flow("synth_ice40 -dffe_min_ce_use 17 -top {top} -json {out}",
                  "nextpnr-ice40 --{size} --package ct256 --json {netlist} --pcf {pins} "
                  "--asc {placed} --report {report} --seed {seed} --freq {freq} "
                  "--timing-allow-fail", "pcf",
                  "icepack {placed} {bitstream}", "bin", ("hx8k",),
                  "iceprog -S {bitstream}"),
    "ecp5": Flow("synth_ecp5 -top {top} -json {out}",
                 "nextpnr-ecp5 --{size} --package CABGA381 --speed 6 --json {netlist} --lpf {pins} "
                 "--textcfg {placed} --report {report} --seed {seed} --freq {freq} "
                 "--timing-allow-fail", "lpf",
                 "ecppack --compress {placed} {bitstream}", "bit", ("25k", "85k"),
                 "openFPGALoader -b ulx3s {bitstream}"),
}


def find(name: str) -> str:
    """A program, the system's or that of .venv."""
    for program in (shutil.which(name), ROOT / f".venv/bin/yowasp-{name}"):
        if program and Path(program).exists():
            return str(program)
    raise Failure(f"no {name} (scripts/setup.sh fpga installs it)", 2)


def run(command: list[str], folder: str) -> None:
    """In the folder, with names of files in it: YoWASP's programs have a /tmp of their own."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        lines = (done.stdout + done.stderr).splitlines() or ["no message"]
        errors = [line for line in lines if re.search(r"error|exception", line, re.IGNORECASE)]
        raise Failure(f"{Path(command[0]).name}: {(errors or lines[-1:])[0].strip()}")


def synthesis_script(board: dict, config: str, out: str) -> str:
    """Yosys's commands that make the netlist of the board's top."""
    target = TARGETS[board["family"]]
    of_core = json.loads(CONFIGS.read_text(encoding="utf-8"))[config]
    # A registered operand is outside of the adder: the family's own body would not fit.
    bodies = target.always if of_core["register_operand"] else target.bodies or target.always
    values = parameters(of_core, "szt") | {"Expected": f"32'h{BOARDS['signatures'][config]}"}
    cells = f"read_verilog -lib {BODIES[bodies]}; " if bodies else ""
    return (cells + yosys_script(values, board["top"], [*sources(bodies), *BOARD_SOURCES])
            + FLOWS[board["family"]].synth.format(top=board["top"], out=out))


def publish(made: Path, output: Path) -> None:
    """The whole file or nothing."""
    part = output.with_name(output.name + ".part")
    try:
        shutil.copyfile(made, part)
        os.replace(part, output)
    except OSError as error:
        raise Failure(f"{output}: {error.strerror}", 2) from error
    finally:
        part.unlink(missing_ok=True)


def build(name: str, config: str, size: str, seed: int, output: Path) -> None:
    board = BOARDS["boards"][name]
    flow = FLOWS[board["family"]]
    place, pack = flow.place.split(), flow.pack.split()
    yosys, yosys_version = newest_yosys()
    if not (found := placer(place[0])):
        raise Failure(f"no {place[0]} (scripts/setup.sh fpga installs it)", 2)
    packer = find(pack[0])
    print(f"bitstream: {board['about']}, {config}; yosys {yosys_version}, {place[0]} {found[1]}, "
          f"{Path(packer).name}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        pins = RTL / "boards" / f"{board['top']}.{flow.pins}"
        shutil.copy(pins, folder)
        names = {"netlist": "netlist.json", "placed": "placed", "report": "report.json",
                 "bitstream": "bitstream", "pins": pins.name, "seed": str(seed),
                 "freq": str(board["clock_mhz"]), "size": size}
        run([yosys, "-Q", "-T", "-p", synthesis_script(board, config, names["netlist"])], folder)
        run([found[0], *(word.format(**names) for word in place[1:])], folder)
        report = json.loads((Path(folder) / names["report"]).read_text(encoding="utf-8"))
        used = [f"{cell} {count['used']} of {count['available']}"
                for cell, count in report.get("utilization", {}).items() if count["used"]]
        if used:
            print(f"bitstream: {', '.join(used)}")
        fmax = min(clock["achieved"] for clock in report["fmax"].values())
        print(f"bitstream: {fmax:.1f} MHz of {board['clock_mhz']} MHz that the board has, "
              f"seed {seed}")
        if fmax < board["clock_mhz"]:
            raise Failure(f"too slow for the board: {fmax:.1f} MHz; try another --seed")
        run([packer, *(word.format(**names) for word in pack[1:])], folder)
        publish(Path(folder) / names["bitstream"], output)
    print(f"bitstream: {output}, {output.stat().st_size} bytes; signature expected on the board: "
          f"{BOARDS['signatures'][config]}")
    print(f"bitstream: to load it: {flow.load.format(bitstream=output)}")


def netlist(name: str, config: str, output: Path) -> None:
    """The netlist as Verilog, for a simulator that has the cells' models. What a memory holds at
    first, if nobody said, is 0, as after configuration."""
    yosys, _ = newest_yosys()
    with tempfile.TemporaryDirectory() as folder:
        script = synthesis_script(BOARDS["boards"][name], config, "netlist.json")
        run([yosys, "-Q", "-T", "-p",
             f"{script}; setundef -zero -params; write_verilog -noattr netlist.v"], folder)
        publish(Path(folder) / "netlist.v", output)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--board", required=True, choices=tuple(BOARDS["boards"]))
    parser.add_argument("--config", choices=tuple(BOARDS["signatures"]),
                        help="of the core (the board's)")
    parser.add_argument("--device", help="its size: ulx3s has 25k (LFE5U-25F) or 85k (25k)")
    parser.add_argument("--seed", type=int, default=1, help="of the placer (1)")
    parser.add_argument("--output", type=Path, metavar="FILE",
                        help="the bitstream (build/bitstreams/BOARD.bin or .bit)")
    parser.add_argument("--netlist", type=Path, metavar="FILE",
                        help="write the netlist as Verilog instead")
    arguments = parser.parse_args()
    board = BOARDS["boards"][arguments.board]
    flow = FLOWS[board["family"]]
    config, size = arguments.config or board["config"], arguments.device or flow.sizes[0]
    try:
        if arguments.seed < 0:
            raise Failure("--seed must not be negative", 2)
        if size not in flow.sizes:
            raise Failure(f"--device {size}: {arguments.board} has {' or '.join(flow.sizes)}", 2)
        output = arguments.netlist or arguments.output
        if not output:
            output = ROOT / "build/bitstreams" / f"{arguments.board}.{flow.suffix}"
            output.parent.mkdir(parents=True, exist_ok=True)
        if not output.parent.is_dir() or output.is_dir():
            raise Failure(f"{output}: not a file in a folder that is there", 2)
        if arguments.netlist:
            netlist(arguments.board, config, output.resolve())
        else:
            build(arguments.board, config, size, arguments.seed, output)
    except Failure as failure:
        print(f"bitstream.py: {failure}", file=sys.stderr)
        return failure.code
    return 0


if __name__ == "__main__":
    sys.exit(main())
