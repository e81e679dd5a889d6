using System.Collections.Immutable;
using System.Numerics;

namespace Microsoft.ML.Transforms;

/// <summary>(x − offset) · scale.</summary>
/// <param name="scale">By slot.</param>
/// <param name="offset">By slot; empty if 0 throughout.</param>
internal sealed class AffineNormalizerFunction<T>(T[] scale, T[] offset) : NormalizerFunction<T> where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    protected override int Length => scale.Length;

    protected override bool KeepsSparse => offset.Length == 0;

    public override NormalizingTransformer.NormalizerModelParametersBase GetModelParameters(bool isVector)
        => isVector
            ? new NormalizingTransformer.AffineNormalizerModelParameters<ImmutableArray<T>>([.. scale], [.. offset])
            : new NormalizingTransformer.AffineNormalizerModelParameters<T>(scale[0], offset.FirstOrDefault());

    public override void Save(BinaryWriter writer) => Save(writer, isCdf: false, scale, offset);

    protected override T Map(int slot, T value) => (offset.Length == 0 ? value : value - offset[slot]) * scale[slot];
}
