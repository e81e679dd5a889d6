using System.Collections.Immutable;
using Backbones.Graphs;

namespace Backbones.Engines.Managed;

/// <content>Functions of elements.</content>
internal sealed partial class PlanBuilder<T>
{
    /// <summary>A function of elements, with all before it that are computed for it alone: one step.</summary>
    private ValueView Elementwise(Node node)
    {
        if (node.Operator is BinaryOp { Kind: BinaryKind.Multiply } && WeightedSum(node) is { } sum)
            return sum;
        var chain = new Stack<Node>([node]);
        while (chain.Peek().Inputs.FirstOrDefault(JoinsItsUser) is { } before)
            chain.Push(before);
        Node first = chain.Peek();

        // The result lies as the first operand that it has the shape of does.
        ValueView start = Value(first.Inputs[0]);
        ValueView? model;
        if (first.Operator is UnaryOp)
        {
            model = start = Contiguous(start);
        }
        else
        {
            ValueView second = Value(first.Inputs[1]);
            model = IsModel(first.Inputs[0], start) ? start : IsModel(first.Inputs[1], second) ? second : null;
        }
        ValueView result = model is null ? Allocate(node.Shape) : ResultLike(node, model);
        int inner = Array.FindLastIndex(result.Strides, s => s == 1);
        start = Broadcast(start, result, inner);

        var links = ImmutableArray.CreateBuilder<ElementLink>();
        Node? value = null;
        foreach (Node link in chain)
        {
            bool isSecond = value is not null && link.Inputs[0] != value;
            links.Add(new ElementLink(link.Operator, link.Operator is BinaryOp ? Broadcast(Value(link.Inputs[isSecond ? 0 : 1]), result, inner) : null, isSecond));
            value = link;
        }
        Add(new ElementwiseStep<T>(start, links.ToImmutable(), result), result, [start, .. links.Select(l => l.Other)]);
        return result;

        bool IsModel(Node operand, ValueView view) => operand.IsBatched && operand.Shape == node.Shape && !view.IsRepeated;
    }

    /// <summary>Whether a function of elements is left to the one function of elements that needs its value, as a link of its chain.</summary>
    private bool JoinsItsUser(Node node) => node is { IsBatched: true, Operator: UnaryOp or BinaryOp } && !_values.ContainsKey(node)
        && OnlyUser(node) is { Operator: UnaryOp or BinaryOp } user && user.Shape == node.Shape && user.Inputs.Count(i => i == node) == 1;

    private ValueView PRelu(Node node)
    {
        ValueView input = ContiguousAlong(Value(node.Inputs[0]), 0), result = ResultLike(node, input);
        float[] slopes = Values(node, 1);
        AlignedBuffer padded = PadColumns(slopes.Length == 1 ? Filled(node.Shape[0], slopes[0]) : slopes);
        long[] strides = new long[node.Shape.Rank];
        strides[0] = 1;
        var view = new ValueView(new Storage(StorageKind.Constant, 0) { Constant = padded }, 0, result.Dims, strides);
        Add(new ElementwiseStep<T>(input, [new ElementLink(node.Operator, view)], result), result, input);
        return result;
    }
}
