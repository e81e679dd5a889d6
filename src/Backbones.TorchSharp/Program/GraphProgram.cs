using System.Collections.Immutable;
using Backbones.Graphs;
using Backbones.Graphs.Passes;

namespace Backbones.Engines.Torch;

/// <summary>One operator to run: which slots it reads and writes, and which it frees.</summary>
/// <param name="Node">The operator.</param>
/// <param name="Inputs">Slots of its inputs.</param>
/// <param name="Output">Slot of its result.</param>
/// <param name="Releases">Slots whose last use this is.</param>
/// <param name="Overwrites">The input whose memory the result may take, or -1.</param>
internal sealed record ProgramStep(Node Node, ImmutableArray<int> Inputs, int Output, ImmutableArray<int> Releases, int Overwrites);

/// <summary>A graph as a list of steps over numbered slots, the same for every device. Weights are folded already.</summary>
internal sealed class GraphProgram
{
    private GraphProgram(Graph prepared, ImmutableArray<ProgramStep> steps, Dictionary<Node, int> slots, IReadOnlyDictionary<Node, DenseTensor> constants)
    {
        Prepared = prepared;
        Steps = steps;
        SlotCount = slots.Count;
        Inputs = [.. prepared.Inputs.Select(n => slots[n])];
        Outputs = [.. prepared.Outputs.Select(n => slots[n])];
        Constants = [.. constants.Where(c => slots.ContainsKey(c.Key)).Select(c => (slots[c.Key], c.Key, c.Value))];
    }

    /// <summary>The graph after folding and fusing.</summary>
    public Graph Prepared { get; }

    public ImmutableArray<ProgramStep> Steps { get; }

    public int SlotCount { get; }

    public ImmutableArray<int> Inputs { get; }

    public ImmutableArray<int> Outputs { get; }

    /// <summary>Values that are the same in every run, weights after parameter arithmetic, until they are on the devices.</summary>
    public ImmutableArray<(int Slot, Node Node, DenseTensor Value)> Constants { get; private set; }

    /// <summary>Lets go of the values: the devices have them, and plans live long.</summary>
    public void ReleaseConstants() => Constants = [];

    public static GraphProgram Create(Graph graph, IParameterSource parameters)
    {
        Graph prepared = FuseEpilogues.Run(Reparameterize.Run(RemoveIdentities.Run(graph)));
        IReadOnlyDictionary<Node, DenseTensor> constants = ParameterArithmetic.Evaluate(prepared, parameters);

        var slots = new Dictionary<Node, int>();
        foreach (Node node in prepared.Nodes.Where(n => n.IsBatched || constants.ContainsKey(n)))
            slots[node] = slots.Count;

        Dictionary<Node, int> remaining = prepared.UseCounts();
        var aliases = new AliasGroups(remaining);
        var steps = ImmutableArray.CreateBuilder<ProgramStep>();
        foreach (Node node in prepared.Nodes)
        {
            if (!node.IsBatched)
                continue;
            aliases.Add(node);
            if (node.Operator is InputOp)
                continue;
            int overwrites = OverwrittenInput(node, aliases);
            foreach (Node input in node.Inputs)
                aliases.Use(input);
            int[] releases = [.. node.Inputs.Distinct().Where(i => i.IsBatched && remaining[i] == 0).Select(i => slots[i])];
            steps.Add(new ProgramStep(node, [.. node.Inputs.Select(i => slots[i])], slots[node], [.. releases], overwrites));
        }
        return new GraphProgram(prepared, steps.ToImmutable(), slots, constants);
    }

    /// <summary>Elementwise operators may write over an input that nobody reads any more: one allocation less at the peak.</summary>
    private static int OverwrittenInput(Node node, AliasGroups aliases)
    {
        return node.Operator switch
        {
            UnaryOp when Fits(0) => 0,
            BinaryOp { Kind: BinaryKind.Add or BinaryKind.Subtract or BinaryKind.Multiply or BinaryKind.Divide } when Fits(0) => 0,
            BinaryOp { Kind: BinaryKind.Add or BinaryKind.Multiply } when Fits(1) => 1,
            _ => -1,
        };

        bool Fits(int i) => node.Inputs[i].Shape == node.Shape && aliases.IsLastUse(node.Inputs[i]);
    }
}
