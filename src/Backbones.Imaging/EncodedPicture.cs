using Backbones.Imaging.Codecs;

namespace Backbones.Imaging;

/// <summary>Decodes whole files that are in memory, after their headers and ends were looked at.</summary>
internal static class EncodedPicture
{
    /// <summary>Refuses what need not be decoded to be refused.</summary>
    /// <exception cref="InvalidDataException">The file is empty, cut off, no JPEG, PNG or BMP, or has too many pixels.</exception>
    public static ImageHeader Check(ReadOnlySpan<byte> file, string? fileName)
    {
        var header = ImageHeader.Read(file, fileName: fileName);
        if (!IsDecoded(header.Format))
        {
            throw new InvalidDataException($"{Name(fileName)} is a {header.Format} file; JPEG, PNG and BMP files are decoded.");
        }

        header.RequireComplete(file, fileName);
        return header;
    }

    /// <summary>Whether files of a format are decoded here.</summary>
    public static bool IsDecoded(ImageFileFormat format) => format is ImageFileFormat.Jpeg or ImageFileFormat.Png or ImageFileFormat.Bmp;

    /// <summary>Decodes a file that was checked.</summary>
    /// <exception cref="InvalidDataException">The file is damaged or of a rare kind that is not decoded; the message says which.</exception>
    public static DecodedImage Decode(ImageHeader header, ReadOnlyMemory<byte> file, string? fileName, Func<int, byte[]>? allocate = null)
    {
        try
        {
            return ImageDecoder.Decode(file, allocate);
        }
        catch (InvalidDataException e)
        {
            throw Undecodable(header, fileName, e);
        }
    }

    /// <summary>The error for a file whose header is right and whose pixels are not.</summary>
    public static InvalidDataException Undecodable(ImageHeader header, string? fileName, InvalidDataException e) =>
        new($"{Name(fileName)} is a {header.Format} picture of {header.Width}×{header.Height} pixels that cannot be decoded: {e.Message}", e);

    private static string Name(string? fileName) => fileName is null ? "The image" : $"The image '{fileName}'";
}
