using Backbones.Engines;
using Backbones.Weights;
using Microsoft.ML.TimmFeatures.Sessions;

namespace Microsoft.ML.TimmFeatures.Detection.Models;

/// <summary>Which model is opened, and how it is had again after everybody gave it back. Transformers of the same model with the same settings share it.</summary>
/// <param name="Task">What is to be found.</param>
/// <param name="Weights">Identifies the weights by value.</param>
/// <param name="OpenWeights">Gives them, always the same; null for random ones.</param>
internal sealed record ImageModelSource(ImageTask Task, string Weights, Func<ParameterStore?> OpenWeights)
{
    private static readonly SharedCache<Key, ImageModel> s_models = new();

    private sealed record Key(ImageTask Task, string Name, string Weights, int? ImageSize, string Device, Precision Precision, int Threads);

    /// <summary>Weights that are looked up as the options say, and downloaded if need be, or random ones.</summary>
    /// <exception cref="Backbones.Weights.Hub.DownloadException">They are not on this machine and cannot be downloaded.</exception>
    /// <exception cref="FileNotFoundException">No weights were found; the message says where they were looked for.</exception>
    public static ImageModelSource Locate(ImageTask task, FeaturizerOptions options, FeaturizerHost host)
    {
        (task, string? found) = task.Locate(options, host);
        if (found is not { } path)
            return new(task, "random", () => null);
        string file = FeaturizerModel.Identity(path);
        return new(task, file, () => FeaturizerModel.Identity(path) == file ? ParameterStore.Open(path)
            : throw new InvalidDataException($"The weights in '{path}' were changed since the transform with '{options.ModelName}' was made. Fit or load it again."));
    }

    /// <summary>Weights that were inside a saved model. They are kept: there is nowhere to read them from again.</summary>
    public static ImageModelSource Embedded(ImageTask task, ParameterStore weights) => new(task, weights.ContentHash, () => ParameterStore.FromTensors(weights.Tensors, weights.Source));

    /// <summary>A share of the model on the device that options and context ask for.</summary>
    /// <exception cref="NotSupportedException">The device or number format is not there.</exception>
    /// <exception cref="WeightsFormatException">The weights file is malformed.</exception>
    /// <exception cref="ParameterMismatchException">The weights are another model's, or hold NaN.</exception>
    public Lease<ImageModel> Open(FeaturizerOptions options, FeaturizerHost host)
    {
        DeviceEngine engine = host.EngineFor(options, host.Warn);
        return s_models.Get(new Key(Task, Task.FullName(options), Weights, options.ImageSize, engine.Device, engine.Precision, options.Threads), () =>
        {
            ParameterStore? weights = OpenWeights();
            try
            {
                return Task.Open(options, weights, engine);
            }
            catch
            {
                weights?.Dispose();
                throw;
            }
        });
    }
}
