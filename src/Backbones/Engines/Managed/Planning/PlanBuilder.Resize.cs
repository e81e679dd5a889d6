using Backbones.Graphs;

namespace Backbones.Engines.Managed;

/// <content>Interpolation.</content>
internal sealed partial class PlanBuilder<T>
{
    private ValueView Resize(Node node, ResizeOp op)
    {
        Shape x = node.Inputs[0].Shape;
        ValueView input = ChannelsLast(Value(node.Inputs[0])), result = MapResult(node);
        Add(new ResizeStep<T>(ResizeTaps.Of(x[1], op.H, op), ResizeTaps.Of(x[2], op.W, op), input, result), result, input);
        return result;
    }
}
