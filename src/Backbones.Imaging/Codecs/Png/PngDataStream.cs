namespace Backbones.Imaging.Codecs.Png;

/// <summary>The contents of consecutive IDAT chunks as one stream, which ends where other chunks or nothing follow.</summary>
internal sealed class PngDataStream(ReadOnlyMemory<byte> encoded, ReadOnlyMemory<byte> firstChunk, int position) : Stream
{
    private ReadOnlyMemory<byte> _chunk = firstChunk;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(Span<byte> buffer)
    {
        while (_chunk.IsEmpty)
        {
            if (!PngChunk.IsImageData(encoded.Span[position..]))
            {
                return 0;
            }

            _chunk = PngChunk.Read(encoded, ref position).Data;
        }

        int count = Math.Min(buffer.Length, _chunk.Length);
        _chunk.Span[..count].CopyTo(buffer);
        _chunk = _chunk[count..];
        return count;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
