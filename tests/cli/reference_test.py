#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Check the szt tool's files with the reference safetensors library and NumPy.

Usage: reference_test.py SZT

Files that the reference libraries write go through `szt quantize`, `dequantize`, `matmul`,
`backward` and `inspect`; what comes back is read with those libraries and compared, bit for bit,
with thresholds, scales, codes, products and gradients computed here a second time. Exit status 0:
all equal; 77: skipped, the modules `safetensors` and `numpy` are not installed.
"""

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SKIPPED = 77

try:
    import numpy as np
    import safetensors
    import safetensors.numpy
except ImportError as error:
    venv = ROOT / ".venv" / "bin" / "python"
    if venv.exists() and Path(sys.prefix).resolve() != (ROOT / ".venv").resolve():
        os.execv(venv, [str(venv), *sys.argv])
    print(f"SKIPPED: {error}; 'scripts/setup.sh test' installs the reference library")
    sys.exit(SKIPPED)

SZT = ""
SEED = int(os.environ.get("SZT_TEST_SEED", "20250816"), 0)

# Format name in safetensors: name in the library's raw interface, bytes an element.
FLOATS = {"F32": ("float32", 4), "F16": ("float16", 2), "BF16": ("bfloat16", 2)}
RULES = ["twn", "twn:0.55", "absmean", "mse", "fixed:0.3", "fixed:0", "fixed:1e-40", "fixed:0.1"]


def szt(*arguments):
    return subprocess.run(
        [SZT, *map(str, arguments)], capture_output=True, text=True, stdin=subprocess.DEVNULL
    )


def run(*arguments):
    result = szt(*arguments)
    assert result.returncode == 0, result.stderr
    return result.stdout


# The definitions, once more.


def values_of(dtype, data):
    """Sign bits and |w| as float64 of little-endian floats."""
    if dtype == "F32":
        floats = np.frombuffer(data, "<f4")
    elif dtype == "F16":
        floats = np.frombuffer(data, "<f2")
    else:
        floats = (np.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4")
    return np.signbit(floats), np.abs(floats.astype(np.float64))


def ordered_sum(values):
    """Blocks of 4096, each as 8 lanes; float64 additions in exactly this order."""
    total = np.float64(0)
    for start in range(0, len(values), 4096):
        block = values[start : start + 4096]
        block = np.concatenate([block, np.zeros(-len(block) % 8)]).reshape(-1, 8)
        lane = np.zeros(8)
        for row in block:
            lane = lane + row
        total = total + (
            ((lane[0] + lane[1]) + (lane[2] + lane[3])) + ((lane[4] + lane[5]) + (lane[6] + lane[7]))
        )
    return total


def toward_zero(value):
    rounded = np.float32(value)
    if np.float64(rounded) > value:
        rounded = np.nextafter(rounded, np.float32(0))
    return rounded


def calibrate(rule, magnitudes):
    """Threshold and scale as float32."""
    kind, _, parameter = rule.partition(":")
    n = len(magnitudes)
    mean = ordered_sum(magnitudes) / n if n else np.float64(0)
    if kind == "fixed":
        threshold = toward_zero(np.float64(parameter))
    elif kind == "twn":
        threshold = toward_zero(np.float64(parameter or "0.7") * mean)
    elif kind == "absmean":
        threshold = toward_zero(mean / 2)
    elif n == 0:
        threshold = np.float32(0)
    else:
        falling = np.sort(magnitudes)[::-1]
        sums = np.add.accumulate(falling)
        best = int(np.argmax(sums * sums / np.arange(1, n + 1)))  # the first maximum
        threshold = np.float32(falling[best + 1] if best + 1 < n else 0)
    above = magnitudes > np.float64(threshold)
    if not above.any():
        return threshold, np.float32(0)
    if kind == "absmean":
        return threshold, np.float32(mean)
    return threshold, np.float32(ordered_sum(np.where(above, magnitudes, 0)) / above.sum())


def codes_of(signs, magnitudes, threshold):
    return 2 * signs.astype(np.uint8) + (magnitudes > np.float64(threshold)).astype(np.uint8)


def pack(codes):
    """[rows, cols] codes, four a byte, each row padded with 0."""
    rows, cols = codes.shape
    padded = np.zeros((rows, -(-cols // 4) * 4), np.uint8)
    padded[:, :cols] = codes
    fields = padded.reshape(rows, padded.shape[1] // 4, 4)
    return fields[..., 0] | fields[..., 1] << 2 | fields[..., 2] << 4 | fields[..., 3] << 6


# Files of the reference library.


def write(path, tensors, metadata=None):
    raw = {
        name: {"dtype": FLOATS[dtype][0], "shape": list(shape), "data": data}
        for name, (dtype, shape, data) in tensors.items()
    }
    safetensors.serialize_file(raw, str(path), metadata)


def read(path):
    """name: (dtype, shape, bytes), and the metadata."""
    tensors = {
        name: (entry["dtype"], tuple(entry["shape"]), bytes(entry["data"]))
        for name, entry in safetensors.deserialize(Path(path).read_bytes())
    }
    with safetensors.safe_open(path, framework="numpy") as file:
        return tensors, file.metadata()


def float_bits(random, dtype, shape, kind):
    """Weights of one kind as bytes."""
    count = int(np.prod(shape))
    if kind == "zeros":
        values = np.where(random.random(count) < 0.5, 0.0, -0.0)
    elif kind == "subnormals":
        values = random.choice([-1, 1], count) * random.random(count) * 2.0**-128
        if dtype == "F16":
            values = values * 2.0**112
    elif kind == "equal":
        values = random.choice([-0.5, 0.5], count)
    elif kind == "huge":
        values = random.standard_normal(count) * (3e4 if dtype == "F16" else 1e38) / 8
    else:
        values = random.standard_normal(count) * 0.05
        values = np.where(random.random(count) < 0.05, -0.0, values)
    if dtype == "F16":
        return values.astype("<f2").tobytes()
    floats = values.astype("<f4")
    if dtype == "F32":
        return floats.tobytes()
    return (floats.view("<u4") >> 16).astype("<u2").tobytes()


class ReferenceTest(unittest.TestCase):
    def setUp(self):
        self.random = np.random.default_rng(SEED)
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.dir = Path(directory.name)

    def tensors(self):
        """2-D weights of many shapes, and tensors that must be copied."""
        shapes = [(3, width) for width in range(1, 10)]
        shapes += [(1, 1), (7, 64), (5, 1023), (65, 130), (2, 4100), (0, 3), (4, 0)]
        weights = {}
        for dtype in FLOATS:
            for kind in ("normal", "zeros", "subnormals", "equal", "huge"):
                for shape in shapes if kind == "normal" else shapes[4:12]:
                    name = f"{kind}.{dtype}.{shape[0]}x{shape[1]}"
                    weights[name] = (dtype, shape, float_bits(self.random, dtype, shape, kind))
        rest = {
            f"{dtype}.{len(shape)}d": (dtype, shape, float_bits(self.random, dtype, shape, "normal"))
            for dtype in FLOATS
            for shape in [(), (11,), (2, 3, 5)]
        }
        return weights, rest

    def test_quantize_and_dequantize(self):
        weights, rest = self.tensors()
        metadata = {"format": "pt", "made by": "the reference library", "empty": ""}
        write(self.dir / "in", {**weights, **rest}, metadata)
        for rule in RULES:
            with self.subTest(rule=rule, seed=SEED):
                run("quantize", self.dir / "in", self.dir / "q", "--rule", rule)
                run("dequantize", self.dir / "q", self.dir / "out")
                self.check_quantized(rule, weights, rest, metadata)

    def check_quantized(self, rule, weights, rest, metadata):
        quantized, quantized_metadata = read(self.dir / "q")
        out, out_metadata = read(self.dir / "out")
        # The library's own loader, for which every tensor is of a type that NumPy has.
        if all(dtype != "BF16" for dtype, _, _ in quantized.values()):
            safetensors.numpy.load_file(self.dir / "q")
        expected_metadata = {
            **metadata,
            "szt.version": "1",
            "szt.rule": rule,
            "szt.zero_shift": "2",
        }
        for name, tensor in rest.items():
            self.assertEqual(quantized.pop(name), tensor, name)
            self.assertEqual(out.pop(name), tensor, name)
        for name, (dtype, shape, data) in weights.items():
            signs, magnitudes = values_of(dtype, data)
            threshold, scale = calibrate(rule, magnitudes)
            codes = codes_of(signs, magnitudes, threshold).reshape(shape)
            packed = pack(codes)
            expected = {
                ".threshold": ("F32", (1,), threshold.astype("<f4").tobytes()),
                ".scale": ("F32", (1,), scale.astype("<f4").tobytes()),
                ".codes": ("U8", packed.shape, packed.tobytes()),
            }
            for part, tensor in expected.items():
                self.assertEqual(quantized.pop(name + part), tensor, name + part)
            expected_metadata[f"szt.shape.{name}"] = f"[{shape[0]},{shape[1]}]"
            expected_metadata[f"szt.dtype.{name}"] = dtype
            values = np.where(codes & 1, scale, np.float32(0)).astype("<f4")
            values = np.where(codes & 2, -values, values)
            self.assertEqual(out.pop(name), ("F32", shape, values.tobytes()), name)
        self.assertEqual(quantized, {})
        self.assertEqual(quantized_metadata, expected_metadata)
        self.assertEqual(out, {})
        self.assertEqual(out_metadata, metadata)

    def test_the_order_of_additions(self):
        """Sums next to a float32 value: whether it is reached depends on the order of additions."""
        weights = {}
        for i in range(40):
            flat = np.zeros(1 << 14, "<f4")
            places = self.random.permutation(len(flat))
            flat[places[0]] = 1 - 2.0**-24
            flat[places[1]] = 2.0**-24 - 2.0**-47
            flat[places[2 : 130 + i % 8]] = 2.0**-54
            weights[f"w{i}"] = flat
        write(
            self.dir / "in",
            {name: ("F32", (128, 128), flat.tobytes()) for name, flat in weights.items()},
        )
        run("quantize", self.dir / "in", self.dir / "q", "--rule", "absmean")
        loaded = safetensors.numpy.load_file(self.dir / "q")
        one_by_one_differs = 0
        for name, flat in weights.items():
            threshold, _ = calibrate("absmean", flat.astype(np.float64))
            self.assertEqual(loaded[name + ".threshold"][0], threshold, (name, SEED))
            one_by_one = np.add.accumulate(flat.astype(np.float64))[-1] / len(flat) / 2
            one_by_one_differs += int(toward_zero(one_by_one) != threshold)
        self.assertGreater(one_by_one_differs, 0)

    def test_a_file_without_metadata(self):
        write(self.dir / "in", {"w": ("F32", (1, 2), np.float32([1, -1]).tobytes())})
        run("quantize", self.dir / "in", self.dir / "q")
        run("dequantize", self.dir / "q", self.dir / "out")
        loaded = safetensors.numpy.load_file(self.dir / "out")
        np.testing.assert_array_equal(loaded["w"], [[1, -1]])
        self.assertIn(read(self.dir / "out")[1], (None, {}))

    def test_other_types_are_copied(self):
        arrays = {
            "i64": np.array([[1, -2]]),
            "bool": np.array([[True, False]]),
            "u8": np.arange(6, dtype=np.uint8).reshape(2, 3),
            "f64": np.array([[0.1, -0.0]]),
            "w": np.float32([[1, 2, 3]]),
        }
        safetensors.numpy.save_file(arrays, self.dir / "in")
        run("quantize", self.dir / "in", self.dir / "q")
        loaded = safetensors.numpy.load_file(self.dir / "q")
        for name in ("i64", "bool", "u8", "f64"):
            self.assertEqual(loaded[name].dtype, arrays[name].dtype)
            self.assertEqual(loaded[name].tobytes(), arrays[name].tobytes())
        self.assertEqual(loaded["w.codes"].shape, (1, 1))

    def test_matmul(self):
        for m, k, n in [(1, 1, 1), (5, 13, 9), (17, 64, 33), (0, 3, 2), (3, 100, 1)]:
            weights = float_bits(self.random, "F32", (n, k), "normal")
            write(self.dir / "in", {"w": ("F32", (n, k), weights)})
            run("quantize", self.dir / "in", self.dir / "q")
            signs, magnitudes = values_of("F32", weights)
            threshold, scale = calibrate("twn", magnitudes)
            codes = codes_of(signs, magnitudes, threshold).reshape(n, k)
            planes = {
                "forward": np.array([0, 1, 0, -1])[codes],
                "zero_sign": np.array([1, 0, -1, 0])[codes],
                "sign": np.array([1, 1, -1, -1])[codes],
            }
            x = self.random.integers(-128, 128, (m, k), dtype=np.int8)
            product = ["matmul", "--weights", f"{self.dir / 'q'}:w", "--output", self.dir / "y.npy"]
            for order in ("C", "F"):
                np.save(self.dir / "x.npy", np.asarray(x, order=order))
                for mode, plane in planes.items():
                    run(*product, "--activations", self.dir / "x.npy", "--mode", mode)
                    y = np.load(self.dir / "y.npy")
                    self.assertEqual(y.dtype, np.dtype("<i4"))
                    np.testing.assert_array_equal(y, x.astype(np.int64) @ plane.T)

            floats = self.random.standard_normal((m, k)).astype(np.float32)
            floats[::3] = 0
            np.save(self.dir / "x.npy", floats)
            run(*product, "--activations", self.dir / "x.npy", "--dequantize")
            row_scales = np.abs(floats).max(axis=1, initial=0) / np.float32(127)
            divisors = np.where(row_scales == 0, np.float32(1), row_scales)[:, None]
            rounded = np.clip(np.rint(floats / divisors), -127, 127).astype(np.int64)
            exact = (rounded @ planes["forward"].T).astype(np.float32)
            expected = (row_scales * scale)[:, None] * exact
            self.assertEqual(expected.dtype, np.float32)
            np.testing.assert_array_equal(np.load(self.dir / "y.npy"), expected)

    def test_backward(self):
        for m, k, n in [(1, 1, 1), (5, 13, 9), (17, 64, 33), (0, 3, 2), (3, 100, 1)]:
            weights = float_bits(self.random, "F32", (n, k), "normal")
            write(self.dir / "in", {"w": ("F32", (n, k), weights)})
            run("quantize", self.dir / "in", self.dir / "q")
            signs, magnitudes = values_of("F32", weights)
            codes = codes_of(signs, magnitudes, calibrate("twn", magnitudes)[0]).reshape(n, k)
            forward = np.array([0, 1, 0, -1])[codes]
            zero_sign = np.array([1, 0, -1, 0])[codes]
            x = self.random.integers(-128, 128, (m, k), dtype=np.int8)
            dy = self.random.integers(-128, 128, (m, n), dtype=np.int8)
            np.save(self.dir / "x.npy", x)
            np.save(self.dir / "dy.npy", dy)
            inputs = ["--activations", self.dir / "x.npy", "--grad-output", self.dir / "dy.npy"]
            outputs = ["--grad-input", self.dir / "g.npy", "--grad-weight", self.dir / "dw.npy"]
            gradients = ["backward", "--weights", self.dir / "q", *inputs, *outputs]
            for surrogate, shift in [("dead-zone", None), ("ste", None), ("szt", 0), ("szt", 5)]:
                options = [] if shift is None else ["--zero-shift", shift]
                run(*gradients, "--surrogate", surrogate, *options)
                wide = dy.astype(np.int64)
                backward = forward if shift is None else 2**shift * forward + zero_sign
                slope = np.abs(forward) if surrogate == "dead-zone" else 1
                for name, expected in [("g", wide @ backward), ("dw", slope * (wide.T @ x))]:
                    result = np.load(self.dir / f"{name}.npy")
                    self.assertEqual(result.dtype, np.dtype("<i4"))
                    np.testing.assert_array_equal(result, expected)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    SZT = str(Path(sys.argv.pop(1)).resolve())
    print(f"safetensors {safetensors.__version__}, numpy {np.__version__}, SZT_TEST_SEED={SEED}")
    unittest.main()
