using Backbones.Graphs;
using Microsoft.ML.Data;

namespace Microsoft.ML.TimmFeatures.Inputs;

/// <summary>Reads tensors that are normalised already, <c>[C, H, W]</c>.</summary>
internal sealed class TensorColumnReader(ValueGetter<VBuffer<float>> getter, Shape expected) : InputReader
{
    private VBuffer<float> _value;

    public override void Capture(int slot, Span<float> target)
    {
        getter(ref _value);
        if (_value.Length != target.Length)
            throw new InvalidDataException($"The tensor has {_value.Length} values; {expected} needs {target.Length}.");
        _value.CopyTo(target);
    }

    public override void Prepare(int slot, Span<float> target)
    {
        // It is there already.
    }
}
