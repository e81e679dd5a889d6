using System.Text.Json;

namespace Backbones.Tests.Imaging.Codecs;

/// <summary>The pictures that test projects share, and what their pixels are known to be.</summary>
internal static class Pictures
{
    public static string Folder { get; } = Path.Combine(Root(), "test", "data");

    /// <summary>All pictures, with the CRC-32 of their RGB pixels as Pillow decodes them.</summary>
    public static IReadOnlyList<Row> Rows { get; } =
        JsonSerializer.Deserialize<Row[]>(File.ReadAllText(Path.Combine(Folder, "decode.json")), JsonSerializerOptions.Web)!;

    public static IEnumerable<object[]> Files => Rows.Select(row => new object[] { row.File });

    public static IEnumerable<object[]> Jpegs => Files.Where(f => ((string)f[0]).EndsWith(".jpg", StringComparison.Ordinal));

    public static string PathOf(string file) => Path.Combine(Folder, file);

    /// <summary>Red, green, blue of every pixel.</summary>
    public static byte[] Rgb(ImagePixels image)
    {
        ReadOnlySpan<byte> bgra = image.Pixels.Span;
        byte[] rgb = new byte[3 * image.Width * image.Height];
        for (int i = 0; i < rgb.Length / 3; i++)
        {
            (rgb[3 * i], rgb[3 * i + 1], rgb[3 * i + 2]) = (bgra[4 * i + 2], bgra[4 * i + 1], bgra[4 * i]);
        }

        return rgb;
    }

    public static byte[] Read(string file) => File.ReadAllBytes(PathOf(file));

    private static string Root()
    {
        string folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "TimmFeatures.sln")))
            folder = Path.GetDirectoryName(folder) ?? throw new DirectoryNotFoundException("There is no TimmFeatures.sln above the tests.");
        return folder;
    }

    internal sealed record Row(string File, int Width, int Height, string Crc32);
}
