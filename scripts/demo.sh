#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs a trained network and a real pretrained model on the simulated hardware and checks every bit
# and every clock cycle.
#   demo.sh [--config C] [--stall P] [--seed N] [--model M] [--no-setup]
#     --config C   the array: tiny, small, medium (default) or large (rtl/configs.json)
#     --stall P    stall each stream at random with probability P (0 <= P < 1) in each cycle (not of
#                  the images)
#     --seed N     of the stalls and of random activations (default 1; the next matrix N + 1, ...)
#     --model M    auto (default), minilm or gnubg; scripts/fetch_model.py --help says what they are
#     --no-setup   install nothing: the tools are here already
# The first run builds for a few minutes. Everything it makes is under build/ and .cache/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() { sed -n '3,12s/^# \{0,1\}//p' scripts/demo.sh; }
die() {
  echo "demo.sh: $*" >&2
  exit 2
}

config=medium stall=0 seed=1 model=auto setup=yes
while (($#)); do
  case $1 in
    --config | --stall | --seed | --model)
      (($# >= 2)) || die "$1 needs a value (--help says more)"
      printf -v "${1#--}" %s "$2"
      shift
      ;;
    --no-setup) setup=no ;;
    -h | --help)
      usage
      exit 0
      ;;
    *) die "unknown argument $1 (--help says more)" ;;
  esac
  shift
done
configs=$(sed -nE 's/^ *"([a-z0-9_]+)" *: *\{.*/\1/p' rtl/configs.json)
grep -qxF -- "$config" <<<"$configs" ||
  die "no configuration $config in rtl/configs.json; there are: ${configs//$'\n'/ }"

if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
  bold=$'\e[1m' green=$'\e[32m' red=$'\e[31m' plain=$'\e[0m'
else
  bold='' green='' red='' plain=''
fi
heading() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }

build=build/demo log=build/demo.log
mkdir -p "$build"

# Runs a build step with its output in the log; a terminal sees the latest line, others nothing.
logged() {
  local status=0
  "$@" 2>&1 </dev/null | tee -a "$log" | if [[ -t 1 ]]; then
    while IFS= read -r line; do printf '\r\e[K%.*s' "$((${COLUMNS:-80} - 1))" "$line"; done
    printf '\r\e[K'
  else
    cat >/dev/null
  fi || status=$?
  if ((status)); then
    tail -n 40 "$log" >&2
    die "the build failed (all of it: $log)"
  fi
}

cat <<'TEXT'
SZT: signed-zero ternary weights, 2 bits each: +1, +0, -0, -1. This demo classifies test images with
a network that was trained with such weights, then takes a real pretrained model and quantises it to
them. Every product runs on the cycle-accurate RTL of a systolic array (SystemVerilog, simulated by
Verilator) and is compared with the C++ model: every result bit, every clock cycle.
TEXT

heading '1. Tools'
if [[ $setup == yes ]]; then
  scripts/setup.sh demo
fi
# The Debian packages above belong to Debian's Python, not to another one that is first in PATH.
python=${PYTHON:-/usr/bin/python3}
"$python" -c 'import numpy' 2>/dev/null ||
  die "$python has no numpy (run scripts/setup.sh, or set PYTHON)"
echo "$(g++ --version | head -n 1); $(cmake --version | head -n 1); $(verilator --version)"

heading "2. Build: the szt tool, and the array \"$config\" from its RTL"
# A build folder of its own, without the tests: GoogleTest is not needed here. ccache shares what it
# can with the other build folders when paths count from the project's root.
export CCACHE_BASEDIR=$PWD
start=$SECONDS
: >"$log"
logged cmake --preset release -B "$build" -DSZT_TESTS=OFF
logged cmake --build "$build" --parallel "$(nproc)" --target szt-cli "szt_rtl_$config"
echo "Built in $((SECONDS - start)) s: $build/bin/szt (log: $log)"

heading "3. Classify images: a network of \"szt train\", on the array \"$config\""
images=10000
[[ $config != tiny ]] || images=1000
"$build/bin/szt" classify --network cmodel/train/fashion-mlp.safetensors --device rtl \
  --config "$config" --count "$images" --json "$build/classified.json"

heading '4. Model: real pretrained weights'
"$python" scripts/fetch_model.py --model "$model" --json "$build/fetched.json"
folder=$("$python" -c 'import json, sys; print(json.load(sys.stdin)["rows"][0]["folder"])' \
  <"$build/fetched.json")

heading "5. Quantise, and run on the array \"$config\""
status=0
"$python" scripts/run_model.py "$folder" --szt "$build/bin/szt" --config "$config" \
  --stall "$stall" --seed "$seed" --work "$build/model" --json "$build/model/report.json" \
  | sed -u "s/^PASSED/$bold$green&$plain/; s/^FAILED/$bold$red&$plain/" || status=$?
exit "$status"
