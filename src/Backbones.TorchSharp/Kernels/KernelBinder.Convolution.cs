using Backbones.Graphs;

namespace Backbones.Engines.Torch;

/// <content>Convolution, and what products do at their end.</content>
internal sealed partial class KernelBinder
{
    private Kernel Conv2d(Conv2dOp op, Node node)
    {
        long[] strides = [op.Stride.H, op.Stride.W], dilation = [op.Dilation.H, op.Dilation.W];
        bool symmetric = op.Padding.Top == op.Padding.Bottom && op.Padding.Left == op.Padding.Right;
        long[] padding = symmetric ? [op.Padding.Top, op.Padding.Left] : [0, 0];
        long[]? border = symmetric ? null : Border(op.Padding);
        Finish finish = Epilogue(op.Epilogue);
        return x =>
        {
            Tensor input = border is null ? x[0] : F.pad(x[0], border, TorchSharp.PaddingModes.Constant, 0);
            Tensor y = F.conv2d(input, x[1], op.HasBias ? x[2] : null, strides, padding, dilation, op.Groups);
            DisposeUnless(input, x[0]);
            return finish(y, x[^1]);
        };
    }

    private delegate Tensor Finish(Tensor y, Tensor residual);

    /// <summary>Adds the residual to and activates a result that nobody else sees yet, in place.</summary>
    private Finish Epilogue(Epilogue? epilogue)
    {
        Func<Tensor, Tensor>? activation = epilogue?.Activation is { } op ? Function(op, inPlace: true) : null;
        return (epilogue, activation) switch
        {
            (null, _) => (y, _) => y,
            ({ AddsResidual: true }, null) => (y, residual) => y.add_(residual),
            ({ AddsResidual: true }, _) => (y, residual) => Then(y.add_(residual), activation),
            (_, null) => (y, _) => y,
            _ => (y, _) => Then(y, activation),
        };
    }
}
