#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Check scripts/registers.py on a copy of the tree's register files: what it refuses, what it
writes and what it leaves alone, and that --check sees drift."""

import copy
import json
import shutil
import subprocess
import sys
import tempfile
import unittest
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
COMMITTED = ("rtl/szt_registers.sv", "rtl/README.md")
FILES = ("scripts/registers.py", "scripts/register_map.py", "rtl/registers.json", *COMMITTED)


def register(registers: dict, name: str, block: str = "matmul") -> dict:
    return next(r for r in registers[block]["registers"] if r["name"] == name)


def field(registers: dict, of: str, name: str) -> dict:
    return next(f for f in register(registers, of)["fields"] if f["name"] == name)


def change(of: str, name: str = "", /, **values: object) -> Callable[[dict], None]:
    """Sets keys of a register of matmul, or of a field of it."""
    return lambda m: (field(m, of, name) if name else register(m, of)).update(values)


# What is broken, and what the message must say.
BROKEN: list[tuple[Callable[[dict], object], tuple[str, ...]]] = [
    (lambda m: m.update(extra=1), ("unknown key", "extra")),
    (lambda m: m.pop("encoder"), ("encoder",)),
    (lambda m: m.update(matmul=[]), ("matmul", "not an object")),
    (lambda m: m.update(version="0.1"), ("version", "0.1", "MAJOR.MINOR.PATCH")),
    (lambda m: m.update(version="0.256.0"), ("version 0.256.0", "MINOR")),
    (lambda m: m["matmul"].update(id="SZTMM"), ("matmul", "4 ASCII")),
    (lambda m: m["matmul"].update(id="SZT\u00b5"), ("matmul", "4 ASCII")),
    (lambda m: m["matmul"].update(address_bits=6), ("RESULTS_STALLS", "offset 64", "6 address")),
    (lambda m: m["matmul"].update(address_bits=33), ("matmul", "address_bits 33")),
    (lambda m: register(m, "VERSION")["fields"].pop(), ("matmul", "VERSION", "MAJOR")),
    (lambda m: register(m, "VERSION", "encoder")["fields"][0].update(lsb=24), ("VERSION differs",)),
    (lambda m: m["encoder"]["registers"].pop(0), ("encoder", "register ID")),
    (lambda m: register(m, "M").pop("about"), ('no "about"',)),
    (change("M", default=1), ("unknown key", "default")),
    (change("M", offset="28"), ("offset", "an integer")),
    (change("M", reset=True), ("reset", "an integer")),
    (change("M", fields={}), ("fields", "a list")),
    (change("M", fields=[7]), ("M", "field 0", "not an object")),
    (change("M", offset=30), ("M", "offset 30", "multiple of 4")),
    (change("M", offset=32), ("K_TILES", "the offset of M")),
    (change("M", offset=256), ("M", "offset 256", "8 address bits")),
    (change("M", offset=-4), ("M", "offset -4")),
    (change("M", access="wo"), ("M", "wo", "ro, rw")),
    (change("M", access="w1c"), ("M", "w1c", "ro, rw")),
    (change("M", name="K_TILES"), ("K_TILES", "twice")),
    (change("M", name="m"), ("UPPER_SNAKE_CASE", '"m"')),
    (change("M", name="M\n"), ("UPPER_SNAKE_CASE",)),
    (change("M", name="CONTROL_START"), ("CONTROL_START", "twice")),
    (change("M", name="CONTROL_START_SHIFT"), ("CONTROL_START_SHIFT", "twice")),
    (change("M", name="IRQ_MASK_RESET"), ("IRQ_MASK_RESET", "twice")),
    (change("M", name="STATUS_STICKY"), ("STATUS_STICKY", "twice")),
    (change("M", name="ID_VALUE"), ("ID_VALUE", "twice")),
    (change("M", reset=-1), ("M", "reset -1")),
    (change("M", reset=1 << 32), ("M", "reset 4294967296", "32 bits")),
    (change("M", about="two\nlines"), ("about",)),
    (change("M", about="an end */ of a comment"), ("about", "comment mark")),
    (change("M", about="one line more \\"), ("about", "backslash")),
    (change("CONTROL", reset=16), ("CONTROL", "reset 16", "no field")),
    (change("CONTROL", access="ro"), ("START", "w1s", "ro")),
    (change("CONTROL", "FLUSH", lsb=1), ("CONTROL", "FLUSH", "overlaps")),
    (change("CONTROL", "FLUSH", lsb=32), ("FLUSH", "lsb 32", "32 bits")),
    (change("CONTROL", "FLUSH", lsb=31, width=2), ("FLUSH", "width 2", "32 bits")),
    (change("CONTROL", "FLUSH", lsb=-1), ("FLUSH", "lsb -1")),
    (change("CONTROL", "FLUSH", width=0), ("FLUSH", "width 0")),
    (change("CONTROL", "FLUSH", name="START", lsb=9), ("CONTROL_START", "twice")),
    (change("CONTROL", "FLUSH", access="wc"), ("FLUSH", '"wc"', "w1c")),
    (change("CONTROL", "FLUSH", bits=1), ("unknown key", "bits")),
]


class ScriptTest(unittest.TestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = Path(directory.name)
        for file in FILES:
            (self.root / file).parent.mkdir(exist_ok=True)
            shutil.copy(ROOT / file, self.root / file)
        self.map = json.loads((ROOT / "rtl/registers.json").read_text(encoding="utf-8"))

    def run_script(self, *arguments: object) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, "-B", str(self.root / "scripts/registers.py"), *map(str, arguments)],
            capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)

    def write_map(self, registers: dict) -> None:
        (self.root / "rtl/registers.json").write_text(json.dumps(registers), encoding="utf-8")

    def tree(self) -> dict[str, tuple[bytes, int]]:
        """Every file with its content and time."""
        return {str(p): (p.read_bytes(), p.stat().st_mtime_ns)
                for p in sorted(self.root.rglob("*")) if p.is_file()}

    def succeed(self, *arguments: object) -> None:
        done = self.run_script(*arguments)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def refuse(self, *arguments: object, says: tuple[str, ...], code: int = 2) -> None:
        """One line, nothing written."""
        before = self.tree()
        done = self.run_script(*arguments)
        self.assertEqual((done.returncode, done.stdout), (code, ""), done.stderr)
        self.assertRegex(done.stderr, r"\Aregisters\.py: [^\n]+\n\Z")
        for part in says:
            self.assertIn(part, done.stderr)
        self.assertEqual(self.tree(), before)

    def test_broken_maps_are_refused(self) -> None:
        for number, (break_map, says) in enumerate(BROKEN):
            broken = copy.deepcopy(self.map)
            break_map(broken)
            with self.subTest(number=number, says=says):
                self.assertNotEqual(broken, self.map)
                self.write_map(broken)
                self.refuse("--c", self.root / "header.h", says=("rtl/registers.json", *says))

    def test_broken_json_is_refused(self) -> None:
        path = self.root / "rtl/registers.json"
        text = path.read_text(encoding="utf-8")
        for broken, says in ((text[:-10], "not JSON"), ("", "not JSON"), ("[]", "not an object"),
                             ('{"version": "0.1.0", ' + text.lstrip()[1:], "version"),
                             (text.replace('"reset": 0', '"reset": 0, "reset": 0', 1), "twice"),
                             (text.replace('"offset": 4,', '"offset": 4.0,', 1), "an integer")):
            with self.subTest(says=says):
                self.assertNotEqual(broken, text)
                path.write_text(broken, encoding="utf-8")
                self.refuse(says=("rtl/registers.json", says))
                self.refuse("--check", says=("rtl/registers.json", says))
        path.write_bytes(b"\xff")
        self.refuse(says=("rtl/registers.json",))
        path.unlink()
        self.refuse(says=("rtl/registers.json", "No such file"))

    def test_unusable_outputs_are_refused(self) -> None:
        self.refuse("--c", self.root / "missing" / "header.h", says=("missing", "No such file"))
        self.refuse("--markdown", self.root / "missing.md", says=("missing.md", "No such file"))
        # Nothing of a run is written when a part of it cannot be.
        self.refuse("--c", self.root / "header.h", "--markdown", self.root / "missing.md",
                    says=("missing.md",))
        done = self.run_script("--check", "--sv", self.root / "package.sv")
        self.assertEqual(done.returncode, 2)
        self.assertIn("--check", done.stderr)

    def test_missing_markers_are_refused(self) -> None:
        path = self.root / "rtl/README.md"
        text = path.read_text(encoding="utf-8")
        for block in ("matmul", "encoder"):
            begin = f"<!-- registers: {block} -->\n"
            before, after = text.split(begin)
            for broken in (before + after, before + begin + begin + after,
                           before + begin + after.replace("<!-- /registers -->\n", "", 1),
                           before + begin + after.replace("<!-- /registers -->\n", "<!-- -->\n")):
                with self.subTest(block=block):
                    path.write_text(broken, encoding="utf-8")
                    self.refuse(says=("README.md", block))
                    self.refuse("--check", says=("README.md", block))
                    self.refuse("--markdown", path, says=("README.md", block))

    def test_drift_is_seen_and_mended(self) -> None:
        def in_the_map() -> None:
            register(self.map, "M")["offset"] = 0x7C
            self.write_map(self.map)

        def in_a_file(name: str, old: str, new: str) -> Callable[[], None]:
            def edit() -> None:
                path = self.root / name
                text = path.read_text(encoding="utf-8")
                self.assertIn(old, text)
                path.write_text(text.replace(old, new, 1), encoding="utf-8")
            return edit

        package, readme = COMMITTED
        self.succeed("--check")
        for drift, stale in ((in_a_file(package, "8'h1C", "8'h1D"), package),
                             (in_a_file(package, "endpackage", "endpackage "), package),
                             (in_a_file(readme, "| `0x1C` |", "| `0x1D` |"), readme),
                             ((self.root / package).unlink, package)):
            drift()
            self.refuse("--check", says=(stale, "run scripts/registers.py"), code=1)
            self.succeed()
            self.succeed("--check")
            for file in COMMITTED:
                self.assertEqual((self.root / file).read_bytes(), (ROOT / file).read_bytes())
        in_the_map()
        done = self.run_script("--check")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(len(done.stderr.splitlines()), 2, done.stderr)
        self.succeed()
        self.succeed("--check")
        self.assertIn("MatmulM                 = 8'h7C;",
                      (self.root / package).read_text(encoding="utf-8"))
        self.assertIn("| `0x7C` | **`M`** | rw | 0 | vectors",
                      (self.root / readme).read_text(encoding="utf-8"))

    def test_text_beside_the_tables_stays(self) -> None:
        path = self.root / "notes.md"
        path.write_text("before\n<!-- registers: encoder -->\nold text\n<!-- /registers -->\nbetween\n"
                        "<!-- registers: matmul -->\n<!-- /registers -->\nafter", encoding="utf-8")
        self.succeed("--markdown", path)
        text = path.read_text(encoding="utf-8")
        self.assertRegex(text, r"(?s)\Abefore\n<!-- registers: encoder -->\n\n.*LATENT_COUNT.*\n\n"
                               r"<!-- /registers -->\nbetween\n<!-- registers: matmul -->\n\n"
                               r".*K_TILES.*\n\n<!-- /registers -->\nafter\Z")
        self.assertNotIn("old text", text)

    def test_unchanged_files_keep_their_time(self) -> None:
        outputs = ("--sv", self.root / "package.sv", "--c", self.root / "header.h",
                   "--cpp", self.root / "header.hh", "--markdown", self.root / "rtl/README.md")
        self.succeed(*outputs)
        self.assertEqual((self.root / "package.sv").read_bytes(),
                         (ROOT / "rtl/szt_registers.sv").read_bytes())
        before = self.tree()
        self.assertEqual(len(before), len(FILES) + 3)  # no temporary file is left
        self.succeed(*outputs)
        self.succeed()
        self.assertEqual(self.tree(), before)


if __name__ == "__main__":
    unittest.main()
