#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Switching activity of the array on a real layer: how often each net of an element changes, with
plain ternary weights, with signed zeros behind the decoder, and with signed zeros on raw wires.

The layer is the last one of scripts/demo.sh (or --weights and --activations). The array of the
configuration is simulated with Verilator's toggle coverage, which counts every change of every bit
once a cycle has settled: no glitches, no capacitances. Forward pass only: a raw core has no other.

Exit: 0 done, 1 a run failed, 2 bad usage or a missing file or program.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

from failure import Failure
from rtl_sources import CONFIGS, ROOT, version

MODEL = ROOT / "build/demo/model"
TENSOR = "encoder.layer.0.output.dense.weight"  # what the activations that are left belong to
PAGE = ROOT / "rtl/synthesis.md"
RESULT = ROOT / "rtl/results/activity.json"

# What an element's nets are, and the module and signals that they have in the RTL.
NETS = {
    "activation": [("ternary_pe", "act_o")],
    "weight, in use and shadow": [
        ("ternary_pe", f"{place}_{wire}_q") for place in ("active", "shadow")
        for wire in ("nonzero", "negate")],
    "operand": [("ternary_add", "operand"), ("ternary_pe", "operand_q")],
    "carry-in": [("ternary_add", "negate_i"), ("ternary_pe", "carry_q")],
    "partial sum": [("ternary_pe", "psum_q")],
}
ARMS = {  # folder of the device below lib/, whether zeros lose their sign
    "plain ternary": ("raw", True),
    "signed zeros, decoded": ("", False),
    "signed zeros, raw wires": ("raw", False),
}


def run(command: list[str], **environment: str) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False,
                          env=os.environ | environment)
    if done.returncode != 0:
        lines = (done.stderr + done.stdout).strip().splitlines() or ["no message"]
        raise Failure(f"{Path(command[0]).name}: {lines[-1]}")
    return done.stdout


def build(folder: Path, config: str, jobs: int) -> None:
    print(f"activity: building {config} with counters, minutes from clean", flush=True)
    run(["cmake", "--preset", "release", "-B", str(folder), "-DSZT_TESTS=OFF",
         "-DSZT_SYSTEMC=OFF", "-DSZT_TRAIN=OFF", "-DSZT_COVERAGE=toggle", f"-DSZT_CONFIGS={config}"])
    run(["cmake", "--build", str(folder), "--parallel", str(jobs), "--target", "szt-cli",
         f"szt_rtl_{config}", f"szt_rtl_raw_{config}"])


def without_zero_signs(file: Path, tensor: str, out: Path) -> None:
    """The checkpoint with every zero of the tensor stored as 00, as plain ternary has it."""
    data = bytearray(file.read_bytes())
    length = int.from_bytes(data[:8], "little")
    entry = json.loads(data[8:8 + length]).get(f"{tensor}.codes")
    if not entry:
        raise Failure(f"{file}: no {tensor}.codes", 2)
    begin, end = (8 + length + at for at in entry["data_offsets"])
    # A code is {sign, magnitude}: the sign stays where the magnitude is 1.
    keep = bytes(code & (0x55 | (code & 0x55) << 1) for code in range(256))
    data[begin:end] = data[begin:end].translate(keep)
    out.write_bytes(data)


def changes(file: Path) -> Counter:
    """Of the array's elements: changes by module and signal, all bits and instances together."""
    found: Counter = Counter()
    for line in file.read_text(encoding="latin-1").splitlines():
        match = re.match(r"C '(.*)' (\d+)$", line)
        if not match:
            continue
        fields = dict(part.split("\x02", 1) for part in match[1].split("\x01") if "\x02" in part)
        if ".u_pe" not in fields.get("h", ""):
            continue
        module = re.sub(r"__.*", "", fields["page"].rpartition("/")[2])
        found[module, re.sub(r"(\[\d+\])+$", "", fields["o"].rpartition(".")[2])] += int(match[2])
    return found


def measure(arguments: argparse.Namespace, folder: Path) -> dict:
    tool = str(folder / "bin/szt")
    config = json.loads(CONFIGS.read_text(encoding="utf-8"))[arguments.config]
    elements = config["rows"] * config["cols"]
    plain = folder / "plain.safetensors"
    without_zero_signs(arguments.weights, arguments.tensor, plain)
    arms, results = {}, []
    for arm, (device, signless) in ARMS.items():
        counts, output, report = folder / "counts", folder / "y.npy", folder / "report.json"
        shutil.rmtree(counts, ignore_errors=True)
        counts.mkdir()
        weights = plain if signless else arguments.weights
        run([tool, "matmul", "--weights", f"{weights}:{arguments.tensor}", "--activations",
             str(arguments.activations), "--output", str(output), "--device", "rtl", "--config",
             arguments.config, "--json", str(report)],
            SZT_RTL_PATH=str(folder / "lib" / device), SZT_COVERAGE_FOLDER=str(counts))
        files = list(counts.glob("*.dat"))
        if len(files) != 1:
            raise Failure(f"{len(files)} files of counts, not one")
        cycles = json.loads(report.read_text(encoding="utf-8"))["cycles"]
        found = changes(files[0])
        row = {name: sum(found[net] for net in nets) / (elements * cycles)
               for name, nets in NETS.items()}
        if not row["partial sum"] or not row["operand"]:
            raise Failure("the element's nets were not counted")
        arms[arm] = row | {"all": sum(row.values())}
        results.append(output.read_bytes())
        print(f"activity: {arm}: {arms[arm]['all']:.3f} changes an element and cycle, "
              f"{cycles} cycles", flush=True)
    plain.unlink()
    if len(set(results)) != 1:
        raise Failure("the results of the three are not equal")
    return {"tool_versions": {"verilator": version(["verilator", "--version"])},
            "config": arguments.config, "tensor": arguments.tensor, "cycles": cycles, "arms": arms}


def table(result: dict) -> str:
    base = result["arms"]["plain ternary"]
    lines = [f"| net of an element | {' | '.join(result['arms'])} |",
             "|---|" + "---|" * len(result["arms"])]
    for net in (*NETS, "all"):
        lines.append(f"| {net} | " + " | ".join(f"{row[net]:.4f}" for row in result["arms"].values())
                     + " |")
    lines.append("| all, against plain ternary | " + " | ".join(
        f"{100 * (row['all'] / base['all'] - 1):+.2f} %" for row in result["arms"].values()) + " |")
    return "\n".join([*lines, "", f"Changes of bits an element and cycle: `{result['config']}`, "
                      f"`{result['tensor']}`, {result['cycles']:,} cycles; Verilator "
                      f"{result['tool_versions']['verilator']}."])


def write(text: str) -> None:
    page = PAGE.read_text(encoding="utf-8")
    mark = re.compile(r"(<!-- activity -->\n).*?(<!-- /activity -->)", re.DOTALL)
    if not mark.search(page):
        raise Failure(f"{PAGE}: no marks of the activity's table", 2)
    PAGE.write_text(mark.sub(lambda m: f"{m[1]}\n{text}\n\n{m[2]}", page), encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", default="medium",
                        choices=tuple(json.loads(CONFIGS.read_text(encoding="utf-8"))))
    parser.add_argument("--weights", type=Path, default=MODEL / "quantized.safetensors",
                        help="quantised checkpoint (the demo's)")
    parser.add_argument("--tensor", default=TENSOR, help=f"of it ({TENSOR})")
    parser.add_argument("--activations", type=Path, default=MODEL / "x.npy", help="(the demo's)")
    parser.add_argument("--jobs", type=int, default=2, help="of the build (2)")
    parser.add_argument("--write", action="store_true",
                        help="also write rtl/results/activity.json and the table of "
                             "rtl/synthesis.md")
    arguments = parser.parse_args()
    try:
        for file in (arguments.weights, arguments.activations):
            if not file.is_file():
                raise Failure(f"{file}: not there; scripts/demo.sh makes it (with MiniLM)", 2)
        arguments.weights = arguments.weights.resolve()
        arguments.activations = arguments.activations.resolve()
        for tool in ("cmake", "verilator"):
            if not shutil.which(tool):
                raise Failure(f"no {tool} (scripts/setup.sh installs it)", 2)
        folder = ROOT / "build/activity"
        build(folder, arguments.config, arguments.jobs)
        result = measure(arguments, folder)
        print(table(result))
        if arguments.write:
            RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
            write(table(result))
    except Failure as failure:
        print(f"activity.py: {failure}", file=sys.stderr)
        return failure.code
    return 0


if __name__ == "__main__":
    sys.exit(main())
