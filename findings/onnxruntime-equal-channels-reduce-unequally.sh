#!/usr/bin/env bash
# ONNX Runtime's ReduceMean and ReduceMax give equal channels unequal results: what comes out depends on where in memory the values start.
#
# Versions:  Microsoft.ML.OnnxRuntime 1.31.1, CPU provider, x64.
# Behaviour: eight channels of 7x7 hold the same 49 values. ReduceMean over height and width (what an exported "mean" pooling becomes) gives
#            them means of three different bit patterns, in a cycle of four as 49 values shift each channel by 4 bytes against the vector width.
#            GlobalAveragePool gives one. With a NaN at the same place of every channel ReduceMax answers NaN for some, the maximum
#            for others, and for others a value that is neither, since the NaN takes a larger value with it. So bit-equal comparisons of
#            features and checks for NaN depend on the channel's number and on the address of the caller's tensor.
# Seen:      2026-11-29, Linux x64: means 0.057776496, 0.05777649, 0.05777648; maxima 0.98375225, 0.9875927 (the right one without the NaN), NaN.
set -euo pipefail
echo "Microsoft.ML.OnnxRuntime 1.31.1, seen 2026-11-29: equal channels get three different results from ReduceMean, and from ReduceMax where they have a NaN"

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
# ONNX Runtime keeps a file in the home folder and reports its use unless told not to.
export ORT_DISABLE_TELEMETRY=1
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
    <PackageReference Include="Microsoft.ML.OnnxRuntime" Version="[1.31.1]" />
  </ItemGroup>
</Project>
PROJECT
cat > Program.cs <<'PROGRAM'
using System.Text;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

const int Channels = 8, Area = 49;
var random = new Random(1);
var map = Enumerable.Range(0, Area).Select(_ => 2 * random.NextSingle() - 1).ToArray();

var means = Reduce("ReduceMean", map);
var pooled = Reduce("GlobalAveragePool", map);
var maxima = Reduce("ReduceMax", map);
map[1] = float.NaN;
var broken = Reduce("ReduceMax", map);

var right = maxima.Max();
var asStated = means.Distinct().Count() > 1 && means.All(mean => Math.Abs(mean - pooled[0]) < 1e-6) && pooled.Distinct().Count() == 1
    && maxima.Distinct().Count() == 1
    && broken.Any(float.IsNaN) && broken.Any(v => v == right) && broken.Any(v => v < right);
Console.WriteLine(asStated ? "As stated." : "CHANGED: not what was seen on 2026-11-29.");
return asStated ? 0 : 1;

float[] Reduce(string op, float[] values)
{
    using var session = new InferenceSession(Model(op));
    float[] channels = [.. Enumerable.Range(0, Channels).SelectMany(_ => values)];
    using var results = session.Run([NamedOnnxValue.CreateFromTensor("x", new DenseTensor<float>(channels, [1, Channels, 7, 7]))]);
    var reduced = results[0].AsTensor<float>().ToArray();
    Console.WriteLine($"{op,-17} of {Channels} equal channels{(values.Any(float.IsNaN) ? " with a NaN" : "")}: {string.Join(' ', reduced)}");
    return reduced;
}

// A model of one node, y = op(x), as the ONNX protobuf: [1, 8, 7, 7] to [1, 8, 1, 1].
static byte[] Model(string op)
{
    byte[] Tag(int field, int wire) => field < 16 ? [(byte)(field << 3 | wire)] : [(byte)(field << 3 & 127 | wire | 128), (byte)(field >> 4)];
    byte[] Bytes(int field, byte[] value) => value.Length < 128 ? [.. Tag(field, 2), (byte)value.Length, .. value]
        : [.. Tag(field, 2), (byte)(value.Length & 127 | 128), (byte)(value.Length >> 7), .. value];
    byte[] Text(int field, string value) => Bytes(field, Encoding.ASCII.GetBytes(value));
    byte[] Number(int field, byte value) => [.. Tag(field, 0), value];
    byte[] Value(int field, string name, byte[] sizes) => Bytes(field,
        [.. Text(1, name), .. Bytes(2, Bytes(1, [.. Number(1, 1), .. Bytes(2, [.. sizes.SelectMany(size => Bytes(1, Number(1, size)))])]))]);

    byte[] axes = op.StartsWith("Reduce") ? Bytes(5, [.. Text(1, "axes"), .. Number(8, 2), .. Number(8, 3), .. Number(20, 7)]) : [];
    var node = Bytes(1, [.. Text(1, "x"), .. Text(2, "y"), .. Text(4, op), .. axes]);
    return [.. Number(1, 8), .. Bytes(8, Number(2, 17)),
        .. Bytes(7, [.. node, .. Text(2, "g"), .. Value(11, "x", [1, 8, 7, 7]), .. Value(12, "y", [1, 8, 1, 1])])];
}
PROGRAM
dotnet run
