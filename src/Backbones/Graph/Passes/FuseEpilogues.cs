namespace Backbones.Graphs.Passes;

/// <summary>Lets a convolution or linear layer add the residual and apply the activation that follow it, so that its result is written once.</summary>
internal static class FuseEpilogues
{
    /// <summary>The same values with additions and activations fused into their producers where nobody else needs the value between.</summary>
    public static Graph Run(Graph graph)
    {
        Dictionary<Node, int> uses = graph.UseCounts();
        // The residual must exist before the fused node runs; positions tell which of two producers is the later one.
        var position = new Dictionary<Node, int>();
        for (int i = 0; i < graph.Nodes.Length; i++)
            position.Add(graph.Nodes[i], i);
        var rewriter = new GraphRewriter(graph);
        return rewriter.Run((node, inputs) => node.Operator switch
        {
            BinaryOp { Kind: BinaryKind.Add } => FuseAdd(node),
            UnaryOp activation => FuseActivation(node, activation),
            _ => null,
        });

        Node? FuseAdd(Node node)
        {
            if (node.Inputs[0].Shape != node.Inputs[1].Shape || !node.Inputs[0].IsBatched || !node.Inputs[1].IsBatched || node.Inputs[0] == node.Inputs[1])
                return null;
            (Node later, Node earlier) = position[node.Inputs[0]] > position[node.Inputs[1]] ? (node.Inputs[0], node.Inputs[1]) : (node.Inputs[1], node.Inputs[0]);
            Node producer = rewriter[later];
            Epilogue? epilogue = EpilogueOf(producer);
            if (!IsFusable(producer) || uses[later] != 1 || epilogue is not null)
                return null;
            return rewriter.Create(node.Name, WithEpilogue(producer.Operator, new Epilogue(AddsResidual: true)), [.. producer.Inputs, rewriter[earlier]]);
        }

        Node? FuseActivation(Node node, UnaryOp activation)
        {
            Node producer = rewriter[node.Inputs[0]];
            if (!IsFusable(producer) || uses[node.Inputs[0]] != 1 || EpilogueOf(producer) is { Activation: not null })
                return null;
            Epilogue epilogue = (EpilogueOf(producer) ?? new Epilogue()) with { Activation = activation };
            return rewriter.Create(node.Name, WithEpilogue(producer.Operator, epilogue), [.. producer.Inputs]);
        }
    }

    private static bool IsFusable(Node node) => node.IsBatched && node.Operator is Conv2dOp or LinearOp;

    private static Epilogue? EpilogueOf(Node node) => node.Operator switch
    {
        Conv2dOp c => c.Epilogue,
        LinearOp l => l.Epilogue,
        _ => null,
    };

    private static Operator WithEpilogue(Operator op, Epilogue epilogue) => op switch
    {
        Conv2dOp c => c with { Epilogue = epilogue },
        LinearOp l => l with { Epilogue = epilogue },
        _ => throw new InvalidOperationException(),
    };
}
