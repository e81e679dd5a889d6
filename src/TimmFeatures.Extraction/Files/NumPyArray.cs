using System.Runtime.InteropServices;
using System.Text;
using Backbones.Weights;

namespace TimmFeatures.Extraction.Files;

/// <summary>NumPy's .npy format, version 1.0.</summary>
/// <remarks>Source: numpy, <c>numpy.lib.format</c>.</remarks>
internal static class NumPyArray
{
    /// <summary>Writes one column of a table; NaN where there are no features.</summary>
    public static void Write(Stream stream, FeatureTable table, FeatureColumn column, CancellationToken cancellation)
    {
        int offset = table.OffsetOf(column);
        byte[] missing = MemoryMarshal.AsBytes<float>(Enumerable.Repeat(float.NaN, column.Length).ToArray()).ToArray();
        foreach (FeatureRow row in table.Rows())
        {
            cancellation.ThrowIfCancellationRequested();
            stream.Write(row.Error is null ? MemoryMarshal.AsBytes(row.Values.Span.Slice(offset, column.Length)) : missing);
        }
    }

    /// <summary>Writes texts, padded with zeros to the longest.</summary>
    public static void Write(Stream stream, int count, Func<IEnumerable<string>> texts)
    {
        int longest = Math.Max(1, texts().Select(t => Encoding.UTF32.GetByteCount(t) / 4).DefaultIfEmpty().Max());
        stream.Write(NumPyHeader.Of($"<U{longest}", count));
        byte[] element = new byte[4 * longest];
        foreach (string text in texts())
        {
            element.AsSpan(Encoding.UTF32.GetBytes(text, element)).Clear();
            stream.Write(element);
        }
    }

    /// <summary>Reads the rows of float32 arrays that lie one beside the other.</summary>
    public static IEnumerable<float[]> Read(IReadOnlyList<Stream> streams, IReadOnlyList<FeatureColumn> columns, int count)
    {
        float[] row = new float[columns.Sum(c => c.Length)];
        for (int r = 0; r < count; r++)
        {
            for (int c = 0, offset = 0; c < columns.Count; offset += columns[c++].Length)
                streams[c].ReadExactly(MemoryMarshal.AsBytes(row.AsSpan(offset, columns[c].Length)));
            yield return row;
        }
    }

    /// <summary>Whether a stream begins with this header, which it then is behind.</summary>
    public static bool TryReadHeader(Stream stream, byte[] header)
    {
        byte[] found = new byte[header.Length];
        return stream.ReadAtLeast(found, found.Length, throwOnEndOfStream: false) == found.Length && found.AsSpan().SequenceEqual(header);
    }
}
