using Backbones;
using Microsoft.ML.Data;

namespace Microsoft.ML.TimmFeatures.Inputs;

/// <summary>
/// Reads one input column in two steps: <see cref="Capture"/> takes what the current row holds (on the thread that moves the cursor),
/// <see cref="Prepare"/> turns it into a normalised input (on any thread, rows in parallel). Either may throw; the row then has no image.
/// </summary>
internal abstract class InputReader
{
    /// <summary>Takes over the current row's value.</summary>
    /// <param name="slot">The row's place in the batch.</param>
    /// <param name="target">What <see cref="Prepare"/> will write to; where that takes no longer than to keep the value, it is written to now.</param>
    public abstract void Capture(int slot, Span<float> target);

    /// <summary>Writes the captured image as float32 <c>[C, H, W]</c>, transformed as timm does.</summary>
    public abstract void Prepare(int slot, Span<float> target);

    /// <summary>What to call the captured value in a message: a path, or nothing.</summary>
    public virtual string Describe(int slot) => "";

    /// <summary>A reader for a column of any supported type.</summary>
    /// <param name="row">The row or cursor to read from.</param>
    /// <param name="column">The column.</param>
    /// <param name="slots">Rows held at once.</param>
    /// <param name="extractor">What takes the inputs: their shape, and timm's eval transform.</param>
    /// <param name="options">Folder, orientation.</param>
    public static InputReader Create(DataViewRow row, DataViewSchema.Column column, int slots, FeatureExtractor extractor, FeaturizerOptions options) => InputTypes.KindOf(column.Type) switch
    {
        InputKind.Image => new ImageColumnReader(row.GetGetter<MLImage>(column), slots, extractor.Transform, transformAtOnce: Environment.ProcessorCount <= ImageColumnReader.FewCores),
        InputKind.Path => new PathColumnReader(row.GetGetter<ReadOnlyMemory<char>>(column), slots, extractor.Transform, options),
        InputKind.Bytes => new BytesColumnReader(row.GetGetter<VBuffer<byte>>(column), slots, extractor.Transform, options),
        InputKind.Tensor => new TensorColumnReader(row.GetGetter<VBuffer<float>>(column), extractor.InputShape),
        _ => throw InputTypes.Wrong(column.Name, column.Type),
    };
}
