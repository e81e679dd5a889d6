#!/usr/bin/env bash
# Builds everything and runs the tests. (Not './test': that is the folder of the test projects.)
set -euo pipefail
cd "$(dirname "$0")"
all=0
for arg in "$@"; do
  case "$arg" in
    --all) all=1 ;;
    -h|--help)
      echo "Usage: ./test.sh [--all]"
      echo "  Builds the solution and runs the tests (under 5 minutes); --all adds the slow ones and every conformance line."
      echo "  MLSTACK=nuget|embedded chooses the package stack; otherwise it is found out once."
      exit 0 ;;
    *) echo "Unknown argument '$arg'; valid: --all, --help." >&2; exit 2 ;;
  esac
done
. eng/setup.sh
[ "$all" = 1 ] && export TIMM_FEATURES_TESTS=all

dotnet build TimmFeatures.sln -c Release -v quiet -clp:NoSummary
log=artifacts/test-$MLSTACK.log
status=0
dotnet test --solution TimmFeatures.sln -c Release --no-build --no-progress --max-parallel-test-modules 1 2>&1 | tee "$log" || status=$?

count() { sed -nE "s/^ *$1: ([0-9]+)$/\1/p" "$log" | tail -n 1; }
passed=$(count succeeded) failed=$(count failed)
passed=${passed:-0} failed=${failed:-0}
if [ "$all" = 1 ]; then
  while read -r line; do
    echo "$line"
    if [[ "$line" =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed ]]; then
      passed=$((passed + BASH_REMATCH[1])); failed=$((failed + BASH_REMATCH[2]))
    fi
  done < <(dotnet run -c Release --no-build --project test/Conformance -- test/data/conformance/models/*.jsonl.gz test/data/conformance/variants.jsonl --engine managed)
fi
[ "$status" = 0 ] || [ "$failed" != 0 ] || failed=1
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
