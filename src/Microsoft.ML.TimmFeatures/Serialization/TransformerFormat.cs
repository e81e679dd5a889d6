using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using Backbones;
using Backbones.Registry;
using Backbones.Weights;
using Backbones.Weights.Hub;
using Microsoft.ML.TimmFeatures.Sessions;

namespace Microsoft.ML.TimmFeatures.Serialization;

/// <summary>
/// How a featurizer is stored in a model: version (Int32), a JSON description (length-prefixed string), the length of the weights
/// (Int64; 0 for referenced ones) and the weights as safetensors, only those that the features need. Version 1 has the safetensors file as it is,
/// version 2 in <see cref="BytePlanes"/>.
/// </summary>
/// <remarks>Numbers and names in here stay as they are: models that were saved have to load for ever. New settings may join the
/// description as long as their default means what was before; anything else takes a new version.</remarks>
internal static class TransformerFormat
{
    /// <summary>Eight characters, as ML.NET's model headers want them.</summary>
    public const string FormatName = "TIMMFEAT";

    /// <summary>Raised when the content changes; older versions stay readable.</summary>
    private const int Version = 2;

    private static readonly JsonSerializerOptions s_json = new()
    {
        Converters = { new JsonStringEnumConverter() },
        RespectNullableAnnotations = true,
    };

    private sealed record Description(FeaturizerOptions Options, ImmutableArray<ColumnMapping> Columns, FeatureSelection Selection, JsonElement Config, string WeightsHash);

    /// <exception cref="NotSupportedException">The weights are too large to be embedded.</exception>
    public static void Write(BinaryWriter writer, FeaturizerOptions options, ImmutableArray<ColumnMapping> mappings, FeaturizerSession session)
    {
        ParameterTensor[] needed = [.. session.NeededWeights];
        using ParameterStore pruned = ParameterStore.FromTensors(needed, session.Backbone.Parameters.Source);
        bool embeds = options.WeightStorage == WeightStorage.Embedded;
        long length = embeds ? SafetensorsWriter.LengthOf(needed) : 0;
        if (length > Array.MaxLength)
            throw new NotSupportedException($"The weights of '{session.Backbone.Name}' take {length} bytes; at most {Array.MaxLength} can be inside a model. Use {nameof(WeightStorage)}.{nameof(WeightStorage.Referenced)}.");

        // Where the weights were on this machine is no business of those who get the model, unless they have to find them.
        FeaturizerOptions stored = embeds ? options with { WeightsPath = null } : options;
        var description = new Description(stored, mappings, session.Selection, PretrainedConfigWriter.ToJson(session.Backbone.Config), pruned.ContentHash);
        writer.Write(Version);
        writer.Write(JsonSerializer.Serialize(description, s_json));
        writer.Write(length);
        writer.Flush();
        if (!embeds)
            return;
        using var planes = new BytePlaneWriter(writer.BaseStream);
        SafetensorsWriter.Write(planes, needed);
    }

    /// <exception cref="FormatException">The content is not a featurizer's, is damaged, or is of a later version.</exception>
    /// <exception cref="FileNotFoundException">Referenced weights are not on this machine.</exception>
    /// <exception cref="InvalidDataException">Referenced weights are others than the model was saved with.</exception>
    public static (FeaturizerOptions Options, ImmutableArray<ColumnMapping> Columns, Lease<FeaturizerSession> Session) Read(BinaryReader reader, FeaturizerHost host)
    {
        try
        {
            int version = reader.ReadInt32();
            if (version is < 1 or > Version)
                throw new FormatException($"This model's featurizer has format version {version}; this version of TimmFeatures reads 1 to {Version}. Update Microsoft.ML.TimmFeatures.");
            string text = reader.ReadString();
            long length = reader.ReadInt64();
            // The first prediction waits for all this: the description is taken apart, and its graph built, while the weights are read.
            Task<Description> parsing = Task.Run(() => ReadDescription(text));
            byte[] weights = ReadWeights(reader.BaseStream, version, length);
            Description description = parsing.GetAwaiter().GetResult();
            return (description.Options, description.Columns, length == 0 ? Referenced(description, host) : Embedded(description, weights, host));
        }
        catch (Exception e) when (e is EndOfStreamException or JsonException or WeightsFormatException or ParameterMismatchException)
        {
            throw new FormatException($"This model's featurizer is damaged: {e.Message}", e);
        }
    }

    private static Description ReadDescription(string text)
    {
        Description? description = JsonSerializer.Deserialize<Description>(text, s_json);
        if (description is not { Options: not null, Selection: not null, WeightsHash: not null, Columns.IsDefaultOrEmpty: false, Config.ValueKind: JsonValueKind.Object }
            || description.Columns.Any(c => c is not { Input.Length: > 0, Outputs.IsDefaultOrEmpty: false }))
            throw new JsonException("parts of its description are missing.");
        description.Options.Check();
        int outputs = Backbone.Describe(PretrainedConfigWriter.FromJson(description.Config), description.Selection, description.Options.ToBackboneOptions()).Length;
        if (description.Columns.Any(c => c.Outputs.Length != outputs))
            throw new JsonException($"the features are {outputs}, the columns {string.Join(" and ", description.Columns.Select(c => c.Outputs.Length))}.");
        return description;
    }

    private static byte[] ReadWeights(Stream stream, int version, long length)
    {
        if (length < 0 || length > Array.MaxLength)
            throw new FormatException($"This model's featurizer is damaged: it says that its weights take {length} bytes.");
        // A wrong length must not take memory that the file has no bytes for.
        long left = stream.Length - stream.Position;
        if (left < length)
            throw new EndOfStreamException($"its weights are cut off, {left} of {length} bytes are there.");
        byte[] weights = GC.AllocateUninitializedArray<byte>((int)length);
        if (version == 1)
            stream.ReadExactly(weights);
        else
            BytePlanes.Read(stream, weights);
        return weights;
    }

    private static Lease<FeaturizerSession> Embedded(Description description, byte[] weights, FeaturizerHost host)
    {
        PretrainedConfig config = PretrainedConfigWriter.FromJson(description.Config);
        ParameterStore store = ParameterStore.FromSafetensors(SafetensorsFile.Read(weights, $"the saved model's weights of '{config.Name}'"));
        if (store.ContentHash != description.WeightsHash)
            throw new FormatException($"This model's featurizer is damaged: its weights have content hash {store.ContentHash}, not {description.WeightsHash}.");
        Lease<FeaturizerSession> session = SessionCache.Get(description.Options, description.Selection, host, config, description.WeightsHash,
            () => Backbone.FromParameters(config, store, description.Options.ToBackboneOptions(), ownsParameters: true));
        return Checked(session, s => s.Backbone.Parameters.EnsureMatches(s.Selected.Graph.Parameters, checkFinite: false));
    }

    private static Lease<FeaturizerSession> Referenced(Description description, FeaturizerHost host)
    {
        // The path is the saving machine's: on another one the name has to do.
        string? path = description.Options.WeightsPath;
        FeaturizerOptions options = File.Exists(path) || Directory.Exists(path) ? description.Options : description.Options with { WeightsPath = null };
        return Checked(Find(), s =>
        {
            using ParameterStore needed = ParameterStore.FromTensors(s.NeededWeights);
            if (needed.ContentHash != description.WeightsHash)
                throw new InvalidDataException($"The model was saved with other weights of '{s.Backbone.Name}': those in {s.Backbone.Parameters.Source} have content hash {needed.ContentHash}, the model refers to {description.WeightsHash}.");
        });

        Lease<FeaturizerSession> Find()
        {
            try
            {
                return SessionCache.Get(options, description.Selection, host);
            }
            catch (Exception e) when (e is FileNotFoundException or UnknownModelException or DownloadException)
            {
                throw new FileNotFoundException($"The model refers to weights of '{options.ModelName}' that are not on this machine (content hash {description.WeightsHash}): {e.Message}", e);
            }
        }
    }

    private static Lease<FeaturizerSession> Checked(Lease<FeaturizerSession> session, Action<FeaturizerSession> check)
    {
        try
        {
            check(session.Value);
            return session;
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }
}
