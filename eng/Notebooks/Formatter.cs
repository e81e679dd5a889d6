using System.Diagnostics.CodeAnalysis;

// The name that .NET Interactive gives it: an extension script that is written for the original compiles against this.
namespace Microsoft.DotNet.Interactive.Formatting;

/// <summary>Formatters that scripts register for types they do not own.</summary>
public static class Formatter
{
    private static readonly Dictionary<Type, (string MimeType, Action<object, TextWriter> Write)> s_formatters = [];

    public static void Register<T>(Action<T, TextWriter> formatter, string mimeType = "text/plain")
        => s_formatters[typeof(T)] = (mimeType, (value, writer) => formatter((T)value, writer));

    internal static bool TryFormat(object value, TextWriter writer, [NotNullWhen(true)] out string? mimeType)
    {
        bool known = s_formatters.TryGetValue(value.GetType(), out var found);
        mimeType = found.MimeType;
        if (known)
            found.Write(value, writer);
        return known;
    }
}
