# SPDX-License-Identifier: Apache-2.0
"""What rtl/registers.json says, checked, for registers.py (not a command)."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

BLOCKS = ("matmul", "encoder")
ACCESS = {"ro": ("ro",), "rw": ("ro", "rw", "w1s", "w1c")}  # of a register: of its fields
TYPES = {str: "a string", int: "an integer", list: "a list", dict: "an object"}


class BadInput(Exception):
    """The message is one line, for the user."""


@dataclass(frozen=True)
class Field:
    name: str
    lsb: int
    width: int
    access: str
    about: str

    @property
    def mask(self) -> int:
        return ((1 << self.width) - 1) << self.lsb


@dataclass(frozen=True)
class Register:
    name: str
    offset: int
    access: str
    reset: int | None  # None: depends on what was built
    about: str
    fields: list[Field]


@dataclass(frozen=True)
class Block:
    key: str
    id_value: int
    version_value: int
    about: str
    address_bits: int
    registers: list[Register]


@dataclass(frozen=True)
class Constant:
    kind: str  # word: 32 bits; offset: of a register; field: `value` is its lowest bit
    name: str
    value: int
    about: str
    field: Field | None = None
    gap: bool = False  # a blank line before it


def constants(block: Block) -> Iterator[Constant]:
    """What every language names of a block."""
    yield Constant("word", "ID_VALUE", block.id_value, "what ID reads")
    previous: list[Field] | None = None
    for register in block.registers:
        name, gap = register.name, previous != [] or register.fields != []
        previous = register.fields
        yield Constant("offset", name, register.offset, register.about, gap=gap)
        if register.reset:
            yield Constant("word", f"{name}_RESET", register.reset, "")
        if sticky := sum(f.mask for f in register.fields if f.access == "w1c"):
            yield Constant("word", f"{name}_STICKY", sticky, "its w1c fields")
        for field in register.fields:
            yield Constant("field", f"{name}_{field.name}", field.lsb, field.about, field)


def camel(name: str) -> str:
    return "".join(word[0] + word[1:].lower() for word in name.split("_"))


def require(condition: bool, where: str, what: str) -> None:
    if not condition:
        raise BadInput(f"{where}: {what}")


def entry(value: object, where: str, types: dict[str, type], optional: str = "") -> dict:
    """A JSON object that has these keys, of these types, and no other."""
    require(isinstance(value, dict), where, "not an object")
    for key in value:
        require(key in types, where, f"unknown key {json.dumps(key)}")
    for key, wanted in types.items():
        require(key in value or key in optional.split(), where, f'no "{key}"')
        require(key not in value or type(value[key]) is wanted, where,
                f'"{key}" is not {TYPES[wanted]}')
    name, about = value.get("name", "NAME"), value.get("about", "")
    require(re.fullmatch(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*", name) is not None, where,
            f"name {json.dumps(name)} is not in UPPER_SNAKE_CASE")
    # A text becomes a comment in every language.
    require(about.isprintable() and not re.search(r"\\|/\*|\*/", about), where,
            '"about" holds a backslash, a comment mark or an unprintable character')
    return value


def read_field(value: object, where: str, register_access: str) -> Field:
    field = entry(value, where, {"name": str, "lsb": int, "width": int, "access": str,
                                 "about": str}, "access about")
    where, lsb, width = f'{where} {field["name"]}', field["lsb"], field["width"]
    require(lsb >= 0 and width >= 1 and lsb + width <= 32, where,
            f"lsb {lsb} and width {width} are outside 32 bits")
    access = field.get("access", register_access)
    require(access in ACCESS[register_access], where, f"access {json.dumps(access)} in a register "
            f'that is {register_access}; may be {", ".join(ACCESS[register_access])}')
    return Field(field["name"], lsb, width, access, field.get("about", ""))


def read_register(value: object, where: str, address_bits: int) -> Register:
    register = entry(value, where, {"name": str, "offset": int, "access": str, "reset": int,
                                    "about": str, "fields": list}, "reset fields")
    where, offset = f'{where} {register["name"]}', register["offset"]
    require(offset % 4 == 0, where, f"offset {offset} is not a multiple of 4")
    require(0 <= offset < 1 << address_bits, where,
            f"offset {offset} is outside {address_bits} address bits")
    access, reset = register["access"], register.get("reset")
    require(access in ACCESS, where, f'access {json.dumps(access)}; may be {", ".join(ACCESS)}')
    fields = [read_field(f, f"{where}: field {i}", access)
              for i, f in enumerate(register.get("fields", []))]
    used = 0
    for field in fields:
        require(used & field.mask == 0, where, f"field {field.name} overlaps another one")
        used |= field.mask
    require(0 <= (reset or 0) < 1 << 32, where, f"reset {reset} is outside 32 bits")
    require(not fields or (reset or 0) & ~used == 0, where, f"reset {reset} sets bits of no field")
    return Register(register["name"], offset, access, reset, register["about"], fields)


def version_value(version: str, registers: list[Register], where: str) -> int:
    """The release as the fields of the register VERSION hold it."""
    fields = {f.name: f for r in registers if r.name == "VERSION" for f in r.fields}
    require(set(fields) == {"MAJOR", "MINOR", "PATCH"}, where,
            "needs a register VERSION of MAJOR, MINOR and PATCH")
    value = 0
    for name, number in zip(("MAJOR", "MINOR", "PATCH"), map(int, version.split("."))):
        require(number < 1 << fields[name].width, where, f"version {version} overflows {name}")
        value |= number << fields[name].lsb
    return value


def read_block(value: object, key: str, version: str) -> Block:
    block = entry(value, key, {"id": str, "title": str, "about": str, "address_bits": int,
                               "registers": list})
    require(re.fullmatch("[!-~]{4}", block["id"]) is not None, key, "id is not 4 ASCII characters")
    bits = block["address_bits"]
    require(3 <= bits <= 32, key, f"address_bits {bits} is not in 3..32")
    registers = [read_register(r, f"{key}: register {i}", bits)
                 for i, r in enumerate(block["registers"])]
    require(any(r.name == "ID" for r in registers), key, "needs a register ID")
    offsets: dict[int, str] = {}
    for register in registers:
        other = offsets.setdefault(register.offset, register.name)
        require(other is register.name, key, f"{register.name} has the offset of {other}")
    result = Block(key, int.from_bytes(block["id"].encode(), "big"),
                   version_value(version, registers, key), block["about"], bits, registers)
    # Names may also meet as what is made of them: CYCLES_HIGH, and the field HIGH of CYCLES.
    names: set[str] = set()
    for constant in constants(result):
        for suffix in ("", "_SHIFT", "_WIDTH") if constant.field else ("",):
            name = constant.name + suffix
            require(camel(name) not in names, key, f"the name {name} arises twice")
            names.add(camel(name))
    return result


def without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    keys = [key for key, _ in pairs]
    for key in keys:
        require(keys.count(key) == 1, "JSON", f"key {json.dumps(key)} twice in one object")
    return dict(pairs)


def read_blocks(text: str) -> list[Block]:
    try:
        whole = json.loads(text, object_pairs_hook=without_duplicates)
    except ValueError as error:
        raise BadInput(f"not JSON: {error}") from error
    version = entry(whole, "map", {"version": str} | {key: dict for key in BLOCKS})["version"]
    require(re.fullmatch(r"(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}", version, re.ASCII) is not None, "map",
            f"version {json.dumps(version)} is not MAJOR.MINOR.PATCH")
    blocks = [read_block(whole[key], key, version) for key in BLOCKS]
    packings = [{f.name: f.lsb for r in block.registers if r.name == "VERSION" for f in r.fields}
                for block in blocks]
    require(all(p == packings[0] for p in packings), "map", "the blocks' VERSION differs")
    return blocks
