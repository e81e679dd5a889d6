using Microsoft.ML.Data;

namespace Microsoft.ML.TimmFeatures.Cursors;

/// <summary>A column that is added: its type and annotations.</summary>
internal sealed record OutputColumn(DataViewType Type, DataViewSchema.Annotations Annotations);

/// <summary>A row's image, among those of its batch.</summary>
internal readonly record struct RowImage(ImageBatch Images, int Slot);

/// <summary>One mapping's active outputs: their values for the batch that was computed last. For one cursor or row.</summary>
internal abstract class RowComputation : IDisposable
{
    /// <summary>What takes the images of a batch.</summary>
    /// <param name="row">The row or cursor to read from.</param>
    /// <param name="column">The input column.</param>
    /// <param name="slots">Rows of a batch.</param>
    public abstract ImageBatch MakeBatch(DataViewRow row, DataViewSchema.Column column, int slots);

    /// <summary>Computes the active outputs of the first rows of a batch.</summary>
    /// <param name="images">The rows' images.</param>
    /// <param name="count">How many rows.</param>
    /// <param name="warn">Gets a sentence for each row whose missing image is no error.</param>
    /// <param name="cancellation">Stops between operators.</param>
    public abstract void Compute(ImageBatch images, int count, Action<string> warn, CancellationToken cancellation);

    /// <summary>A <see cref="ValueGetter{TValue}"/> of the output's type.</summary>
    /// <param name="output">Which output.</param>
    /// <param name="current">The row; throws where there is none.</param>
    /// <param name="error">Gets what the getter throws as a sentence at once: what ML.NET makes of the exception may come late and wrapped.</param>
    public abstract Delegate GetterOf(int output, Func<RowImage> current, Action<string> error);

    /// <summary>Gives back what is shared with others.</summary>
    public abstract void Dispose();
}

/// <summary>What a transformer's views and rows compute with. Thread safe.</summary>
internal abstract class RowModel(PassSettings settings)
{
    /// <summary>Progress and cancellation.</summary>
    public PassSettings Settings => settings;

    /// <summary>Rows to compute together.</summary>
    /// <param name="active">Which outputs of each mapping are active; no outputs where none is.</param>
    public abstract int RowsPerBatch(IEnumerable<bool[]> active);

    /// <summary>A computation of a mapping's active outputs.</summary>
    /// <param name="active">Which outputs.</param>
    /// <param name="slots">Rows of a batch.</param>
    public abstract RowComputation Compute(bool[] active, int slots);
}

/// <summary>What a pass over the data tells, and what stops it.</summary>
internal sealed record PassSettings(string ModelName, IProgress<FeaturizationProgress>? Progress, CancellationToken Cancellation);
