#!/usr/bin/env -S python3 -S -E -B
# SPDX-License-Identifier: Apache-2.0
"""Stands in for `szt train` and `szt quantize`: reports and files of scores that tests know.

A run's score is 0.5 + 0.01 for each rank of its arm and its memory + 0.001 * seed, less 0.1 where
the rate is not 0.001; every command is a line in the file `calls` beside the report.
$FAKE_SZT_FAIL: the arm whose runs fail.
"""

import json
import os
import sys

ARMS = ("float32", "dead-zone", "ste", "szt", "four-level")
MEMORIES = ("bt-zero", "random-sign", "szt", "opposite-sign", "kept-latents")


def write(path, text):
    with open(path, "w") as file:
        file.write(text)


def train(words):
    options, at = {}, 0
    while at < len(words):
        flag = at + 1 == len(words) or words[at + 1].startswith("--")
        options[words[at][2:]] = True if flag else words[at + 1]
        at += 1 if flag else 2
    with open(os.path.join(os.path.dirname(options["json"]), "calls"), "a") as calls:
        calls.write(" ".join(words) + "\n")
    arm, seed = options["arm"], int(options["seed"])
    if arm == os.environ.get("FAKE_SZT_FAIL"):
        print("fake: told to fail", file=sys.stderr)
        return 2
    steps = int(options.get("steps", 400))
    rate = float(options.get("rate", 0.001))
    final = 0.5 + 0.01 * ARMS.index(arm) + 0.001 * seed
    if "memory" in options:
        final += 0.01 * MEMORIES.index(options["memory"])
    if rate != 0.001:
        final -= 0.1
    at = sorted({0, steps // 2, steps})
    measured = [] if steps == 0 else [
        {"step": step, "loss": 1.0, "dead": 0.4, "still_dead": 1 - final * step / steps,
         "never_left": 1 - final * step / steps, "forward_flips": 0.01, "code_flips": 0.02}
        for step in at[1:]]
    layer = {"name": "layers.0", "rows": 4, "cols": 4, "threshold": 0.1, "scale": 0.5,
             "rate_in_scales": rate / 0.5}
    write(options["json"], json.dumps({
        "final": final, "rate": rate, "measurements": measured,
        "evaluations": [{"step": step, "loss": 1.0,
                         "score": 0.1 + (final - 0.1) * step / max(steps, 1)} for step in at],
        "layers": [] if arm == "float32" else [layer],
        # One spike a seed, in the run's second half.
        "losses": [1.0] * (steps - seed) + [3.0] * min(seed, steps),
        "tool_versions": {"szt": "0.0.0", "compiler": "none", "trainer": "fake"}}))
    if "output" in options:
        write(options["output"], "network")
    return 0


if __name__ == "__main__":
    if sys.argv[1] == "quantize":
        write(sys.argv[3], "quantized")
        sys.exit(0)
    sys.exit(train(sys.argv[2:]))
