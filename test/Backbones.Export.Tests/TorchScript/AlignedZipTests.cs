using System.IO.Compression;
using Backbones.TorchScript;

namespace Backbones.Tests.TorchScript;

[TestClass]
public sealed class AlignedZipTests
{
    [TestMethod]
    public void Entries_beyond_four_gigabytes_are_found()
    {
        var zeros = new float[64 << 20];
        using var stream = new SparseStream();
        var zip = new AlignedZip(stream);
        for (int i = 0; i < 17; i++)
            zip.Add($"a/data/{i}", zeros);
        zip.Add("a/near the end", "content"u8);
        zip.Finish();

        using var archive = new ZipArchive(stream);
        Assert.HasCount(18, archive.Entries);
        Assert.AreEqual(zeros.Length * sizeof(float), archive.GetEntry("a/data/16")!.Length);
        using Stream entry = archive.GetEntry("a/near the end")!.Open();
        Assert.AreEqual("content", new StreamReader(entry).ReadToEnd());
    }

    /// <summary>Keeps small writes; large ones are zeros.</summary>
    private sealed class SparseStream : Stream
    {
        private readonly List<(long Start, byte[] Bytes)> _parts = [];
        private long _length;

        public override bool CanRead => true;

        public override bool CanSeek => true;

        public override bool CanWrite => true;

        public override long Length => _length;

        public override long Position { get; set; }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            if (buffer.Length < 1 << 20)
                _parts.Add((Position, buffer.ToArray()));
            Position += buffer.Length;
            _length = Math.Max(_length, Position);
        }

        public override int Read(Span<byte> buffer)
        {
            int count = (int)Math.Min(buffer.Length, _length - Position);
            buffer = buffer[..count];
            buffer.Clear();
            foreach ((long start, byte[] bytes) in _parts)
            {
                long from = Math.Max(start, Position), to = Math.Min(start + bytes.Length, Position + count);
                if (from < to)
                    bytes.AsSpan((int)(from - start), (int)(to - from)).CopyTo(buffer[(int)(from - Position)..]);
            }
            Position += count;
            return count;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override long Seek(long offset, SeekOrigin origin)
            => Position = origin switch { SeekOrigin.Begin => offset, SeekOrigin.Current => Position + offset, _ => _length + offset };

        public override void SetLength(long value) => _length = value;

        public override void Flush()
        {
        }
    }
}
