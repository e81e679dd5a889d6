using System.Text.Json;
using Backbones.Weights;
using Microsoft.ML.TimmFeatures.Detection.Models;
using Microsoft.ML.TimmFeatures.Serialization;
using Microsoft.ML.TimmFeatures.Sessions;

namespace Microsoft.ML.TimmFeatures.Detection.Serialization;

/// <summary>
/// How a model of detection or segmentation is stored: version (Int32), a JSON description (length-prefixed string, see <see cref="StoredImageModel"/>), the length of the weights (Int64; 0 for
/// referenced ones) and the weights as safetensors in <see cref="BytePlanes"/>, only those that results need.
/// </summary>
/// <remarks>Models that were saved have to load for ever: what a version means stays as it is.</remarks>
internal static class ImageModelFormat
{
    /// <summary>Eight characters, as ML.NET's model headers want them.</summary>
    public const string FormatName = "TIMMIMGM";

    private const int Version = 1;

    /// <exception cref="NotSupportedException">The weights are too large to be embedded.</exception>
    public static void Write(BinaryWriter writer, FeaturizerOptions options, string input, string output, ImageTask task, ImageModel model)
    {
        ParameterTensor[] needed = [.. model.NeededWeights];
        using ParameterStore pruned = ParameterStore.FromTensors(needed);
        long length = StoredWeights.LengthOf(options, needed, model.Name);
        // Where the weights were on this machine is no business of those who get the model, unless they have to find them.
        FeaturizerOptions stored = options.WeightStorage == WeightStorage.Embedded ? options with { WeightsPath = null } : options;
        writer.Write(Version);
        writer.Write(new StoredImageModel(StoredOptions.Of(stored), input, output, StoredTask.Of(task), pruned.ContentHash).ToJson());
        StoredWeights.Write(writer, length, needed);
    }

    /// <exception cref="FormatException">The content is not such a model's, is damaged, or is of a later version.</exception>
    /// <exception cref="FileNotFoundException">Referenced weights are not on this machine.</exception>
    /// <exception cref="InvalidDataException">Referenced weights are others than the model was saved with.</exception>
    /// <exception cref="NotSupportedException">The device or number format is not there.</exception>
    public static ImageModelTransformer Read(BinaryReader reader, FeaturizerHost host)
    {
        int version = Sound(reader.ReadInt32);
        if (version > Version)
            throw new FormatException($"This model of detection or segmentation has format version {version}; this version of TimmFeatures.Detection reads {Version}. Update the package.");
        (StoredImageModel stored, FeaturizerOptions options, ImageTask task, ParameterStore? weights) = Sound(() => ReadContent(reader, version));
        host.EngineFor(options, warn: null);
        return weights is not null ? Sound(() => new ImageModelTransformer(host, options, stored.Input, stored.Output, ImageModelSource.Embedded(task, weights))) : Referenced(stored, options, task, host);
    }

    private static (StoredImageModel Stored, FeaturizerOptions Options, ImageTask Task, ParameterStore? Weights) ReadContent(BinaryReader reader, int version)
    {
        if (version < Version)
            throw new InvalidDataException($"its format version is {version}.");
        StoredImageModel stored = StoredImageModel.FromJson(reader.ReadString());
        FeaturizerOptions options = stored.Options.ToOptions();
        ImageModelEstimator.Check(options);
        ImageTask task = stored.Task.ToTask();
        task.Promise(options);
        long length = reader.ReadInt64();
        if (length == 0 != (options.WeightStorage == WeightStorage.Referenced))
            throw new JsonException($"it has {length} bytes of weights, and says that they are {options.WeightStorage}.");
        if (length == 0)
            return (stored, options, task, null);
        return (stored, options, task, StoredWeights.Open(StoredWeights.Read(reader.BaseStream, length), options.ModelName, stored.WeightsHash));
    }

    private static ImageModelTransformer Referenced(StoredImageModel stored, FeaturizerOptions options, ImageTask task, FeaturizerHost host)
    {
        FeaturizerOptions located = options with { WeightsPath = Sound(() => ReferencedWeights.PathOf(options)) };
        return ReferencedWeights.Open(options, stored.WeightsHash, () =>
        {
            var transformer = new ImageModelTransformer(host, located, stored.Input, stored.Output, ImageModelSource.Locate(task, located, host));
            try
            {
                using Lease<ImageModel> model = transformer.TakeModel();
                using ParameterStore needed = ParameterStore.FromTensors(model.Value.NeededWeights);
                ReferencedWeights.Check(needed, stored.WeightsHash, model.Value.Name, model.Value.Parameters.Source);
                return transformer;
            }
            catch
            {
                transformer.Dispose();
                throw;
            }
        });
    }

    private static T Sound<T>(Func<T> read) => SavedModel.Sound("model of detection or segmentation", read);
}
