using Backbones;
using Microsoft.ML.TimmFeatures.Inputs;

namespace Microsoft.ML.TimmFeatures.Cursors;

/// <summary>The images of one input column for the rows of a batch, as normalised inputs, and why some could not be had.</summary>
internal sealed class ImageBatch(DataViewRow row, DataViewSchema.Column column, int slots, FeatureExtractor extractor, FeaturizerOptions options)
{
    private readonly InputReader _reader = InputReader.Create(row, row.Schema[column.Index], slots, extractor, options);
    private readonly int _length = (int)extractor.InputShape.Length;
    private readonly float[] _inputs = GC.AllocateUninitializedArray<float>(checked(slots * (int)extractor.InputShape.Length));
    private readonly Exception?[] _errors = new Exception?[slots];
    private readonly long[] _positions = new long[slots];

    /// <summary>Takes over the current row's image.</summary>
    public void Capture(int slot)
    {
        _positions[slot] = row.Position;
        _errors[slot] = null;
        try
        {
            _reader.Capture(slot, _inputs.AsSpan(slot * _length, _length));
        }
        catch (Exception e) when (ColumnBuffer.IsOfRow(e))
        {
            _errors[slot] = e;
        }
    }

    /// <summary>Decodes and transforms a captured image.</summary>
    public void Prepare(int slot)
    {
        Span<float> input = _inputs.AsSpan(slot * _length, _length);
        try
        {
            if (_errors[slot] is null)
                _reader.Prepare(slot, input);
        }
        catch (Exception e) when (ColumnBuffer.IsOfRow(e))
        {
            _errors[slot] = e;
        }
        if (_errors[slot] is not null)
            input.Clear();
    }

    /// <summary>The inputs of the first rows, <c>[count, C, H, W]</c>; zeros where there is no image.</summary>
    public ReadOnlyMemory<float> Inputs(int count) => _inputs.AsMemory(0, count * _length);

    /// <summary>Whether any of the first rows has an image.</summary>
    public bool HasAny(int count) => _errors.AsSpan(0, count).Contains(null);

    /// <summary>Why a row has no image, with row, column and path; null if it has.</summary>
    public ImageRowException? Problem(int slot) => _errors[slot] is { } error
        ? new ImageRowException(_positions[slot], column.Name, _reader.Describe(slot) is { Length: > 0 } path ? path : null, error) : null;
}
