#!/usr/bin/env bash
# Installs what the tests of clusters run against, Debian's Redis and PostgreSQL, where it is missing and can be had. Their services are not used: every test starts servers of its own.
# Where it cannot be had, one line says so, the exit code is 1, and those tests are skipped.
set -uo pipefail

have() { [ -x /usr/bin/redis-server ] && compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null; }
have && exit 0
if [ "${1:-}" = --install ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  # Debian starts a service with every server that it installs, unless a policy says no.
  policy=/usr/sbin/policy-rc.d
  [ -e $policy ] || { printf '#!/bin/sh\nexit 101\n' > $policy; chmod +x $policy; trap 'rm -f $policy' EXIT; }
  { apt-get update && apt-get install -y --no-install-recommends redis-server postgresql; } >/dev/null 2>&1
  have && exit 0
fi
echo "Redis and PostgreSQL of Debian's packages are not to be had here: clusters are tested in one process alone." >&2
exit 1
