using System.Text;
using System.Text.Json;
using Backbones.Imaging;

namespace Backbones.Tests.Imaging;

/// <summary>Pixels that Pillow decoded, and checksums of what Pillow, torchvision and timm made of them.</summary>
internal sealed class PreprocessingReference
{
    private readonly Dictionary<string, Picture> _pictures = [];

    private PreprocessingReference(JsonElement root)
    {
        Resizes = [.. root.GetProperty("resize").EnumerateArray()];
        Transforms = [.. root.GetProperty("transform").EnumerateArray()];
    }

    public static PreprocessingReference Instance { get; } =
        new(JsonDocument.Parse(File.ReadAllBytes(DataPath("preprocessing.json"))).RootElement);

    public JsonElement[] Resizes { get; }

    public JsonElement[] Transforms { get; }

    public static string DataPath(string file) => Path.Combine(AppContext.BaseDirectory, "Data", file);

    public static uint Checksum(JsonElement row, string name) => Convert.ToUInt32(row.GetProperty(name).GetString(), 16);

    /// <summary>The transform that a row's config asks for.</summary>
    public static ImageTransform Transform(JsonElement row)
    {
        JsonElement config = row.GetProperty("config"), size = config.GetProperty("input_size");
        return new ImageTransform(ImageTransformOptions.Resolve(new DataConfig
        {
            InputSize = (size[0].GetInt32(), size[1].GetInt32(), size[2].GetInt32()),
            Interpolation = config.GetProperty("interpolation").GetString(),
            CropPct = config.GetProperty("crop_pct").GetDouble(),
            CropMode = config.GetProperty("crop_mode").GetString(),
            Mean = [.. config.GetProperty("mean").EnumerateArray().Select(v => v.GetDouble())],
            Std = [.. config.GetProperty("std").EnumerateArray().Select(v => v.GetDouble())],
        }));
    }

    public Picture PictureOf(JsonElement row)
    {
        string file = row.GetProperty("file").GetString()!;
        if (!_pictures.TryGetValue(file, out Picture? picture))
        {
            _pictures[file] = picture = Picture.ReadPpm(DataPath(file + ".ppm"));
        }

        return picture;
    }
}

/// <summary>RGB pixels in memory.</summary>
internal sealed record Picture(int Width, int Height, byte[] Rgb)
{
    public ImageBuffer Buffer => new(Rgb, Width, Height, PixelFormat.Rgb24);

    /// <summary>Reads the binary form of PPM with one header field or pair of them a line.</summary>
    public static Picture ReadPpm(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        int start = 0;
        for (int line = 0; line < 3; line++)
        {
            start += bytes.AsSpan(start).IndexOf((byte)'\n') + 1;
        }

        string[] header = Encoding.ASCII.GetString(bytes, 0, start).Split([' ', '\n']);
        return new Picture(int.Parse(header[1]), int.Parse(header[2]), bytes[start..]);
    }

    public static Picture Random(int width, int height, int seed = 1)
    {
        byte[] rgb = new byte[width * height * 3];
        new Random(seed).NextBytes(rgb);
        return new Picture(width, height, rgb);
    }

    /// <summary>The same colours in another format, with noise for alpha and between rows.</summary>
    public (byte[] Pixels, int Stride) As(PixelFormat format, int gap = 0)
    {
        int size = format == PixelFormat.Gray8 ? 1 : format == PixelFormat.Rgb24 ? 3 : 4;
        int stride = Width * size + gap;
        byte[] pixels = new byte[stride * Height];
        new Random(2).NextBytes(pixels);
        for (int y = 0; y < Height; y++)
        {
            for (int x = 0; x < Width; x++)
            {
                ReadOnlySpan<byte> rgb = Rgb.AsSpan(3 * (y * Width + x), 3);
                Span<byte> pixel = pixels.AsSpan(y * stride + x * size, size);
                pixel[0] = format == PixelFormat.Bgra32 ? rgb[2] : rgb[0];
                if (size > 1)
                {
                    pixel[1] = rgb[1];
                    pixel[2] = format == PixelFormat.Bgra32 ? rgb[0] : rgb[2];
                }
            }
        }

        return (pixels, stride);
    }
}
