#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs one chunk of a regression, test by test; what CTest or a Slurm array starts for regress.py.

  regress_worker.py RUN.json CHUNK

A pair (test, seed) with a result is not run again. A result appears at once or not at all, and the
first one stays.

Exit: 0 every pair has a result (whatever it is), or time was up; 1 one has none.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from pathlib import Path

from regress_plan import SEED, wrap

OUTPUT = 8000  # characters of a failing test that are kept, the last ones
REASONS = ("SKIP_RETURN_CODE", "SKIP_REGULAR_EXPRESSION")


class Stopped(Exception):
    """This process is told to end: what its tests say now means nothing."""


def stop(_signal: int, _frame: object) -> None:
    raise Stopped


def last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    said = [line for line in lines if line.startswith("SKIPPED: ")]
    return (said or lines or ["no reason given"])[-1].removeprefix("SKIPPED: ")


def verdict(case: ET.Element) -> dict:
    """Of one <testcase> of CTest's JUnit file. A test that CTest could not start is a failure;
    there, it looks like a skipped one."""
    output = case.findtext("system-out") or ""
    status = case.get("status")
    skipped = case.find("skipped")
    why = skipped.get("message", "") if skipped is not None else ""
    record = {"seconds": float(case.get("time") or 0), "reason": "", "output": "", "cases": []}
    if status == "run":
        # Cases that GoogleTest skipped: the test passed, but not all of it ran.
        cases = re.findall(r"^\S+: Skipped\n(.*)$", output, re.MULTILINE)
        return {**record, "status": "passed", "cases": cases}
    if status == "disabled":
        return {**record, "status": "skipped", "reason": "disabled in CTest"}
    if status == "notrun" and why.startswith(REASONS):
        return {**record, "status": "skipped", "reason": last_line(output)}
    reason = f"not run: {why}" if status == "notrun" else case.find("failure").get("message", "")
    return {**record, "status": "failed", "reason": reason, "output": output[-OUTPUT:]}


def execute(pair: dict, build: str, folder: Path) -> dict:
    name = pair["test"]
    more = ""
    if pair["timeout"]:
        more = (f"set_tests_properties([==[{name}]==] PROPERTIES TIMEOUT "
                f"{pair['timeout']})\n")
    wrap(folder, build, more)
    environment = {key: value for key, value in os.environ.items() if key != SEED}
    environment |= dict(pair["environment"])
    if pair["seed"] is not None:
        environment[SEED] = str(pair["seed"])
    junit = folder / "result.xml"
    started = time.monotonic()
    ran = subprocess.run(
        ["ctest", "--test-dir", str(folder), "-R", pair["regex"], "--output-junit", str(junit),
         "--test-output-size-passed", "1000000", "--test-output-size-failed", "1000000"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env=environment, check=False)
    cases = []
    if ran.returncode >= 0 and junit.is_file():
        text = junit.read_bytes().decode("utf-8", errors="replace")
        cases = [case for case in ET.fromstring(text).iter("testcase") if case.get("name") == name]
    if len(cases) != 1:
        raise RuntimeError(f"no result of {name} (ctest: {ran.returncode})\n"
                           + ran.stdout.decode("utf-8", errors="replace")[-OUTPUT:])
    record = verdict(cases[0])
    if record["status"] == "failed":
        if not record["reason"]:
            limit = pair["limit"]
            out_of_time = limit and time.monotonic() - started >= limit
            record["reason"] = f"out of time ({limit:g} s)" if out_of_time else "failed"
        # Who ends this process may have ended the test a moment before.
        time.sleep(0.5)
    return record


def keep(record: dict, path: Path) -> None:
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".new-", delete=False,
                                     encoding="utf-8") as file:
        json.dump(record, file)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(file.name, path)
    except FileExistsError:
        pass  # of a node that was taken for lost
    finally:
        os.unlink(file.name)


def main() -> int:
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, stop)
    run = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    lost = False
    for number in run["chunks"][int(sys.argv[2])]:
        pair = run["pairs"][number]
        path = Path(run["results"]) / pair["file"]
        if path.exists():
            continue
        if run["deadline"] and time.time() >= run["deadline"]:
            break
        folder = Path(tempfile.mkdtemp(prefix="szt-regress-"))
        try:
            keep({"test": pair["test"], "seed": pair["seed"],
                  **execute(pair, run["build"], folder)}, path)
        except (RuntimeError, OSError, ET.ParseError) as error:
            print(f"regress_worker.py: {error}", file=sys.stderr)
            lost = True
        except (Stopped, KeyboardInterrupt):
            print("regress_worker.py: told to end", file=sys.stderr)
            return 1
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
