#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Copies a netlist with one look-up table of the array inverted: the N-th whose name says that it
belongs to a processing element.

usage: corrupt.py CELL PARAMETER N IN OUT
"""

import re
import sys
from pathlib import Path


def main() -> int:
    cell, parameter, which, source, target = sys.argv[1:]
    text = Path(source).read_text(encoding="utf-8")
    pattern = (rf"{cell} #\(\s*\.{parameter}\(16'h([0-9a-f]{{4}})\)\s*\) \\?[^\n]*u_array[^\n]*\(")
    found = list(re.finditer(pattern, text))
    if int(which) >= len(found):
        print(f"corrupt.py: {source}: {len(found)} {cell} in the array, none numbered {which}",
              file=sys.stderr)
        return 2
    at = found[int(which)]
    inverted = f"{int(at.group(1), 16) ^ 0xFFFF:04x}"
    Path(target).write_text(text[:at.start(1)] + inverted + text[at.end(1):], encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
