# SPDX-License-Identifier: Apache-2.0
"""Runs of `szt train`, side by side, each made once; for experiments.py (not a command)."""

import concurrent.futures
import hashlib
import json
import math
import os
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path


class Failure(Exception):
    """A run that did not do its work: one line."""


# Two-sided 95 % quantiles of Student's t for 1, 2, ... degrees of freedom.
T_95 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160,
        2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086)


# 2.5 % and 97.5 % quantiles of chi-squared for 1, 2, ... degrees of freedom.
CHI2_95 = ((0.000982, 5.024), (0.0506, 7.378), (0.2158, 9.348), (0.4844, 11.143), (0.8312, 12.833),
           (1.237, 14.449), (1.690, 16.013), (2.180, 17.535), (2.700, 19.023))


def mean_and_interval(values: list[float]) -> tuple[float, float]:
    """Mean and half the width of its 95 % interval (Student's t); NaN for fewer than two values."""
    n = len(values)
    mean = sum(values) / n
    if n < 2:
        return mean, math.nan
    deviation = math.sqrt(sum((v - mean) ** 2 for v in values) / (n - 1))
    return mean, T_95[min(n - 2, len(T_95) - 1)] * deviation / math.sqrt(n)


def deviation_and_interval(values: list[float]) -> tuple[float, float, float]:
    """Standard deviation and the ends of its 95 % interval (normal values); 2 to 10 of them, more
    give no interval: NaN."""
    deviation = statistics.stdev(values)
    freedom = len(values) - 1
    if freedom > len(CHI2_95):
        return deviation, math.nan, math.nan
    low, high = CHI2_95[freedom - 1]
    return deviation, deviation * math.sqrt(freedom / high), deviation * math.sqrt(freedom / low)


def significant(value: object) -> object:
    """`value` with every float in it at six significant digits; NaN, which JSON lacks, is None."""
    if isinstance(value, float):
        return None if math.isnan(value) else float(f"{value:.6g}")
    if isinstance(value, dict):
        return {key: significant(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [significant(part) for part in value]
    return value


def whole(report: Path) -> bool:
    """Whether a run left its report there, all of it."""
    try:
        return "final" in json.loads(report.read_text())
    except (OSError, ValueError):
        return False


class Runs:
    """Runs are named by a hash of their options; a report that is there already is not made again,
    so an interrupted experiment goes on where it was."""

    def __init__(self, szt: Path, folder: Path, jobs: int) -> None:
        self.szt, self.folder = szt, folder
        self.pool = concurrent.futures.ThreadPoolExecutor(jobs)
        self.lock = threading.Lock()
        self.futures: dict[str, concurrent.futures.Future] = {}
        self.done = self.made = 0
        self.start = time.monotonic()
        folder.mkdir(parents=True, exist_ok=True)
        self._same_maker()

    def _same_maker(self) -> None:
        """Runs of two programs, or of two BLASes, must not stand in one table."""
        maker = hashlib.sha256()
        for file in (self.szt, *sorted(self.szt.parent.parent.glob("lib/libszt_train.so"))):
            maker.update(file.read_bytes())
        maker.update("".join(f"{name}={value}" for name, value in sorted(os.environ.items())
                             if name.startswith("OPENBLAS_")).encode())
        note = self.folder / "made-by"
        if not note.exists():
            if any(self.folder.glob("*.json")):
                raise Failure(f"{self.folder}: runs of another szt; delete it, or give --folder")
            note.write_text(maker.hexdigest() + "\n")
        elif note.read_text().strip() != maker.hexdigest():
            raise Failure(f"{self.folder}: runs of another szt; delete it, or give --folder")

    def submit(self, options: dict, after: "concurrent.futures.Future | None" = None,
               keep: bool = False, quantized: bool = False) -> concurrent.futures.Future:
        """A future of the run's report. `keep`: with the network, at report["network_file"].
        `after`: a kept run whose network this one starts at, after `szt quantize` if `quantized`."""
        words = {**options, "start": after.name} if after else dict(options)
        if quantized:
            words["quantized"] = True
        name = hashlib.sha256(json.dumps(words, sort_keys=True).encode()).hexdigest()[:16]
        if name not in self.futures:
            future = self.pool.submit(self._run, name, options, after, keep, quantized)
            future.name = name
            self.futures[name] = future
        return self.futures[name]

    def give_up(self) -> None:
        """Begins no more runs; waits for those that are under way."""
        self.pool.shutdown(cancel_futures=True)

    def _run(self, name: str, options: dict, after, keep: bool, quantized: bool) -> dict:
        report = self.folder / f"{name}.json"
        network = self.folder / f"{name}.safetensors"
        if not whole(report) or (keep and not network.exists()):
            command = [str(self.szt), "train", "--threads", "1", "--json", str(report)]
            for option, value in options.items():
                command += [f"--{option}"] if value is True else [f"--{option}", str(value)]
            if keep:
                command += ["--output", str(network), "--keep-latents"]
            if after:
                start = after.result()["network_file"]
                command += ["--start", self._quantize(start) if quantized else start]
            self._call(command)
            with self.lock:
                self.made += 1
        result = json.loads(report.read_text())
        result["network_file"] = str(network)
        with self.lock:
            self.done += 1
            self._progress()
        return result

    def _quantize(self, network: str) -> str:
        quantized = f"{network.removesuffix('.safetensors')}-quantized.safetensors"
        if not Path(quantized).exists():
            self._call([str(self.szt), "quantize", network, quantized])
        return quantized

    @staticmethod
    def _call(command: list[str]) -> None:
        ran = subprocess.run(command, capture_output=True, text=True)
        if ran.returncode != 0:
            raise Failure(f"{' '.join(command)}: {ran.stderr.strip() or ran.returncode}")

    def _progress(self) -> None:
        total = len(self.futures)
        spent = time.monotonic() - self.start
        left = spent / max(self.made, 1) * (total - self.done)
        end = "\n" if self.done == total or not sys.stderr.isatty() else ""
        begin = "\r\x1b[K" if sys.stderr.isatty() else ""
        print(f"{begin}{self.done} of {total} runs so far, {left / 60:.0f} min left of these", end=end,
              file=sys.stderr, flush=True)
