#!/usr/bin/env bash
# DuckDB's cosine similarity says -1 ("opposite") where there is no answer: for a zero vector, for a NaN, and for some vectors with themselves.
#
# Versions:  DuckDB.NET.Data.Full 1.5.6.1 (DuckDB v1.5.6).
# Behaviour: 0/0 and inf/inf are clamped into [-1, 1] and come out as -1, so array_cosine_distance is 2, the largest there is. No NULL, no NaN, no
#            error: array_distance passes a NaN on, the cosine functions hide it. A search for the least similar rows finds the empty ones.
#            FLOAT arrays keep the squared lengths in FLOAT too, so a vector with values of 1e20 or of 1e-30 is the opposite of itself.
# Seen:      2026-11-29, Linux x64: the answers in the table below.
set -euo pipefail
echo "DuckDB v1.5.6 (DuckDB.NET.Data.Full 1.5.6.1), seen 2026-11-29: cosine similarity is -1 for a zero vector, for a NaN, and for a FLOAT vector of 1e20 with itself"

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
    <PackageReference Include="DuckDB.NET.Data.Full" Version="[1.5.6.1]" />
  </ItemGroup>
</Project>
PROJECT
cat > Program.cs <<'PROGRAM'
using DuckDB.NET.Data;

using var connection = new DuckDBConnection("DataSource=:memory:");
connection.Open();
var asStated = true;
foreach (var (expression, expected) in new[]
{
    ("version()", "v1.5.6"),
    ("array_cosine_similarity([0, 0, 0]::FLOAT[3], [1, 0, 0]::FLOAT[3])", "-1.0"),
    ("array_cosine_similarity([0, 0, 0]::DOUBLE[3], [0, 0, 0]::DOUBLE[3])", "-1.0"),
    ("list_cosine_similarity([0, 0, 0]::FLOAT[], [1, 0, 0]::FLOAT[])", "-1.0"),
    ("array_cosine_distance([0, 0, 0]::FLOAT[3], [1, 0, 0]::FLOAT[3])", "2.0"),
    ("array_cosine_similarity(['nan'::FLOAT, 0, 0]::FLOAT[3], [1, 0, 0]::FLOAT[3])", "-1.0"),
    ("array_distance(['nan'::FLOAT, 0, 0]::FLOAT[3], [1, 0, 0]::FLOAT[3])", "nan"),
    ("array_cosine_similarity([1e20, 0, 0]::FLOAT[3], [1e20, 0, 0]::FLOAT[3])", "-1.0"),
    ("array_cosine_similarity([1e-30, 0, 0]::FLOAT[3], [1e-30, 0, 0]::FLOAT[3])", "-1.0"),
    ("array_cosine_similarity([1e20, 0, 0]::DOUBLE[3], [1e20, 0, 0]::DOUBLE[3])", "1.0"),
})
{
    using var command = connection.CreateCommand();
    command.CommandText = $"SELECT ({expression})::VARCHAR";
    var answer = command.ExecuteScalar() as string ?? "NULL";
    Console.WriteLine($"{expression} = {answer}{(answer == expected ? "" : $" (was {expected})")}");
    asStated &= answer == expected;
}

Console.WriteLine(asStated ? "As stated." : "CHANGED: not what was seen on 2026-11-29.");
return asStated ? 0 : 1;
PROGRAM
dotnet run
