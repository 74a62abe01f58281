# SPDX-License-Identifier: Apache-2.0
"""What synth.py can synthesise for: the flow of each target, what its cells count as, and how it
is placed and routed (not a command)."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Cells = dict[str, int]  # of a netlist, by type


def total(cells: Cells, pattern: str) -> int:
    return sum(count for cell, count in cells.items() if re.fullmatch(pattern, cell))


def ice40(cells: Cells) -> dict[str, float]:
    return {"luts": total(cells, "SB_LUT4"), "ffs": total(cells, "SB_DFF.*"),
            "carries": total(cells, "SB_CARRY"), "brams": total(cells, "SB_RAM40_4K.*"),
            "dsps": total(cells, "SB_MAC16")}


def ecp5(cells: Cells) -> dict[str, float]:
    """A CCU2C is two LUT4s; a 16 x 4 memory takes four, and two that only write."""
    carries = total(cells, "CCU2C")
    return {"luts": total(cells, "LUT4") + 2 * carries + 6 * total(cells, "TRELLIS_DPR16X4"),
            "ffs": total(cells, "TRELLIS_FF"), "carries": carries,
            "brams": total(cells, "DP16KD|PDPW16KD"), "dsps": total(cells, "MULT18X18D")}


def gowin(cells: Cells) -> dict[str, float]:
    """An ALU is a LUT4; a 16 x 4 memory takes four."""
    carries = total(cells, "ALU")
    return {"luts": total(cells, "LUT[1-4]") + carries + 4 * total(cells, "RAM16SDP4"),
            "ffs": total(cells, "DFF.*"), "carries": carries,
            "brams": total(cells, "(SP|SDP|SDPX9|DP|DPX9)B?"), "dsps": total(cells, "MULT.*")}


def xilinx(cells: Cells) -> dict[str, float]:
    """LUTs of any size count one each (no pairs share a LUT6); distributed memories as UG474."""
    memories = {"RAM32X1D": 2, "RAM64X1D": 2, "RAM128X1D": 4, "RAM32M": 4, "RAM64M": 4}
    luts = total(cells, "LUT[1-6]|INV|SRL16E|SRLC32E")
    return {"luts": luts + sum(total(cells, name) * size for name, size in memories.items()),
            "ffs": total(cells, "FD[A-Z]*"), "carries": total(cells, "CARRY4"),
            "brams": total(cells, "RAMB36E1") + total(cells, "RAMB18E1") / 2,
            "dsps": total(cells, "DSP48E1")}


@dataclass(frozen=True)
class Target:
    name: str
    synth: str  # Yosys, with {top} and {out}: the netlist to write
    count: Callable[[Cells], dict[str, float]] | None
    bodies: str = ""  # the folder of rtl/ with its own bodies, which fold the operand in
    always: str = ""  # the folder of bodies without which nothing is made for it
    device: str = ""
    place: str = ""  # the program, as in PATH
    options: tuple[str, ...] = ()  # of the program, with {netlist}, {seed}, {report} and {freq}
    packed: str = ""  # in its output: the logic cells that packing leaves
    needs: Path | None = None  # a file that it cannot do without
    package: str = ""  # Debian's, that has it


OSU018 = Path("/usr/share/qflow/tech/osu018/osu018_stdcells.lib")

TARGETS = {
    target.name: target for target in (
        Target(
            "ice40", "synth_ice40 -top {top} -json {out}", ice40, always="ice40",
            device="iCE40 HX8K", place="nextpnr-ice40",
            options=("--hx8k", "--package", "ct256", "--json", "{netlist}", "--seed", "{seed}",
                     "--freq", "{freq}", "--timing-allow-fail", "--report", "{report}"),
            packed="ICESTORM_LC"),
        Target(
            "ecp5", "synth_ecp5 -top {top} -json {out}", ecp5, bodies="ecp5",
            device="ECP5-25F, speed grade 6", place="nextpnr-ecp5",
            options=("--25k", "--speed", "6", "--package", "CABGA381", "--json", "{netlist}",
                     "--seed", "{seed}", "--freq", "{freq}", "--timing-allow-fail",
                     "--lpf-allow-unconstrained", "--report", "{report}"),
            packed="TRELLIS_COMB"),
        Target("gowin", "synth_gowin -noiopads -top {top} -json {out}", gowin, device="GW1N, GW2A"),
        Target("xilinx", "synth_xilinx -family xc7 -flatten -noiopad -noclkbuf -top {top}; "
               "write_json {out}", xilinx, bodies="xilinx7", device="7 series"),
        Target("osu018", "synth -flatten -top {top}; dfflibmap -liberty {lib}; "
               "abc -liberty {lib} -D 1000; opt_clean -purge; write_json {out}", None,
               device="OSU 0.18 um standard cells", needs=OSU018, package="qflow-tech-osu018"),
    )
}
