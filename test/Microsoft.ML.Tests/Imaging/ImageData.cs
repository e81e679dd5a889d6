using System.Text.Json;
using Microsoft.ML.Data;

namespace Microsoft.ML.Tests.Imaging;

/// <summary>The pictures of the test data and what their pixels are known to be.</summary>
internal static class ImageData
{
    public static string Folder { get; } = Path.Combine(AppContext.BaseDirectory, "data");

    /// <summary>All pictures, with the CRC-32 of their RGB pixels as Pillow decodes them.</summary>
    public static IReadOnlyList<Row> Rows { get; } =
        JsonSerializer.Deserialize<Row[]>(File.ReadAllText(Path.Combine(Folder, "decode.json")), JsonSerializerOptions.Web)!;

    public static string PathOf(string file) => Path.Combine(Folder, file);

    public static byte[] Read(string file) => File.ReadAllBytes(PathOf(file));

    /// <summary>Red, green, blue of every pixel.</summary>
    public static byte[] Rgb(MLImage image)
    {
        int red = image.PixelFormat == MLPixelFormat.Bgra32 ? 2 : 0;
        ReadOnlySpan<byte> pixels = image.Pixels;
        var rgb = new byte[pixels.Length / 4 * 3];
        for (int i = 0; i < pixels.Length / 4; i++)
        {
            (rgb[3 * i], rgb[(3 * i) + 1], rgb[(3 * i) + 2]) = (pixels[(4 * i) + red], pixels[(4 * i) + 1], pixels[(4 * i) + 2 - red]);
        }

        return rgb;
    }

    public static MLImage Decode(byte[] encoded) => MLImage.CreateFromStream(new MemoryStream(encoded));

    /// <summary>CRC-32 as zlib computes it.</summary>
    public static uint Crc32(ReadOnlySpan<byte> data)
    {
        uint crc = ~0u;
        foreach (byte value in data)
        {
            crc ^= value;
            for (int bit = 0; bit < 8; bit++)
            {
                crc = (crc & 1) != 0 ? (crc >> 1) ^ 0xEDB88320 : crc >> 1;
            }
        }

        return ~crc;
    }

    internal sealed record Row(string File, int Width, int Height, string Crc32)
    {
        public override string ToString() => File;
    }
}
