# Sourced by test.sh and .ci/run: runs the tests of a solution and counts them. A skipped test (or one that is inconclusive) is a failure,
# but for those that test/skipped.txt names.
passed=0 failed=0 skipped=0

# On a system too old for TorchSharp's native library the tests run with Debian 13's C++ library. Where that cannot be had (a line says why), tests that need it may be skipped.
libtorch=()
if eng/debian13.sh true; then libtorch=(eng/debian13.sh) no_libtorch=''; else no_libtorch="TorchSharp's native package"; fi
# Clusters are tested at a real Redis and a real PostgreSQL, and with emulators of storages, where these are installed (eng/servers.sh --install).
servers=0
eng/servers.sh || servers=$?
no_databases='' no_emulators=''
[ $((servers & 1)) = 0 ] || no_databases="of Debian's packages here"
[ $((servers & 2)) = 0 ] || no_emulators="of npm's packages here"

# run_tests SOLUTION [options of 'dotnet test'…]
run_tests() {
  local log=artifacts/test-$(basename "$1" .sln).log status=0 name
  "${libtorch[@]}" dotnet test --solution "$@" -c Release --no-build --no-progress --max-parallel-test-modules 2 2>&1 | tee "$log" || status=$?
  local ran failures
  ran=$(summary "$log" succeeded) failures=$(summary "$log" failed)
  passed=$((passed + ran)) failed=$((failed + failures))
  # A run that ends badly without a failed test (a crash, no test at all) is a failure too.
  if [ "$status" != 0 ] && [ "$failures" = 0 ]; then failed=$((failed + 1)); fi
  while read -r name reason; do
    if grep -qE "^$name( |$)" test/skipped.txt || [[ -n "$no_libtorch" && "$reason" == *"$no_libtorch"* ]] || [[ -n "$no_databases" && "$reason" == *"$no_databases"* ]] || [[ -n "$no_emulators" && "$reason" == *"$no_emulators"* ]]; then
      skipped=$((skipped + 1))
    else
      echo "Skipped, and not in test/skipped.txt: $name"
      failed=$((failed + 1))
    fi
  done < <(awk '/^skipped / { if (name) print name; name = $2; next } name { print name, $0; name = "" } END { if (name) print name }' "$log")
}

summary() { local n; n=$(sed -nE "s/^ *$2: ([0-9]+)$/\1/p" "$1" | tail -n 1); echo "${n:-0}"; }

close() {
  echo "$passed passed, $failed failed, $skipped skipped"
  [ "$failed" = 0 ] && [ "$passed" != 0 ]
}
