# Sourced by run, test and .ci/run: checks the SDK, chooses the package stack once and says so in one line.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1

if ! command -v dotnet >/dev/null 2>&1; then
  echo "The .NET 10 SDK is missing: no 'dotnet' on the PATH. See https://dotnet.microsoft.com/download" >&2
  exit 1
fi
if ! dotnet --version >/dev/null 2>&1; then
  echo "The .NET 10 SDK is missing; installed: $(dotnet --list-sdks | cut -d' ' -f1 | paste -sd' '). See https://dotnet.microsoft.com/download" >&2
  exit 1
fi

restores_real_packages() { dotnet restore eng/probe/Probe.csproj -p:MLStack=nuget -p:MLCompanions="$1" --force >/dev/null 2>&1; }

if [ -n "${MLSTACK:-}" ]; then
  why="MLSTACK is set"
elif [ -f artifacts/stack ]; then
  MLSTACK=$(cat artifacts/stack)
  why="found before; remove artifacts/stack and artifacts/companions to look again"
else
  if restores_real_packages false; then MLSTACK=nuget; why="both restore"; else MLSTACK=embedded; why="the package feeds lack them"; fi
  mkdir -p artifacts && echo "$MLSTACK" > artifacts/stack
fi
if [ "$MLSTACK" = nuget ] && [ -z "${MLCOMPANIONS:-}" ]; then
  if [ ! -f artifacts/companions ]; then
    mkdir -p artifacts
    if restores_real_packages true; then echo true; else echo false; fi > artifacts/companions
  fi
  MLCOMPANIONS=$(cat artifacts/companions)
fi
export MLCOMPANIONS=${MLCOMPANIONS:-false}
case "$MLSTACK" in
  nuget) what="Microsoft.ML and TorchSharp from NuGet"; [ "$MLCOMPANIONS" = true ] || what+=", without AutoML and Extensions.ML" ;;
  embedded) what="our embedded subsets of Microsoft.ML and TorchSharp" ;;
  *) echo "MLSTACK is '$MLSTACK'; valid values are 'nuget' and 'embedded'." >&2; exit 1 ;;
esac
export MLSTACK
echo "Stack: $MLSTACK, $what ($why)."
