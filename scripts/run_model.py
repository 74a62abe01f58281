#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Run a pretrained model's matrices on the simulated RTL array, checked against the model.

For a BERT-like FOLDER (model.safetensors, vocab.txt, config.json): the whole first encoder layer on
a real text. Each of its six projections is multiplied by the array on quantised weights, the next
one from the result of the one before; only what is float by nature (bias, softmax, GELU, LayerNorm,
residual) is done here. For any other model.safetensors: each of its matrices on random activations.

Quantising, matmul and comparison are the szt tool's. Exit: 0 all equal, 1 something differs, 2 bad
usage or input.
"""

import argparse
import json
import math
import os
import platform
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

try:
    import numpy as np
except ImportError:
    print("run_model.py: this Python has no numpy (scripts/setup.sh demo; then /usr/bin/python3)",
          file=sys.stderr)
    sys.exit(2)

from wordpiece import WordPiece

HERE = Path(__file__).resolve().parent

Tensors = dict[str, np.ndarray]
Project = Callable[[str, np.ndarray], np.ndarray]  # name, activations [M, K] -> [M, N] with bias

LAYER = "encoder.layer.0."
PROJECTIONS = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "attention output": "attention.output.dense",
    "intermediate": "intermediate.dense",
    "output": "output.dense",
}


class Failure(Exception):
    """Bad input: one line."""


class Refused(Exception):
    """The szt tool refused its input, and has said why."""


class Broken(Exception):
    """The array failed so badly that there are no results to go on with."""


# --- files


def read_safetensors(path: Path) -> Tensors:
    """The float32 tensors of a file, mapped, not read; others are left out."""
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
    data = np.memmap(path, dtype=np.uint8, mode="r", offset=8 + length)
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__" and entry["dtype"] == "F32":
            begin, end = entry["data_offsets"]
            tensors[name] = data[begin:end].view("<f4").reshape(entry["shape"])
    return tensors


# --- the device, through the szt tool


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


# --- the transformer layer, in float32 but for its projections


def layer_norm(x: np.ndarray, tensors: Tensors, name: str, epsilon: float) -> np.ndarray:
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = np.square(centred).mean(axis=-1, keepdims=True)
    scale, shift = tensors[f"{name}.weight"], tensors[f"{name}.bias"]
    return centred / np.sqrt(variance + np.float32(epsilon)) * scale + shift


def gelu(x: np.ndarray) -> np.ndarray:
    # The exact one; numpy has no erf.
    erf = np.frompyfunc(math.erf, 1, 1)(x.astype(np.float64) / math.sqrt(2)).astype(np.float64)
    return (x * (0.5 * (1 + erf))).astype(np.float32)


def softmax(x: np.ndarray) -> np.ndarray:
    shifted = np.exp(x - x.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def embed(tensors: Tensors, ids: list[int], epsilon: float) -> np.ndarray:
    rows = tensors["embeddings.word_embeddings.weight"][ids]
    rows = rows + tensors["embeddings.position_embeddings.weight"][: len(ids)]
    rows = rows + tensors["embeddings.token_type_embeddings.weight"][0]
    return layer_norm(rows, tensors, "embeddings.LayerNorm", epsilon)


def encoder_layer(
    tensors: Tensors, x: np.ndarray, heads: int, epsilon: float, project: Project
) -> np.ndarray:
    """One post-norm BERT encoder layer; `project` does each of its six matmuls."""

    def split(y: np.ndarray) -> np.ndarray:  # [M, hidden] -> [heads, M, hidden / heads]
        return y.reshape(len(y), heads, -1).transpose(1, 0, 2)

    query, key, value = (split(project(name, x)) for name in ("query", "key", "value"))
    scores = query @ key.transpose(0, 2, 1) / np.float32(math.sqrt(query.shape[-1]))
    context = (softmax(scores) @ value).transpose(1, 0, 2).reshape(len(x), -1)
    attended = layer_norm(
        x + project("attention output", context),
        tensors,
        f"{LAYER}attention.output.LayerNorm",
        epsilon,
    )
    inner = gelu(project("intermediate", attended))
    return layer_norm(
        attended + project("output", inner), tensors, f"{LAYER}output.LayerNorm", epsilon
    )


def cosine_similarity(a: np.ndarray, b: np.ndarray) -> float:
    """Mean over the rows (tokens)."""
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return float(((a * b).sum(axis=1) / norms).mean())


def run_transformer(arguments: argparse.Namespace, array: Array, config: dict) -> dict:
    folder = arguments.folder
    if config.get("model_type") != "bert" or config.get("hidden_act") != "gelu":
        raise Failure(f"{folder / 'config.json'}: not a BERT model with GELU")
    heads, epsilon = config["num_attention_heads"], config["layer_norm_eps"]
    tensors = read_safetensors(folder / "model.safetensors")
    tokenizer = WordPiece(folder / "vocab.txt")
    text = arguments.text.read_text(encoding="utf-8")
    longest = min(arguments.vectors, config["max_position_embeddings"])
    ids = tokenizer.encode(text, longest)
    print(
        f"The first of {config['num_hidden_layers']} encoder layers, hidden size "
        f"{config['hidden_size']}, {heads} heads, on {len(ids)} tokens of {arguments.text.name}:\n"
        f"  {' '.join(tokenizer.tokens[i] for i in ids[:14])} ..."
    )

    def weight(name: str) -> str:
        return f"{LAYER}{PROJECTIONS[name]}.weight"

    def bias(name: str) -> np.ndarray:
        return tensors[f"{LAYER}{PROJECTIONS[name]}.bias"]

    def on_array(name: str, x: np.ndarray) -> np.ndarray:
        return array.matmul(name, weight(name), x) + bias(name)

    def in_float32(name: str, x: np.ndarray) -> np.ndarray:
        return x @ tensors[weight(name)].T + bias(name)

    array.quantize(folder / "model.safetensors", [weight(name) for name in PROJECTIONS])
    x = embed(tensors, ids, epsilon)
    array.start_table()
    measured = encoder_layer(tensors, x, heads, epsilon, on_array)
    array.finish_table()
    expected = encoder_layer(tensors, x, heads, epsilon, in_float32)
    similarity = cosine_similarity(measured, expected)
    print(
        f"Layer output against the float32 layer: cosine similarity {similarity:.4f} (mean over\n"
        "tokens). Not part of the check: ternary weights made from a trained model, without\n"
        "training it again, lose accuracy. What is checked is that the hardware computes what\n"
        "the quantised model says, exactly."
    )
    return {"tokens": len(ids), "cosine_similarity": similarity}


def run_matrices(arguments: argparse.Namespace, array: Array) -> None:
    model = arguments.folder / "model.safetensors"
    names = [name for name, tensor in read_safetensors(model).items() if tensor.ndim == 2]
    if not names:
        raise Failure(f"{model}: no float32 matrix")
    print(
        f"All {len(names)} matrices of the model, each on {arguments.vectors} random int8 "
        f"activation vectors (seeds from {arguments.seed})"
    )
    array.quantize(model, names)
    array.start_table()
    for name in names:
        array.random_matmul(name.removesuffix(".weight"), name, arguments.vectors)
    array.finish_table()


# --- the command


def verdict(array: Array) -> str:
    if array.problems:
        more = f" (and {len(array.problems) - 1} more)" if len(array.problems) > 1 else ""
        return f"FAILED: {array.problems[0]}{more}."
    results, cycles = array.total("results_compared"), array.total("cycles")
    predicted = array.total("cycles_model")
    bits = 8 * 4 * results  # every result is an int32
    timing = (
        f"{cycles:,} clock cycles with random stalls ({predicted:,} without)"
        if array.stalled
        else f"exactly the {cycles:,} clock cycles predicted"
    )
    return (
        f"PASSED: all {results:,} results ({bits:,} bits) of the RTL equal the model's, "
        f"in {timing}."
    )


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="holds model.safetensors")
    parser.add_argument("--szt", type=Path, required=True, help="the szt binary")
    parser.add_argument("--config", default="medium", help="the array's configuration (medium)")
    parser.add_argument(
        "--stall", type=float, default=0, metavar="P", help="stall each stream with probability P"
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=1,
        help="of the first matrix's stalls and random activations; the others count on from it (1)",
    )
    parser.add_argument(
        "--vectors",
        type=int,
        default=256,
        metavar="M",
        help="activation vectors: at most so many tokens of the text, or random ones (256)",
    )
    parser.add_argument("--text", type=Path, default=HERE / "gettysburg.txt", metavar="FILE")
    parser.add_argument("--work", type=Path, metavar="DIR", help="keep intermediate files in DIR")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the table as JSON")
    return parser.parse_args()


def run(arguments: argparse.Namespace, work: Path) -> int:
    if arguments.vectors < 3:
        raise Failure("--vectors: at least 3")
    if not 0 <= arguments.stall < 1:
        raise Failure("--stall: a probability, 0 <= P < 1")
    if not os.access(arguments.szt, os.X_OK):
        raise Failure(f"--szt: {arguments.szt} is not an executable file")
    array = Array(arguments, work)
    config = arguments.folder / "config.json"
    result = {}
    try:
        if config.exists():
            settings = json.loads(config.read_text(encoding="utf-8"))
            result = run_transformer(arguments, array, settings)
        else:
            run_matrices(arguments, array)
    except Broken:
        pass  # the verdict says it
    if arguments.json:
        versions = {"python": platform.python_version(), "numpy": np.__version__}
        for row in array.rows:
            versions |= row.pop("tool_versions", {})
        report = {
            "tool_versions": versions,
            "rows": array.rows,
            "summary": result | array.sizes | {"problems": array.problems},
        }
        temporary = arguments.json.with_name(arguments.json.name + ".partial")
        temporary.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
        temporary.replace(arguments.json)
    print(f"\n{verdict(array)}")
    return 1 if array.problems else 0


def main() -> int:
    arguments = parse_arguments()
    # Found from here, not along PATH, whatever its name.
    arguments.szt = arguments.szt.absolute()
    try:
        if arguments.work:
            arguments.work.mkdir(parents=True, exist_ok=True)
            return run(arguments, arguments.work)
        with tempfile.TemporaryDirectory(prefix="szt-") as work:
            return run(arguments, Path(work))
    except Refused:
        pass
    except Failure as error:
        print(f"run_model.py: {error}", file=sys.stderr)
    except OSError as error:
        print(f"run_model.py: {error.filename or 'output'}: {error.strerror}", file=sys.stderr)
    except (KeyError, ValueError, struct.error) as error:
        # A damaged or unexpected file: a tensor that is not there, JSON that is none.
        print(f"run_model.py: {arguments.folder}: {type(error).__name__}: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        return 130
    return 2


if __name__ == "__main__":
    sys.exit(main())
