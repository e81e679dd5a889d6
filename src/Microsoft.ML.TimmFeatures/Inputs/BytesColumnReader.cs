using Backbones.Imaging;
using Microsoft.ML.Data;

namespace Microsoft.ML.TimmFeatures.Inputs;

/// <summary>Reads encoded images; they are decoded where rows are prepared, in parallel.</summary>
internal sealed class BytesColumnReader(ValueGetter<VBuffer<byte>> getter, int slots, ImageTransform transform, FeaturizerOptions options) : InputReader
{
    private readonly (byte[]? Bytes, int Length)[] _captured = new (byte[]?, int)[slots];
    private VBuffer<byte> _value;

    public override void Capture(int slot, Span<float> target)
    {
        getter(ref _value);
        ref (byte[]? Bytes, int Length) captured = ref _captured[slot];
        if (captured.Bytes is null || captured.Bytes.Length < _value.Length)
            captured.Bytes = GC.AllocateUninitializedArray<byte>(_value.Length);
        _value.CopyTo(captured.Bytes);
        captured.Length = _value.Length;
    }

    public override void Prepare(int slot, Span<float> target)
        => EncodedImage.Prepare(_captured[slot].Bytes!, _captured[slot].Length, transform, options, target);
}
