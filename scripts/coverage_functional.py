# SPDX-License-Identifier: Apache-2.0
"""Functional coverage: the samples of the co-simulation tests against tests/coverage/plan.json;
for coverage.py (not a command).

A group has coverpoints with their bins, and crosses of coverpoints, of which it may ignore bins
with a reason. A sample is the bin of every coverpoint at one moment."""

import itertools
import json
from collections import Counter
from pathlib import Path

from coverage_rtl import Failure


def read_plan(path: Path) -> dict:
    try:
        plan = json.loads(path.read_text(encoding="utf-8"))
        for name, group in plan.items():
            for cross in group.get("crosses", []):
                for point in cross["points"]:
                    if point not in group["points"]:
                        raise Failure(f"{path}: {name}: no coverpoint {point}")
                for ignored in cross.get("ignore", []):
                    if not ignored.get("reason"):
                        raise Failure(f"{path}: {name}: an ignored bin without a reason")
                    for point, bins in ignored["bins"].items():
                        if point not in cross["points"]:
                            raise Failure(f"{path}: {name}: {point} is not in the cross")
                        if unknown := set(bins) - set(group["points"][point]):
                            raise Failure(f"{path}: {name}: {point} has no {min(unknown)}")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Failure(f"{path}: {error}") from None
    return plan


def read_samples(path: Path, samples: Counter) -> None:
    """Lines of GROUP POINT=BIN ... COUNT."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        words = line.split(" ")
        try:
            points = tuple(tuple(word.split("=")) for word in words[1:-1])
            if any(len(point) != 2 for point in points):
                raise ValueError
            samples[words[0], points] += int(words[-1])
        except (ValueError, IndexError):
            raise Failure(f"{path}:{number}: not a sample") from None


def ignored_by(cross: dict, bins: tuple[str, ...]) -> int | None:
    """Which entry of the cross ignores the bin."""
    chosen = dict(zip(cross["points"], bins, strict=True))
    for at, entry in enumerate(cross.get("ignore", [])):
        if all(chosen[point] in allowed for point, allowed in entry["bins"].items()):
            return at
    return None


def measure(plan: dict, samples: Counter) -> tuple[list[dict], list[str]]:
    """Of each coverpoint and cross its bins with their hits; and what contradicts the plan."""
    wrong: dict[str, None] = {}
    known: Counter = Counter()
    for (group, points), count in samples.items():
        if group not in plan:
            wrong[f"the plan has no group {group}"] = None
            continue
        for point, value in points:
            if value not in plan[group]["points"].get(point, []):
                wrong[f"the plan has no {group}: {point}={value}"] = None
        known[group, points] += count
    rows = []
    for group, entry in plan.items():
        mine = [(dict(points), count) for (name, points), count in known.items() if name == group]
        for point, bins in entry["points"].items():
            hits = {value: 0 for value in bins}
            for chosen, count in mine:
                if chosen.get(point) in hits:
                    hits[chosen[point]] += count
            rows.append({"group": group, "what": point, "hits": hits, "ignored": 0})
        for cross in entry.get("crosses", []):
            points, hits, used = cross["points"], {}, Counter()
            for bins in itertools.product(*(entry["points"][point] for point in points)):
                by = ignored_by(cross, bins)
                count = sum(n for chosen, n in mine
                            if all(chosen.get(p) == b for p, b in zip(points, bins)))
                if by is None:
                    hits[" x ".join(bins)] = count
                else:
                    used[by] += 1
                    if count:
                        wrong[f"ignored, but seen: {group}: {' x '.join(points)}: "
                              f"{' x '.join(bins)}"] = None
            for at, ignored in enumerate(cross.get("ignore", [])):
                if not used[at]:
                    wrong[f"ignores nothing: {group}: {' x '.join(points)}: "
                          f"{json.dumps(ignored['bins'])}"] = None
            rows.append({"group": group, "what": " x ".join(points), "hits": hits,
                         "ignored": sum(used.values())})
    return rows, list(wrong)


def totals(rows: list[dict]) -> dict:
    return {"bins": sum(len(row["hits"]) for row in rows),
            "hit": sum(sum(count > 0 for count in row["hits"].values()) for row in rows),
            "ignored": sum(row["ignored"] for row in rows)}


def reasons(plan: dict) -> list[tuple[str, str, str, str]]:
    """Every ignored entry: group, cross, bins, why."""
    return [(name, " x ".join(cross["points"]),
             ", ".join(f"{point} {' or '.join(bins)}" for point, bins in entry["bins"].items()),
             entry["reason"])
            for name, group in plan.items() for cross in group.get("crosses", [])
            for entry in cross.get("ignore", [])]
