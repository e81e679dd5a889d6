using System.Buffers;
using Backbones.Imaging.Codecs;

namespace Backbones.Imaging;

/// <summary>Decodes whole files that are in memory, after their headers were looked at.</summary>
internal static class EncodedPicture
{
    /// <summary>Refuses what need not be decoded to be refused.</summary>
    /// <exception cref="InvalidDataException">The file is empty, cut off, of an unknown kind, or has too many pixels.</exception>
    public static ImageHeader Check(ReadOnlySpan<byte> file, string? fileName)
    {
        var header = ImageHeader.Read(file, fileName: fileName);
        header.RequireComplete(file, fileName);
        return header;
    }

    /// <summary>Decodes a file that was checked.</summary>
    /// <exception cref="InvalidDataException">The file is damaged or of a rare kind that is not decoded; the message says which.</exception>
    public static DecodedImage Decode(ImageHeader header, ReadOnlyMemory<byte> file, string? fileName, Func<int, byte[]>? allocate = null)
    {
        try
        {
            return ImageDecoder.Decode(header.Format, file, allocate ?? (static length => GC.AllocateUninitializedArray<byte>(length)));
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

/// <summary>Memory for one picture, given back to the pool at the end whether or not decoding went well.</summary>
internal sealed class RentedBytes : IDisposable
{
    private byte[]? _bytes;

    /// <summary>Gives at least so many bytes, once.</summary>
    public byte[] Allocate(int length) => _bytes = ArrayPool<byte>.Shared.Rent(length);

    public void Dispose()
    {
        if (_bytes is not null)
        {
            ArrayPool<byte>.Shared.Return(_bytes);
            _bytes = null;
        }
    }
}
