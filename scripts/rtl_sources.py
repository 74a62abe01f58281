# SPDX-License-Identifier: Apache-2.0
"""The files of the RTL, its configurations and how tools are called on it; for the scripts that
check and synthesise it (not a command)."""

import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RTL = ROOT / "rtl"
CONFIGS = RTL / "configs.json"
PACKAGES = [RTL / "szt_pkg.sv", RTL / "szt_registers.sv"]
MODULES = sorted(p for p in RTL.glob("*.sv") if p not in PACKAGES)
SOURCES = [*PACKAGES, *MODULES]
BOARDS = sorted((RTL / "boards").glob("*.sv"))  # the self-test and the tops of boards
PARAMETERS = {
    "rows": "Rows",
    "cols": "Cols",
    "act_width": "ActWidth",
    "acc_width": "AccWidth",
    "acc_depth": "AccDepth",
    "fifo_depth": "FifoDepth",
    "act_reach": "ActReach",
    "register_operand": "RegisterOperand",
    "split_add": "SplitAdd",
}
FRONT_ENDS = {  # what szt_decode is built as
    "szt": {},
    "szt-forward": {"Backward": "1'b0"},
    "bt": {"Format": "0"},
    "raw": {"Format": "2"},
}
# Folders of bodies that take the place of portable modules of the same name, and the file of
# Yosys that says what their cells do.
BODIES = {"ecp5": "+/ecp5/cells_sim.v +/ecp5/cells_bb.v", "ice40": "+/ice40/cells_sim.v",
          "xilinx7": "+/xilinx/cells_sim.v"}


def parameters(config: dict, front_end: str) -> dict[str, str]:
    """Of szt_matmul, by name, as Verilog constants."""
    values = {PARAMETERS[key]: config[key] for key in PARAMETERS}
    values = {name: f"1'b{int(v)}" if isinstance(v, bool) else str(v) for name, v in values.items()}
    return values | FRONT_ENDS[front_end]


def sources(bodies: str | None = None) -> list[Path]:
    """Every file of the RTL, with the bodies of that folder where it has them."""
    if not bodies:
        return SOURCES
    here = {path.name: path for path in (RTL / bodies).glob("*.sv")}
    return [here.get(path.name, path) for path in SOURCES]


def run(command: list[str]) -> tuple[bool, str]:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.returncode == 0, done.stdout + done.stderr


def version(command: list[str], pattern: str = r"\d+(\.\d+)*") -> str:
    match = re.search(pattern, run(command)[1])
    return match.group(0) if match else "unknown"


def yosys_script(values: dict[str, str], top: str, files: Iterable[Path] = SOURCES) -> str:
    """The commands that read the files and set the parameters of the top."""
    read = "read_verilog -sv -I" + " ".join([str(RTL), *map(str, files)])
    chparam = " ".join(f"-set {k} {v}" for k, v in values.items())
    return f"{read}; chparam {chparam} {top}; " if chparam else f"{read}; "
