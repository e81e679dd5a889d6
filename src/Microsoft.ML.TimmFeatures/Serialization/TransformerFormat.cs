using System.Collections.Immutable;
using System.Text.Json;
using Backbones;
using Backbones.Registry;
using Backbones.Weights;
using Microsoft.ML.TimmFeatures.Sessions;

namespace Microsoft.ML.TimmFeatures.Serialization;

/// <summary>
/// How a featurizer is stored in a model: version (Int32), a JSON description (length-prefixed string), the length of the weights
/// (Int64; 0 for referenced ones) and the weights as safetensors, only those that the features need.
/// </summary>
internal static class TransformerFormat
{
    /// <summary>Eight characters, as ML.NET's model headers want them.</summary>
    public const string FormatName = "TIMMFEAT";

    /// <summary>Raised when the content changes; older versions stay readable.</summary>
    private const int Version = 1;

    private sealed record Description(FeaturizerOptions Options, ImmutableArray<ColumnMapping> Columns, FeatureSelection Selection, JsonElement Config, string WeightsHash);

    public static void Write(BinaryWriter writer, FeaturizerOptions options, ImmutableArray<ColumnMapping> mappings, FeaturizerSession session)
    {
        ParameterTensor[] needed = [.. session.Selected.Graph.Parameters.Where(p => session.Backbone.Parameters.TryGet(p.Name, out _)).Select(p => session.Backbone.Parameters[p.Name])];
        using ParameterStore pruned = ParameterStore.FromTensors(needed, session.Backbone.Parameters.Source);
        var description = new Description(options, mappings, session.Selection, PretrainedConfigWriter.ToJson(session.Backbone.Config), pruned.ContentHash);
        writer.Write(Version);
        writer.Write(JsonSerializer.Serialize(description));
        if (options.WeightStorage == WeightStorage.Referenced)
        {
            writer.Write(0L);
            return;
        }
        using var weights = new MemoryStream();
        SafetensorsWriter.Write(weights, needed);
        writer.Write(weights.Length);
        writer.Write(weights.GetBuffer().AsSpan(0, checked((int)weights.Length)));
    }

    /// <exception cref="FormatException">The content is not a featurizer's, or of a later version.</exception>
    /// <exception cref="FileNotFoundException">Referenced weights are not on this machine.</exception>
    public static (FeaturizerOptions Options, ImmutableArray<ColumnMapping> Columns, FeaturizerSession Session) Read(BinaryReader reader)
    {
        int version = reader.ReadInt32();
        if (version is < 1 or > Version)
            throw new FormatException($"This model's featurizer has format version {version}; this version of TimmFeatures reads 1 to {Version}. Update Microsoft.ML.TimmFeatures.");
        Description description = JsonSerializer.Deserialize<Description>(reader.ReadString())
            ?? throw new FormatException("This model's featurizer has no description.");
        PretrainedConfig config = PretrainedConfigWriter.FromJson(description.Config);
        long length = reader.ReadInt64();
        FeaturizerOptions options = description.Options;
        if (length == 0)
            return (options, description.Columns, Referenced(description, config));

        byte[] bytes = reader.ReadBytes(checked((int)length));
        if (bytes.Length != length)
            throw new FormatException($"This model's weights are cut off: {bytes.Length} of {length} bytes are there.");
        FeaturizerSession session = SessionCache.Get(options, description.Selection, description.WeightsHash,
            () => Backbone.FromParameters(config, ParameterStore.FromSafetensors(SafetensorsFile.Read(bytes, $"the saved model's weights of '{config.Name}'")), options.ToBackboneOptions(), ownsParameters: true));
        return (options, description.Columns, session);
    }

    private static FeaturizerSession Referenced(Description description, PretrainedConfig config)
    {
        FeaturizerSession session = SessionCache.Get(description.Options, description.Selection);
        using ParameterStore needed = ParameterStore.FromTensors(session.Selected.Graph.Parameters.Where(p => session.Backbone.Parameters.TryGet(p.Name, out _)).Select(p => session.Backbone.Parameters[p.Name]));
        if (needed.ContentHash == description.WeightsHash)
            return session;
        string source = session.Backbone.Parameters.Source;
        session.Dispose();
        throw new InvalidDataException($"The model was saved with other weights of '{config.Name}': {source} has content hash {needed.ContentHash}, the model refers to {description.WeightsHash}.");
    }
}
