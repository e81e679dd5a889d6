#!/usr/bin/env bash
# ML.NET's SDCA trainers read their data again for every iteration, and choose the more iterations the fewer rows there are.
#
# Versions:  Microsoft.ML 5.0.1.
# Behaviour: without a cache every iteration pulls the whole input through the pipeline again, and unless MaximumNumberOfIterations is
#            set the trainer goes on the longer the fewer rows there are. So a trial on ten rows repeats an expensive transform (a network, a decoder)
#            far more often per row than the real run does. L-BFGS on the same data reads it once; after AppendCacheCheckpoint SDCA does too.
# Seen:      2026-11-29, one thread, seed 1: SdcaMaximumEntropy made 7,126 passes over 10 rows, 770 over 1,000 and 92 over 10,000; with
#            MaximumNumberOfIterations = 20 it made 8, 10 and 14. LbfgsMaximumEntropy made 1. Bounds are checked, not the exact counts.
set -euo pipefail
echo "Microsoft.ML 5.0.1, seen 2026-11-29: SDCA without a cache reads 10 rows thousands of times, 10,000 rows less than two hundred times; L-BFGS reads any once"

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
using Microsoft.ML.Trainers;

var asStated = true;
foreach (var (rows, least, most) in new[] { (10, 1000, 50000), (1000, 200, 5000), (10000, 20, 200) })
{
    var ml = new MLContext(seed: 1);
    var random = new Random(1);
    var data = ml.Data.LoadFromEnumerable(Enumerable.Range(0, rows).Select(i => new Sample
    {
        Class = (uint)(i % 3) + 1,
        Features = [.. Enumerable.Range(0, 8).Select(j => (float)(random.NextDouble() + (i % 3 == j ? 1 : 0)))],
    }).ToArray());

    // Stands for the expensive part of a pipeline: counts the rows that are asked of it.
    var computed = 0;
    var counted = ml.Transforms.CustomMapping<Sample, Result>(
        (sample, result) => { Interlocked.Increment(ref computed); result.Output = sample.Features; }, null);

    double Passes(IEstimator<ITransformer> trainer, bool cache = false)
    {
        IEstimator<ITransformer> pipeline = cache ? counted.AppendCacheCheckpoint(ml).Append(trainer) : counted.Append(trainer);
        computed = 0;
        pipeline.Fit(data);
        return (double)computed / rows;
    }

    IEstimator<ITransformer> Sdca(int? iterations = null) => ml.MulticlassClassification.Trainers.SdcaMaximumEntropy(new SdcaMaximumEntropyMulticlassTrainer.Options
    {
        LabelColumnName = "Class", FeatureColumnName = "Output", NumberOfThreads = 1, MaximumNumberOfIterations = iterations,
    });
    var lbfgs = ml.MulticlassClassification.Trainers.LbfgsMaximumEntropy("Class", "Output");
    var (bare, limited, cached, other) = (Passes(Sdca()), Passes(Sdca(20)), Passes(Sdca(), cache: true), Passes(lbfgs));
    Console.WriteLine($"{rows,6} rows: SDCA {bare:0} passes, with at most 20 iterations {limited:0}, after a cache checkpoint {cached:0}, L-BFGS {other:0}");
    asStated &= bare >= least && bare <= most && limited <= 30 && cached == 1 && other == 1;
}

Console.WriteLine(asStated ? "As stated." : "CHANGED: not what was seen on 2026-11-29.");
return asStated ? 0 : 1;

class Sample
{
    [KeyType(3)]
    public uint Class { get; set; }

    [VectorType(8)]
    public float[] Features { get; set; }
}

class Result
{
    [VectorType(8)]
    public float[] Output { get; set; }
}
PROGRAM
dotnet run
