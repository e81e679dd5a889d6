using System.Collections.Immutable;

namespace Backbones.Graphs;

/// <summary>x <c>[…, in]</c> times weight <c>[out, in]</c> transposed plus bias <c>[out]</c> (optional): inputs x, weight, bias?, residual?.</summary>
internal sealed record LinearOp(bool HasBias, Epilogue? Epilogue = null) : Operator
{
    internal override Shape InferShape(ImmutableArray<Node> inputs)
    {
        Shape x = inputs[0].Shape, w = inputs[1].Shape;
        int expected = 2 + (HasBias ? 1 : 0) + (Epilogue is { AddsResidual: true } ? 1 : 0);
        Require(inputs.Length == expected, $"expected {expected} inputs, received {inputs.Length}.");
        Require(x.Rank >= 1 && w.Rank == 2 && x[x.Rank - 1] == w[1], $"expected […, {(w.Rank == 2 ? w[1] : 0)}] for a weight {w}, received {x}.");
        Shape result = x.With(x.Rank - 1, w[0]);
        if (Epilogue is { AddsResidual: true })
            Require(inputs[^1].Shape == result, $"a residual {inputs[^1].Shape} cannot be added to {result}.");
        return result;
    }
}

/// <summary>Matrix product of the last two dimensions, leading dimensions broadcast: a <c>[…, M, K]</c> (or transposed), b <c>[…, K, N]</c> (or transposed).</summary>
internal sealed record MatMulOp(bool TransposeA = false, bool TransposeB = false) : Operator
{
    internal override Shape InferShape(ImmutableArray<Node> inputs)
    {
        Shape a = inputs[0].Shape, b = inputs[1].Shape;
        Require(a.Rank >= 2 && b.Rank >= 2, $"expected two matrices, received {a} and {b}.");
        (int m, int ka) = TransposeA ? (a[a.Rank - 1], a[a.Rank - 2]) : (a[a.Rank - 2], a[a.Rank - 1]);
        (int kb, int n) = TransposeB ? (b[b.Rank - 1], b[b.Rank - 2]) : (b[b.Rank - 2], b[b.Rank - 1]);
        Require(ka == kb, $"inner dimensions {ka} and {kb} differ ({a} and {b}).");
        Shape leading = Shape.Broadcast([.. a.Dimensions[..^2]], [.. b.Dimensions[..^2]]);
        return [.. leading, m, n];
    }
}

/// <summary>
/// A bidirectional LSTM (nn.LSTM of one layer) along the second to last axis of x <c>[…, L, C]</c>, every sequence from zeros: <c>[…, L, 2 · hidden]</c>, forward then backward.
/// Inputs x, then for each direction weight_ih <c>[4 · hidden, C]</c>, weight_hh <c>[4 · hidden, hidden]</c>, bias_ih and bias_hh <c>[4 · hidden]</c>, the gates as PyTorch has them:
/// input, forget, cell, output.
/// </summary>
internal sealed record LstmOp : Operator
{
    internal override Shape InferShape(ImmutableArray<Node> inputs)
    {
        Shape x = inputs[0].Shape;
        Require(inputs.Length == 9, $"expected 9 inputs, received {inputs.Length}.");
        Require(x.Rank >= 2, $"expected sequences […, L, C], received {x}.");
        Require(inputs[2].Shape.Rank == 2, $"expected a weight [4 · hidden, hidden], received {inputs[2].Shape}.");
        int hidden = inputs[2].Shape[1], gates = checked(4 * hidden);
        for (int i = 1; i < 9; i += 4)
        {
            Require(inputs[i].Shape == [gates, x[^1]] && inputs[i + 1].Shape == [gates, hidden] && inputs[i + 2].Shape == [gates] && inputs[i + 3].Shape == [gates],
                $"expected weights [{gates}, {x[^1]}] and [{gates}, {hidden}] and two biases [{gates}], received {string.Join(", ", inputs.Skip(i).Take(4).Select(n => n.Shape))}.");
        }
        return x.With(x.Rank - 1, 2 * hidden);
    }
}

/// <summary>softmax(q·kᵀ · Scale + mask) · v over the last two dimensions: q <c>[…, Lq, d]</c>, k <c>[…, Lk, d]</c>, v <c>[…, Lk, dv]</c>, mask (optional) broadcast to <c>[…, Lq, Lk]</c>.</summary>
internal sealed record AttentionOp(float Scale, bool HasMask = false) : Operator
{
    internal override Shape InferShape(ImmutableArray<Node> inputs)
    {
        Shape q = inputs[0].Shape, k = inputs[1].Shape, v = inputs[2].Shape;
        int rank = q.Rank;
        Require(inputs.Length == (HasMask ? 4 : 3), $"expected {(HasMask ? 4 : 3)} inputs, received {inputs.Length}.");
        Require(rank >= 2 && k.Rank == rank && v.Rank == rank, $"q {q}, k {k} and v {v} differ in rank.");
        Require(q[rank - 1] == k[rank - 1] && k[rank - 2] == v[rank - 2] && q.Dimensions[..^2].SequenceEqual(k.Dimensions[..^2]) && q.Dimensions[..^2].SequenceEqual(v.Dimensions[..^2]), $"q {q}, k {k} and v {v} do not fit.");
        if (HasMask)
        {
            Shape scores = k.With(rank - 1, k[rank - 2]).With(rank - 2, q[rank - 2]);
            Require(Shape.Broadcast(inputs[3].Shape, scores) == scores, $"a mask {inputs[3].Shape} does not broadcast to {scores}.");
        }
        return q.With(rank - 1, v[rank - 1]);
    }
}
