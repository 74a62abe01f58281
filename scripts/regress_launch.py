# SPDX-License-Identifier: Apache-2.0
"""How the chunks of a regression get to a processor: CTest on this machine, or Slurm. Both only
schedule; regress_worker.py does the work and leaves the results. For regress.py (not a command)."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from regress_plan import Build, Failure, Pair, only

SCRIPTS = ("regress_worker.py", "regress_plan.py")  # the worker, and what it imports
ARRAY = 1000  # elements at most: Slurm's MaxArraySize is 1001 unless set
SILENT = 300.0  # s without an answer from slurmctld until it is given up


def write_run(folder: Path, build: Build, results: Path, pairs: list[Pair], chunk: int,
              deadline: float | None) -> int:
    """RUN.json of regress_worker.py, and the worker as it is now: a script that is edited or
    checked out meanwhile loses no result. Returns how many chunks there are."""
    for name in SCRIPTS:
        shutil.copyfile(Path(__file__).resolve().parent / name, folder / name)
    chunks = [list(range(at, min(at + chunk, len(pairs)))) for at in range(0, len(pairs), chunk)]
    of_pairs = [{"test": pair.test, "regex": only(pair.test), "seed": pair.seed,
                 "environment": pair.environment, "timeout": pair.timeout, "file": pair.file,
                 "limit": pair.timeout or build.tests[pair.test]["properties"].get("TIMEOUT")}
                for pair in pairs]
    run = {"build": str(build.folder), "results": str(results), "deadline": deadline,
           "pairs": of_pairs, "chunks": chunks}
    (folder / "run.json").write_text(json.dumps(run), encoding="utf-8")
    return len(chunks)


def quoted(word: object) -> str:
    return f"[==[{word}]==]"


class Local:
    """One CTest over all pairs, each a test that runs the worker: CTest has every processor busy
    to the end, whatever seed is next."""

    attempts = 1
    pause = 0.2

    def __init__(self, jobs: int, lock: int) -> None:
        self.jobs = jobs
        self.lock = lock
        self.process: subprocess.Popen | None = None

    def start(self, folder: Path, build: Build, results: Path, pairs: list[Pair],
              lengths: list[float], deadline: float | None) -> None:
        write_run(folder, build, results, pairs, 1, deadline)
        lines = []
        for number, (pair, seconds) in enumerate(zip(pairs, lengths)):
            name = quoted(f"{number} {pair.test}")
            words = [sys.executable, "-B", folder / SCRIPTS[0], folder / "run.json", number]
            lines.append(f"add_test({name} {' '.join(map(quoted, words))})")
            # The longest first; and what the test says of its neighbours.
            properties = f"COST {seconds:.3f}"
            for key in ("PROCESSORS", "RUN_SERIAL", "RESOURCE_LOCK"):
                value = build.tests[pair.test]["properties"].get(key)
                if value:
                    value = ";".join(value) if isinstance(value, list) else value
                    properties += f" {key} {quoted(value)}"
            lines.append(f"set_tests_properties({name} PROPERTIES {properties})")
        (folder / "ctest").mkdir()
        (folder / "ctest/CTestTestfile.cmake").write_text("\n".join(lines) + "\n",
                                                          encoding="utf-8")
        with (folder / "ctest.log").open("w", encoding="utf-8") as log:
            # A session of its own: Ctrl-C reaches this script alone, which ends all of it.
            self.process = subprocess.Popen(
                ["ctest", "--test-dir", str(folder / "ctest"), "--parallel", str(self.jobs),
                 "--timeout", "10000000", "--output-on-failure"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                start_new_session=True, pass_fds=[self.lock])

    def alive(self) -> bool:
        return self.process.poll() is None

    def cancel(self) -> None:
        if self.process is None:
            return
        for signal_ in (signal.SIGTERM, signal.SIGKILL):
            for turn in range(20):
                self.process.poll()  # or the group would be there as long as its dead leader is
                try:
                    os.killpg(self.process.pid, signal_ if turn == 0 else 0)
                except ProcessLookupError:
                    return
                time.sleep(0.1)


class Slurm:
    """One job array; Slurm requeues the elements of a lost node (--requeue). What has no result
    when the array is gone is submitted again."""

    attempts = 3
    pause = 1.0

    def __init__(self, jobs: int | None, chunk: int | None, options: str) -> None:
        if missing := [name for name in ("sbatch", "squeue", "scancel") if not shutil.which(name)]:
            raise Failure(f"--launcher slurm: {missing[0]} not found: no Slurm here")
        self.jobs = jobs
        self.chunk = chunk
        self.options = shlex.split(options)
        self.job: str | None = None
        self.asked = self.answered = 0.0

    def start(self, folder: Path, build: Build, results: Path, pairs: list[Pair],
              _lengths: list[float], deadline: float | None) -> None:
        chunk = self.chunk or -(-len(pairs) // ARRAY)
        count = write_run(folder, build, results, pairs, chunk, deadline)
        processors = max(int(build.tests[pair.test]["properties"].get("PROCESSORS", 1))
                         for pair in pairs)
        limit = f"%{self.jobs}" if self.jobs else ""
        words = shlex.join([sys.executable, "-B", str(folder / SCRIPTS[0]),
                            str(folder / "run.json")])
        script = f"#!/bin/sh\nexec {words} \"$SLURM_ARRAY_TASK_ID\"\n"
        # Ctrl-C between the submission and the number of the job would leave the job alone.
        held = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
        try:
            sent = subprocess.run(
                ["sbatch", "--parsable", "--requeue", "--open-mode=append",
                 "--job-name=szt-regress", "--ntasks=1", f"--cpus-per-task={processors}",
                 f"--array=0-{count - 1}{limit}",
                 f"--output={folder}/%a.log", f"--chdir={folder}", *self.options],
                input=script, capture_output=True, text=True, check=False)
            self.job = sent.stdout.strip().partition(";")[0]
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, held)
        if sent.returncode:
            raise Failure(f"sbatch: {(sent.stderr.strip() or 'no message').splitlines()[-1]}")
        self.answered = self.asked = time.monotonic()

    def alive(self) -> bool:
        """Asks slurmctld, but not at every turn."""
        now = time.monotonic()
        if now - self.asked < 3.0:
            return True
        self.asked = now
        asked = subprocess.run(["squeue", "--noheader", f"--jobs={self.job}", "--format=%T %r"],
                               capture_output=True, text=True, check=False)
        if asked.returncode:
            if "Invalid job id" in asked.stderr:
                return False
            if now - self.answered > SILENT:
                raise Failure(f"squeue: {asked.stderr.strip()} (for {SILENT:.0f} s)")
            return True
        self.answered = now
        lines = asked.stdout.splitlines()
        # Held after a failed launch: Slurm would keep it for ever.
        if lines and all("held" in line.lower() for line in lines):
            self.cancel()
            return False
        return bool(lines)

    def cancel(self) -> None:
        if self.job:
            subprocess.run(["scancel", self.job], capture_output=True, check=False)
