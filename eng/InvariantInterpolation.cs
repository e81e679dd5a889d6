using System.Globalization;
using System.Text;

namespace System.Runtime.CompilerServices;

// What the compiler makes of $"…" in these projects: it takes the type of this name that a project has itself before the framework's, which writes numbers by the culture of the
// thread. Here they are invariant, in messages, files and answers alike, and nobody can forget it. (No documentation comment: ASP.NET's OpenAPI generator collects those of all
// projects by the types' names, and fails at a name that two projects have.)
[InterpolatedStringHandler]
internal ref struct DefaultInterpolatedStringHandler
{
    // Characters for what stands in a hole.
    private const int HoleLength = 12;

    private readonly StringBuilder _text;
    private StringBuilder.AppendInterpolatedStringHandler _handler;

    public DefaultInterpolatedStringHandler(int literalLength, int formattedCount)
    {
        _text = new(literalLength + formattedCount * HoleLength);
        _handler = new(literalLength, formattedCount, _text, CultureInfo.InvariantCulture);
    }

    public void AppendLiteral(string value) => _handler.AppendLiteral(value);

    public void AppendFormatted<T>(T value) => _handler.AppendFormatted(value);

    public void AppendFormatted<T>(T value, string? format) => _handler.AppendFormatted(value, format);

    public void AppendFormatted<T>(T value, int alignment) => _handler.AppendFormatted(value, alignment);

    public void AppendFormatted<T>(T value, int alignment, string? format) => _handler.AppendFormatted(value, alignment, format);

    public void AppendFormatted(ReadOnlySpan<char> value) => _handler.AppendFormatted(value);

    public void AppendFormatted(ReadOnlySpan<char> value, int alignment = 0, string? format = null) => _handler.AppendFormatted(value, alignment, format);

    public void AppendFormatted(string? value) => _handler.AppendFormatted(value);

    public void AppendFormatted(string? value, int alignment = 0, string? format = null) => _handler.AppendFormatted(value, alignment, format);

    public void AppendFormatted(object? value, int alignment = 0, string? format = null) => _handler.AppendFormatted(value, alignment, format);

    public readonly string ToStringAndClear() => _text.ToString();
}
