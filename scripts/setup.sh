#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what the project needs on Debian 12 or 13; when it is all there, quick and silent.
#   setup.sh [demo|test|regress|all]
#     demo   to build the szt tool, Verilate the array and run the demo (default)
#     test   demo, and what the tests add: GoogleTest, Google Benchmark, SystemC, libtorch, Clang,
#            Icarus, Yosys, and a reference safetensors reader in .venv (PyPI; skipped where not reached)
#     regress  test, and Slurm with munge: the cluster on which the tests try scripts/regress.py
#     all    regress, and what the plot_ scripts draw with: matplotlib
# Needs root or sudo only when a package is missing. pip's own settings (PIP_INDEX_URL, ...) hold.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() { sed -n '3,10s/^# \{0,1\}//p' scripts/setup.sh; }
die() {
  echo "setup.sh: $*" >&2
  exit 2
}

demo_packages=(
  g++ cmake ninja-build ccache pkg-config
  verilator zlib1g-dev
  libfmt-dev nlohmann-json3-dev libcli11-dev
  python3 python3-numpy python3-venv ca-certificates dataset-fashion-mnist
)
test_packages=(
  libgtest-dev libgmock-dev libbenchmark-dev libsystemc-dev libtorch-dev clang clang-format
  iverilog yosys patch
)
regress_packages=(slurm-wlm munge)
plot_packages=(python3-matplotlib)
safetensors_version=0.6.2

# Only what dpkg does not report as installed ("ii"), so that a second run costs no apt at all.
find_missing() {
  local installed
  installed=$(dpkg-query -W -f='${db:Status-Abbrev}${Package}\n' "$@" 2>/dev/null || true)
  missing=()
  for package in "$@"; do
    grep -qxF "ii $package" <<<"$installed" || missing+=("$package")
  done
}

install_missing() {
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    die "this is not Debian (no apt-get): install by hand what Debian calls: $*"
  fi
  find_missing "$@"
  ((${#missing[@]})) || return 0

  local as_root=()
  if ((EUID != 0)); then
    # sudo may ask for a password, but only where somebody can type one.
    if command -v sudo >/dev/null && { [[ -t 0 ]] || sudo -n true 2>/dev/null; }; then
      as_root=(sudo)
    else
      die "neither root nor sudo; as root run:" \
        "apt-get install --no-install-recommends ${missing[*]}"
    fi
  fi
  local plural=s log=build/setup.log
  ((${#missing[@]} > 1)) || plural=
  echo "setup: installing ${#missing[@]} package$plural: ${missing[*]}"
  mkdir -p build
  if ! {
    "${as_root[@]}" apt-get update -q &&
      "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q \
        --no-install-recommends -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=600 "${missing[@]}"
  } >"$log" 2>&1 </dev/null; then
    tail -n 20 "$log" >&2
    die "apt-get failed (all it said: $log)"
  fi
  find_missing "$@"
  ((${#missing[@]} == 0)) || die "apt-get succeeded but these are missing: ${missing[*]} (see $log)"
}

venv_ready() {
  [[ $(.venv/bin/python -c 'import importlib.metadata as m; print(m.version("safetensors"))' \
    2>/dev/null) == "$safetensors_version" ]]
}

# The tests read our files with the reference library too. Debian has no package of it, so it comes
# from PyPI into .venv, on top of Debian's Python and numpy; nothing else depends on it.
make_venv() {
  venv_ready && return 0
  local made=no pip=(/usr/share/python-wheels/pip-*.whl) log=build/setup-venv.log
  mkdir -p build
  rm -f "$log"
  if ! .venv/bin/python -c '' 2>/dev/null; then
    rm -rf .venv
    made=yes
    # Without pip, which takes seconds to unpack and runs from its wheel as well.
    /usr/bin/python3 -m venv --without-pip --system-site-packages .venv
  fi
  if PYTHONPATH=${pip[0]} .venv/bin/python -m pip install --quiet --no-input \
    --disable-pip-version-check --only-binary :all: --no-deps --retries 0 --timeout 15 \
    --log "$log" "safetensors==$safetensors_version" >/dev/null 2>&1 </dev/null && venv_ready; then
    echo "setup: safetensors $safetensors_version (reference reader) installed in .venv"
  else
    [[ $made == no ]] || rm -rf .venv
    echo "setup: PyPI not reached ($log): no checks against the reference safetensors reader"
  fi
}

what=demo
case ${1:-demo} in
  demo | test | regress | all) what=${1:-demo} ;;
  -h | --help)
    usage
    exit 0
    ;;
  *) die "unknown argument $1 (demo, test, regress or all; --help says more)" ;;
esac
(($# <= 1)) || die "one argument at most (--help says more)"

case $what in
  demo) install_missing "${demo_packages[@]}" ;;
  test)
    install_missing "${demo_packages[@]}" "${test_packages[@]}"
    make_venv
    ;;
  regress)
    install_missing "${demo_packages[@]}" "${test_packages[@]}" "${regress_packages[@]}"
    make_venv
    ;;
  all)
    install_missing "${demo_packages[@]}" "${test_packages[@]}" "${regress_packages[@]}" \
      "${plot_packages[@]}"
    make_venv
    ;;
esac
