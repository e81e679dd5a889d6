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
      exit 0 ;;
    *) echo "Unknown argument '$arg'; valid: --all, --help." >&2; exit 2 ;;
  esac
done
. eng/setup.sh
. eng/count.sh

filter=(--filter "TestCategory!=Slow")
[ "$all" = 1 ] && filter=() && export TIMM_FEATURES_TESTS=all

dotnet build TimmFeatures.sln -c Release -v quiet -clp:ErrorsOnly
# The complete run compiles as users' programs do.
[ "$all" = 1 ] && unset DOTNET_TieredPGO
run_tests TimmFeatures.sln "${filter[@]}"
if [ "$all" = 1 ]; then
  while read -r line; do
    echo "$line"
    if [[ "$line" =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed ]]; then
      passed=$((passed + BASH_REMATCH[1])); failed=$((failed + BASH_REMATCH[2]))
    fi
  done < <(dotnet run -c Release --no-build --project test/Conformance -- test/data/conformance/models/*.jsonl.gz test/data/conformance/variants.jsonl --engine managed)
fi
close
