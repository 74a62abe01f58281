#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The long regression: what scripts/test.sh runs in minutes, for longer and with a seed of the day;
# and every proof.
#   nightly.sh [--seed N] [--commands N] [--seeds N] [--no-setup]
#     --seed N      of the random tests (default: the date, as YYYYMMDD)
#     --commands N  of the stress suite, on each configuration (default 20000)
#     --seeds N     how many seeds, from --seed on, the other random tests run (default 5)
#     --no-setup    install nothing: the tools are here already
# A failure prints the line that repeats it. Then: SZT_TEST_SEED=N ctest --preset release -R NAME
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() { sed -n '3,10s/^# \{0,1\}//p' scripts/nightly.sh; }
die() {
  echo "nightly.sh: $*" >&2
  exit 2
}

seed=$(date +%Y%m%d) commands=20000 seeds=5 setup=yes
while (($#)); do
  case $1 in
    --seed | --commands | --seeds)
      (($# >= 2)) || die "$1 needs a number"
      [[ $2 =~ ^[1-9][0-9]*$ ]] || die "$1 $2: not a positive number"
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

[[ $setup == no ]] || scripts/setup.sh test
export CCACHE_BASEDIR=$PWD
jobs=$(nproc)
mkdir -p build
echo "nightly: building (build/release.log)"
{ cmake --preset release && cmake --build --preset release --parallel "$jobs"; } \
  >build/release.log 2>&1 </dev/null || die "the build failed (all of it: build/release.log)"

failed=0
run() {
  echo "nightly: $1, seed $SZT_TEST_SEED"
  ctest --preset release --parallel "$jobs" --no-tests=error --timeout 7200 --output-on-failure \
    -R "$1" >build/nightly-tests.log 2>&1 </dev/null || {
    cat build/nightly-tests.log
    failed=1
  }
  sed -n '/tests passed/p' build/nightly-tests.log
}

echo "nightly: formal proofs"
scripts/formal.py || failed=1

export SZT_TEST_SEED=$seed SZT_STRESS_COMMANDS=$commands
run cosim_stress_test
unset SZT_STRESS_COMMANDS
for ((i = 0; i < seeds; i++)); do
  export SZT_TEST_SEED=$((seed + i))
  run '^(cosim|cmodel|systemc)_.*test'
done
((failed == 0)) || exit 1
echo "nightly: all passed"
