#!/usr/bin/env bash
# ML.NET's ApplyOnnxModel on a model with an open axis refuses a vector column of known size and takes one of unknown size.
#
# Versions:  Microsoft.ML 5.0.1, Microsoft.ML.OnnxTransformer 5.0.1, Microsoft.ML.OnnxRuntime 1.31.1.
# Behaviour: the model's input is [N, M]. Fit takes a column of exactly 3 values, and the first row then fails: 3 values against "product of
#            dimensions (0)", for the open axis counts as 0. Leave the size out of the column's type and the same rows pass, of
#            differing lengths even. Where the axis is fixed ([N, 3]) it is the other way round. With a second open axis besides the batch
#            ([N, 3, H, W]: any picture size) the estimator refuses the model when it is made; a shape dictionary is the way out of all.
# Seen:      2026-11-29: the outcomes in the table below.
set -euo pipefail
echo "Microsoft.ML.OnnxTransformer 5.0.1, seen 2026-11-29: an input [N, M] fails on a column of known size and works on one of unknown size; [N, 3] the other way round"

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
    <PackageReference Include="Microsoft.ML" Version="[5.0.1]" />
    <PackageReference Include="Microsoft.ML.OnnxTransformer" Version="[5.0.1]" />
    <PackageReference Include="Microsoft.ML.OnnxRuntime" Version="[1.31.1]" />
  </ItemGroup>
</Project>
PROJECT
cat > Program.cs <<'PROGRAM'
using System.Text;
using Microsoft.ML;
using Microsoft.ML.Data;

var ml = new MLContext();
var sized = ml.Data.LoadFromEnumerable([new Sized { x = [-1, 2, 3] }, new Sized { x = [4, -5, 6] }]);
var unsized = ml.Data.LoadFromEnumerable([new Unsized { x = [-1, 2, 3] }, new Unsized { x = [4, -5, 6] }]);
var ragged = ml.Data.LoadFromEnumerable([new Unsized { x = [-1, 2, 3] }, new Unsized { x = [4, -5] }]);

var asStated = true;
Expect("[N, M], column of 3", ["N", "M"], sized, null, "fails: Length of memory (3) must match product of dimensions (0).");
Expect("[N, M], unsized column", ["N", "M"], unsized, null, "0 2 3 | 4 0 6");
Expect("[N, M], unsized column, 3 and 2 values", ["N", "M"], ragged, null, "0 2 3 | 4 0");
Expect("[N, 3], column of 3", ["N", 3], sized, null, "0 2 3 | 4 0 6");
Expect("[N, 3], unsized column", ["N", 3], unsized, null, "fails: Index was out of range. Must be non-negative and less than the size of the collection. (Parameter 'index')");
Expect("[N, 3, H, W], column of 3", ["N", 3, "H", "W"], sized, null, "fails: Only 1 unknown dimension is allowed (Parameter 'x')");
Expect("[N, M], column of 3, shape 1, 3 given", ["N", "M"], sized, [1, 3], "0 2 3 | 4 0 6");
Expect("[N, 3, H, W], column of 3, shape 1, 3, 1, 1 given", ["N", 3, "H", "W"], sized, [1, 3, 1, 1], "0 2 3 | 4 0 6");
Console.WriteLine(asStated ? "As stated." : "CHANGED: not what was seen on 2026-11-29.");
return asStated ? 0 : 1;

void Expect(string what, object[] shape, IDataView data, int[] given, string expected)
{
    File.WriteAllBytes("relu.onnx", Relu(shape));
    string outcome;
    try
    {
        var estimator = given is null
            ? ml.Transforms.ApplyOnnxModel("relu.onnx")
            : ml.Transforms.ApplyOnnxModel("relu.onnx", new Dictionary<string, int[]> { ["x"] = given, ["y"] = given });
        outcome = string.Join(" | ", estimator.Fit(data).Transform(data).GetColumn<float[]>("y").Select(y => string.Join(' ', y)));
    }
    catch (Exception e)
    {
        outcome = "fails: " + e.GetBaseException().Message.ReplaceLineEndings(" ");
    }

    Console.WriteLine($"{what}: {outcome}{(outcome == expected ? "" : $" (was: {expected})")}");
    asStated &= outcome == expected;
}

// A model of one node, y = Relu(x), as the ONNX protobuf. An axis is a size or the name of an open one.
static byte[] Relu(object[] axes)
{
    byte[] Bytes(int field, byte[] value) => [.. (byte[])[(byte)(field << 3 | 2), (byte)value.Length], .. value];
    byte[] Text(int field, string value) => Bytes(field, Encoding.ASCII.GetBytes(value));
    byte[] Number(int field, byte value) => [(byte)(field << 3), value];
    byte[] shape = [.. axes.SelectMany(axis => Bytes(1, axis is int size ? Number(1, (byte)size) : Text(2, (string)axis)))];
    byte[] Value(int field, string name) => Bytes(field, [.. Text(1, name), .. Bytes(2, Bytes(1, [.. Number(1, 1), .. Bytes(2, shape)]))]);

    var node = Bytes(1, [.. Text(1, "x"), .. Text(2, "y"), .. Text(4, "Relu")]);
    return [.. Number(1, 8), .. Bytes(8, Number(2, 17)), .. Bytes(7, [.. node, .. Text(2, "g"), .. Value(11, "x"), .. Value(12, "y")])];
}

class Sized
{
    [VectorType(3)]
    public float[] x { get; set; }
}

class Unsized
{
    [VectorType]
    public float[] x { get; set; }
}
PROGRAM
dotnet run
