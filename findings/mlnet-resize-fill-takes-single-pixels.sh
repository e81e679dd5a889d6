#!/usr/bin/env bash
# ML.NET's ResizeImages samples by ResizingKind: Fill takes single pixels, IsoCrop and IsoPad interpolate.
#
# Versions:  Microsoft.ML 5.0.1, Microsoft.ML.ImageAnalytics 5.0.1, SkiaSharp 2.88.9.
# Behaviour: the kind reads as a choice of geometry (stretch, cut or pad). On a square picture that becomes a smaller square the three
#            are the same geometry, and yet Fill returns nothing but values that single source pixels had (nearest neighbour, so stripes
#            of one pixel turn into wider stripes or vanish), while the two others mix neighbours. No option chooses the filter.
# Seen:      2026-11-29, Linux x64. 64 columns, black and white by turns, made 24 wide: Fill gives 16 black and 8 white columns, IsoCrop
#            and IsoPad give 127 in all 24. Made 32 wide: Fill gives a picture of one colour, the two others 127 again.
set -euo pipefail
echo "Microsoft.ML.ImageAnalytics 5.0.1, SkiaSharp 2.88.9, seen 2026-11-29: ResizeImages takes single pixels with Fill, mixes neighbours with IsoCrop and IsoPad"

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
    <PackageReference Include="Microsoft.ML.ImageAnalytics" Version="[5.0.1]" />
    <PackageReference Include="SkiaSharp" Version="[2.88.9]" />
    <PackageReference Include="SkiaSharp.NativeAssets.Linux.NoDependencies" Version="[2.88.9]" />
  </ItemGroup>
</Project>
PROJECT
cat > Program.cs <<'PROGRAM'
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;
using static Microsoft.ML.Transforms.Image.ImageResizingEstimator.ResizingKind;

const int Side = 64;
var pixels = new byte[Side * Side * 4];
for (var i = 0; i < Side * Side; i++)
{
    pixels.AsSpan(4 * i, 3).Fill(i % 2 == 1 ? (byte)255 : (byte)0);
    pixels[4 * i + 3] = 255; // opaque
}

var ml = new MLContext();
var asStated = true;
foreach (var size in new[] { 24, 32 })
    foreach (var kind in new[] { Fill, IsoCrop, IsoPad })
    {
        using var image = MLImage.CreateFromPixels(Side, Side, MLPixelFormat.Rgba32, pixels);
        var data = ml.Data.LoadFromEnumerable([new Picture { Image = image }]);
        var view = ml.Transforms.ResizeImages("Small", size, size, "Image", kind)
            .Append(ml.Transforms.ExtractPixels("Values", "Small", ImagePixelExtractingEstimator.ColorBits.Red))
            .Fit(data).Transform(data);
        var values = view.GetColumn<float[]>("Values").Single();
        Console.WriteLine($"{Side} -> {size}, {kind,-7}: first row {string.Join(' ', values[..12])} ...");

        var single = values.All(v => v is 0 or 255);
        var mixed = values.All(v => v is > 120 and < 135);
        asStated &= kind == Fill ? single : mixed;
        if (kind == Fill && size == 32)
            asStated &= values.Distinct().Count() == 1;
    }

Console.WriteLine(asStated ? "As stated." : "CHANGED: not what was seen on 2026-11-29.");
return asStated ? 0 : 1;

class Picture
{
    [ImageType(64, 64)]
    public MLImage Image { get; set; }
}
PROGRAM
dotnet run
