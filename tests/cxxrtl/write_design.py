#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes szt_matmul as C++ with Yosys (CXXRTL): OUT.cc and OUT.h.

usage: write_design.py CONFIG RTL OUT.cc
"""

import json
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
from rtl_sources import CONFIGS, SOURCES, parameters, yosys_script  # noqa: E402


def main() -> int:
    config, rtl, out = sys.argv[1:]
    values = parameters(json.loads(CONFIGS.read_text(encoding="utf-8"))[config], "szt")
    files = [Path(rtl) / source.name for source in SOURCES]
    # -g2: ports and registers by name; attributes hold the paths of the sources.
    script = (yosys_script(values, "szt_matmul", files) + "hierarchy -check -top szt_matmul; proc; "
              "flatten; opt_clean; check -assert; attrmap -remove src; "
              f"write_cxxrtl -g2 -header {out}")
    return subprocess.run(["yosys", "-Q", "-T", "-p", script], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
