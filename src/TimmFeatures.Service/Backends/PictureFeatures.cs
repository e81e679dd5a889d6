using System.Buffers;

namespace TimmFeatures.Service.Backends;

/// <summary>The features of one picture, one output after the other, row-major. The memory is rented: dispose it when the values are written.</summary>
public sealed class PictureFeatures : IDisposable
{
    private readonly int _length;
    private float[]? _values;

    /// <summary>Room for that many values.</summary>
    public PictureFeatures(int length)
    {
        _length = length;
        _values = ArrayPool<float>.Shared.Rent(length);
    }

    /// <summary>The values.</summary>
    /// <exception cref="ObjectDisposedException">They were given back.</exception>
    public Memory<float> Values => (_values ?? throw new ObjectDisposedException(nameof(PictureFeatures))).AsMemory(0, _length);

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _values, null) is { } values)
            ArrayPool<float>.Shared.Return(values);
    }
}
