#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the seeds of the fuzz targets, small files of every kind, into corpus/TARGET/ beside it;
with --large DIR, files of up to 1 MiB that are hard on a reader, into DIR/TARGET/. What fuzzing
found is in corpus/TARGET/found/ and stays."""

import argparse
import gzip
import json
import struct
import zlib
from pathlib import Path

CORPUS = Path(__file__).resolve().parent / "corpus"


def safetensors(tensors: list[tuple[str, str, list[int], bytes]],
                metadata: dict[str, str] | None = None) -> bytes:
    header: dict = {} if metadata is None else {"__metadata__": metadata}
    data = b""
    for name, dtype, shape, content in tensors:
        header[name] = {"dtype": dtype, "shape": shape,
                        "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def floats(*values: float) -> bytes:
    return struct.pack(f"<{len(values)}f", *values)


def quantized(name: str, rows: int, cols: int, codes: bytes, stride: int | None = None
              ) -> tuple[list, dict]:
    stride = (cols + 3) // 4 if stride is None else stride
    return ([(f"{name}.scale", "F32", [1], floats(0.5)),
             (f"{name}.threshold", "F32", [1], floats(0.25)),
             (f"{name}.codes", "U8", [rows, stride], codes)],
            {f"szt.shape.{name}": f"[{rows},{cols}]", f"szt.dtype.{name}": "F32"})


COMMON = {"szt.version": "1", "szt.rule": "twn", "szt.zero_shift": "2"}


def checkpoint(*parts: tuple[list, dict], more: list | None = None, **metadata: str) -> bytes:
    tensors = [tensor for part in parts for tensor in part[0]]
    entries = {key: value for part in parts for key, value in part[1].items()}
    return safetensors(tensors + (more or []), {**COMMON, **entries, **metadata})


def network(*widths: int) -> bytes:
    layers, biases = [], []
    for i, (cols, rows) in enumerate(zip(widths, widths[1:])):
        stride = (cols + 3) // 4
        last = 0xFF >> (2 * (-cols % 4))
        row = bytes((37 * j + 29) & 0xFF for j in range(stride - 1)) + bytes([0x6D & last])
        layers.append(quantized(f"layers.{i}.weight", rows, cols, row * rows))
        biases.append((f"layers.{i}.bias", "F32", [rows], floats(*(0.1 * j for j in range(rows)))))
    return checkpoint(*layers, more=biases, network="mlp " + "-".join(map(str, widths)))


def npy(descr: str, shape: str, data: bytes, fortran: bool = False, version: int = 1) -> bytes:
    text = f"{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}\n".encode()
    length = struct.pack("<H" if version == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes([version, 0]) + length + text + data


def idx(shape: list[int], data: bytes, kind: int = 8) -> bytes:
    return struct.pack(">BBBB", 0, 0, kind, len(shape)) + struct.pack(f">{len(shape)}I", *shape) \
        + data


def fst(*blocks: tuple[int, bytes]) -> bytes:
    return b"".join(struct.pack(">BQ", kind, 8 + len(content)) + content
                    for kind, content in blocks)


def seeds() -> dict[str, dict[str, bytes]]:
    small = idx([2, 3], bytes(range(6)))
    packed = gzip.compress(small, mtime=0)
    weights = quantized("w", 2, 5, bytes([0x1B, 0x02, 0xE4, 0x03]))
    huge = 10 ** 15
    return {
        "safetensors": {
            "empty": safetensors([]),
            "dtypes": safetensors([("a", "F64", [1], bytes(8)), ("b", "F32", [2, 1], bytes(8)),
                                   ("c", "BF16", [3], bytes(6)), ("d", "I8", [2, 2], bytes(4)),
                                   ("e", "F4", [2], b"\x12"), ("s", "BOOL", [], b"\x01")]),
            "names": safetensors([("é\n\\", "U8", [1], b"x")], {"": "", "note": "two\nlines"}),
            "none": safetensors([("z", "I64", [0, 7], b"")]),
            "overlap": safetensors([("a", "U8", [2], b"ab")]).replace(b"[0,2]", b"[0,3]"),
            "long_header": struct.pack("<Q", 1 << 40) + b"{}",
        },
        "checkpoint": {
            "one": checkpoint(weights),
            "two": checkpoint(weights, quantized("x.y", 1, 4, b"\x39"),
                              more=[("bias", "F32", [2], floats(1, -1))]),
            "infinite_shift": checkpoint(weights, **{"szt.zero_shift": "inf"}),
            "padding": checkpoint(quantized("w", 1, 3, b"\xFF")),
            "no_columns": checkpoint(quantized("w", huge, 0, b"")),
            "no_rows": checkpoint(quantized("w", 0, huge, b"")),
            "other_version": checkpoint(weights, **{"szt.version": "2"}),
            "plain": safetensors([("w", "F32", [1, 2], floats(1, 2))]),
        },
        "network": {
            "one_layer": network(3, 2),
            "two_layers": network(5, 3, 2),
            "three_layers": network(4, 2, 2, 3),
            "other_widths": network(3, 2).replace(b"mlp 3-2", b"mlp 2-3"),
        },
        "npy": {
            "int8": npy("|i1", "(2, 3)", bytes(range(6))),
            "float32_fortran": npy("<f4", "(2, 2)", floats(1, 2, 3, 4), fortran=True),
            "three_axes": npy("<i2", "(2, 1, 3)", bytes(range(12)), fortran=True),
            "scalar": npy("<f8", "()", bytes(8)),
            "vector": npy("<f2", "(3,)", bytes(6), version=2),
            "empty": npy("<i8", "(0, 5)", b"", version=3),
            "big_endian": npy(">f4", "(1,)", bytes(4)),
            "lies": npy("<i4", "(4611686018427387904, 4)", bytes(4)),
        },
        "idx": {
            "matrix": small,
            "empty": idx([0], b""),
            "lies": idx([0x7FFFFFFF], b"abc"),
            "floats": idx([1], bytes(4), kind=13),
            "matrix.gz": packed,
            "two_members.gz": gzip.compress(small[:7], mtime=0) + gzip.compress(small[7:], mtime=0),
            "cut.gz": packed[:-4],
            "trailing.gz": packed + b"more",
            "zeros.gz": gzip.compress(idx([64, 64], bytes(4096)), mtime=0),
        },
        "text": {text.replace(":", "_").replace(".", "p"): text.encode() for text in
                 ("twn", "twn:0.7", "absmean", "mse", "fixed:1e-3", "inf", "7", "two\nlines")},
        "trace": {
            "whole": fst((0, bytes(16)), (8, bytes(4)), (6, b"scope")),
            "cut": fst((0, bytes(16)), (8, bytes(4)))[:-1],
            "no_changes": fst((0, b""), (4, b"")),
            "zero_length": bytes(9),
        },
        # A configuration, then actions: what each byte does is in device.cc.
        "device": {
            "job": bytes([0, 8, 1, 2, 3, 4, 5, 0, 7, 6, 0, 0]),
            "backward": bytes([1, 9, 1, 2, 3, 4, 4, 7, 9, 2, 1]),
            "commands": bytes([2, 7, 2, *range(1, 30), 3, 9, 5, 60, 7, 1, 8, 20]),
            "wild": bytes([0, 2, 2, 5, 2, 1, 2, 2, 0, 1, 3, 7, 63, 0, 0, 3, 9, 63, 1, 1, 5, 200,
                           4, 60, 1, 8, 4, 4, 4, 4, 9, 0, 9, 9, 1]),
            "soft_reset": bytes([0, 2, 2, 5, 2, 1, 2, 2, 0, 1, 0, 16, 3, 2, 6, 8, 1, 1, 1, 1, 7]),
        },
        "encoder": {
            "tensor": bytes([5, 0, 3, 20, 128, 25, *range(100)]),
            "halves": bytes([5, 1, 2, 9, 1, 24, 0, 0x7E, 0, 0x80, *range(40)]),
            "row": bytes([0, 20, 0, 1, 0, 24, 0, 9, 1, 0, 64, *range(64), 3, 9, 2, 200, 4]),
            "reset": bytes([1, 1, 3, *range(48), 3, 20, 0, 12, 0, 1, 5, 3, 1, 8, 1, 2]),
        },
    }


def large() -> dict[str, dict[str, bytes]]:
    """Many parts, deep nesting, long names, lying sizes, packed zeros."""
    size = (1 << 20) - 64

    def raw(text: bytes) -> bytes:
        return struct.pack("<Q", len(text)) + text

    many = safetensors([(f"t{i}", "U8", [0], b"") for i in range(16000)])
    axes = "(" + "1, " * 62 + f"{size - 512},)"
    deflate = zlib.compressobj(9, zlib.DEFLATED, 31)
    zeros = idx([900 << 20], b"")
    bomb = b"".join([deflate.compress(zeros), *(deflate.compress(bytes(1 << 20))
                                                for _ in range(900)), deflate.flush()])
    parts = [quantized(f"w{i:04}", 1, 4, b"\x39") for i in range(2500)]
    return {
        "safetensors": {
            "many": many,
            "nested": raw(b'{"a":' + b"[" * (size - 16)),
            "nested_objects": raw(b'{"a":{"b":' * (size // 10)),
            "long_name": safetensors([("n" * (size - 128), "U8", [0], b"")]),
            "long_number": raw(b'{"a":{"shape":[' + b"9" * (size - 32)),
            "metadata": safetensors([], {f"k{i}": "" for i in range(85000)}),
            "escapes": raw(b'{"' + b"\\u0001" * (size // 6 - 8) + b'":1}'),
        },
        "checkpoint": {
            "many": checkpoint(*parts),
            "announced": safetensors([], {**COMMON, **{f"szt.shape.{i}": "[9,9]"
                                                       for i in range(30000)}}),
            "long_shape": safetensors([], {**COMMON, "szt.shape.w": " " * (size - 256)}),
        },
        "network": {"wide": network(2000, 1500), "deep": network(*[4] * 1200)},
        "npy": {
            "axes": npy("|i1", axes, bytes(size - 512), fortran=True, version=2),
            "spaces": npy("|i1", " " * (size - 128) + "(1,)", b"x", version=2),
            "long_number": npy("|i1", "(" + "1" * (size - 128) + ",)", b"x", version=2),
            "transposed": npy("|i1", f"({size // 512 - 1}, 512)", bytes((size // 512 - 1) * 512),
                              fortran=True),
        },
        "idx": {"bomb.gz": bomb, "members.gz": gzip.compress(b"", mtime=0) * (size // 20),
                "axes": idx([1] * 255, b"x"), "plain": idx([size - 64], bytes(size - 64))},
        "text": {"continuing": b"\x80" * size, "digits": b"fixed:" + b"9" * size,
                 "fraction": b"twn:0." + b"0" * size, "controls": b"\x01" * size},
        "trace": {"short_blocks": bytes([8, 0, 0, 0, 0, 0, 0, 0, 1]) + bytes(size),
                  "blocks": fst((8, b"")) * (size // 9 - 1) + fst((4, b"")),
                  "overlapping": bytes([0, 0, 0, 0, 0, 0, 0, 0, 1, 1] * (size // 10))},
    }


def write(files_of: dict[str, dict[str, bytes]], root: Path) -> None:
    for target, files in files_of.items():
        folder = root / target
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (folder / name.replace("\n", "_")).write_bytes(content)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large", type=Path, metavar="DIR")
    arguments = parser.parse_args()
    if arguments.large:
        write(large(), arguments.large)
    else:
        write(seeds(), CORPUS)


if __name__ == "__main__":
    main()
