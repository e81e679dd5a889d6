# Sourced by test.sh and .ci/run: runs the tests of a solution and counts them. A skipped test (or one that is inconclusive) is a failure,
# but for those that test/skipped.txt names.
passed=0 failed=0 skipped=0

# The JIT counts which ways code takes, and compiles it once more by that: this pays in programs that run for longer than a compiler or a test does.
export DOTNET_TieredPGO=0

# On a system too old for TorchSharp's native library the tests run with Debian 13's C++ library. Where that cannot be had (a line says why), tests that need it may be skipped.
export libtorch=env
if eng/debian13.sh true; then libtorch=eng/debian13.sh no_libtorch=''; else no_libtorch="TorchSharp's native package"; fi
# Clusters are tested at a real Redis and a real PostgreSQL, and with emulators of storages, where these are installed (eng/servers.sh --install).
servers=0
eng/servers.sh || servers=$?
no_databases='' no_emulators=''
[ $((servers & 1)) = 0 ] || no_databases="of Debian's packages here"
[ $((servers & 2)) = 0 ] || no_emulators="of npm's packages here"

# run_tests SOLUTION [options of the test programs…]
run_tests() {
  local solution=$1 log=artifacts/test-$(basename "$1" .sln).log module name reason
  shift
  rm -rf artifacts/tests
  mkdir -p artifacts/tests
  # Three at a time: those of clusters wait for most of their time.
  modules "$solution" | xargs -P 3 -I {} bash -c 'run_module "$@"' bash {} "$@"
  for module in artifacts/tests/*.log; do
    passed=$((passed + $(summary "$module" succeeded))) failed=$((failed + $(summary "$module" failed)))
  done
  cat artifacts/tests/*.log > "$log"
  while read -r name reason; do
    if grep -qE "^$name( |$)" test/skipped.txt || [[ -n "$no_libtorch" && "$reason" == *"$no_libtorch"* ]] || [[ -n "$no_databases" && "$reason" == *"$no_databases"* ]] || [[ -n "$no_emulators" && "$reason" == *"$no_emulators"* ]]; then
      skipped=$((skipped + 1))
    else
      echo "Skipped, and not in test/skipped.txt: $name"
      failed=$((failed + 1))
    fi
  done < <(awk '/^skipped / { if (name) print name; name = $2; next } name { print name, $0; name = "" } END { if (name) print name }' "$log")
}

# The test programs of a solution: what takes longest begins first, so that nothing runs alone in the end.
modules() {
  local long='TimmFeatures.Orleans.Tests Conformance.Tests Backbones.Tests Samples.Tests Microsoft.ML.TimmFeatures.Detection.Tests Backbones.Export.Tests' all module
  all=$(sed -nE 's/^Project.*"([^"]*\.Tests)", .*/\1/p' "$1")
  for module in $long $all; do
    grep -qxF "$module" <<< "$all" && echo "$module"
  done | awk '!seen[$0]++'
}

run_module() {
  local module=$1 log=artifacts/tests/$1.log status=0
  shift
  $libtorch dotnet "artifacts/bin/$module/release/$module.dll" "$@" --progress off --no-ansi > "$log" 2>&1 || status=$?
  # A run that ends badly without a failed test (a crash, no test at all) is a failure too.
  if [ "$status" != 0 ] && [ "$(summary "$log" failed)" = 0 ]; then
    printf '%s ended with exit code %s\n  failed: 1\n' "$module" "$status" >> "$log"
  fi
  cat "$log"
}

summary() { awk -v what="$2:" '$1 == what && NF == 2 && $2 ~ /^[0-9]+$/ { n = $2 } END { print n + 0 }' "$1"; }

export -f run_module summary

close() {
  echo "$passed passed, $failed failed, $skipped skipped"
  [ "$failed" = 0 ] && [ "$passed" != 0 ]
}
