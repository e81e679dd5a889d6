using Backbones.Graphs;

namespace Backbones.Engines.Torch;

/// <summary>Chooses between PyTorch's two layouts of maps, NCHW and channels last, by what a graph computes.</summary>
internal static class MemoryLayout
{
    /// <summary>
    /// Channels last pays where convolutions over all channels do the work (ResNet, ConvNeXt, EfficientNet) and on tensor cores; it hurts
    /// grouped convolutions (RegNet, ResNeXt), and does nothing for tokens (ViT).
    /// </summary>
    public static bool PrefersChannelsLast(Graph graph, bool cuda, ScalarType type)
    {
        double whole = 0, grouped = 0, tokens = 0;
        foreach (Node node in graph.Nodes)
        {
            switch (node.Operator)
            {
                case Conv2dOp op:
                    Shape weight = node.Inputs[1].Shape;
                    double products = node.Shape.Length * (double)weight[1] * weight[2] * weight[3];
                    if (op.Groups > 1 && weight[1] > 1)
                        grouped += products;
                    else
                        whole += products;
                    break;
                case LinearOp:
                    tokens += node.Shape.Length * (double)node.Inputs[1].Shape[1];
                    break;
                case AttentionOp:
                    tokens += 2 * node.Shape.Length * (double)node.Inputs[1].Shape[^2];
                    break;
            }
        }
        // In float32 tensor cores are out of play unless TF32 is on, and cuDNN's and oneDNN's NCHW kernels are as fast.
        return type != ScalarType.Float32 && whole > tokens && whole > 4 * grouped && (cuda || type == ScalarType.BFloat16);
    }
}
