using System.Globalization;

namespace Microsoft.ML.Data;

/// <summary>What is missing, equal and written how, by type of value.</summary>
internal static class PrimitiveValues
{
    /// <summary>Whether a value stands for a missing one: not a number, a key's 0. Empty text is none of a column's values either.</summary>
    public static bool IsMissing<T>(DataViewType type, in T value) => value switch
    {
        float number => float.IsNaN(number),
        double number => double.IsNaN(number),
        ReadOnlyMemory<char> text => text.IsEmpty,
        _ => type is KeyDataViewType && EqualityComparer<T>.Default.Equals(value, default),
    };

    /// <summary>The value that stands for a missing one, or the type's default where there is none.</summary>
    public static T GetMissing<T>() => default(T) switch
    {
        float => (T)(object)float.NaN,
        double => (T)(object)double.NaN,
        _ => default,
    };

    /// <summary>Compares text by its characters, everything else as usual.</summary>
    public static IEqualityComparer<T> GetEqualityComparer<T>()
        => typeof(T) == typeof(ReadOnlyMemory<char>) ? (IEqualityComparer<T>)(object)new TextEquality() : EqualityComparer<T>.Default;

    /// <summary>Orders text by the codes of its characters, everything else as usual.</summary>
    public static Comparison<T> GetComparison<T>()
        => typeof(T) == typeof(ReadOnlyMemory<char>)
            ? (Comparison<T>)(object)(Comparison<ReadOnlyMemory<char>>)((a, b) => a.Span.SequenceCompareTo(b.Span))
            : Comparer<T>.Default.Compare;

    /// <summary>A value as text; a missing number is a question mark.</summary>
    public static string ToText<T>(in T value) => value switch
    {
        bool flag => flag ? "1" : "0",
        float number => float.IsNaN(number) ? "?" : number.ToString("R", CultureInfo.InvariantCulture),
        double number => double.IsNaN(number) ? "?" : number.ToString("G17", CultureInfo.InvariantCulture),
        TimeSpan span => span.ToString("c"),
        DateTime time => time.ToString("o"),
        DateTimeOffset time => time.ToString("o"),
        DataViewRowId id => $"0x{id.High:x16}{id.Low:x16}",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture),
    };

    private sealed class TextEquality : IEqualityComparer<ReadOnlyMemory<char>>
    {
        public bool Equals(ReadOnlyMemory<char> x, ReadOnlyMemory<char> y) => x.Span.SequenceEqual(y.Span);

        public int GetHashCode(ReadOnlyMemory<char> text) => string.GetHashCode(text.Span);
    }
}
