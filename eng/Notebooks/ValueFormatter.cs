using System.Collections;
using System.Reflection;
using Microsoft.DotNet.Interactive.Formatting;

namespace Notebooks;

/// <summary>Chooses a value's form as .NET Interactive does: a registered formatter, one that an attribute of the type names, else text.</summary>
internal static class ValueFormatter
{
    public static (string MimeType, string Text) Format(object value)
    {
        var writer = new StringWriter();
        if (Formatter.TryFormat(value, writer, out string? mimeType))
            return (mimeType, writer.ToString());
        foreach (object formatter in FormattersOf(value.GetType()))
        {
            mimeType = (string)formatter.GetType().GetProperty("MimeType")!.GetValue(formatter)!;
            if ((bool)formatter.GetType().GetMethod("Format")!.Invoke(formatter, [value, writer])!)
                return (mimeType, writer.ToString());
        }
        return ("text/plain", value is IEnumerable items and not string ? $"[ {string.Join(", ", items.Cast<object?>())} ]" : value.ToString() ?? "");
    }

    /// <summary>The formatters that a type's TypeFormatterSourceAttribute leads to; everything is found by name, the preferred MIME types come first.</summary>
    private static IEnumerable<object> FormattersOf(Type type)
    {
        if (type.GetCustomAttributes().FirstOrDefault(a => a.GetType().Name == "TypeFormatterSourceAttribute") is not { } attribute)
            return [];
        var sourceType = (Type)attribute.GetType().GetProperty("FormatterSourceType")!.GetValue(attribute)!;
        var preferred = (string[])attribute.GetType().GetProperty("PreferredMimeTypes")!.GetValue(attribute)!;
        object source = Activator.CreateInstance(sourceType, nonPublic: true)!;
        var formatters = (IEnumerable)sourceType.GetMethod("CreateTypeFormatters")!.Invoke(source, [])!;
        return formatters.Cast<object>().OrderByDescending(f => preferred.Contains((string)f.GetType().GetProperty("MimeType")!.GetValue(f)!));
    }
}
