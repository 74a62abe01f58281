#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""List what the register headers define, a NAME(...) a line, in c_names.inc and cpp_names.inc."""

import argparse
import re
from pathlib import Path


def c_names(text: str) -> list[str]:
    return re.findall(r"^#define (\w+) ", text, re.MULTILINE)


def cpp_names(text: str) -> list[str]:
    names, scope = [], []
    for line in text.splitlines():
        if match := re.match(r"namespace ([\w:]+) \{", line):
            scope.append(match[1])
        elif line.startswith("}  // namespace"):
            scope.pop()
        elif match := re.match(r"inline constexpr [\w:]+ (\w+)", line):
            names.append("::".join([*scope, match[1]]))
    return names


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("c_header", type=Path)
    parser.add_argument("cpp_header", type=Path)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    options.folder.mkdir(exist_ok=True)
    for header, find, file in ((options.c_header, c_names, "c_names.inc"),
                               (options.cpp_header, cpp_names, "cpp_names.inc")):
        lines = [f"NAME({name})\n" for name in find(header.read_text(encoding="utf-8"))]
        (options.folder / file).write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
