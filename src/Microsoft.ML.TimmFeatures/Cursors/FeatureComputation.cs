using System.Collections.Immutable;
using System.Runtime.ExceptionServices;
using Backbones;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.TimmFeatures.Inputs;

namespace Microsoft.ML.TimmFeatures.Cursors;

/// <summary>One column mapping's part of a batch: its input reader, the normalised inputs, and the active outputs' values.</summary>
internal sealed class FeatureComputation
{
    private readonly ColumnMapping _mapping;
    private readonly InputReader _reader;
    private readonly FeatureExtractor _extractor;
    private readonly FeaturizerOptions _options;
    private readonly float[] _input;
    private readonly float[][] _outputs;
    private readonly Memory<float>[] _outputViews;
    private readonly int[] _lengths;
    private readonly int[] _outputAt;
    private readonly Exception?[] _errors;
    private readonly int _inputLength;

    public FeatureComputation(DataViewRow row, ColumnMapping mapping, FeatureExtractor extractor, ulong active, int slots, FeaturizerOptions options)
    {
        _mapping = mapping;
        _extractor = extractor;
        _options = options;
        _inputLength = (int)extractor.InputShape.Length;
        _input = new float[checked(slots * _inputLength)];
        _lengths = [.. extractor.Outputs.Select(o => (int)o.Shape.Length)];
        _outputs = [.. _lengths.Select(l => new float[checked(slots * l)])];
        _outputViews = new Memory<float>[_outputs.Length];
        _errors = new Exception?[slots];
        _outputAt = new int[mapping.Outputs.Length];
        for (int i = 0, next = 0; i < _outputAt.Length; i++)
            _outputAt[i] = (active >> i & 1) != 0 ? next++ : -1;
        _reader = InputReader.Create(row, row.Schema[mapping.Input], slots, extractor.Transform, options);
    }

    /// <summary>Takes over the current row's image.</summary>
    public void Capture(int slot) => _reader.Capture(slot);

    /// <summary>Decodes and transforms a captured image. Errors are kept until the batch is computed, in the order of the rows.</summary>
    public void Prepare(int slot)
    {
        Span<float> target = _input.AsSpan(slot * _inputLength, _inputLength);
        _errors[slot] = null;
        try
        {
            _reader.Prepare(slot, target);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            _errors[slot] = e;
            target.Clear();
        }
    }

    /// <summary>Computes the features of the first <paramref name="count"/> rows.</summary>
    /// <param name="count">Rows captured and prepared.</param>
    /// <param name="positionOf">Number of a row in the data, for messages.</param>
    /// <param name="channel">Gets warnings about rows without an image.</param>
    public void Compute(int count, Func<int, long> positionOf, IChannel? channel)
    {
        if (_options.OnImageError == ImageErrorMode.Throw)
        {
            for (int slot = 0; slot < count; slot++)
            {
                if (_errors[slot] is { } error)
                    ExceptionDispatchInfo.Throw(Explain(slot, positionOf(slot), error));
            }
        }
        for (int i = 0; i < _outputViews.Length; i++)
            _outputViews[i] = _outputs[i].AsMemory(0, count * _lengths[i]);
        _extractor.Run(count, _input.AsMemory(0, count * _inputLength), _outputViews, _options.Cancellation);
        for (int slot = 0; slot < count; slot++)
        {
            if (_errors[slot] is not { } error)
                continue;
            for (int i = 0; i < _outputs.Length; i++)
                _outputs[i].AsSpan(slot * _lengths[i], _lengths[i]).Fill(float.NaN);
            channel?.Warning(MessageSensitivity.UserData, Explain(slot, positionOf(slot), error).Message + " Its features are NaN.");
        }
    }

    /// <summary>Copies one row's values of an output.</summary>
    public void Get(int output, int slot, ref VBuffer<float> value)
    {
        int at = _outputAt[output], length = _lengths[at];
        VBufferEditor<float> editor = VBufferEditor.Create(ref value, length);
        _outputs[at].AsSpan(slot * length, length).CopyTo(editor.Values);
        value = editor.Commit();
    }

    private InvalidOperationException Explain(int slot, long position, Exception error)
    {
        string name = _reader.Describe(slot);
        return new InvalidOperationException($"Row {position}: the image in column '{_mapping.Input}'{(name.Length > 0 ? $" ('{name}')" : "")} cannot be featurized: {error.Message}", error);
    }
}
