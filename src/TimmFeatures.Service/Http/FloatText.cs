using System.Buffers;
using System.Globalization;

namespace TimmFeatures.Service.Http;

/// <summary>Numbers as JSON: the shortest text that reads back as the same float32.</summary>
internal static class FloatText
{
    // -1.17549435E-38 and a comma, with some to spare.
    private const int MaxLength = 24;

    /// <summary>Writes numbers with commas between them; what is no number (NaN, infinity) is null, as JSON has no other word.</summary>
    public static void Write(IBufferWriter<byte> writer, ReadOnlySpan<float> values, bool isFirst)
    {
        for (int i = 0; i < values.Length;)
        {
            Span<byte> text = writer.GetSpan(MaxLength);
            int length = 0;
            for (; i < values.Length && text.Length - length >= MaxLength; i++)
            {
                if (!isFirst)
                    text[length++] = (byte)',';
                isFirst = false;
                if (float.IsFinite(values[i]))
                {
                    values[i].TryFormat(text[length..], out int written, default, CultureInfo.InvariantCulture);
                    length += written;
                }
                else
                {
                    "null"u8.CopyTo(text[length..]);
                    length += 4;
                }
            }
            writer.Advance(length);
        }
    }
}
