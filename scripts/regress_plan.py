# SPDX-License-Identifier: Apache-2.0
"""The plan of the tests (tests/testplan.json) against what CTest has; for regress.py (not a
command)."""

import argparse
import hashlib
import json
import os
import re
import shlex
import subprocess
import urllib.parse
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLAN = ROOT / "tests/testplan.json"
# What is set for a test from outside decides what it does: part of the build's id.
OUTSIDE = re.compile(r"(SZT|GTEST)_")
SEED = "SZT_TEST_SEED"
OFF = {"", "OFF", "NO", "FALSE", "N", "0", "IGNORE"}


class Failure(Exception):
    """A line for the user; code 1: something does not hold, 2: the work cannot be done."""

    def __init__(self, text: str, code: int = 2) -> None:
        super().__init__(text)
        self.code = code


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> None:
        raise Failure(f"{message} (--help says more)")


@dataclass(frozen=True)
class Entry:
    """Tests of one feature that are treated alike."""
    feature: str
    pattern: str
    random: bool = False  # takes SZT_TEST_SEED, and another seed shows more
    regressions: tuple[str, ...] = ()
    seeds: dict = field(default_factory=dict)  # by regression, instead of the regression's
    environment: dict = field(default_factory=dict)  # by regression
    timeout: dict = field(default_factory=dict)  # by regression, s, instead of the test's
    needs: tuple[str, ...] = ()  # CMake variables: with one of them off there are no such tests

    def matches(self, test: str) -> bool:
        return re.fullmatch(self.pattern, test) is not None


@dataclass
class Plan:
    features: dict[str, str]  # name and what it is
    regressions: dict[str, dict]
    entries: list[Entry]


@dataclass
class Build:
    """A build folder: its tests as CTest names them."""
    folder: Path
    tests: dict[str, dict]
    cache: dict[str, str]
    id: str = ""


@dataclass(frozen=True)
class Pair:
    """A test with one seed; None is the test's own."""
    feature: str
    test: str
    seed: int | None
    environment: tuple[tuple[str, str], ...] = ()
    timeout: float | None = None

    @property
    def file(self) -> str:
        """Of its result. The name says everything that tells two pairs of a build apart."""
        words = [self.test, "own" if self.seed is None else str(self.seed),
                 *(f"{name}={value}" for name, value in self.environment)]
        return "@".join(urllib.parse.quote(word, safe="") for word in words) + ".json"

    @property
    def kind(self) -> str:
        """What its length depends on."""
        return " ".join([self.test, *(f"{name}={value}" for name, value in self.environment)])


def only(regex_of: str) -> str:
    """The regular expression of CTest that matches one name."""
    return "^" + re.sub(r"([][.+*?()^$|\\])", r"\\\1", regex_of) + "$"


def again(pair: Pair, build: Path) -> str:
    """The line that runs a pair again."""
    where = build.relative_to(ROOT) if build.is_relative_to(ROOT) else build
    values = [] if pair.seed is None else [(SEED, str(pair.seed))]
    return " ".join([*(f"{name}={shlex.quote(value)}" for name, value in
                       (*values, *pair.environment)),
                     "ctest", "--test-dir", shlex.quote(str(where)), "-R",
                     f"'{only(pair.test)}'", "--output-on-failure"])


def known(what: str, given: dict, keys: set[str]) -> None:
    if unknown := sorted(set(given) - keys):
        raise Failure(f"plan: {what}: unknown key {unknown[0]}")


def read_plan(path: Path) -> Plan:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Failure(f"plan: {path.name}: {error}") from None
    known(path.name, data, {"regressions", "features"})
    regressions = data.get("regressions", {})
    for name, regression in regressions.items():
        known(f"regression {name}", regression, {"about", "seeds"})
    plan = Plan({}, regressions, [])
    for feature in data.get("features", []):
        known("a feature", feature, {"name", "about", "needs", "tests"})
        name = feature["name"]
        if name in plan.features:
            raise Failure(f"plan: two features are named {name}")
        plan.features[name] = feature.get("about", "")
        for tests in feature["tests"]:
            known(name, tests, {"match", "random", "in", "seeds", "environment", "timeout",
                                "needs"})
            per = {key: tests.get(key, {}) for key in ("seeds", "environment", "timeout")}
            entry = Entry(name, tests["match"], tests.get("random", False), tuple(tests["in"]),
                          **per, needs=(*feature.get("needs", ()), *tests.get("needs", ())))
            for regression in (*entry.regressions, *(key for of in per.values() for key in of)):
                if regression not in regressions:
                    raise Failure(f"plan: {name}: no regression {regression}")
            try:
                re.compile(entry.pattern)
            except re.error as error:
                raise Failure(f"plan: {name}: {entry.pattern}: {error}") from None
            plan.entries.append(entry)
    return plan


def wrap(folder: Path, build: object, more: str = "") -> None:
    """A folder from which CTest runs the build's tests and writes nothing into the build: its logs
    go here, so that any number of CTests run at once."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "CTestTestfile.cmake").write_text(f"subdirs([==[{build}]==])\n{more}",
                                                encoding="utf-8")


def read_build(build: Path, scratch: Path) -> Build:
    build = build.resolve()
    if not (build / "CTestTestfile.cmake").is_file():
        raise Failure(f"no CTestTestfile.cmake in {build}: build first, or give --build")
    wrap(scratch, build)
    try:
        listed = subprocess.run(["ctest", "--test-dir", str(scratch), "--show-only=json-v1"],
                                capture_output=True, text=True, check=True)
        tests = {}
        for test in json.loads(listed.stdout)["tests"]:
            test.pop("backtrace", None)
            test["properties"] = {each["name"]: each["value"]
                                  for each in test.get("properties", [])}
            tests[test["name"]] = test
    except FileNotFoundError:
        raise Failure("ctest not found (cmake; scripts/setup.sh test)") from None
    except (subprocess.CalledProcessError, ValueError) as error:
        raise Failure(f"ctest does not list the tests of {build}: {error}") from None
    cache = {}
    if (build / "CMakeCache.txt").is_file():
        text = (build / "CMakeCache.txt").read_text(encoding="utf-8", errors="replace")
        cache = dict(re.findall(r"^([\w.-]+):\w+=(.*)$", text, re.MULTILINE))
    return Build(build, tests, cache)


def source_files(home: Path) -> list[Path]:
    """All that git would commit but pages to read; nothing where there is no git."""
    try:
        listed = subprocess.run(["git", "-C", str(home), "ls-files", "-z", "--cached", "--others",
                                 "--exclude-standard"], capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return []
    names = [os.fsdecode(name) for name in listed.split(b"\0") if name]
    return [home / name for name in names if not name.endswith(".md")]


def digest(words: list[str], files: set[Path]) -> str:
    """Of the words, and of the files' names and contents."""
    total = hashlib.sha256("\0".join(words).encode())
    for path in sorted(files):
        if path.is_file():
            with path.open("rb") as file:
                total.update(f"\0{path}\0{hashlib.file_digest(file, 'sha256').hexdigest()}"
                             .encode())
    return total.hexdigest()[:16]


def build_id(build: Build) -> str:
    """Of all that decides what a test does: commands and properties as CTest has them, programs and
    libraries, sources (scripts are tests too), and SZT_ and GTEST_ variables that are set now. One
    id for all tests: too many are run again rather than one too few."""
    words = [json.dumps(test, sort_keys=True) for test in build.tests.values()]
    words += sorted(f"{name}={value}" for name, value in os.environ.items()
                    if OUTSIDE.match(name) and name != SEED)
    files = {path for folder in ("bin", "lib") for path in (build.folder / folder).glob("**/*")}
    folders = set()
    for test in build.tests.values():
        given = [*test.get("command", []), *test["properties"].get("ENVIRONMENT", [])]
        for path in (Path(word.partition("=")[2] or word) for word in given if "/" in word):
            if path.is_dir():
                folders.add(path)
            else:
                files.add(path)
    files |= {path for folder in folders for path in folder.glob("*.so*")}
    if home := build.cache.get("CMAKE_HOME_DIRECTORY"):
        files |= set(source_files(Path(home)))
    return digest(words, files)


def absent(entry: Entry, cache: dict[str, str]) -> str | None:
    """Why this build has no such tests: a variable that is off. One that is not there at all is no
    reason, so that a misspelt one excuses nothing."""
    for name in entry.needs:
        value = cache.get(name)
        if value is None:
            return None
        if value.upper() in OFF or value.endswith("NOTFOUND"):
            return name
    return None


def assign(plan: Plan, build: Build) -> tuple[list[tuple[Entry, list[str]]], list[str], list[str]]:
    """Every entry with its tests; what does not fit; what is left out of this build."""
    problems, left_out, assigned = [], [], []
    claimed: dict[str, str] = {}
    for entry in plan.entries:
        tests = [test for test in build.tests if entry.matches(test)]
        for test in tests:
            if test in claimed:
                problems.append(f"{test} is claimed twice: {claimed[test]} and {entry.feature}")
            claimed[test] = entry.feature
        assigned.append((entry, tests))
        if tests:
            continue
        if off := absent(entry, build.cache):
            left_out.append(f"{entry.feature}: {entry.pattern} (not built: {off} is off)")
        else:
            problems.append(f"{entry.feature}: nothing matches {entry.pattern}")
    problems += [f"no feature claims {test}" for test in build.tests if test not in claimed]
    return assigned, problems, left_out


def natural(name: str) -> list:
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


def pairs_of(plan: Plan, assigned: list[tuple[Entry, list[str]]], regression: str, first: int,
             seeds: int | None, values: dict[str, str]) -> list[Pair]:
    """`values` replace those of the plan's environment."""
    unused = set(values)
    pairs: dict[tuple, Pair] = {}
    for entry, tests in assigned:
        if regression not in entry.regressions:
            continue
        environment = dict(entry.environment.get(regression, {}))
        unused -= set(environment)
        environment |= {name: values[name] for name in environment if name in values}
        count = entry.seeds.get(regression) or seeds or plan.regressions[regression]["seeds"]
        for test in sorted(tests, key=natural):
            for seed in range(first, first + count) if entry.random else [None]:
                pairs.setdefault((test, seed), Pair(
                    entry.feature, test, seed, tuple(sorted(environment.items())),
                    entry.timeout.get(regression)))
    if unused:
        raise Failure(f"--set {min(unused)}: no test of {regression} has it in its environment")
    return list(pairs.values())
