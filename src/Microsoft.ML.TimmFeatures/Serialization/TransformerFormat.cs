using System.Collections.Immutable;
using System.Text.Json;
using Backbones;
using Backbones.Graphs;
using Backbones.Registry;
using Backbones.Weights;
using Microsoft.ML.TimmFeatures.Sessions;

namespace Microsoft.ML.TimmFeatures.Serialization;

/// <summary>
/// How a featurizer is stored in a model: version (Int32), a JSON description (length-prefixed string, see <see cref="StoredFeaturizer"/>), the length of the weights
/// (Int64; 0 for referenced ones) and the weights as safetensors, only those that the features need. Version 1 has the safetensors file as it is,
/// version 2 in <see cref="BytePlanes"/>, version 3 has a graph in place of a selection's name, version 4 has either, and options that were not there before.
/// </summary>
/// <remarks>Models that were saved have to load for ever: what a version means stays as it is, and a model is saved as the earliest version that can express it.</remarks>
internal static class TransformerFormat
{
    /// <summary>Eight characters, as ML.NET's model headers want them.</summary>
    public const string FormatName = "TIMMFEAT";

    private const int PlainWeights = 1, WithSelection = 2, WithGraph = 3, WithMoreOptions = 4;

    /// <exception cref="NotSupportedException">The weights are too large to be embedded.</exception>
    public static void Write(BinaryWriter writer, FeaturizerOptions options, ImmutableArray<ColumnMapping> mappings, FeatureSelection? selection, FeaturizerSession session)
    {
        ParameterTensor[] needed = [.. session.NeededWeights];
        using ParameterStore pruned = ParameterStore.FromTensors(needed, session.Backbone.Parameters.Source);
        long length = StoredWeights.LengthOf(options, needed, session.Backbone.Name);

        // Where the weights were on this machine is no business of those who get the model, unless they have to find them.
        FeaturizerOptions stored = options.WeightStorage == WeightStorage.Embedded ? options with { WeightsPath = null, KeyPrefix = null } : options;
        var description = new StoredFeaturizer(StoredOptions.Of(stored), [.. mappings.Select(StoredColumns.Of)], selection is null ? null : StoredSelection.Of(selection),
            PretrainedConfigWriter.ToJson(session.Backbone.Config), pruned.ContentHash, selection is null ? StoredGraph.Of(session.Selected) : null);
        writer.Write(description.Options.NeedsVersion4 ? WithMoreOptions : selection is null ? WithGraph : WithSelection);
        writer.Write(description.ToJson());
        StoredWeights.Write(writer, length, needed);
    }

    /// <exception cref="FormatException">The content is not a featurizer's, is damaged, or is of a later version.</exception>
    /// <exception cref="FileNotFoundException">Referenced weights are not on this machine.</exception>
    /// <exception cref="InvalidDataException">Referenced weights are others than the model was saved with.</exception>
    /// <exception cref="NotSupportedException">The device or number format is not there.</exception>
    public static FeaturizerTransformer Read(BinaryReader reader, FeaturizerHost host)
    {
        int version = Sound(reader.ReadInt32);
        if (version > WithMoreOptions)
            throw new FormatException($"This model's featurizer has format version {version}; this version of TimmFeatures reads {PlainWeights} to {WithMoreOptions}. Update the package.");
        Content content = Sound(() => ReadContent(reader, version));
        host.EngineFor(content.Options, warn: null);
        return content.Weights is { } weights ? Sound(() => Embedded(content, weights, host)) : Referenced(content, host);
    }

    /// <summary>What is stored, understood and checked as far as it can be without weights.</summary>
    private sealed record Content(StoredFeaturizer Stored, FeaturizerOptions Options, FeatureSelection? Selection, PretrainedConfig Config)
    {
        public byte[]? Weights { get; init; }

        /// <summary>The graph of the selection: kept, so that the session finds it built.</summary>
        public SelectedFeatures? Outline { get; init; }

        public ImmutableArray<ColumnMapping> Columns => [.. Stored.Columns.Select(c => c.ToMapping())];

        public void CheckColumns(int outputs)
        {
            if (Stored.Columns.Any(c => c.Outputs.Length != outputs))
                throw new JsonException($"the features are {outputs}, the columns {string.Join(" and ", Stored.Columns.Select(c => $"{c.Outputs.Length}"))}.");
        }
    }

    private static T Sound<T>(Func<T> read) => SavedModel.Sound("model's featurizer", read);

    private static Content ReadContent(BinaryReader reader, int version)
    {
        if (version < PlainWeights)
            throw new InvalidDataException($"its format version is {version}.");
        string text = reader.ReadString();
        long length = reader.ReadInt64();
        // The first prediction waits for all this: the description is taken apart, and its graph built, while the weights are read.
        Task<Content> parsing = Task.Run(() => ReadDescription(text, version));
        byte[]? weights = length == 0 ? null : StoredWeights.Read(reader.BaseStream, length, inPlanes: version != PlainWeights);
        Content content = parsing.GetAwaiter().GetResult();
        if (weights is null != (content.Options.WeightStorage == WeightStorage.Referenced))
            throw new JsonException($"it has {length} bytes of weights, and says that they are {content.Options.WeightStorage}.");
        return content with { Weights = weights };
    }

    private static Content ReadDescription(string text, int version)
    {
        StoredFeaturizer stored = StoredFeaturizer.FromJson(text);
        if (version < WithMoreOptions && stored.Options.NeedsVersion4)
            throw new JsonException($"version {version} has no {nameof(StoredOptions.KeyPrefix)} and no {nameof(StoredOptions.UseTestSize)}.");
        if (version < WithMoreOptions && stored.Graph is not null != (version == WithGraph))
            throw new JsonException($"version {version} has {(version == WithGraph ? "a graph" : "a selection")}.");
        var content = new Content(stored, stored.Options.ToOptions(), stored.Selection?.ToSelection(), PretrainedConfigWriter.FromJson(stored.Config));
        content.Options.Check();
        if (content.Selection is not { } selection)
            return content;
        SelectedFeatures outline = Backbone.Outline(content.Config, selection, content.Options.ToBackboneOptions());
        content.CheckColumns(outline.Outputs.Length);
        return content with { Outline = outline };
    }

    private static FeaturizerTransformer Embedded(Content content, byte[] weights, FeaturizerHost host)
    {
        ParameterStore store = StoredWeights.Open(weights, content.Config.Name, content.Stored.WeightsHash);
        FeaturizerModel model;
        if (content.Stored.Graph is { } graph)
        {
            (SelectedFeatures features, Backbone backbone) = WithGraphOf(content, graph, store);
            model = FeaturizerModel.Of(backbone, features);
        }
        else
        {
            model = FeaturizerModel.Embedded(content.Config, content.Stored.WeightsHash, content.Options, content.Selection!,
                () => Backbone.FromParameters(content.Config, store, content.Options.ToBackboneOptions(), ownsParameters: true));
        }
        return Checked(content, model, host, s => s.Backbone.Parameters.EnsureMatches(s.Selected.Graph.Parameters, checkFinite: false));
    }

    private static (SelectedFeatures Features, Backbone Backbone) WithGraphOf(Content content, StoredGraph stored, ParameterStore store)
    {
        int[] input = [.. stored.InputShape.Dimensions];
        if (input is not [int channels, int height, int width])
            throw new JsonException($"its graph's input is {stored.InputShape}, not an image [C, H, W].");
        Backbone backbone = Backbone.FromParameters(content.Config, store, new BackboneOptions { InChannels = channels, ImageSize = new Size2(height, width) }, ownsParameters: true);
        SelectedFeatures features = stored.ToFeatures(backbone.Select(FeatureSelection.Unpooled).Backbone);
        content.CheckColumns(features.Outputs.Length);
        return (features, backbone);
    }

    private static FeaturizerTransformer Referenced(Content content, FeaturizerHost host)
    {
        if (content.Selection is not { } selection)
            throw new FormatException("This model's featurizer is damaged: a graph without weights.");
        FeaturizerOptions options = content.Options with { WeightsPath = Sound(() => ReferencedWeights.PathOf(content.Options)) };
        // The config is the one that was saved, whatever there is beside the weights now.
        FeaturizerOptions located = options with { ConfigOverlay = _ => content.Config };
        return ReferencedWeights.Open(content.Options, content.Stored.WeightsHash, () => Checked(content with { Options = options }, FeaturizerModel.Locate(located, selection, host), host, s =>
        {
            using ParameterStore needed = ParameterStore.FromTensors(s.NeededWeights);
            ReferencedWeights.Check(needed, content.Stored.WeightsHash, s.Backbone.Name, s.Backbone.Parameters.Source);
        }));
    }

    private static FeaturizerTransformer Checked(Content content, FeaturizerModel model, FeaturizerHost host, Action<FeaturizerSession> check)
    {
        var transformer = new FeaturizerTransformer(host, content.Options, content.Columns, model);
        try
        {
            using Lease<FeaturizerSession> session = transformer.TakeSession();
            check(session.Value);
            return transformer;
        }
        catch
        {
            transformer.Dispose();
            throw;
        }
    }
}
