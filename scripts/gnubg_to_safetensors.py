#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Turn GNU Backgammon's trained nets (gnubg.wd) into safetensors.

Six nets of two layers each come out as NAME.hidden.weight [hidden, input], NAME.hidden.threshold,
NAME.output.weight [output, hidden] and NAME.output.threshold, float32. The file is walked to its
last byte: anything too short, too long or out of range is refused.
"""

import argparse
import array
import json
import math
import os
import struct
import sys
import tempfile
from pathlib import Path

MAGIC = 472.3782
VERSIONS = (1.0, 1.01)  # the same layout, retrained weights
# The order in which the program reads them.
NETS = ("contact", "race", "crashed", "pruning.contact", "pruning.crashed", "pruning.race")
LARGEST_LAYER = 1 << 16

Tensor = tuple[tuple[int, ...], bytes]  # shape, little-endian float32


class FormatError(Exception):
    """The input is not a file of GNU Backgammon's nets."""


def read_nets(data: bytes) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors of a gnubg.wd file and its scalars, as safetensors metadata."""
    if len(data) < 8:
        raise FormatError(f"{len(data)} bytes, too short for a header")
    magic, version = struct.unpack_from("<ff", data)
    if not math.isclose(magic, MAGIC, rel_tol=1e-6):
        raise FormatError(f"magic number {magic:g}, not {MAGIC}")
    if not any(math.isclose(version, known, rel_tol=1e-6) for known in VERSIONS):
        raise FormatError(f"version {version:g}, known are {VERSIONS}")
    tensors: dict[str, Tensor] = {}
    metadata = {"gnubg.version": f"{version:g}"}
    position = 8
    for net in NETS:
        if len(data) - position < 24:
            raise FormatError(f"ends in the header of net {net}")
        inputs, hidden, outputs, _, beta_hidden, beta_output = struct.unpack_from(
            "<iiiiff", data, position
        )
        position += 24
        if not all(1 <= size <= LARGEST_LAYER for size in (inputs, hidden, outputs)):
            raise FormatError(f"net {net}: sizes {inputs}, {hidden}, {outputs} out of range")

        def take(count: int, what: str, net: str = net) -> array.array:
            nonlocal position
            if len(data) - position < 4 * count:
                raise FormatError(f"ends in the {what} of net {net}")
            values = array.array("f", data[position : position + 4 * count])
            if sys.byteorder == "big":
                values.byteswap()
            if not all(map(math.isfinite, values)):
                raise FormatError(f"net {net}: a value of its {what} is not finite")
            position += 4 * count
            return values

        def little(values: array.array) -> bytes:
            if sys.byteorder == "big":
                values.byteswap()
            return values.tobytes()

        stored = take(inputs * hidden, "hidden weights")  # [input][hidden]: transposed below
        weight = array.array("f")
        for unit in range(hidden):
            weight.extend(stored[unit::hidden])
        tensors[f"{net}.hidden.weight"] = (hidden, inputs), little(weight)
        tensors[f"{net}.output.weight"] = (
            (outputs, hidden),
            little(take(outputs * hidden, "output weights")),
        )
        tensors[f"{net}.hidden.threshold"] = (hidden,), little(take(hidden, "hidden thresholds"))
        tensors[f"{net}.output.threshold"] = (outputs,), little(take(outputs, "output thresholds"))
        metadata[f"gnubg.{net}.beta_hidden"] = f"{beta_hidden:.9g}"
        metadata[f"gnubg.{net}.beta_output"] = f"{beta_output:.9g}"
    if position != len(data):
        raise FormatError(f"{len(data) - position} bytes after the last net")
    return tensors, metadata


def safetensors_bytes(tensors: dict[str, Tensor], metadata: dict[str, str]) -> bytes:
    """A safetensors file: 8 bytes of header length, the JSON header, the data."""
    header: dict[str, object] = {"__metadata__": metadata}
    offset = 0
    for name, (shape, values) in tensors.items():
        end = offset + len(values)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # so that the data is aligned
    data = b"".join(values for _, values in tensors.values())
    return struct.pack("<Q", len(text)) + text + data


def convert(data: bytes) -> bytes:
    """A whole gnubg.wd as a whole safetensors file."""
    return safetensors_bytes(*read_nets(data))


def write_atomically(path: Path, data: bytes) -> None:
    """Write beside and rename: an interrupted run leaves no partial file."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)  # mkstemp's 0600 is for secrets
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("input", type=Path, metavar="gnubg.wd")
    parser.add_argument("output", type=Path, metavar="OUT.safetensors")
    arguments = parser.parse_args()
    path = arguments.input
    try:
        converted = convert(path.read_bytes())
        path = arguments.output
        write_atomically(path, converted)
    except (FormatError, OSError) as error:
        reason = getattr(error, "strerror", None) or error
        print(f"gnubg_to_safetensors.py: {path}: {reason}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
