using System.Collections.Immutable;
using System.Net;
using Microsoft.ML.Data;
using Microsoft.ML.TimmFeatures.Interactive.Notebooks;
using Microsoft.ML.Transforms.Image;

namespace Microsoft.ML.TimmFeatures.Interactive;

/// <summary>Thumbnails with captions, such as predictions: HTML in notebooks, the captions as text elsewhere.</summary>
[TypeFormatterSource(typeof(FormatterSource), PreferredMimeTypes = ["text/html"])]
public sealed class PictureGallery : INotebookOutput
{
    private PictureGallery(IEnumerable<Thumbnail> thumbnails) => Thumbnails = [.. thumbnails];

    /// <summary>The pictures and their captions.</summary>
    public ImmutableArray<Thumbnail> Thumbnails { get; }

    /// <summary>The first rows of predictions as thumbnails.</summary>
    /// <param name="predictions">Data with an image column and a text column.</param>
    /// <param name="imageColumn">A column of images, or of paths.</param>
    /// <param name="captionColumn">A text column, such as the predicted label after <c>MapKeyToValue</c>.</param>
    /// <param name="labelColumn">A text column with what would be right: other captions are marked.</param>
    /// <param name="count">Number of rows.</param>
    /// <param name="height">Rows of pixels of a thumbnail.</param>
    /// <param name="imageFolder">Folder that relative paths start from; null for the current directory.</param>
    /// <exception cref="ArgumentException">A column is missing or has another type.</exception>
    public static PictureGallery Of(IDataView predictions, string imageColumn, string captionColumn = "PredictedLabel", string? labelColumn = null,
        int count = 12, int height = 64, string? imageFolder = null)
    {
        ArgumentNullException.ThrowIfNull(predictions);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        DataViewSchema.Column image = Find(predictions, imageColumn, t => t is ImageDataViewType or TextDataViewType, "an image or text (path)");
        DataViewSchema.Column caption = Find(predictions, captionColumn, t => t is TextDataViewType, "text (MapKeyToValue turns keys into text)");
        DataViewSchema.Column? label = labelColumn is null ? null : Find(predictions, labelColumn, t => t is TextDataViewType, "text (MapKeyToValue turns keys into text)");
        using DataViewRowCursor cursor = predictions.GetRowCursor(label is { } l ? [image, caption, l] : [image, caption]);
        Func<FeaturePicture> picture = PictureReader(cursor, image, height, imageFolder);
        Func<string> captionText = TextReader(cursor, caption);
        Func<string>? labelText = label is { } expected ? TextReader(cursor, expected) : null;
        var thumbnails = new List<Thumbnail>();
        while (thumbnails.Count < count && cursor.MoveNext())
            thumbnails.Add(new Thumbnail(picture(), captionText(), labelText?.Invoke()));
        return new PictureGallery(thumbnails);
    }

    /// <summary>A row of <c>figure</c> elements that wraps.</summary>
    public string ToHtml() => $"""<div style="display:flex;flex-wrap:wrap;gap:8px">{string.Concat(Thumbnails.Select(Figure))}</div>""";

    /// <summary>A caption per line.</summary>
    public override string ToString() => string.Join('\n', Thumbnails.Select(t => t.IsWrong ? $"{t.Caption} (is {t.Label})" : t.Caption));

    private static string Figure(Thumbnail thumbnail) => $"""
        <figure style="margin:0;text-align:center">{thumbnail.Picture.ToHtml()}<figcaption{(thumbnail.IsWrong ? " style=\"color:#c00\"" : "")}>{WebUtility.HtmlEncode(thumbnail.Caption)}{(thumbnail.IsWrong ? $" (is {WebUtility.HtmlEncode(thumbnail.Label)})" : "")}</figcaption></figure>
        """;

    private static DataViewSchema.Column Find(IDataView view, string name, Func<DataViewType, bool> valid, string wanted)
    {
        DataViewSchema.Column column = view.Schema.GetColumnOrNull(name)
            ?? throw new ArgumentException($"There is no column '{name}'. Columns are {string.Join(", ", view.Schema.Select(c => $"'{c.Name}'"))}.", nameof(name));
        return valid(column.Type) ? column : throw new ArgumentException($"Column '{name}' is {column.Type}; {wanted} is needed.", nameof(name));
    }

    private static Func<string> TextReader(DataViewRow row, DataViewSchema.Column column)
    {
        ValueGetter<ReadOnlyMemory<char>> getter = row.GetGetter<ReadOnlyMemory<char>>(column);
        ReadOnlyMemory<char> value = default;
        return () =>
        {
            getter(ref value);
            return value.ToString();
        };
    }

    private static Func<FeaturePicture> PictureReader(DataViewRow row, DataViewSchema.Column column, int height, string? folder)
    {
        if (column.Type is TextDataViewType)
        {
            Func<string> path = TextReader(row, column);
            return () =>
            {
                using MLImage image = MLImage.CreateFromFile(folder is null ? path() : Path.Combine(folder, path()));
                return FeaturePicture.Of(image, height);
            };
        }
        ValueGetter<MLImage> getter = row.GetGetter<MLImage>(column);
        MLImage value = null!;
        return () =>
        {
            getter(ref value);
            return FeaturePicture.Of(value, height);
        };
    }
}

/// <summary>A small picture with its caption.</summary>
/// <param name="Picture">The picture.</param>
/// <param name="Caption">What is written below it.</param>
/// <param name="Label">What would be right; null where that is not known.</param>
public sealed record Thumbnail(FeaturePicture Picture, string Caption, string? Label = null)
{
    /// <summary>Whether the caption is known to be wrong.</summary>
    public bool IsWrong => Label is not null && Label != Caption;
}
