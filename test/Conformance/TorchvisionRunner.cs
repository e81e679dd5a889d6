using System.IO.Enumeration;
using System.Text.Json;
using Backbones.Engines;
using Backbones.Graphs;
using Backbones.Layers;
using Backbones.Models;

namespace Backbones.Conformance;

/// <summary>Runs torchvision's reference numbers: node names, values at nodes, parameters that an extraction keeps, a feature pyramid network.</summary>
internal static class TorchvisionRunner
{
    private const string Family = "torchvision", Prefix = Family + "/";

    /// <summary>Checks what matches the filter (with or without the prefix of the names), model by model.</summary>
    public static IEnumerable<ModelResult> Run(JsonElement root, string filter, IEngine? engine)
    {
        bool hasModels = root.TryGetProperty("models", out JsonElement models), hasPyramid = root.TryGetProperty("resnet50_fpn", out JsonElement pyramid);
        if (!hasModels && !hasPyramid)
        {
            yield return new ModelResult(Outcome.Failed, "The file has neither 'models' nor 'resnet50_fpn': these are no reference numbers of torchvision's models.");
            yield break;
        }
        IEnumerable<JsonProperty> lines = hasModels ? models.EnumerateObject() : [];
        foreach (JsonProperty model in lines.Where(m => Matches(m.Name, filter)))
        {
            yield return !ModelCatalog.Contains(Prefix + model.Name) ? new ModelResult(Outcome.Missing, $"{Prefix}{model.Name} missing")
                : ModelRunner.Report(Prefix + model.Name, Family, new Checks(model.Value, engine), checks => Model(checks, ModelCatalog.Find(Prefix + model.Name), engine));
        }
        if (hasPyramid && Matches("resnet50_fpn", filter))
            yield return ModelRunner.Report($"{Prefix}resnet50_fpn", Family, new Checks(pyramid, engine), checks => PyramidNetwork(checks, engine));
    }

    private static bool Matches(string name, string filter)
        => FileSystemName.MatchesSimpleExpression(filter, name) || FileSystemName.MatchesSimpleExpression(filter, Prefix + name);

    private static void Model(Checks checks, ModelEntry model, IEngine? engine)
    {
        JsonElement root = checks.Root;
        int[] input = [.. root.GetProperty("input_size").EnumerateArray().Select(d => d.GetInt32())];
        BackboneGraph backbone = model.Build(new BuildOptions { InChannels = input[0], ImageSize = (input[1], input[2]) });
        checks.Equal("params", root.GetProperty("params").GetInt64(), backbone.Graph.ParameterCount);
        StateDictChecks.Run(checks, backbone.Graph);
        NodeNames.Compare(checks, [.. root.GetProperty("eval_nodes").EnumerateArray().Select(n => n.GetString()!)], backbone.Graph.NodeNames);

        JsonProperty[] nodes = [.. root.GetProperty("nodes").EnumerateObject()];
        foreach (JsonProperty node in nodes)
        {
            Graph kept = SelectedFeatures.Choose(backbone, FeatureSelection.Nodes(node.Name)).Graph;
            checks.Equal($"{node.Name} kept_params", node.Value.GetProperty("kept_params").GetInt64(), kept.ParameterCount);
        }
        Graph graph = SelectedFeatures.Merge(
        [
            SelectedFeatures.Choose(backbone, FeatureSelection.Logits),
            SelectedFeatures.Choose(backbone, FeatureSelection.Nodes(nodes.Select(n => n.Name))),
        ]).Graph;
        Compare(checks, [("logits", root.GetProperty("logits")), .. nodes.Select(n => ($"nodes[{n.Name}]", n.Value))], graph, engine);
    }

    private static void PyramidNetwork(Checks checks, IEngine? engine)
    {
        JsonElement root = checks.Root;
        SelectedFeatures body = SelectedFeatures.Create(
            ModelCatalog.Find($"{Prefix}resnet50"), FeatureSelection.Nodes([("layer1", "0"), ("layer2", "1"), ("layer3", "2"), ("layer4", "3")]));
        // One graph for both: the maps go into the network and out beside its results.
        SelectedFeatures both = body.Extend((b, maps) => [.. maps, .. FeaturePyramidNetwork.Build(b, "", maps, 256, lastLevelMaxPool: true)]);
        StateDictChecks.Compare(checks, "fpn_state_dict", root.GetProperty("fpn_state_dict"), both.Graph.Parameters.ExceptBy(body.Graph.Parameters.Select(p => p.Name), p => p.Name));

        (string Name, JsonElement Sample)[] samples =
        [
            .. root.GetProperty("body").EnumerateObject().Select(o => ($"body[{o.Name}]", o.Value)),
            .. root.GetProperty("outputs").EnumerateObject().Select(o => ($"fpn[{o.Name}]", o.Value)),
        ];
        int maps = body.Outputs.Length;
        checks.Equal("outputs", string.Join(", ", samples.Select(s => s.Name)), string.Join(", ", both.Outputs.Select((o, i) => $"{(i < maps ? "body" : "fpn")}[{o.Name}]")));
        Compare(checks, samples, both.Graph, engine);
    }

    private static void Compare(Checks checks, (string Name, JsonElement Sample)[] samples, Graph graph, IEngine? engine)
    {
        float[][] values = checks.Run(graph, engine);
        // The lines do not say how far float32 carries. With the recipe's weights the attention of torchvision's ViT is all but one-hot, and each block doubles what was rounded before.
        var rounded = new Lazy<float[][]>(() => checks.Run(graph, engine, rounded: true));
        foreach ((int i, (string name, JsonElement sample)) in samples.Index())
            checks.Close(name, sample, graph.Outputs[i], values[i], () => Difference(values[i], rounded.Value[i]));
    }

    private static double Difference(float[] a, float[] b)
    {
        double difference = a.Zip(b, (x, y) => ((double)x - y) * ((double)x - y)).Sum(), norm = a.Sum(x => (double)x * x);
        return Math.Sqrt(difference / Math.Max(norm, 1e-30));
    }
}
