using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text.Json;
using Backbones.Imaging;

namespace Backbones.Conformance;

/// <summary>
/// Compares decoding, resizing and timm's eval transform with what Pillow, torchvision and timm made of the same files, bit for bit.
/// Prints a line for each row that differs, then the counts.
/// </summary>
internal static class Preprocessing
{
    /// <summary>Runs every row of a reference file.</summary>
    /// <param name="args">The reference file and the folder of its images.</param>
    /// <returns>0 if no row failed, 1 if one did, 2 if the arguments are wrong.</returns>
    public static int Run(string[] args)
    {
        if (args.Length != 2 || !File.Exists(args[0]) || !Directory.Exists(args[1]))
        {
            Console.Error.WriteLine($"preprocessing needs an existing FILE and an existing IMAGE_FOLDER; received: {string.Join(' ', args)}");
            return 2;
        }

        Count count = Compare(args[0], args[1]);
        Console.WriteLine($"{count.Passed} passed, {count.Failed} failed");
        return count.Failed == 0 ? 0 : 1;
    }

    /// <summary>Compares every row of a reference file, which may be compressed (.gz), with what becomes of its images.</summary>
    /// <returns>How many rows passed and failed; failures have been printed.</returns>
    public static Count Compare(string referenceFile, string imageFolder)
    {
        using Stream stream = ReferenceFile.Open(referenceFile);
        using var reference = JsonDocument.Parse(stream);
        ILookup<string, JsonElement> decodes = Rows(reference, "decode"), resizes = Rows(reference, "resize"), transforms = Rows(reference, "transform");
        var count = new Count();
        foreach (string file in decodes.Concat(resizes).Concat(transforms).Select(g => g.Key).Distinct())
        {
            int rows = decodes[file].Count() + resizes[file].Count() + transforms[file].Count();
            try
            {
                byte[] encoded = File.ReadAllBytes(Path.Combine(imageFolder, file));
                var picture = ImagePixels.Decode(encoded);
                foreach (string? problem in decodes[file].Select(row => Decode(picture, row))
                    .Concat(resizes[file].Select(row => Resize(picture, row)))
                    .Concat(transforms[file].Select(row => Transform(picture, encoded, row))))
                {
                    count.Add(problem);
                }
            }
            catch (Exception e) when (e is ArgumentException or InvalidDataException or IOException)
            {
                Console.WriteLine($"FAIL {file}, {rows} rows: {e.Message}");
                count.Failed += rows;
            }
        }

        return count;
    }

    private static ILookup<string, JsonElement> Rows(JsonDocument reference, string kind) =>
        (reference.RootElement.TryGetProperty(kind, out var rows) ? rows.EnumerateArray() : default)
        .ToLookup(row => row.GetProperty("file").GetString()!);

    private static string? Decode(ImagePixels picture, JsonElement row)
    {
        string file = row.GetProperty("file").GetString()!;
        int width = row.GetProperty("size")[0].GetInt32(), height = row.GetProperty("size")[1].GetInt32();
        if ((picture.Width, picture.Height) != (width, height))
        {
            return $"decode {file}: expected {width}×{height} pixels, got {picture.Width}×{picture.Height}";
        }

        // Scaling to the same size only brings the pixels to RGB.
        byte[] pixels = new byte[3 * width * height];
        ImageResizer.Resize(Buffer(picture), pixels, width, height, Interpolation.Nearest);
        string? problem = Compare(pixels, row, "crc32");
        return problem is null
            ? null
            : $"decode {file}: {problem}, mean expected {row.GetProperty("mean").GetDouble():F6}, got {pixels.Average(b => (double)b):F6}";
    }

    private static string? Resize(ImagePixels picture, JsonElement row)
    {
        int width = row.GetProperty("to")[0].GetInt32(), height = row.GetProperty("to")[1].GetInt32();
        string filter = row.GetProperty("filter").GetString()!;
        byte[] pixels = new byte[3 * width * height];
        ImageResizer.Resize(Buffer(picture), pixels, width, height, ImageTransformOptions.ParseInterpolation(filter));
        string? problem = Compare(pixels, row, "crc32");
        return problem is null ? null : $"resize {row.GetProperty("file")} to {width}×{height} {filter}: {problem}";
    }

    private static string? Transform(ImagePixels picture, byte[] encoded, JsonElement row)
    {
        var config = row.GetProperty("config");
        var size = config.GetProperty("input_size");
        var transform = new ImageTransform(ImageTransformOptions.Resolve(new DataConfig
        {
            InputSize = (size[0].GetInt32(), size[1].GetInt32(), size[2].GetInt32()),
            Interpolation = config.GetProperty("interpolation").GetString(),
            CropPct = config.GetProperty("crop_pct").GetDouble(),
            CropMode = config.GetProperty("crop_mode").GetString(),
            Mean = [.. config.GetProperty("mean").EnumerateArray().Select(v => v.GetDouble())],
            Std = [.. config.GetProperty("std").EnumerateArray().Select(v => v.GetDouble())],
        }));
        byte[] pixels = new byte[transform.OutputLength];
        float[] values = new float[transform.OutputLength];
        transform.ApplyToPixels(Buffer(picture), pixels);
        transform.Apply(Buffer(picture), values);
        string? problem = Compare(pixels, row, "crc32_uint8") ?? Compare(MemoryMarshal.AsBytes<float>(values), row, "crc32_float");
        if (problem is null)
        {
            // The way that features of files take: nothing but what the result shows is decoded.
            transform.ApplyEncoded(encoded, values);
            problem = Compare(MemoryMarshal.AsBytes<float>(values), row, "crc32_float");
        }

        return problem is null ? null : $"transform {row.GetProperty("file")} {config}: {problem}";
    }

    private static ImageBuffer Buffer(ImagePixels picture) =>
        new(picture.Pixels.Span, picture.Width, picture.Height, picture.Format);

    private static string? Compare(ReadOnlySpan<byte> bytes, JsonElement row, string name)
    {
        string expected = row.GetProperty(name).GetString()!, actual = $"0x{Crc32.HashToUInt32(bytes):x8}";
        return expected == actual ? null : $"{name} expected {expected}, got {actual}";
    }

    /// <summary>How many rows passed and failed.</summary>
    internal sealed class Count
    {
        public int Passed { get; set; }

        public int Failed { get; set; }

        public void Add(string? problem)
        {
            if (problem is null)
            {
                Passed++;
                return;
            }

            Failed++;
            Console.WriteLine($"FAIL {problem}");
        }
    }
}
