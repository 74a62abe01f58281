# SPDX-License-Identifier: Apache-2.0
"""The RTL array behind `szt cosim`: quantises, multiplies, keeps the table of it."""

import argparse
import json
import math
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np


class Failure(Exception):
    """Bad input: one line."""


class Refused(Exception):
    """The szt tool refused its input, and has said why."""


class Broken(Exception):
    """The array failed so badly that there are no results to go on with."""


class Array:
    """The RTL array behind `szt cosim`, and one table row for each matmul that it did."""

    COLUMNS = (
        ("matrix", 22),
        ("K x N", 10),
        ("M", 4),
        ("compared", 9),
        ("differ", 6),
        ("cycles RTL", 10),
        ("cycles model", 12),
        ("busy", 7),
    )

    def __init__(self, arguments: argparse.Namespace, work: Path) -> None:
        self.szt: Path = arguments.szt
        self.options = ["--config", arguments.config]
        self.seed: int = arguments.seed
        self.stalled: bool = arguments.stall > 0
        if self.stalled:
            self.options += ["--stall", str(arguments.stall)]
        self.work = work
        self.quantized = work / "quantized.safetensors"
        self.rows: list[dict] = []
        self.problems: list[str] = []
        self.shapes: dict[str, list[int]] = {}  # [out, in] = [N, K]
        self.sizes: dict[str, int] = {}
        self.seconds = 0.0

    def _szt(self, *arguments: str | Path) -> int:
        # Its own table is left out, its progress and errors are not.
        sys.stdout.flush()
        result = subprocess.run(
            [self.szt, *arguments],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        if result.returncode == 2:
            raise Refused
        if result.returncode not in (0, 1):
            raise Failure(f"szt {arguments[0]} ended with exit code {result.returncode}")
        return result.returncode

    def quantize(self, model: Path, names: list[str]) -> None:
        """Quantise the named tensors and say what that saves."""
        pattern = "^(" + "|".join(name.replace(".", r"\.") for name in names) + ")$"
        path = self.work / "quantized.json"
        path.unlink(missing_ok=True)
        arguments = ["--rule", "twn", "--include", pattern, "--json", str(path)]
        if self._szt("quantize", model, self.quantized, *arguments):
            raise Failure("szt quantize failed")
        report = json.loads(path.read_text(encoding="utf-8"))
        if {tensor["tensor"] for tensor in report["tensors"]} != set(names):
            raise Failure(f"{path}: not the tensors that were to be quantised")
        before, after = report["bytes_before"], report["bytes_after"]
        weights = sum(math.prod(tensor["shape"]) for tensor in report["tensors"])
        zeros = weights - sum(tensor["nonzero"] for tensor in report["tensors"])
        self.shapes = {tensor["tensor"]: tensor["shape"] for tensor in report["tensors"]}
        self.sizes |= {"weights": weights, "zeros": zeros}
        self.sizes |= {"bytes_before": before, "bytes_after": after}
        print(
            f"Quantised {len(names)} matrices by rule {report['rule']}: {weights:,} weights, "
            f"{100 * zeros / weights:.1f} % of them zeros, +0 or -0.\n"
            f"{before:,} bytes became {after:,}: {before / after:.2f} times fewer.\n"
        )

    def start_table(self) -> None:
        self._print(*(title for title, _ in self.COLUMNS))
        self._print(*("-" * width for _, width in self.COLUMNS))

    def _print(self, first: str, *others: str) -> None:
        (_, width), *columns = self.COLUMNS
        cells = [f"{first:<{width}}"]
        cells += [f"{cell:>{width}}" for cell, (_, width) in zip(others, columns, strict=True)]
        print("  ".join(cells), flush=True)

    def matmul(self, label: str, tensor: str, activations: np.ndarray) -> np.ndarray:
        """One matmul on the array; returns the array's own results, scaled back to float32."""
        x, y = self.work / "x.npy", self.work / "y.npy"
        y.unlink(missing_ok=True)
        np.save(x, np.ascontiguousarray(activations, dtype=np.float32))
        options = ["--activations", str(x), "--output", str(y), "--dequantize"]
        self._cosim(label, tensor, len(activations), options)
        if not y.exists():  # it writes none that it found wrong
            raise Broken
        return np.load(y)

    def random_matmul(self, label: str, tensor: str, m: int) -> None:
        """The same with m rows of random int8 activations, for the comparison alone."""
        self._cosim(label, tensor, m, ["--m", str(m)])

    def _cosim(self, label: str, tensor: str, m: int, options: Sequence[str | Path]) -> None:
        report = self.work / "cosim.json"
        report.unlink(missing_ok=True)
        # A seed of its own for each, so that equal shapes don't stall alike.
        seed = ["--seed", str(self.seed + len(self.rows))]
        options = [*self.options, *seed, *options, "--json", report, "--quiet"]
        begin = time.monotonic()
        code = self._szt("cosim", "--weights", f"{self.quantized}:{tensor}", *options)
        self.seconds += time.monotonic() - begin

        if code and not report.exists():
            self.problems.append(f"{label}: szt cosim failed without a report")
            raise Broken
        row = json.loads(report.read_text(encoding="utf-8"))
        for key in ("command", "tensors", "tensors_not_run"):  # one tensor: these say it twice
            row.pop(key, None)
        self.rows.append({"name": label, "tensor": tensor} | row)
        self._print(
            label,
            f"{row['k']} x {row['n']}",
            f"{row['m']}",
            f"{row['results_compared']:,}",
            f"{row['mismatches']:,}",
            f"{row['cycles']:,}",
            f"{row['cycles_model']:,}",
            f"{100 * row['utilization']:.2f} %",
        )
        n, k = self.shapes[tensor]
        # More than m * n where padding fills the last column tile: it is compared as well.
        if [row["m"], row["k"], row["n"]] != [m, k, n] or row["results_compared"] < m * n:
            self.problems.append(f"{label}: not every result was compared")
        cycles, predicted = row["cycles"], row["cycles_model"]
        if row["mismatches"]:
            self.problems.append(f"{label}: {row['mismatches']:,} results differ")
        if cycles < predicted if self.stalled else cycles != predicted:
            self.problems.append(f"{label}: {cycles:,} cycles, the model says {predicted:,}")
        if code and not self.problems:
            self.problems.append(f"{label}: szt cosim reports a failure")

    def total(self, key: str) -> int:
        return sum(row[key] for row in self.rows)

    def finish_table(self) -> None:
        macs = sum(row["m"] * row["k"] * row["n"] for row in self.rows)
        peak = sum(row["cycles"] * row["rows"] * row["cols"] for row in self.rows)
        cells = [f"{self.total(k):,}" for k in ("results_compared", "mismatches", "cycles")]
        cells += [f"{self.total('cycles_model'):,}", f"{100 * macs / peak:.2f} %"]
        self._print("total", "", "", *cells)
        print(f"\n{macs:,} multiply-accumulates, simulated in {self.seconds:.1f} s")
