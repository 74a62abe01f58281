# SPDX-License-Identifier: Apache-2.0
"""A proof as formal.py runs it, and the reader of the .sby file that it stands in (not a command)."""

import re
from dataclasses import dataclass
from pathlib import Path

from failure import Failure
from rtl_sources import ROOT

OPTIONS = {"mode", "depth", "expect", "timeout"}
ENGINES = {"abc pdr": "prove", "abc ind": "prove", "abc bmc3": "bmc"}  # and the mode of each


@dataclass(frozen=True)
class Mutant:
    """A text of one of the files, and what takes its place."""

    file: str
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.file}: {self.old} ==> {self.new}"


@dataclass
class Task:
    name: str
    options: dict[str, str]
    engine: str
    arguments: list[str]
    script: list[str]
    files: list[Path]

    @property
    def expects_failure(self) -> bool:
        return self.options.get("expect") == "fail"

    @property
    def depth(self) -> int:
        return int(self.options.get("depth", 20))  # sby's default


@dataclass
class Proof:
    name: str
    path: Path
    about: str
    quick: bool
    tasks: list[Task]
    mutants: list[Mutant]

    @property
    def claims(self) -> list[Task]:
        return [task for task in self.tasks if not task.expects_failure]

    @property
    def covers(self) -> list[Task]:
        return [task for task in self.tasks if task.expects_failure]

    @property
    def bounded(self) -> bool:
        return any(task.options["mode"] == "bmc" for task in self.claims)


def parse(path: Path) -> Proof:
    """A .sby file: the subset that is used here. Lines that begin with "#:" are ours; sby takes
    them for comments."""
    sections: dict[str, list[tuple[int, str]]] = {}
    section, about, quick, mutants = "", [], False, []

    def bad(number: int, why: str) -> Failure:
        return Failure(f"{path.relative_to(ROOT) if path.is_relative_to(ROOT) else path}"
                       f":{number}: {why}", 2)

    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        line = line.strip()
        if line.startswith("#:"):
            word, _, rest = line[2:].strip().partition(" ")
            if word == "quick" and not rest:
                quick = True
            elif word == "mutant":
                match = re.fullmatch(r"(\S+): (.+?) ==>(?: (.*))?", rest)
                if not match:
                    raise bad(number, "a mutant is FILE: TEXT ==> TEXT")
                mutants.append(Mutant(match[1], match[2], match[3] or ""))
            else:
                raise bad(number, f"{word} is neither quick nor mutant")
        elif line.startswith("#"):
            if not section and "SPDX" not in line:
                about.append(line[1:].strip())
        elif match := re.fullmatch(r"\[(\w+)\]", line):
            section = match[1]
            if section not in ("tasks", "options", "engines", "script", "files"):
                raise bad(number, f"a section {section} is not supported")
            sections[section] = []
        elif line:
            sections.setdefault(section, []).append((number, line))

    names = [line for _, line in sections.get("tasks", [])]
    tasks = []
    for name in names:
        def of(section: str, name: str = name) -> list[tuple[int, str]]:
            lines = []
            for number, line in sections.get(section, []):
                match = re.match(r"(\w+):\s+", line)
                if match and match[1] in names:
                    if match[1] != name:
                        continue
                    line = line[match.end():]
                lines.append((number, line))
            return lines

        options = {}
        for number, line in of("options"):
            key, _, value = line.partition(" ")
            if key not in OPTIONS or not value:
                raise bad(number, f"an option {line} is not supported")
            options[key] = value.strip()
        engines = of("engines")
        if len(engines) != 1:
            raise bad(1, f"task {name} has {len(engines)} engines, not 1")
        words = engines[0][1].split()
        engine = " ".join(words[:2])
        if ENGINES.get(engine) != options.get("mode"):
            raise bad(engines[0][0], f"{engine} is not for mode {options.get('mode')}")
        files = [(path.parent / line).resolve() for _, line in of("files")]
        for file in files:
            if not file.is_file():
                raise bad(1, f"no file {file}")
        tasks.append(Task(name, options, engine, words[2:], [line for _, line in of("script")],
                          files))
    proof = Proof(path.stem, path, " ".join(about), quick, tasks, mutants)
    # A check that cannot fail is none: no proof goes without these.
    for what, there in (("claim", proof.claims), ("cover", proof.covers), ("mutant", mutants),
                        ("description", about)):
        if not there:
            raise bad(1, f"no {what}")
    return proof
