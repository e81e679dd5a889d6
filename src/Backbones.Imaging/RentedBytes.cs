using System.Buffers;

namespace Backbones.Imaging;

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
