using System.Collections.Immutable;
using System.Numerics;

namespace Microsoft.ML.Transforms;

/// <summary>
/// The share of a normal distribution below x. As in ML.NET, a slot without deviation and values that are not finite become 0,
/// and slots without explicit value stay 0.
/// </summary>
/// <param name="mean">By slot.</param>
/// <param name="deviation">The standard deviation, by slot.</param>
internal sealed class CdfNormalizerFunction<T>(T[] mean, T[] deviation) : NormalizerFunction<T> where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    protected override int Length => mean.Length;

    protected override bool KeepsSparse => true;

    public override NormalizingTransformer.NormalizerModelParametersBase GetModelParameters(bool isVector)
        => isVector
            ? new NormalizingTransformer.CdfNormalizerModelParameters<ImmutableArray<T>>([.. mean], [.. deviation], useLog: false)
            : new NormalizingTransformer.CdfNormalizerModelParameters<T>(mean[0], deviation[0], useLog: false);

    public override void Save(BinaryWriter writer) => Save(writer, isCdf: true, mean, deviation);

    protected override T Map(int slot, T value)
    {
        if (deviation[slot] <= T.Epsilon || !T.IsFinite(value))
            return T.Zero;
        double x = double.CreateTruncating((value - mean[slot]) / deviation[slot]);
        // ½ (1 + erf(x / √2)), erf by Winitzki's closed form with a = 0.147: within 1.3e-4.
        const double a = 0.147;
        double square = x * x / 2;
        double erf = Math.Sign(x) * Math.Sqrt(1 - Math.Exp(-square * (4 / Math.PI + a * square) / (1 + a * square)));
        return T.CreateTruncating(0.5 + 0.5 * erf);
    }
}
