#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# expect.sh fails|passes PROGRAM [PATTERN]: runs a GoogleTest suite, without the tests of that
# pattern, and wants that outcome. A suite that did not run, crashed or timed out counts as neither.
set -uo pipefail
expectation=$1 program=$2
if [[ -n ${SZT_RTL_PATH:-} && ! -e $SZT_RTL_PATH/libszt_rtl_$SZT_TEST_CONFIGS.so ]]; then
  echo "not built: $SZT_RTL_PATH/libszt_rtl_$SZT_TEST_CONFIGS.so"
  exit 1
fi
filter=-*LargestK*${3:+:$3}
log=$(timeout 250 "$program" --gtest_filter="$filter" --gtest_fail_fast --gtest_brief=1 2>&1)
code=$?
killer=$(grep -oE '^\[  FAILED  \] [^ ,]+' <<<"$log" | head -n 1)
passed=$(grep -E '^\[  PASSED  \] [1-9][0-9]* tests?' <<<"$log" | head -n 1)
case $expectation in
  fails)
    if ((code == 1)) && [[ -n $killer ]] && ! grep -q 'is not built\|cannot open shared' <<<"$log"; then
      echo "caught by ${killer#*] }"
      exit 0
    fi
    echo "NOT caught: exit code $code"
    ;;
  passes)
    if ((code == 0)) && [[ -n $passed ]]; then
      echo "control: $passed"
      exit 0
    fi
    echo "the control does not pass: exit code $code"
    ;;
esac
tail -n 30 <<<"$log"
exit 1
