# SPDX-License-Identifier: Apache-2.0
"""Verilator's counts of the RTL, merged by source, and what tests/coverage/exclusions.json leaves
out of them; for coverage.py (not a command)."""

import json
import re
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

KINDS = {"v_line": "line", "v_branch": "line", "v_toggle": "toggle", "v_user": "user"}
ROW = re.compile(r"C '(.*)' (\d+)$")
BITS = re.compile(r"(\d+)(?::(\d+))?$")


class Failure(Exception):
    """What could not be done: one line."""


@dataclass
class Point:
    """A branch, a bit of a signal or a cover, of all instances of its module."""
    file: str
    kind: str
    line: int
    name: str  # block, if, else, case; the signal and its bit; the label
    column: int = 0
    count: int = 0
    excluded: str = ""  # the reason

    @property
    def signal(self) -> str:
        return self.name.split("[", 1)[0]

    @property
    def bit(self) -> int | None:
        match = re.search(r"\[(\d+)\]$", self.name)
        return int(match[1]) if match else None

    def text(self) -> str:
        return f"{self.file}:{self.line}: {self.name}"


@dataclass
class Rtl:
    folder: Path
    points: dict[tuple, Point] = field(default_factory=dict)
    sources: dict[str, list[str]] = field(default_factory=dict)

    def read(self, path: Path) -> None:
        """Adds a file of counts. Points of other sources (units, benches) are left out."""
        lines = path.read_text(encoding="latin-1").splitlines()
        if not lines or not lines[0].startswith("# SystemC::Coverage-3"):
            raise Failure(f"{path}: no counts of Verilator")
        for number, row in enumerate(lines[1:], 2):
            match = ROW.match(row)
            if not match:
                raise Failure(f"{path}:{number}: not a point")
            fields = dict(part.split("\x02", 1) for part in match[1].split("\x01")
                          if "\x02" in part)
            try:
                source, kind = Path(fields["f"]), KINDS.get(fields["page"].split("/")[0])
                line, column, name = int(fields["l"]), int(fields.get("n", 0)), fields["o"]
            except (KeyError, ValueError):
                raise Failure(f"{path}:{number}: not a point") from None
            if kind is None or source.resolve().parent != self.folder:
                continue
            # Bits of a signal are the same in every instance; branches are told apart by place.
            key = ((source.name, kind, name) if kind == "toggle" else
                   (source.name, kind, line, column, name))
            point = self.points.setdefault(key, Point(source.name, kind, line, name, column))
            point.count += int(match[2])

    def source(self, point: Point) -> str:
        if point.file not in self.sources:
            self.sources[point.file] = (self.folder / point.file).read_text(
                encoding="utf-8").splitlines()
        lines = self.sources[point.file]
        if not 1 <= point.line <= len(lines):
            raise Failure(f"{point.file}:{point.line}: not there; counts of other sources?")
        return lines[point.line - 1]

    def rows(self) -> list[dict]:
        """A file: of each kind how many points, how many excluded, how many of the rest covered."""
        files: dict[str, dict] = {}
        for point in self.points.values():
            row = files.setdefault(point.file, {"file": point.file, **{
                kind: {"points": 0, "excluded": 0, "covered": 0}
                for kind in ("line", "toggle", "user")}})
            cell = row[point.kind]
            cell["points"] += 1
            cell["excluded"] += bool(point.excluded)
            cell["covered"] += bool(point.count and not point.excluded)
        return [files[name] for name in sorted(files)]

    def gaps(self) -> list[Point]:
        return sorted((p for p in self.points.values() if not p.count and not p.excluded),
                      key=lambda p: (p.file, p.kind, p.line, p.signal, p.bit or 0))


def span(text: object) -> tuple[int, int]:
    match = BITS.match(str(text))
    if not match:
        raise Failure(f"exclusions: {text!r}: bits are N or HIGH:LOW")
    high = int(match[1])
    return (int(match[2]) if match[2] is not None else high), high


def read_exclusions(path: Path) -> list[dict]:
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Failure(f"{path}: {error}") from None
    for entry in entries:
        what = {"signals", "line"} & set(entry)
        if len(what) != 1 or not entry.get("reason") or not entry.get("file"):
            raise Failure(f"{path}: {json.dumps(entry)[:90]}: wants file, signals or line, reason")
        if unknown := set(entry) - {"file", "signals", "bits", "line", "point", "reason"}:
            raise Failure(f"{path}: {json.dumps(entry)[:90]}: unknown key {min(unknown)}")
    return entries


def matches(rtl: Rtl, entry: dict, signal: str | None, point: Point) -> bool:
    if point.file != entry["file"]:
        return False
    if signal is None:
        return (point.kind == "line" and entry["line"] in rtl.source(point)
                and entry.get("point", point.name) == point.name)
    # SIGNAL, or SIGNAL[7] and below of an array.
    if point.kind != "toggle" or not (point.name == signal or point.name.startswith(signal + "[")):
        return False
    if "bits" not in entry:
        return True
    low, high = span(entry["bits"])
    return point.bit is not None and low <= point.bit <= high


def exclude(rtl: Rtl, entries: list[dict]) -> tuple[list[dict], list[str]]:
    """Marks the points of each entry; what it left out, and what is wrong with it: it leaves out
    nothing, or something that tests do reach."""
    by_file = defaultdict(list)
    for point in rtl.points.values():
        by_file[point.file].append(point)
    used, wrong = [], []
    for entry in entries:
        count = 0
        for signal in entry.get("signals", [None]):
            what = entry.get("line") if signal is None else signal
            if "bits" in entry:
                what += f"[{entry['bits']}]"
            found = [p for p in by_file[entry["file"]] if matches(rtl, entry, signal, p)]
            if not found:
                wrong.append(f"exclusion of nothing: {entry['file']}: {what}")
            if covered := [p for p in found if p.count]:
                wrong.append(f"exclusion of what is covered: {entry['file']}: {what}: "
                             f"{covered[0].name}, line {covered[0].line}"
                             + (f", and {len(covered) - 1} more" if len(covered) > 1 else ""))
            if again := [p for p in found if p.excluded]:
                wrong.append(f"excluded twice: {again[0].text()}")
            for point in found:
                if not point.count and not point.excluded:
                    point.excluded = entry["reason"]
                    count += 1
        used.append({**entry, "points": count})
    return used, wrong


def folded(points: list[Point]) -> list[str]:
    """The points as lines: the bits of a signal together."""
    groups: dict[tuple, list[Point]] = defaultdict(list)
    for point in points:
        name = re.sub(r"\[\d+\]$", "", point.name) if point.kind == "toggle" else point.name
        groups[point.file, point.kind, point.line, name].append(point)
    lines = []
    for (file, kind, line, name), group in groups.items():
        bits = sorted({p.bit for p in group if p.bit is not None}, reverse=True)
        runs: list[list[int]] = []
        for bit in bits:
            if runs and runs[-1][1] == bit + 1:
                runs[-1][1] = bit
            else:
                runs.append([bit, bit])
        suffix = (("[" + ", ".join(f"{a}" if a == b else f"{a}:{b}" for a, b in runs) + "]")
                  if kind == "toggle" and runs else "")
        lines.append(f"{file}:{line}: {kind} {name}{suffix}")
    return lines
