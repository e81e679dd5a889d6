using Backbones.Graphs;

namespace Backbones.Engines.Torch;

/// <summary>Chooses between PyTorch's two layouts of maps, NCHW and channels last, by what a graph computes.</summary>
internal static class MemoryLayout
{
    /// <summary>
    /// Channels last where convolutions do most of the work, tokens (ViT) being the same in both. On the CPU oneDNN is faster so in every
    /// number format (batch of 4, two threads, against NCHW: resnet50 0.82 of the time in float32 and 0.70 in bfloat16, regnety_032 0.67
    /// and 0.77, mobilenetv3_large_100 0.44 and 0.56). On CUDA tensor cores want it for half types, while grouped convolutions
    /// (RegNet, ResNeXt) and plain float32 are better off in NCHW.
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
        return whole + grouped > tokens && (!cuda || (type != ScalarType.Float32 && whole > 4 * grouped));
    }
}
