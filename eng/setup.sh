# Sourced by run and test.sh: goes to the root and checks the SDK.
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# ONNX Runtime, too, writes down what runs it.
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 ORT_DISABLE_TELEMETRY=1

if ! command -v dotnet >/dev/null 2>&1; then
  echo "The .NET 10 SDK is missing: no 'dotnet' on the PATH. See https://dotnet.microsoft.com/download" >&2
  exit 1
fi
if ! dotnet --version >/dev/null 2>&1; then
  echo "The .NET 10 SDK is missing; installed: $(dotnet --list-sdks | cut -d' ' -f1 | paste -sd' '). See https://dotnet.microsoft.com/download" >&2
  exit 1
fi
