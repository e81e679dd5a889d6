using Backbones.Imaging;
using Microsoft.ML.Data;

namespace Microsoft.ML.TimmFeatures.Inputs;

/// <summary>Reads tensors that are normalised already, <c>[C, H, W]</c>.</summary>
internal sealed class TensorColumnReader : InputReader
{
    private readonly ValueGetter<VBuffer<float>> _getter;
    private readonly VBuffer<float>[] _captured;
    private readonly ImageTransformOptions _expected;

    public TensorColumnReader(ValueGetter<VBuffer<float>> getter, int slots, ImageTransform transform)
    {
        _getter = getter;
        _captured = new VBuffer<float>[slots];
        _expected = transform.Options;
    }

    public override void Capture(int slot) => _getter(ref _captured[slot]);

    public override void Prepare(int slot, Span<float> target)
    {
        ref VBuffer<float> value = ref _captured[slot];
        if (value.Length != target.Length)
            throw new InvalidDataException($"The tensor has {value.Length} values; [{_expected.Channels}, {_expected.Height}, {_expected.Width}] needs {target.Length}.");
        value.CopyTo(target);
    }
}
