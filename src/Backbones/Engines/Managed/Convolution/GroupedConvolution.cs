namespace Backbones.Engines.Managed;

/// <summary>A grouped 3×3 convolution of a channels-last map by <see cref="GroupedKernel{T}"/>: what its ways to go about it have in common.</summary>
/// <param name="geometry">3×3, dilation 1.</param>
/// <param name="input">Channels-last map.</param>
/// <param name="channels">Its channels and groups.</param>
/// <param name="weights">What the step's own Pack made.</param>
/// <param name="bias">Padded to whole vectors; null for none.</param>
/// <param name="result">Channels-last map.</param>
/// <param name="epilogue">Residual and activation.</param>
internal abstract unsafe class GroupedConvolution<T>(ConvolutionGeometry geometry, ValueView input, GroupedChannels<T> channels, PackedMatrix<T> weights, AlignedBuffer? bias, ValueView result, ProductEpilogue<T> epilogue)
    : Step where T : struct, IVector<T>
{
    public override long MultiplyAdds => (long)Geometry.OutHeight * Geometry.OutWidth * Geometry.OutChannels * Geometry.GroupChannels * 9;

    protected ConvolutionGeometry Geometry { get; } = geometry;

    protected ValueView Input { get; } = input;

    protected GroupedChannels<T> Channels { get; } = channels;

    protected PackedMatrix<T> Weights { get; } = weights;

    protected ValueView Result { get; } = result;

    protected ProductEpilogue<T> Epilogue { get; } = epilogue;

    /// <summary>The bias of the vector of channels that begins with that one.</summary>
    protected T Bias(int channel) => bias is null ? T.Zero : T.Load(bias.Pointer + channel);

    protected static void Clear(float* target, nint count) => new Span<float>(target, (int)count).Clear();
}
