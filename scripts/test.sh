#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs every check of the project but the long regressions.
#   test.sh [--quick] [--seed N] [--no-setup]
#     --quick      the release build alone: no sanitizers, no second compiler
#     --seed N     of the random tests (SZT_TEST_SEED); a failure prints the one that it had
#     --no-setup   install nothing: the tools are here already
# Static checks and the quick proofs, then the test suites: GCC release with every configuration and
# the hand-made faults, address and undefined-behaviour sanitizers, Clang; then an installed libszt.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() { sed -n '3,8s/^# \{0,1\}//p' scripts/test.sh; }
die() {
  echo "test.sh: $*" >&2
  exit 2
}

quick=no setup=yes
while (($#)); do
  case $1 in
    --quick) quick=yes ;;
    --seed)
      (($# >= 2)) || die "--seed needs a number"
      [[ $2 =~ ^[0-9]+$ ]] || die "--seed $2: not a number"
      export SZT_TEST_SEED=$2
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

# ccache shares what it can between build folders when paths count from the project's root.
export CCACHE_BASEDIR=$PWD
jobs=$(nproc)
started=$SECONDS
heading() { printf '\n== %s (%d s)\n' "$*" "$((SECONDS - started))"; }

# build_and_test PRESET [CMAKE_ARGUMENT...]: output of the build only when it fails.
build_and_test() {
  local preset=$1 log=build/$1.log
  shift
  heading "$preset: build"
  mkdir -p build
  if ! { cmake --preset "$preset" "$@" && cmake --build --preset "$preset" --parallel "$jobs"; } \
    >"$log" 2>&1 </dev/null; then
    grep -E -A 20 '(error|Error|FAILED|%Warning)' "$log" | head -n 80 >&2 || tail -n 40 "$log" >&2
    die "the $preset build failed (all of it: $log)"
  fi
  grep -q '^SZT_SYSTEMC:BOOL=ON' "build/$preset/CMakeCache.txt" ||
    echo "skipped: the SystemC models and their suites (SystemC not found: libsystemc-dev)"
  grep -q '^SZT_TRAIN:BOOL=ON' "build/$preset/CMakeCache.txt" ||
    echo "skipped: the trainer and its suites (${no_trainer:-libtorch not found: libtorch-dev})"
  heading "$preset: tests"
  ctest --preset "$preset" --parallel "$jobs" --no-tests=error --progress --output-on-failure \
    >"build/$preset-tests.log" 2>&1 </dev/null || {
    cat "build/$preset-tests.log"
    die "tests failed in the $preset build; again: ctest --preset $preset --rerun-failed"
  }
  sed -n '/tests passed/,$p' "build/$preset-tests.log"
  # What was skipped, and why: GoogleTest's reasons, and those of tests that are scripts.
  awk '/^SKIPPED: / { print } /: Skipped$/ { getline; print "SKIPPED: " $0 }' \
    "build/$preset/Testing/Temporary/LastTest.log" | sort | uniq -c |
    sed -E 's/^ *([0-9]+) SKIPPED: /skipped (\1): /'
}

[[ $setup == no ]] || scripts/setup.sh test

heading "static checks"
scripts/lint.py

heading "formal proofs"
scripts/formal.py --quick

# One short pass over the benchmarks keeps them alive; their figures gate nothing.
build_and_test release -DSZT_BENCHMARKS=ON

if [[ $quick == no ]]; then
  export SZT_TEST_CONFIGS=tiny,wide
  # libtorch is built without sanitizers, and what it keeps until the end looks like leaks.
  no_trainer="left out under sanitizers" \
    build_and_test asan '-DSZT_CONFIGS=tiny;wide;tall;medium' -DSZT_FAULTS=OFF -DSZT_TRAIN=OFF
  build_and_test clang '-DSZT_CONFIGS=tiny;wide;tall;medium' -DSZT_FAULTS=OFF
  unset SZT_TEST_CONFIGS
fi

heading "installed libszt: find_package(szt) from another project"
rm -rf build/install build/consumer
cmake --install build/release --prefix build/install >build/install.log
cmake -S tests/install -B build/consumer -G Ninja "-DCMAKE_PREFIX_PATH=$PWD/build/install" \
  >>build/install.log
cmake --build build/consumer >>build/install.log
build/consumer/consumer
build/consumer/driver_consumer

heading "all passed"
