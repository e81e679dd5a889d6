#!/usr/bin/env bash
# libtorch's nearest interpolation by a whole factor does not repeat every pixel equally often: for some factors the first of a pixel's outputs shows the pixel before.
#
# Versions:  TorchSharp 0.107.0 with libtorch-cpu 2.10.0, CPU, x64.
# Behaviour: output i is pixel floor(i * scale), and the scale, size / output size, has been rounded to float32. Where that made it smaller, a product that should be a whole number falls short of it. Two pixels
#            enlarged to 82 come 42 and 40 times. Factors 41, 47, 55 and 61 (of 1 to 64) do so for maps of 2, 7 and 14 pixels, also where the factor is given and not the size. repeat_interleave and the mode
#            nearest-exact give 41 and 41. So a map that is enlarged to the size of its picture is a row off there beside one that integers made, in labels as well as in features.
# Seen:      2026-11-29, Linux x64: those factors each time; 40, with nearest-exact 41.
set -euo pipefail
echo "libtorch 2.10.0, seen 2026-11-29: enlarging by a whole factor with mode nearest repeats some pixels once more and others once less"

root=$(cd "$(dirname "$0")/.." && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export TMPDIR="$dir" NUGET_PACKAGES="$dir/packages" NUGET_HTTP_CACHE_PATH="$dir/http" MSBUILDDISABLENODEREUSE=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
cd "$dir"
cat > finding.csproj <<'PROJECT'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>net10.0</TargetFramework>
    <ImplicitUsings>enable</ImplicitUsings>
    <UseSharedCompilation>false</UseSharedCompilation>
    <NuGetAudit>false</NuGetAudit>
    <InvariantGlobalization>true</InvariantGlobalization>
  </PropertyGroup>
  <ItemGroup>
    <PackageReference Include="TorchSharp" Version="[0.107.0]" />
    <PackageReference Include="libtorch-cpu-linux-x64" Version="[2.10.0]" />
  </ItemGroup>
</Project>
PROJECT
cat > Program.cs <<'PROGRAM'
using TorchSharp;
using static TorchSharp.torch;

var asStated = true;
foreach (var size in new[] { 2, 7, 14 })
{
    using var x = arange(size, ScalarType.Float32).reshape(1, 1, size, 1);
    foreach (var byFactor in new[] { false, true })
    {
        int[] uneven = [.. Enumerable.Range(1, 64).Where(factor =>
        {
            using var y = byFactor ? nn.functional.interpolate(x, scale_factor: [factor, 1], mode: InterpolationMode.Nearest) : nn.functional.interpolate(x, size: [size * factor, 1], mode: InterpolationMode.Nearest);
            using var even = x.repeat_interleave(factor, dim: 2);
            return !y.eq(even).all().item<bool>();
        })];
        Console.WriteLine($"{size,2} pixels, by {(byFactor ? "factor" : "size")}: of 1 to 64 uneven are {string.Join(' ', uneven)}");
        asStated &= uneven.SequenceEqual([41, 47, 55, 61]);
    }
}
using var two = arange(2, ScalarType.Float32).reshape(1, 1, 2, 1);
using var second = nn.functional.interpolate(two, size: [82, 1], mode: InterpolationMode.Nearest).sum();
using var exact = nn.functional.interpolate(two, size: [82, 1], mode: InterpolationMode.NearestExact).sum();
Console.WriteLine($"two pixels to 82: the second one comes {second.item<float>()} times, with nearest-exact {exact.item<float>()}");
asStated &= second.item<float>() == 40 && exact.item<float>() == 41;
Console.WriteLine(asStated ? "As stated." : "CHANGED: not what was seen on 2026-11-29.");
return asStated ? 0 : 1;
PROGRAM
dotnet build -c Release -v q --nologo
# The native library needs GCC 13's C++ library: an older Debian runs the program with Debian 13's.
"$root/eng/debian13.sh" dotnet "$dir"/bin/Release/net10.0/finding.dll
