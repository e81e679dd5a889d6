namespace Microsoft.ML.TimmFeatures.Interactive.Notebooks;

/// <summary>.NET Interactive finds this attribute, the source's method and the formatters' members by their names: no package is needed.</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class TypeFormatterSourceAttribute(Type formatterSourceType) : Attribute
{
    public Type FormatterSourceType { get; } = formatterSourceType;

    public string[] PreferredMimeTypes { get; set; } = [];
}

internal sealed class FormatterSource
{
    public IEnumerable<object> CreateTypeFormatters() => [new OutputFormatter("text/html"), new OutputFormatter("text/plain")];
}

internal sealed class OutputFormatter(string mimeType)
{
    public string MimeType => mimeType;

    /// <summary>Writes a value, or says that it is not one of ours.</summary>
    public bool Format(object instance, TextWriter writer)
    {
        if (instance is not INotebookOutput output)
            return false;
        writer.Write(mimeType == "text/html" ? output.ToHtml() : output.ToString());
        return true;
    }
}
