using Backbones.Graphs;
using Padding = Backbones.Graphs.Padding;

namespace TorchSharp;

/// <content>torch.nn.functional.</content>
public static partial class torch
{
    public static class nn
    {
        public static class functional
        {
            public static Tensor conv2d(Tensor input, Tensor weight, Tensor? bias = null, long[]? strides = null, long[]? padding = null, long[]? dilation = null, long groups = 1)
                => Operators.RunBatched(new Conv2dOp(Pair(strides, 1), Border(padding), Pair(dilation, 1), (int)groups, bias is not null), input, weight, bias);

            public static Tensor linear(Tensor input, Tensor weights, Tensor? bias = null)
                => bias is null ? Operators.Run(new LinearOp(false), input, weights) : Operators.Run(new LinearOp(true), input, weights, bias);

            public static Tensor batch_norm(Tensor input, Tensor running_mean, Tensor running_var, Tensor weight, Tensor bias, bool training = false, double momentum = 0.1, double eps = 1e-5)
                => training ? throw new NotSupportedException("The embedded TorchSharp does not train.") : Operators.RunBatched(new BatchNormOp((float)eps), input, weight, bias, running_mean, running_var);

            public static Tensor layer_norm(Tensor input, long[] normalized_shape, Tensor? weight = null, Tensor? bias = null, double eps = 1e-5)
                => weight is null || bias is null ? Operators.Run(new LayerNormOp(-1, (float)eps), input) : Operators.Run(new LayerNormOp(-1, (float)eps), input, weight, bias);

            public static Tensor group_norm(Tensor input, long num_groups, Tensor weight, Tensor bias, double eps = 1e-5)
                => Operators.RunBatched(new GroupNormOp((int)num_groups, (float)eps), input, weight, bias);

            public static Tensor mish(Tensor x) => Operators.Run(new UnaryOp(UnaryKind.Mish), x);

            public static Tensor prelu(Tensor input, Tensor weight) => Operators.RunBatched(new PReluOp(), input, weight);

            public static Tensor softmax(Tensor input, long dim) => Operators.Run(new SoftmaxOp((int)dim), input);

            /// <summary>Scaled by 1/sqrt(d).</summary>
            public static Tensor scaled_dot_product_attention(Tensor query, Tensor key, Tensor value, Tensor? attn_mask = null)
            {
                float scale = 1 / MathF.Sqrt(query.shape[^1]);
                return attn_mask is null ? Operators.Run(new AttentionOp(scale), query, key, value) : Operators.Run(new AttentionOp(scale, true), query, key, value, attn_mask);
            }

            public static Tensor max_pool2d(Tensor input, long[] kernel_size, long[] strides, long[] padding, long[] dilation, bool ceil_mode = false)
                => Operators.RunBatched(new MaxPool2dOp(Pair(kernel_size, 1), Pair(strides, 1), Border(padding), Pair(dilation, 1), ceil_mode), input);

            public static Tensor avg_pool2d(Tensor input, long[] kernel_size, long[] stride, long[] padding, bool ceil_mode = false, bool count_include_pad = true)
                => Operators.RunBatched(new AvgPool2dOp(Pair(kernel_size, 1), Pair(stride, 1), Border(padding), ceil_mode, count_include_pad), input);

            public static Tensor adaptive_avg_pool2d(Tensor input, long[] output_size)
                => Operators.RunBatched(new AdaptiveAvgPool2dOp((int)output_size[0], (int)output_size[1]), input);

            /// <summary>A border around the last two dimensions: left, right, top, bottom. A value is refused where the mode has no use for it, as by PyTorch.</summary>
            public static Tensor pad(Tensor input, long[] pad, PaddingModes mode = PaddingModes.Constant, double value = 0)
            {
                if (mode != PaddingModes.Constant && value != 0)
                    throw new System.Runtime.InteropServices.ExternalException($"Padding mode \"{mode}\" doesn't take in value argument");
                PadMode fill = mode switch
                {
                    PaddingModes.Constant => PadMode.Constant,
                    PaddingModes.Reflect => PadMode.Reflect,
                    PaddingModes.Replicate => PadMode.Replicate,
                    _ => throw new NotSupportedException($"The embedded TorchSharp has no {mode} padding."),
                };
                return Operators.Run(new Pad2dOp(new Padding((int)pad[2], (int)pad[0], (int)pad[3], (int)pad[1]), fill, (float)value), input);
            }

            public static Tensor interpolate(Tensor x, long[] size, double[]? scale_factor, InterpolationMode mode, bool? align_corners = null, bool recompute_scale_factor = false, bool antialias = false)
                => Operators.Run(new ResizeOp((int)size[0], (int)size[1], mode switch
                {
                    InterpolationMode.Nearest => ResizeMode.Nearest,
                    InterpolationMode.Bilinear => ResizeMode.Bilinear,
                    _ => ResizeMode.Bicubic,
                }, align_corners ?? false, antialias), x);

            private static Size2 Pair(long[]? values, int missing) => values is null ? missing : ((int)values[0], (int)values[1]);

            private static Padding Border(long[]? values) => values is null ? 0 : ((int)values[0], (int)values[1]);
        }
    }
}
