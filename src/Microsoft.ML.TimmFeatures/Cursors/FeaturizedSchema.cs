using System.Collections.Immutable;
using Backbones;
using Microsoft.ML.Data;
using Microsoft.ML.TimmFeatures.Inputs;
using Microsoft.ML.TimmFeatures.Sessions;

namespace Microsoft.ML.TimmFeatures.Cursors;

/// <summary>The input schema followed by the feature columns, and which feature each of them is.</summary>
internal sealed class FeaturizedSchema
{
    private readonly int _first;
    private readonly ImmutableArray<(int Mapping, int Output)> _features;

    public FeaturizedSchema(DataViewSchema input, ImmutableArray<ColumnMapping> mappings, FeaturizerSession session)
    {
        Input = input;
        Mappings = mappings;
        var builder = new DataViewSchema.Builder();
        builder.AddColumns(input);
        _first = input.Count;
        var features = ImmutableArray.CreateBuilder<(int, int)>();
        for (int m = 0; m < mappings.Length; m++)
        {
            DataViewSchema.Column column = input.GetColumnOrNull(mappings[m].Input) ?? throw MissingColumn(mappings[m].Input, input);
            CheckType(column, session);
            for (int o = 0; o < session.Outputs.Length; o++)
            {
                FeatureOutput output = session.Outputs[o];
                builder.AddColumn(mappings[m].Outputs[o], new VectorDataViewType(NumberDataViewType.Single, output.Shape.Dimensions.ToArray()), AnnotationsOf(output, session.Backbone.Name));
                features.Add((m, o));
            }
        }
        Schema = builder.ToSchema();
        _features = features.ToImmutable();
    }

    public DataViewSchema Input { get; }

    public DataViewSchema Schema { get; }

    public ImmutableArray<ColumnMapping> Mappings { get; }

    /// <summary>Which mapping's which output a column is; null for the input's columns.</summary>
    public (int Mapping, int Output)? FeatureAt(int column) => column < _first ? null : _features[column - _first];

    /// <summary>Bits of the outputs that are active, by mapping.</summary>
    public ulong[] ActiveOutputs(Func<int, bool> isActive)
    {
        var active = new ulong[Mappings.Length];
        for (int i = 0; i < _features.Length; i++)
        {
            if (isActive(_first + i))
                active[_features[i].Mapping] |= 1ul << _features[i].Output;
        }
        return active;
    }

    /// <summary>The input columns that the given columns of the schema need.</summary>
    public IEnumerable<DataViewSchema.Column> Dependencies(IEnumerable<DataViewSchema.Column> columns) => columns
        .Select(c => FeatureAt(c.Index) is (int mapping, _) ? Input[Mappings[mapping].Input] : Input[c.Index])
        .DistinctBy(c => c.Index);

    private static void CheckType(DataViewSchema.Column column, FeaturizerSession session)
    {
        if (InputTypes.KindOf(column.Type) == InputKind.Unsupported)
            throw InputTypes.Wrong(column.Name, column.Type);
        var shape = session.Selected.Graph.Inputs[0].Shape;
        if (InputTypes.KindOf(column.Type) == InputKind.Tensor && column.Type is VectorDataViewType { Size: > 0 } vector && vector.Size != shape.Length)
            throw new ArgumentException($"Input column '{column.Name}' has {vector.Size} values; '{session.Backbone.Name}' takes normalised tensors {shape}, {shape.Length} values.");
    }

    private static ArgumentException MissingColumn(string name, DataViewSchema schema)
        => new($"There is no input column '{name}'. The data has {string.Join(", ", schema.Where(c => !c.IsHidden).Select(c => $"'{c.Name}'"))}.");

    private static DataViewSchema.Annotations AnnotationsOf(FeatureOutput output, string model)
    {
        var builder = new DataViewSchema.Annotations.Builder();
        void AddText(string kind, string text) => builder.Add(kind, TextDataViewType.Instance, (ref ReadOnlyMemory<char> value) => value = text.AsMemory());
        void AddNumber(string kind, int number) => builder.Add(kind, NumberDataViewType.Int32, (ref int value) => value = number);
        AddText(FeatureAnnotations.ModelName, model);
        if (output.Level is { } level)
        {
            AddText(FeatureAnnotations.Module, level.Module);
            AddNumber(FeatureAnnotations.Channels, level.Channels);
            AddNumber(FeatureAnnotations.Reduction, level.Reduction);
        }
        return builder.ToAnnotations();
    }
}

/// <summary>Kinds of the annotations on feature columns.</summary>
public static class FeatureAnnotations
{
    /// <summary>Text: timm's name of the model.</summary>
    public const string ModelName = "TimmModelName";

    /// <summary>Text: timm's module whose output the column is (pyramids and intermediates).</summary>
    public const string Module = "TimmModule";

    /// <summary>Int32: channels of the level.</summary>
    public const string Channels = "TimmChannels";

    /// <summary>Int32: input pixels per pixel of the level's map.</summary>
    public const string Reduction = "TimmReduction";
}
