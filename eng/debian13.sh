#!/usr/bin/env bash
# Runs a command where TorchSharp's native library loads: eng/debian13.sh COMMAND [ARGUMENT...]
# TorchSharp 0.107 needs the C++ library of GCC 13. Where the system's is older (Debian 12), Debian 13's C and C++ libraries are
# fetched once into artifacts/debian13 and laid over the system's own for the command and what it starts; nothing else sees them.
# Where that cannot be done, the command is not run: one line says why, and the exit code is 125.
set -euo pipefail
system=/usr/lib/x86_64-linux-gnu
needed=GLIBCXX_3.4.32
artifacts=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/artifacts

cannot() { echo "TorchSharp's native library cannot be loaded here: the C++ library is older than GCC 13's, and $1." >&2; exit 125; }

# Leaves verified libraries in $artifacts/debian13/lib, or nothing.
fetch() {
  local part=$artifacts/debian13.part keyring=/usr/share/keyrings/debian-archive-keyring.gpg os mirror
  os=$(. /etc/os-release && echo "${ID:-} ${VERSION_CODENAME:-}")
  [[ "$os" == debian\ * ]] && command -v apt-get dpkg-deb >/dev/null || cannot "a newer one is fetched on Debian alone"
  [ -f "$keyring" ] || cannot "the package debian-archive-keyring is missing"
  mirror=$(apt-get update --print-uris | sed -nE "s#^'([^']*)/dists/(${os#* }|(old)*stable)/InRelease'.*#\1#p" | head -n 1)
  [ -n "$mirror" ] || cannot "apt knows no Debian mirror"

  rm -rf "$part"
  mkdir -p "$part"/{state/lists/partial,cache/archives/partial,root}
  touch "$part/state/status"
  echo "deb [arch=amd64 target=Packages signed-by=$keyring] $mirror trixie main" > "$part/sources.list"
  # The machine's proxy and passwords stay in force; its own lists, caches and hooks are left alone.
  cat > "$part/apt.conf" <<END
Dir::State "$part/state";
Dir::State::status "$part/state/status";
Dir::Cache "$part/cache";
Dir::Etc::sourcelist "$part/sources.list";
Dir::Etc::sourceparts "/dev/null";
APT::Architecture "amd64";
APT::Architectures { "amd64"; };
APT::Sandbox::User "";
APT::Update::Error-Mode "any";
Acquire::Languages "none";
Acquire::http::Timeout "15";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
END
  echo "Fetching Debian 13's C and C++ libraries for TorchSharp, once, into artifacts/debian13." >&2
  (cd "$part" && apt-get -qq -c apt.conf update && apt-get -qq -c apt.conf download libc6 libgcc-s1 libstdc++6) > "$part/log" 2>&1 ||
    cannot "Debian 13's did not come from apt's mirror ($(grep -m 1 -E '^(E|W|Err)' "$part/log" || echo "see artifacts/debian13.part/log"))"
  local package
  for package in "$part"/*.deb; do
    dpkg-deb -x "$package" "$part/root"
  done
  mkdir "$part/done"
  mv "$part/root$system" "$part/done/lib"
  mv "$part/done" "$artifacts/debian13"
  rm -rf "$part"
}

if [ ! -f $system/libstdc++.so.6 ] || grep -q $needed $system/libstdc++.so.6; then
  exec "$@"
fi
mkdir -p "$artifacts"
exec {lock}> "$artifacts/debian13.lock"
flock $lock
[ -d "$artifacts/debian13" ] || fetch
exec {lock}>&-

# One mount for all libraries: the loader and libc must change in the same moment. It ends with the last process that sees it.
within=(unshare --mount)
[ "$(id -u)" = 0 ] || within+=(--map-root-user)
within+=(bash -c 'cd "$1/debian13" && mount -t overlay overlay -o lowerdir="lib:$2" "$2" && cd "$OLDPWD" && shift 2 && exec "$@"' bash "$artifacts" $system)
"${within[@]}" true 2>/dev/null || cannot "a mount namespace is not permitted"
exec "${within[@]}" "$@"
