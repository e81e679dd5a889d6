using Backbones.Graphs;

namespace Backbones.Engines.Torch;

/// <content>Linear layers, matrix products and attention.</content>
internal sealed partial class KernelBinder
{
    private Kernel Linear(LinearOp op)
    {
        Finish finish = Epilogue(op.Epilogue);
        return x => finish(F.linear(x[0], x[1], op.HasBias ? x[2] : null), x[^1]);
    }

    private static Kernel MatMul(MatMulOp op, Node node)
    {
        return Aligned(node, node.Shape.Rank, (a, b) =>
        {
            Tensor left = op.TransposeA ? a.transpose(-2, -1) : a, right = op.TransposeB ? b.transpose(-2, -1) : b;
            Tensor result = left.matmul(right);
            DisposeUnless(left, a);
            DisposeUnless(right, b);
            return result;
        });
    }

    /// <summary>Step by step: TorchSharp has PyTorch's LSTM only as a module with weights of its own.</summary>
    private static Kernel Lstm(Node node)
    {
        int length = node.Shape[^2];
        return x =>
        {
            using Tensor forward = Direction(x[0], x[1..5], reverse: false), backward = Direction(x[0], x[5..9], reverse: true);
            return torch.cat([forward, backward], -1);
        };

        Tensor Direction(Tensor x, ReadOnlySpan<Tensor> weights, bool reverse)
        {
            using TorchSharp.DisposeScope scope = torch.NewDisposeScope();
            Tensor inputs = F.linear(x, weights[0], weights[2]);
            Tensor? state = null, cell = null;
            var states = new Tensor[length];
            for (int i = 0; i < length; i++)
            {
                int t = reverse ? length - 1 - i : i;
                Tensor input = inputs.select(-2, t);
                Tensor[] gates = (state is null ? input.add(weights[3]) : F.linear(state, weights[1], weights[3]).add(input)).chunk(4, -1);
                Tensor update = gates[0].sigmoid().mul(gates[2].tanh());
                cell = cell is null ? update : gates[1].sigmoid().mul(cell).add(update);
                states[t] = state = gates[3].sigmoid().mul(cell.tanh());
            }
            return torch.stack(states, -2).MoveToOuterDisposeScope();
        }
    }

    private Kernel Attention(AttentionOp op, Node node)
    {
        // TorchSharp's function has PyTorch's scale 1/sqrt(d) built in: another one is multiplied into q.
        Shape q = node.Inputs[0].Shape;
        float factor = op.Scale * MathF.Sqrt(q[^1]);
        Scalar? rescale = MathF.Abs(factor - 1) > 1e-6f ? Number(factor) : null;
        // The fused kernels take [N, heads, L, d]: further leading dimensions become part of the batch where no mask tells them apart.
        bool merge = !op.HasMask && q.Rank > 3;
        Func<Tensor, Tensor>[] prepare = [.. node.Inputs.Select((n, i) => Prepared(n, i < 3 && merge))];
        int rank = merge ? 4 : q.Rank + 1;
        long[] result = Longs(node.Shape);
        return x =>
        {
            long batch = BatchOf(node, x);
            using Tensor query = Batched(x[0], node.Inputs[0], batch, prepare[0]), key = Batched(x[1], node.Inputs[1], batch, prepare[1]), value = Batched(x[2], node.Inputs[2], batch, prepare[2]);
            using Tensor? mask = op.HasMask ? WithRank(x[3], node.Inputs[3], rank) : null;
            using Tensor? scaled = rescale is null ? null : query.mul(rescale);
            Tensor y = F.scaled_dot_product_attention(scaled ?? query, key, value, mask);
            return merge ? Then(y, t => t.reshape([batch, .. result])) : y;
        };

        static Func<Tensor, Tensor> Prepared(Node n, bool merged)
        {
            if (!merged)
                return x => x.alias();
            long[] tail = Longs(n.Shape)[^3..];
            return x => x.reshape([-1, .. tail]);
        }
    }

    /// <summary>A value with the batch dimension: learned queries and tokens are repeated for every item, without memory.</summary>
    private static Tensor Batched(Tensor x, Node node, long batch, Func<Tensor, Tensor> prepare)
    {
        if (node.IsBatched)
            return prepare(x);
        using Tensor repeated = x.expand([batch, .. Longs(node.Shape)]);
        return prepare(repeated);
    }

    private static long BatchOf(Node node, ReadOnlySpan<Tensor> x)
    {
        for (int i = 0; i < x.Length; i++)
        {
            if (node.Inputs[i].IsBatched)
                return x[i].size(0);
        }
        throw new InvalidOperationException($"'{node.Name}' has no batched input.");
    }

    /// <summary>Ones in front (or after the batch) until the rank is right: the fused kernels do not broadcast a mask's rank.</summary>
    private static Tensor WithRank(Tensor mask, Node node, int rank)
    {
        if (node.IsBatched)
            return AlignRank(node, rank - 1)?.Invoke(mask) ?? mask.alias();
        return mask.reshape([.. Enumerable.Repeat(1L, rank - node.Shape.Rank), .. Longs(node.Shape)]);
    }
}
