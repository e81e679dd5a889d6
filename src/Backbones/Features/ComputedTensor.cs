using System.Runtime.InteropServices;
using Backbones.Engines;
using Backbones.Graphs;
using Backbones.Weights;

namespace Backbones;

/// <summary>A tensor made of others by parameter arithmetic, anew each time it is read.</summary>
internal sealed class ComputedTensor(string name, Node value, IParameterSource source) : ParameterTensor(name, DType.Float32, value.Shape)
{
    public override TensorView Open() => new(MemoryMarshal.AsBytes(Compute().AsSpan()).ToArray());

    public override void CopyTo(Span<float> destination)
    {
        RequireLength(destination.Length);
        Compute().CopyTo(destination);
    }

    public override ReadOnlyMemory<float> AsFloats() => Compute();

    private float[] Compute()
    {
        List<Node> nodes = [];
        HashSet<Node> seen = [];
        Visit(value);
        return ParameterArithmetic.Evaluate(new Graph([], [.. nodes], [value], []), source)[value].Data;

        void Visit(Node node)
        {
            if (!seen.Add(node))
                return;
            foreach (Node input in node.Inputs)
                Visit(input);
            nodes.Add(node);
        }
    }
}
