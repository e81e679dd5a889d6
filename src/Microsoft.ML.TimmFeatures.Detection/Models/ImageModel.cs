using System.Collections.Immutable;
using Backbones;
using Backbones.Weights;

namespace Microsoft.ML.TimmFeatures.Detection.Models;

/// <summary>An opened model of detection or segmentation, as the transformer sees it. Thread safe.</summary>
internal abstract class ImageModel : IDisposable
{
    /// <summary>torchvision's name with its tag.</summary>
    public abstract string Name { get; }

    /// <summary>The weights, under torchvision's keys.</summary>
    public abstract ParameterStore Parameters { get; }

    /// <summary>Those of the weights that results need: what a saved model has.</summary>
    public abstract IEnumerable<ParameterTensor> NeededWeights { get; }

    /// <summary>The columns of its results.</summary>
    public abstract ImmutableArray<ResultColumn> Columns { get; }

    /// <summary>Pictures to take together where it is not said.</summary>
    public abstract int DefaultBatchSize { get; }

    /// <summary>What there is in pictures.</summary>
    /// <param name="pictures">The pictures.</param>
    /// <param name="active">Which columns are wanted.</param>
    /// <param name="cancellation">Stops between operators.</param>
    /// <exception cref="ArgumentException">The model does not take one of the pictures.</exception>
    /// <returns>A result for each picture, for the getters.</returns>
    public abstract IReadOnlyList<object> Run(IReadOnlyList<ImagePixels> pictures, bool[] active, CancellationToken cancellation);

    /// <summary>A getter of a column's type.</summary>
    /// <param name="column">Which column.</param>
    /// <param name="current">The row's result; null for a row without an image, whose vectors are empty.</param>
    public abstract Delegate GetterOf(int column, Func<object?> current);

    /// <summary>Gives back plans and weights.</summary>
    public abstract void Dispose();
}
