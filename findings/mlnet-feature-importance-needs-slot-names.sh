#!/usr/bin/env bash
# ML.NET: permutation feature importance of a loaded model (an ITransformer) fails for a vector column without slot names, which is what every array property and every image feature is.
#
# Versions:  Microsoft.ML 5.0.1.
# Behaviour: PermutationFeatureImportance has an overload for predictors whose type is known, which gives a list in the vector's order, and one for any ITransformer, which is what Model.Load and a pipeline's
#            Fit give, and which gives a dictionary by feature names. Over a float[] property the first works. The second one throws InvalidOperationException, "Invalid call to 'GetValue'", after
#            the model was scored for its baseline, and does not name the column: it takes names of the slots from the column's annotations without asking whether there are any. A Concatenate in front does not help,
#            as it gives names only to what was a column of its own.
# Seen:      2026-11-29, Linux x64: 3 of 3 importances with the type; the exception without it, with Concatenate and without.
set -euo pipefail
echo "Microsoft.ML 5.0.1, seen 2026-11-29: feature importance of an ITransformer throws for a vector without slot names, and works for the same predictor by its type"

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
    <PackageReference Include="Microsoft.ML" Version="[5.0.1]" />
  </ItemGroup>
</Project>
PROJECT
cat > Program.cs <<'PROGRAM'
using Microsoft.ML;
using Microsoft.ML.Data;

var context = new MLContext(1);
var random = new Random(1);
var data = context.Data.LoadFromEnumerable(Enumerable.Range(0, 200).Select(_ => (float[])[random.NextSingle(), random.NextSingle(), random.NextSingle()]).Select(v => new Row { Values = v, Label = 3 * v[0] + v[1] }).ToArray());
var model = context.Regression.Trainers.Sdca(featureColumnName: "Values").Fit(data);
int typed = context.Regression.PermutationFeatureImportance(model, model.Transform(data)).Length;
Console.WriteLine($"by the predictor's type: {typed} importances");

string untyped = Names(model, data);
Console.WriteLine($"as an ITransformer: {untyped}");
var pipeline = context.Transforms.Concatenate("Features", "Values").Append(context.Regression.Trainers.Sdca()).Fit(data);
string joined = Names(pipeline, pipeline.Transform(data));
Console.WriteLine($"behind Concatenate: {joined}");

bool asStated = typed == 3 && untyped.StartsWith("InvalidOperationException: Invalid call to 'GetValue'") && joined == untyped;
Console.WriteLine(asStated ? "As stated." : "CHANGED: not what was seen on 2026-11-29.");
return asStated ? 0 : 1;

string Names(ITransformer transformer, IDataView data)
{
    try
    {
        return string.Join(' ', context.Regression.PermutationFeatureImportance(transformer, data).Keys.Order());
    }
    catch (InvalidOperationException e)
    {
        return $"{e.GetType().Name}: {e.Message}";
    }
}

internal sealed class Row
{
    [VectorType(3)]
    public float[] Values { get; set; } = [];

    public float Label { get; set; }
}
PROGRAM
dotnet run
