using System.Buffers;
using Microsoft.AspNetCore.Http;

namespace TimmFeatures.Service.Http;

/// <summary>Bytes of a request's body, in rented memory that grows as they come in: who announces much and sends little holds little.</summary>
internal sealed class RentedBytes : IDisposable
{
    private const int First = 16 << 10, MostAtOnce = 1 << 20;

    private readonly Admission _admission;
    private byte[]? _bytes;
    private int _length;

    private RentedBytes(Admission admission) => _admission = admission;

    public byte[] Array => _bytes!;

    public int Length => _length;

    /// <summary>Reads a stream to its end.</summary>
    /// <param name="stream">A body, or a part of one.</param>
    /// <param name="announced">Its length, where it is known.</param>
    /// <param name="most">The most bytes that it may have.</param>
    /// <param name="admission">Counts the bytes of all requests.</param>
    /// <param name="cancellation">The client has gone.</param>
    /// <exception cref="ServiceProblemException">413: it has more. 429: too many bytes are held for others.</exception>
    public static async Task<RentedBytes> ReadAsync(Stream stream, long? announced, int most, Admission admission, CancellationToken cancellation)
    {
        if (announced > most)
            throw TooLarge(most);
        var body = new RentedBytes(admission);
        try
        {
            body.Grow((int)Math.Min(announced + 1 ?? First, MostAtOnce));
            while (true)
            {
                if (body._length == body.Array.Length)
                    body.Grow(2 * body._length);
                int read = await stream.ReadAsync(body.Array.AsMemory(body._length), cancellation);
                if (read == 0)
                    return body;
                body._length += read;
                if (body._length > most)
                    throw TooLarge(most);
            }
        }
        catch
        {
            body.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _bytes, null) is { } bytes)
        {
            ArrayPool<byte>.Shared.Return(bytes);
            _admission.LeaveBytes(bytes.Length);
        }
    }

    private void Grow(int length)
    {
        byte[] longer = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            _admission.EnterBytes(longer.Length);
        }
        catch
        {
            ArrayPool<byte>.Shared.Return(longer);
            throw;
        }
        _bytes?.AsSpan(0, _length).CopyTo(longer);
        Dispose();
        _bytes = longer;
    }

    private static ServiceProblemException TooLarge(int most) => new(StatusCodes.Status413PayloadTooLarge, $"The body is larger than the {most} bytes that a request may have.");
}
