#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The long regression: every proof, every test with several seeds; scripts/nightly.py says how.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec python3 -B scripts/nightly.py "$@"
