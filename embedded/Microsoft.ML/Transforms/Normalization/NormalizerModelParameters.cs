namespace Microsoft.ML.Transforms;

public sealed partial class NormalizingTransformer
{
    /// <summary>What a normalizer learnt for a column.</summary>
    public abstract class NormalizerModelParametersBase
    {
        private protected NormalizerModelParametersBase()
        {
        }
    }

    /// <summary>Parameters of (x − offset) · scale.</summary>
    /// <typeparam name="TData">float or double, or an immutable array of one with an element a slot.</typeparam>
    public sealed class AffineNormalizerModelParameters<TData> : NormalizerModelParametersBase
    {
        internal AffineNormalizerModelParameters(TData scale, TData offset) => (Scale, Offset) = (scale, offset);

        /// <summary>The factor.</summary>
        public TData Scale { get; }

        /// <summary>What is subtracted before; an empty array if nothing is.</summary>
        public TData Offset { get; }
    }

    /// <summary>Parameters of a normal distribution, the share of which below x is the normalized value.</summary>
    /// <typeparam name="TData">float or double, or an immutable array of one with an element a slot.</typeparam>
    public sealed class CdfNormalizerModelParameters<TData> : NormalizerModelParametersBase
    {
        internal CdfNormalizerModelParameters(TData mean, TData standardDeviation, bool useLog)
            => (Mean, StandardDeviation, UseLog) = (mean, standardDeviation, useLog);

        /// <summary>The mean.</summary>
        public TData Mean { get; }

        /// <summary>The standard deviation.</summary>
        public TData StandardDeviation { get; }

        /// <summary>Whether the logarithm of x counts instead of x.</summary>
        public bool UseLog { get; }
    }
}
