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
import os
import platform
import struct
import sys
import tempfile
from pathlib import Path

try:
    import numpy as np
except ImportError:
    print("run_model.py: this Python has no numpy (scripts/setup.sh demo; then /usr/bin/python3)",
          file=sys.stderr)
    sys.exit(2)

from bert_layer import LAYER, PROJECTIONS, Tensors, cosine_similarity, embed, encoder_layer
from rtl_array import Array, Broken, Failure, Refused
from wordpiece import WordPiece

HERE = Path(__file__).resolve().parent


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
