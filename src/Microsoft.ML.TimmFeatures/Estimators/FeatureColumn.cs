using System.Collections.Immutable;
using Backbones;
using Backbones.Registry;
using Microsoft.ML.Data;

namespace Microsoft.ML.TimmFeatures;

/// <summary>Kinds of the annotations on feature columns.</summary>
public static class FeatureAnnotations
{
    /// <summary>Text: timm's name of the model.</summary>
    public const string ModelName = "TimmModelName";

    /// <summary>Text: timm's module whose output the column is (pyramids and intermediates).</summary>
    public const string Module = "TimmModule";

    /// <summary>Int32: channels of the level (pyramids and intermediates) or of the pooled features.</summary>
    public const string Channels = "TimmChannels";

    /// <summary>Int32: input pixels per pixel of the level's map (pyramids and intermediates).</summary>
    public const string Reduction = "TimmReduction";
}

/// <summary>One input column and the output columns made from it, one for each of the selection's outputs.</summary>
internal sealed record ColumnMapping(string Input, ImmutableArray<string> Outputs);

/// <summary>What a feature column is: its type and annotations, for schemas and for promised schemas.</summary>
internal static class FeatureColumn
{
    /// <summary>ML.NET's kind of annotation for the names of a vector's values.</summary>
    private const string SlotNames = "SlotNames";

    /// <summary>Vector&lt;Single&gt; with the output's dimensions.</summary>
    public static VectorDataViewType TypeOf(FeatureOutput output) => new(NumberDataViewType.Single, output.Shape.Dimensions.ToArray());

    /// <summary>A column's name for one of several outputs: <c>Map_2</c>, <c>Tokens_11_prefix</c>. What cannot be in the name of a C# member is an underscore.</summary>
    /// <exception cref="ArgumentException">There is no name to begin with.</exception>
    public static string NameOf(string column, FeatureOutput output) => string.IsNullOrWhiteSpace(column)
        ? throw new ArgumentException($"The name that the columns' names begin with is empty: '{column}'; expected one such as 'Map', or names for all columns.", "outputColumnName")
        : $"{column}_{string.Concat(output.Name.Select(c => char.IsLetterOrDigit(c) ? c : '_'))}";

    /// <summary>The annotations' kinds and values: texts, Int32, and the names of the classes as an array of texts.</summary>
    public static ImmutableArray<(string Kind, object Value)> AnnotationsOf(FeatureOutput output, PretrainedConfig config)
    {
        var annotations = ImmutableArray.CreateBuilder<(string, object)>();
        annotations.Add((FeatureAnnotations.ModelName, config.Name));
        if (output.Name == "logits" && output.Shape.Rank == 1 && ClassNames.Of(config) is { IsEmpty: false } names && names.Length == output.Shape[0])
            annotations.Add((SlotNames, names));
        if (output.Level is { } level)
            annotations.AddRange((FeatureAnnotations.Module, level.Module), (FeatureAnnotations.Channels, level.Channels), (FeatureAnnotations.Reduction, level.Reduction));
        else if (output.Shape.Rank == 1)
            annotations.Add((FeatureAnnotations.Channels, output.Shape[0]));
        return annotations.ToImmutable();
    }

    public static DataViewSchema.Annotations ToAnnotations(ImmutableArray<(string Kind, object Value)> annotations)
    {
        var builder = new DataViewSchema.Annotations.Builder();
        foreach ((string kind, object value) in annotations)
        {
            if (value is string text)
                builder.Add(kind, TextDataViewType.Instance, (ref ReadOnlyMemory<char> to) => to = text.AsMemory());
            else if (value is ImmutableArray<string> names)
                builder.Add(kind, new VectorDataViewType(TextDataViewType.Instance, names.Length), (ref VBuffer<ReadOnlyMemory<char>> to) => Texts(names).CopyTo(ref to));
            else
                builder.Add(kind, NumberDataViewType.Int32, (ref int to) => to = (int)value);
        }
        return builder.ToAnnotations();
    }

    /// <summary>Adds a Vector&lt;Single&gt; to a promised schema.</summary>
    public static SchemaShape AddTo(SchemaShape shape, TransformsCatalog catalog, string name, ImmutableArray<(string Kind, object Value)> annotations)
        // A promised schema says of a vector only that its size is known, not how large it is.
        => AddTo<float>(shape, catalog, name, new VectorDataViewType(NumberDataViewType.Single, 1), annotations);

    /// <summary>
    /// Adds a vector to a promised schema. ML.NET keeps the constructor of its columns to itself; a mapping that is never run
    /// is the public estimator that promises any column it is told to.
    /// </summary>
    /// <typeparam name="T">The raw type of the vector's items.</typeparam>
    public static SchemaShape AddTo<T>(SchemaShape shape, TransformsCatalog catalog, string name, VectorDataViewType type, ImmutableArray<(string Kind, object Value)> annotations)
    {
        SchemaDefinition definition = SchemaDefinition.Create(typeof(Made<T>));
        SchemaDefinition.Column column = definition[nameof(Made<>.Values)];
        column.ColumnName = name;
        column.ColumnType = type;
        foreach ((string kind, object value) in annotations)
        {
            if (value is string text)
                column.AddAnnotation(kind, text.AsMemory(), TextDataViewType.Instance);
            else if (value is ImmutableArray<string> names)
                column.AddAnnotation(kind, Texts(names), new VectorDataViewType(TextDataViewType.Instance, names.Length));
            else
                column.AddAnnotation(kind, (int)value, NumberDataViewType.Int32);
        }
        return catalog.CustomMapping<Nothing, Made<T>>((_, _) => throw new NotSupportedException("This mapping only promises its column."), contractName: null, outputSchemaDefinition: definition)
            .GetOutputSchema(shape);
    }

    private static VBuffer<ReadOnlyMemory<char>> Texts(ImmutableArray<string> names) => new(names.Length, [.. names.Select(n => n.AsMemory())]);

    private sealed class Nothing
    {
    }

    private sealed class Made<T>
    {
        public VBuffer<T> Values { get; set; }
    }
}
