using System.Text.Json;
using Backbones.Weights;
using Backbones.Weights.Hub;
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
        bool embeds = options.WeightStorage == WeightStorage.Embedded;
        long length = embeds ? SafetensorsWriter.LengthOf(needed) : 0;
        if (length > Array.MaxLength)
            throw new NotSupportedException($"The weights of '{model.Name}' take {length} bytes; at most {Array.MaxLength} can be inside a model. Use {nameof(WeightStorage)}.{nameof(WeightStorage.Referenced)}.");
        // Where the weights were on this machine is no business of those who get the model, unless they have to find them.
        FeaturizerOptions stored = embeds ? options with { WeightsPath = null } : options;
        writer.Write(Version);
        writer.Write(new StoredImageModel(StoredOptions.Of(stored), input, output, StoredTask.Of(task), HashOf(model)).ToJson());
        writer.Write(length);
        writer.Flush();
        if (!embeds)
            return;
        using var planes = new BytePlaneWriter(writer.BaseStream);
        SafetensorsWriter.Write(planes, needed);
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
        ParameterStore weights = ParameterStore.FromSafetensors(SafetensorsFile.Read(ReadWeights(reader.BaseStream, length), $"the saved model's weights of '{options.ModelName}'"));
        return weights.ContentHash == stored.WeightsHash ? (stored, options, task, weights) : throw new InvalidDataException($"its weights have content hash {weights.ContentHash}, not {stored.WeightsHash}.");
    }

    private static byte[] ReadWeights(Stream stream, long length)
    {
        if (length < 0 || length > Array.MaxLength)
            throw new InvalidDataException($"it says that its weights take {length} bytes.");
        // A wrong length must not take memory that the file has no bytes for.
        long left = stream.Length - stream.Position;
        if (left < length)
            throw new EndOfStreamException($"its weights are cut off, {left} of {length} bytes are there.");
        byte[] weights = GC.AllocateUninitializedArray<byte>((int)length);
        BytePlanes.Read(stream, weights);
        return weights;
    }

    private static ImageModelTransformer Referenced(StoredImageModel stored, FeaturizerOptions options, ImageTask task, FeaturizerHost host)
    {
        FeaturizerOptions located = options with { WeightsPath = Sound(() => ReferencedWeights.PathOf(options)) };
        try
        {
            var transformer = new ImageModelTransformer(host, located, stored.Input, stored.Output, ImageModelSource.Locate(task, located, host));
            using Lease<ImageModel> model = transformer.TakeModel();
            if (HashOf(model.Value) is var hash && hash != stored.WeightsHash)
            {
                transformer.Dispose();
                throw new InvalidDataException($"The model was saved with other weights of '{model.Value.Name}': those in {model.Value.Parameters.Source} have content hash {hash}, the model refers to {stored.WeightsHash}.");
            }
            return transformer;
        }
        catch (Exception e) when (e is FileNotFoundException or DownloadException)
        {
            throw new FileNotFoundException($"The model refers to weights of '{options.ModelName}' that are not on this machine (content hash {stored.WeightsHash}): {e.Message}{ReferencedWeights.WhyNot(options)}", e);
        }
        catch (Exception e) when (e is WeightsFormatException or ParameterMismatchException)
        {
            throw new InvalidDataException($"The model was saved with other weights of '{options.ModelName}' (content hash {stored.WeightsHash}): {e.Message}", e);
        }
    }

    private static string HashOf(ImageModel model)
    {
        using ParameterStore needed = ParameterStore.FromTensors(model.NeededWeights);
        return needed.ContentHash;
    }

    /// <summary>Whatever goes wrong with the content means that it is damaged: nothing else comes of it.</summary>
    private static T Sound<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e)
        {
            throw new FormatException($"This model of detection or segmentation is damaged: {e.Message}", e);
        }
    }
}
