using Backbones.Graphs;

namespace Backbones.Engines.Torch;

/// <summary>PyTorch's two layouts of maps, NCHW and channels last.</summary>
internal static class MemoryLayout
{
    /// <summary>
    /// Which one suits a graph. Channels last where there are convolutions all along, not a patch embedding alone (ViT). On the CPU oneDNN is faster so in every
    /// number format (libtorch 2.10, batch of 4, two threads, against NCHW: resnet50 0.78 of the time in float32 and 0.77 in bfloat16, regnety_032
    /// 0.87 and 0.90, mobilenetv3_large_100 0.58 and 0.65, convnext_tiny 0.99 and 0.96). On CUDA tensor cores want it for half types, while
    /// grouped convolutions (RegNet, ResNeXt) and plain float32 are better off in NCHW; that was not measured with this engine.
    /// </summary>
    public static bool PrefersChannelsLast(Graph graph, bool cuda, ScalarType type)
    {
        int convolutions = 0, grouped = 0, linears = 0;
        foreach (Node node in graph.Nodes)
        {
            switch (node.Operator)
            {
                case Conv2dOp op:
                    convolutions++;
                    if (op.Groups > 1 && node.Inputs[1].Shape[1] > 1)
                        grouped++;
                    break;
                case LinearOp or AttentionOp or LstmOp:
                    linears++;
                    break;
            }
        }
        bool isConvolutional = 4 * convolutions > linears;
        return isConvolutional && (!cuda || (type != ScalarType.Float32 && 8 * grouped <= convolutions));
    }

    /// <summary>The same <c>[N, C, H, W]</c> tensor with channels next to each other in memory, by the strides of a permuted copy: TorchSharp has no function that takes a memory format.</summary>
    public static Tensor ToChannelsLast(Tensor x, bool disposeSource)
    {
        using Tensor? source = disposeSource ? x : null;
        using Tensor moved = x.permute(0, 2, 3, 1);
        using Tensor packed = moved.contiguous();
        return packed.permute(0, 3, 1, 2);
    }
}
