namespace TimmFeatures.Extraction.Files;

/// <summary>A kind of file that features are kept in. Equal tables give equal bytes.</summary>
internal abstract class TableFormat
{
    /// <summary>Name of the columns that every file has beside the features.</summary>
    public const string PathColumn = "path", ErrorColumn = "error";

    /// <summary>Key of the metadata.</summary>
    protected const string MetadataKey = "timm_features";

    private static readonly TableFormat[] s_all = [new ParquetFormat(), new NpyFormat(), new NpzFormat(), new SafetensorsFormat(), new CsvFormat(), new ArrowFormat(), new IdvFormat()];

    /// <summary>Ends of file names.</summary>
    public abstract IReadOnlyList<string> Extensions { get; }

    /// <summary>Whether paths and errors are in a table beside, because the file itself has no place for them.</summary>
    public virtual bool NeedsRowsFile => false;

    /// <summary>The format of a file by its name.</summary>
    /// <exception cref="ArgumentException">There is none; the message has those there are.</exception>
    public static TableFormat Of(string path)
    {
        string ending = Path.GetExtension(path), fault = ending.Length == 0 ? "has no ending that says what kind of file it is" : $"ends in '{ending}', which is no kind of file for features";
        return s_all.FirstOrDefault(f => f.Extensions.Contains(ending, StringComparer.OrdinalIgnoreCase))
            ?? throw new ArgumentException($"'{path}' {fault}; valid are {string.Join(", ", s_all.SelectMany(f => f.Extensions))}.");
    }

    /// <summary>Refuses what the format cannot hold, before anything is computed.</summary>
    /// <exception cref="NotSupportedException">It cannot; the message says which can.</exception>
    public virtual void Check(string path, IReadOnlyList<FeatureColumn> columns, int count)
    {
    }

    /// <summary>Writes a table.</summary>
    public abstract void Write(Stream stream, FeatureTable table, CancellationToken cancellation);

    /// <summary>Reads the rows back, as a stream.</summary>
    /// <param name="path">A file that was written with these columns.</param>
    /// <param name="columns">The columns.</param>
    /// <param name="count">Number of rows.</param>
    /// <exception cref="InvalidDataException">The file has something else.</exception>
    public abstract IEnumerable<FeatureRow> Read(string path, IReadOnlyList<FeatureColumn> columns, int count);

    protected static InvalidDataException Wrong(string path, string what) => new($"'{path}' is not the file that its report describes: {what}");
}
