using Backbones.Graphs;
using Microsoft.ML.Data;

namespace Microsoft.ML.TimmFeatures.Inputs;

/// <summary>Reads tensors that are normalised already, <c>[C, H, W]</c>.</summary>
internal sealed class TensorColumnReader(ValueGetter<VBuffer<float>> getter, int slots, Shape expected) : InputReader
{
    private readonly VBuffer<float>[] _captured = new VBuffer<float>[slots];

    public override void Capture(int slot) => getter(ref _captured[slot]);

    public override void Prepare(int slot, Span<float> target)
    {
        ref VBuffer<float> value = ref _captured[slot];
        if (value.Length != target.Length)
            throw new InvalidDataException($"The tensor has {value.Length} values; {expected} needs {target.Length}.");
        value.CopyTo(target);
    }
}
