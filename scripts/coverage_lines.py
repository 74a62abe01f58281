# SPDX-License-Identifier: Apache-2.0
"""Lines of C++ that ran, as gcov counts them; for coverage.py (not a command)."""

import json
import re
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path

from coverage_rtl import Failure

FOLDERS = ("cmodel/include", "cmodel/src", "sim/include", "sim/src", "sim/tools")
JUDGED = ("cmodel/include", "cmodel/src")
AT_ONCE = 20  # files a call of gcov


def gcov_of(build: Path) -> str:
    """The gcov of the compiler that built."""
    cache = (build / "CMakeCache.txt").read_text(encoding="utf-8")
    match = re.search(r"^CMAKE_CXX_COMPILER:\w+=(.*)$", cache, re.MULTILINE)
    compiler = match[1] if match else "c++"
    major = subprocess.run([compiler, "-dumpversion"], capture_output=True, text=True,
                           check=False).stdout.split(".")[0].strip()
    for name in (f"gcov-{major}", "gcov"):
        if shutil.which(name):
            return name
    raise Failure("no gcov (it comes with gcc; scripts/setup.sh installs it)")


def read_json(text: str, root: Path, lines: dict[str, dict[int, int]]) -> None:
    """Adds what one gcov file says of the sources below the folders."""
    for file in json.loads(text)["files"]:
        path = Path(file["file"]).resolve()
        if not path.is_relative_to(root):
            continue
        name = path.relative_to(root).as_posix()
        if not name.startswith(tuple(f"{folder}/" for folder in FOLDERS)):
            continue
        for line in file["lines"]:
            number = line["line_number"]
            lines[name][number] = lines[name].get(number, 0) + line["count"]


def measure(build: Path, root: Path) -> dict[str, dict[int, int]]:
    """Of each source the count of each line that has code; of every build of it together."""
    # Where an object file has notes and no counts, none of it ran: gcov then says 0.
    notes = sorted(build.rglob("*.gcno"))
    if not notes:
        raise Failure(f"{build}: no notes of gcov; SZT_GCOV=OFF?")
    gcov = gcov_of(build)
    lines: dict[str, dict[int, int]] = defaultdict(dict)
    for at in range(0, len(notes), AT_ONCE):
        done = subprocess.run([gcov, "--json-format", "--stdout",
                               *map(str, notes[at:at + AT_ONCE])], cwd=build,
                              capture_output=True, text=True, check=False)
        rows = [row for row in done.stdout.splitlines() if row.startswith("{")]
        if not rows:  # its status is not 0 either where an object never ran
            raise Failure(f"gcov: {(done.stderr.strip().splitlines() or ['no message'])[-1]}")
        for row in rows:
            read_json(row, root, lines)
    return lines


def rows_of(lines: dict[str, dict[int, int]]) -> list[dict]:
    """A row a folder."""
    rows = []
    for folder in FOLDERS:
        mine = [counts for name, counts in lines.items() if name.startswith(folder + "/")]
        rows.append({"folder": folder, "files": len(mine), "lines": sum(map(len, mine)),
                     "covered": sum(count > 0 for counts in mine for count in counts.values())})
    return rows


def judged(rows: list[dict]) -> tuple[int, int]:
    """Lines covered and lines of what has a goal."""
    mine = [row for row in rows if row["folder"] in JUDGED]
    return sum(row["covered"] for row in mine), sum(row["lines"] for row in mine)


def worst(lines: dict[str, dict[int, int]], count: int) -> list[tuple[str, list[int], int]]:
    """The files with most lines that did not run: name, those lines, all lines."""
    missing = [(name, sorted(n for n, c in counts.items() if not c), len(counts))
               for name, counts in lines.items()]
    return sorted((row for row in missing if row[1]), key=lambda row: (-len(row[1]), row[0]))[:count]


def ranges(numbers: list[int]) -> str:
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number - 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(f"{a}" if a == b else f"{a}-{b}" for a, b in runs)
