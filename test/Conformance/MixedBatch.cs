using System.Text.Json;
using Backbones.Graphs;

namespace Backbones.Conformance;

/// <summary>
/// timm's GCViT hands its global queries to the windows of a batch in the wrong order: window i of all (image after image) gets the query of image i mod batch. Our graphs keep
/// images apart, so that to compare with timm's numbers, which were made with two images, a graph of several images is made that takes the queries in timm's order.
/// </summary>
internal static class MixedBatch
{
    /// <summary>Whether the line is of a model whose images are not apart.</summary>
    public static bool IsOf(JsonElement line) => line.TryGetProperty("name", out JsonElement name) && name.GetString()!.StartsWith("gcvit_", StringComparison.Ordinal);

    /// <summary>The graph for that many images as one item: input and outputs have a new first axis.</summary>
    public static Graph Of(Graph graph, int images)
    {
        var nodes = new List<Node>();
        var copies = new Dictionary<Node, Node[]>();
        var inputs = new List<Node>();
        foreach (Node node in graph.Nodes)
        {
            if (!node.IsBatched)
            {
                nodes.Add(node);
                copies[node] = [.. Enumerable.Repeat(node, images)];
            }
            else if (node.Operator is InputOp)
            {
                Node all = Add($"{node.Name}#all", new InputOp([images, .. node.Shape]));
                inputs.Add(all);
                copies[node] = [.. Enumerable.Range(0, images).Select(i => Add($"{node.Name}#{i}", new ReshapeOp(node.Shape), Add($"{node.Name}#slice{i}", new SliceOp(0, i, 1), all)))];
            }
            else if (node.Name.EndsWith(".attn.repeat", StringComparison.Ordinal))
            {
                Node[] queries = [.. copies[node.Inputs[0]].Select((q, i) => Add($"{node.Name}#query{i}", new ReshapeOp([1, .. q.Shape]), q))];
                int windows = node.Shape[0];
                copies[node] = [.. Enumerable.Range(0, images).Select(i => Add($"{node.Name}#{i}", new ConcatOp(0), [.. Enumerable.Range(i * windows, windows).Select(w => queries[w % images])]))];
            }
            else
            {
                copies[node] = [.. Enumerable.Range(0, images).Select(i => Add($"{node.Name}#{i}", node.Operator, [.. node.Inputs.Select(n => copies[n][i])]))];
            }
        }
        Node[] outputs = [.. graph.Outputs.Select((o, n) =>
            Add($"#output{n}", new ConcatOp(0), [.. copies[o].Select((c, i) => Add($"#output{n}.{i}", new ReshapeOp([1, .. c.Shape]), c))]))];
        return new Graph([.. inputs], [.. nodes], [.. outputs], graph.Parameters);

        Node Add(string name, Operator op, params Node[] arguments)
        {
            var node = new Node(name, op, [.. arguments]);
            nodes.Add(node);
            return node;
        }
    }
}
