using Backbones;
using Microsoft.ML.TimmFeatures.Inputs;

namespace Microsoft.ML.TimmFeatures.Cursors;

/// <summary>The images of one input column for the rows of a batch, and why some could not be had.</summary>
internal abstract class ImageBatch(DataViewRow row, DataViewSchema.Column column, int slots)
{
    private readonly Exception?[] _errors = new Exception?[slots];
    private readonly long[] _positions = new long[slots];

    /// <summary>Takes over the current row's image.</summary>
    public void Capture(int slot)
    {
        _positions[slot] = row.Position;
        Try(slot, CaptureImage);
    }

    /// <summary>Decodes and transforms a captured image.</summary>
    public void Prepare(int slot)
    {
        if (_errors[slot] is null)
            Try(slot, PrepareImage);
        if (_errors[slot] is not null)
            Clear(slot);
    }

    /// <summary>Whether any of the first rows has an image.</summary>
    public bool HasAny(int count) => _errors.AsSpan(0, count).Contains(null);

    /// <summary>Says of an image that could be had that it is none that can be computed with.</summary>
    public void Refuse(int slot, Exception why)
    {
        _errors[slot] = why;
        Clear(slot);
    }

    /// <summary>Why a row has no image, with row, column and path; null if it has.</summary>
    public ImageRowException? Problem(int slot) => _errors[slot] is { } error
        ? new ImageRowException(_positions[slot], column.Name, Describe(slot) is { Length: > 0 } path ? path : null, error) : null;

    /// <summary>Takes over the current row's value, on the thread that moves the cursor.</summary>
    protected abstract void CaptureImage(int slot);

    /// <summary>Makes of it what is computed with, on any thread.</summary>
    protected abstract void PrepareImage(int slot);

    /// <summary>Leaves nothing of a row without an image.</summary>
    protected abstract void Clear(int slot);

    /// <summary>What to call the image in a message: a path, or nothing.</summary>
    protected abstract string Describe(int slot);

    private void Try(int slot, Action<int> action)
    {
        _errors[slot] = null;
        try
        {
            action(slot);
        }
        catch (Exception e) when (ColumnBuffer.IsOfRow(e))
        {
            _errors[slot] = e;
        }
    }
}

/// <summary>Images as normalised inputs of a backbone.</summary>
internal sealed class TensorBatch(DataViewRow row, DataViewSchema.Column column, int slots, FeatureExtractor extractor, FeaturizerOptions options) : ImageBatch(row, column, slots)
{
    private readonly InputReader _reader = InputReader.Create(row, row.Schema[column.Index], slots, extractor, options);
    private readonly int _length = (int)extractor.InputShape.Length;
    private readonly float[] _inputs = GC.AllocateUninitializedArray<float>(checked(slots * (int)extractor.InputShape.Length));

    /// <summary>The inputs of the first rows, <c>[count, C, H, W]</c>; zeros where there is no image.</summary>
    public ReadOnlyMemory<float> Inputs(int count) => _inputs.AsMemory(0, count * _length);

    protected override void CaptureImage(int slot) => _reader.Capture(slot, Input(slot));

    protected override void PrepareImage(int slot) => _reader.Prepare(slot, Input(slot));

    protected override void Clear(int slot) => Input(slot).Clear();

    protected override string Describe(int slot) => _reader.Describe(slot);

    private Span<float> Input(int slot) => _inputs.AsSpan(slot * _length, _length);
}
