using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using Backbones;
using Backbones.Engines;

namespace Microsoft.ML.TimmFeatures.Serialization;

/// <summary>
/// The description in a saved model, as versions 1 to 4 have it (the graph since 3, a key prefix and the test size since 4). It is a form of its own: public types and members may be renamed,
/// what is in here stays as it is, name by name. Unknown members are refused, and missing ones.
/// </summary>
internal sealed record StoredFeaturizer(
    [property: JsonPropertyName("Options")] StoredOptions Options,
    [property: JsonPropertyName("Columns")] ImmutableArray<StoredColumns> Columns,
    [property: JsonPropertyName("Selection")] StoredSelection? Selection,
    [property: JsonPropertyName("Config")] JsonElement Config,
    [property: JsonPropertyName("WeightsHash")] string WeightsHash,
    [property: JsonPropertyName("Graph"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] StoredGraph? Graph = null)
{
    private static readonly JsonSerializerOptions s_json = new()
    {
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    };

    public string ToJson() => JsonSerializer.Serialize(this, s_json);

    /// <exception cref="JsonException">It is not such a description.</exception>
    public static StoredFeaturizer FromJson(string json)
    {
        StoredFeaturizer? stored = JsonSerializer.Deserialize<StoredFeaturizer>(json, s_json);
        if (stored is not { Columns.IsDefaultOrEmpty: false, Config.ValueKind: JsonValueKind.Object } || stored.Columns.Any(c => c is not { Input.Length: > 0, Outputs.IsDefaultOrEmpty: false } || c.Outputs.Any(string.IsNullOrEmpty)))
            throw new JsonException("parts of its description are missing.");
        if (stored.Selection is null == stored.Graph is null)
            throw new JsonException("its description has to have either a selection or a graph.");
        return stored;
    }
}

/// <summary>Columns of one input.</summary>
internal sealed record StoredColumns(
    [property: JsonPropertyName("Input")] string Input,
    [property: JsonPropertyName("Outputs")] ImmutableArray<string> Outputs)
{
    public static StoredColumns Of(ColumnMapping mapping) => new(mapping.Input, mapping.Outputs);

    public ColumnMapping ToMapping() => new(Input, Outputs);
}

/// <summary>The settings that are saved.</summary>
internal sealed record StoredOptions(
    [property: JsonPropertyName("ModelName")] string ModelName,
    [property: JsonPropertyName("WeightsPath")] string? WeightsPath,
    [property: JsonPropertyName("RandomWeights")] bool RandomWeights,
    [property: JsonPropertyName("ImageSize")] int? ImageSize,
    [property: JsonPropertyName("BatchSize")] int BatchSize,
    [property: JsonPropertyName("Threads")] int Threads,
    [property: JsonPropertyName("Device")] string Device,
    [property: JsonPropertyName("Precision")] string Precision,
    [property: JsonPropertyName("OnImageError")] string OnImageError,
    [property: JsonPropertyName("ImageFolder")] string? ImageFolder,
    [property: JsonPropertyName("ApplyExifOrientation")] bool ApplyExifOrientation,
    [property: JsonPropertyName("WeightStorage")] string WeightStorage,
    [property: JsonPropertyName("KeyPrefix"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] string? KeyPrefix = null,
    [property: JsonPropertyName("UseTestSize"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool UseTestSize = false)
{
    /// <summary>Whether it has what no version before 4 has.</summary>
    [JsonIgnore]
    public bool NeedsVersion4 => KeyPrefix is not null || UseTestSize;

    private static readonly StoredNames<Precision> s_precisions = new("Precision",
        (Backbones.Engines.Precision.Auto, "Auto"), (Backbones.Engines.Precision.Float32, "Float32"), (Backbones.Engines.Precision.BFloat16, "BFloat16"), (Backbones.Engines.Precision.Float16, "Float16"),
        (Backbones.Engines.Precision.Float16Weights, "Float16Weights"));

    private static readonly StoredNames<ImageErrorMode> s_errorModes = new("OnImageError", (ImageErrorMode.Throw, "Throw"), (ImageErrorMode.Missing, "Missing"));

    private static readonly StoredNames<WeightStorage> s_storages = new("WeightStorage", (TimmFeatures.WeightStorage.Embedded, "Embedded"), (TimmFeatures.WeightStorage.Referenced, "Referenced"));

    public static StoredOptions Of(FeaturizerOptions options) => new(options.ModelName, options.WeightsPath, options.RandomWeights, options.ImageSize, options.BatchSize, options.Threads,
        options.Device, s_precisions.Of(options.Precision), s_errorModes.Of(options.OnImageError), options.ImageFolder, options.ApplyExifOrientation, s_storages.Of(options.WeightStorage),
        options.KeyPrefix, options.UseTestSize);

    /// <exception cref="JsonException">A name of a value is not one that was ever stored.</exception>
    public FeaturizerOptions ToOptions() => new()
    {
        ModelName = ModelName,
        WeightsPath = WeightsPath,
        RandomWeights = RandomWeights,
        ImageSize = ImageSize,
        BatchSize = BatchSize,
        // Earlier versions took more.
        Threads = Math.Min(Threads, FeaturizerOptions.MaxThreads),
        Device = Device,
        Precision = s_precisions.Parse(Precision),
        OnImageError = s_errorModes.Parse(OnImageError),
        ImageFolder = ImageFolder,
        ApplyExifOrientation = ApplyExifOrientation,
        WeightStorage = s_storages.Parse(WeightStorage),
        KeyPrefix = KeyPrefix,
        UseTestSize = UseTestSize,
    };
}

/// <summary>Which features, by the name of timm's mechanism.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind", UnknownDerivedTypeHandling = JsonUnknownDerivedTypeHandling.FailSerialization)]
[JsonDerivedType(typeof(StoredSelection.Unpooled), "unpooled")]
[JsonDerivedType(typeof(StoredSelection.Pooled), "pooled")]
[JsonDerivedType(typeof(StoredSelection.Logits), "logits")]
[JsonDerivedType(typeof(StoredSelection.Pyramid), "pyramid")]
[JsonDerivedType(typeof(StoredSelection.Intermediates), "intermediates")]
[JsonDerivedType(typeof(StoredSelection.Nodes), "nodes")]
internal abstract record StoredSelection
{
    public static StoredSelection Of(FeatureSelection selection) => selection switch
    {
        UnpooledSelection => new Unpooled(),
        LogitsSelection => new Logits(),
        PooledSelection pooled => new Pooled(pooled.Pool),
        PyramidSelection pyramid => new Pyramid(pyramid.OutIndices, pyramid.OutputStride),
        IntermediatesSelection i => new Intermediates(i.Indices, i.Norm, i.ReturnPrefixTokens, Intermediates.Formats.Of(i.OutputFormat), i.StopEarly, i.IntermediatesOnly),
        NodesSelection nodes => new Nodes([.. nodes.Choices.Select(c => new Choice(c.Node, c.Output))]),
        _ => throw new NotSupportedException($"{selection} cannot be saved."),
    };

    /// <exception cref="JsonException">A part is missing.</exception>
    public abstract FeatureSelection ToSelection();

    internal sealed record Unpooled : StoredSelection
    {
        public override FeatureSelection ToSelection() => FeatureSelection.Unpooled;
    }

    internal sealed record Logits : StoredSelection
    {
        public override FeatureSelection ToSelection() => FeatureSelection.Logits;
    }

    internal sealed record Pooled([property: JsonPropertyName("Pool")] string? Pool) : StoredSelection
    {
        public override FeatureSelection ToSelection() => new PooledSelection(Pool);
    }

    internal sealed record Pyramid(
        [property: JsonPropertyName("OutIndices")] ImmutableArray<int>? OutIndices,
        [property: JsonPropertyName("OutputStride")] int OutputStride) : StoredSelection
    {
        public override FeatureSelection ToSelection() => new PyramidSelection(OutIndices, OutputStride);
    }

    internal sealed record Intermediates(
        [property: JsonPropertyName("Indices")] ImmutableArray<int>? Indices,
        [property: JsonPropertyName("Norm")] bool Norm,
        [property: JsonPropertyName("ReturnPrefixTokens")] bool ReturnPrefixTokens,
        [property: JsonPropertyName("OutputFormat")] string OutputFormat,
        [property: JsonPropertyName("StopEarly")] bool StopEarly,
        [property: JsonPropertyName("IntermediatesOnly")] bool IntermediatesOnly) : StoredSelection
    {
        public static readonly StoredNames<FeatureFormat> Formats = new("OutputFormat", (FeatureFormat.Nchw, "Nchw"), (FeatureFormat.Nlc, "Nlc"), (FeatureFormat.Nhwc, "Nhwc"));

        public override FeatureSelection ToSelection() => new IntermediatesSelection(Indices, Norm, ReturnPrefixTokens, Formats.Parse(OutputFormat), StopEarly, IntermediatesOnly);
    }

    internal sealed record Nodes([property: JsonPropertyName("Choices")] ImmutableArray<Choice> Choices) : StoredSelection
    {
        public override FeatureSelection ToSelection() => Choices.IsDefaultOrEmpty || Choices.Any(c => c is null) ? throw new JsonException("no nodes are chosen.")
            : FeatureSelection.Nodes(Choices.Select(c => (c.Node, c.Output)));
    }

    internal sealed record Choice([property: JsonPropertyName("Node")] string Node, [property: JsonPropertyName("Output")] string Output);
}

/// <summary>The names under which an enumeration's values are stored.</summary>
internal sealed class StoredNames<T>(string member, params (T Value, string Name)[] names) where T : struct, Enum
{
    public string Of(T value) => names.First(n => n.Value.Equals(value)).Name;

    /// <exception cref="JsonException">The name is none of them.</exception>
    public T Parse(string name) => names.Where(n => n.Name == name).Select(n => (T?)n.Value).FirstOrDefault()
        ?? throw new JsonException($"{member} is '{name}'; it must be {string.Join(", ", names.Select(n => $"'{n.Name}'"))}.");
}
