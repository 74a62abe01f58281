#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write all that names a register from rtl/registers.json: the SystemVerilog package, the C and the
C++ header, the tables in rtl/README.md. Without an option: those that are committed."""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from register_map import BadInput, Block, camel, constants, read_blocks, require

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "rtl" / "registers.json"
PACKAGE = ROOT / "rtl" / "szt_registers.sv"
README = ROOT / "rtl" / "README.md"
ORIGIN = ("The registers' offsets and fields, generated from rtl/registers.json by "
          "scripts/registers.py.")


def systemverilog(blocks: list[Block]) -> str:
    words = [("logic [31:0] VersionValue", f"32'h{blocks[0].version_value:08X}")]
    groups = [words]
    for block in blocks:
        bits, digits = block.address_bits, -(-block.address_bits // 4)
        for constant in constants(block):
            name, value = camel(f"{block.key.upper()}_{constant.name}"), constant.value
            if constant.name == "ID_VALUE":
                words.append((f"logic [31:0] {name}", f"32'h{value:08X}"))
                continue
            if constant.gap:
                groups.append([])
            if constant.kind == "word":
                groups[-1].append((f"logic [31:0] {name}", f"32'h{value:08X}"))
            elif constant.kind == "offset":
                groups[-1].append((f"logic [{bits - 1}:0] {name}", f"{bits}'h{value:0{digits}X}"))
            else:
                groups[-1].append((f"int {name}", str(value)))
                if constant.field.width > 1:
                    groups[-1].append((f"int {name}Width", str(constant.field.width)))
    text = ("// SPDX-License-Identifier: Apache-2.0\n"
            f"// {ORIGIN}\n"
            "`default_nettype none\n\n"
            "/* verilator lint_off UNUSEDPARAM */  // no one module uses every constant\n"
            "package szt_registers;\n")
    for group in groups:
        width = max(len(left) for left, _ in group)
        text += "\n" + "".join(f"  localparam {a:{width}} = {b};\n" for a, b in group)
    return text + ("\nendpackage\n/* verilator lint_on UNUSEDPARAM */\n\n"
                   "`default_nettype wire\n")


def c_header(blocks: list[Block]) -> str:
    text = ("/* SPDX-License-Identifier: Apache-2.0\n"
            f"   {ORIGIN} */\n"
            "#ifndef SZT_REGISTERS_H_\n#define SZT_REGISTERS_H_\n\n"
            f"#define SZT_VERSION_VALUE 0x{blocks[0].version_value:X}u /* what VERSION reads */\n")
    for block in blocks:
        text += f"\n/* {block.key}: {block.about} */\n"
        for constant in constants(block):
            name, field = f"SZT_{block.key.upper()}_{constant.name}", constant.field
            value = field.mask if field else constant.value
            comment = f" /* {constant.about} */" if constant.about else ""
            text += "\n" if constant.gap else ""
            digits = 2 if constant.kind == "offset" else 1
            text += f"#define {name} 0x{value:0{digits}X}u{comment}\n"
            text += f"#define {name}_SHIFT {field.lsb}u\n" if field else ""
    return text + "\n#endif /* SZT_REGISTERS_H_ */\n"


CPP_FIELD = """\
struct Field {
  unsigned lsb;
  unsigned width;

  constexpr std::uint32_t mask() const {
    return (width < 32 ? (std::uint32_t{1} << width) - 1 : ~std::uint32_t{0}) << lsb;
  }
  constexpr std::uint32_t get(std::uint32_t word) const { return (word & mask()) >> lsb; }
  constexpr std::uint32_t make(std::uint32_t value) const { return (value << lsb) & mask(); }
};
"""


def cpp_header(blocks: list[Block]) -> str:
    text = ("// SPDX-License-Identifier: Apache-2.0\n"
            f"// {ORIGIN}\n"
            "#ifndef SZT_SIM_REGISTERS_H_\n#define SZT_SIM_REGISTERS_H_\n\n#include <cstdint>\n\n"
            f"namespace szt::sim {{\n\n{CPP_FIELD}\n"
            f"inline constexpr std::uint32_t kVersionValue = 0x{blocks[0].version_value:X};\n")
    for block in blocks:
        text += f"\n// {block.about}\nnamespace {block.key} {{\n\n"
        for constant in constants(block):
            name, field = f"k{camel(constant.name)}", constant.field
            comment = f"  // {constant.about}" if constant.about else ""
            text += "\n" if constant.gap else ""
            text += (f"inline constexpr Field {name}{{{field.lsb}, {field.width}}};" if field else
                     f"inline constexpr std::uint32_t {name} = 0x{constant.value:02X};")
            text += f"{comment}\n"
        text += f"\n}}  // namespace {block.key}\n"
    return text + "\n}  // namespace szt::sim\n\n#endif  // SZT_SIM_REGISTERS_H_\n"


def table(block: Block) -> list[str]:
    rows = []
    resets = {"ID": block.id_value, "VERSION": block.version_value}
    for register in block.registers:
        reset = resets.get(register.name, register.reset)
        rows.append((f"`0x{register.offset:02X}`", f"**`{register.name}`**", register.access,
                     "as built" if reset is None else f"`0x{reset:X}`" if reset else "0",
                     register.about))
        for field in register.fields:
            high = f"{field.lsb + field.width - 1}:" if field.width > 1 else ""
            rows.append((f"[{high}{field.lsb}]", f"`{field.name}`", field.access, "", field.about))
    lines = ["|" + "|".join(f" {cell} ".replace("|", r"\|") if cell else " " for cell in row) + "|"
             for row in rows]
    return ["", block.about[:1].upper() + block.about[1:] + ".", "",
            "| offset, bits | name | access | reset | what |", "|---|---|---|---|---|", *lines, ""]


def with_tables(text: str, blocks: list[Block]) -> str:
    lines = text.split("\n")
    for block in blocks:
        begin, end = f"<!-- registers: {block.key} -->", "<!-- /registers -->"
        require(lines.count(begin) == 1, block.key, f"needs the line '{begin}' once")
        first = lines.index(begin) + 1
        last = next((i for i in range(first, len(lines)) if lines[i].startswith("<!-- ")), first)
        require(lines[last:last + 1] == [end], block.key, f"no line '{end}' after '{begin}'")
        lines[first:last] = table(block)
    return "\n".join(lines)


def write(path: Path, text: str) -> None:
    """Whole or not at all; a file that holds this text already keeps its time."""
    if path.exists() and path.read_bytes() == text.encode():
        return
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)  # mkstemp's 0600 is for secrets
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    for option, what in (("--sv", "write the SystemVerilog package"), ("--c", "write the C header"),
                         ("--cpp", "write the C++ header"),
                         ("--markdown", "replace the tables between the markers of FILE")):
        parser.add_argument(option, type=Path, metavar="FILE", help=what)
    parser.add_argument("--check", action="store_true",
                        help="write nothing; exit 1 if a committed file is not up to date")
    options = parser.parse_args()
    chosen = {"sv": options.sv, "c": options.c, "cpp": options.cpp, "markdown": options.markdown}
    chosen = {kind: path for kind, path in chosen.items() if path}
    if options.check and chosen:
        parser.error("--check stands alone")
    writers = {"sv": systemverilog, "c": c_header, "cpp": cpp_header}
    stale, path = [], SOURCE
    try:
        blocks = read_blocks(path.read_text(encoding="utf-8"))
        texts = []
        for kind, path in (chosen or {"sv": PACKAGE, "markdown": README}).items():
            texts.append((path, writers[kind](blocks) if kind in writers
                          else with_tables(path.read_text(encoding="utf-8"), blocks)))
        for path, text in texts:
            if not options.check:
                write(path, text)
            elif not path.exists() or path.read_bytes() != text.encode():
                stale.append(path.relative_to(ROOT))
    except (BadInput, OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        print(f"registers.py: {path}: {reason}", file=sys.stderr)
        return 2
    for path in stale:
        print(f"registers.py: {path} is not what rtl/registers.json gives: run "
              "scripts/registers.py", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
