using System.Globalization;

namespace Microsoft.ML.Data;

/// <summary>Conversion of simple values to floating point.</summary>
internal static class FloatConversion
{
    /// <summary>Whether values of a type can be converted: numbers, booleans and text can.</summary>
    public static bool CanConvert(DataViewType type) => type is NumberDataViewType or BooleanDataViewType or TextDataViewType;

    /// <summary>The value as a number: true is 1, empty text 0, text that is no number is not a number.</summary>
    public static double ToDouble<T>(in T value) => value switch
    {
        float v => v,
        double v => v,
        bool v => v ? 1 : 0,
        sbyte v => v,
        byte v => v,
        short v => v,
        ushort v => v,
        int v => v,
        uint v => v,
        long v => v,
        ulong v => v,
        ReadOnlyMemory<char> v => Parse(v.Span.Trim()),
        _ => throw new NotSupportedException($"Values of {typeof(T)} can't be converted to a number."),
    };

    private static double Parse(ReadOnlySpan<char> text)
    {
        if (text.IsEmpty)
            return 0;
        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) ? value : double.NaN;
    }
}
