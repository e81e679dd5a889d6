using System.Text.Json;
using Backbones.Engines;
using Backbones.Graphs;
using Backbones.Models;

namespace Backbones.Conformance;

/// <summary>Lines with <c>variant</c> and <c>mode</c>: the same models made otherwise.</summary>
internal static class VariantChecks
{
    public static void Run(Checks checks, ModelEntry model, string mode, IEngine? engine)
    {
        JsonElement root = checks.Root, create = root.GetProperty("create");
        int[] size = [.. root.GetProperty("input_size").EnumerateArray().Select(d => d.GetInt32())];
        BuildOptions options = new()
        {
            ImageSize = (size[1], size[2]),
            InChannels = size[0],
            GlobalPool = create.TryGetProperty("global_pool", out JsonElement pool) ? pool.GetString() : null,
            NumClasses = create.TryGetProperty("num_classes", out JsonElement classes) ? classes.GetInt32() : null,
            OutputStride = create.TryGetProperty("output_stride", out JsonElement stride) ? stride.GetInt32() : 32,
        };
        switch (mode)
        {
            case "features_only":
                FeaturesOnly(checks, model, options, create, engine);
                break;
            case "intermediates":
                Intermediates(checks, model, options, engine);
                break;
            case "forward" or "adapted":
                Forward(checks, model, options, adapted: mode == "adapted", engine);
                break;
            default:
                checks.Fail("mode", $"unknown mode '{mode}'");
                break;
        }
    }

    private static void FeaturesOnly(Checks checks, ModelEntry model, BuildOptions options, JsonElement create, IEngine? engine)
    {
        FeatureSelection selection = !create.TryGetProperty("out_indices", out JsonElement indices) ? FeatureSelection.Pyramid(outputStride: options.OutputStride)
            : indices.ValueKind == JsonValueKind.Number ? FeatureSelection.Pyramid(indices.GetInt32(), options.OutputStride)
            : FeatureSelection.Pyramid(indices.EnumerateArray().Select(i => i.GetInt32()), options.OutputStride);
        JsonElement expected = checks.Root.GetProperty("features_only");
        SelectedFeatures selected = SelectedFeatures.Create(model, selection, options);
        ModelChecks.PyramidInfo(checks, "features_only", expected, selected);
        if (expected.TryGetProperty("params", out JsonElement count))
            checks.Equal("params", count.GetInt64(), selected.Graph.ParameterCount);
        Compare(checks, "features_only", [.. expected.GetProperty("levels").EnumerateArray()], selected.Graph, engine);
    }

    private static void Intermediates(Checks checks, ModelEntry model, BuildOptions options, IEngine? engine)
    {
        bool final = checks.Root.TryGetProperty("final", out JsonElement finalSample) && finalSample.ValueKind == JsonValueKind.Object;
        FeatureSelection selection = IntermediateArguments.Parse(checks.Root.GetProperty("args"), intermediatesOnly: !final);
        JsonElement[] samples = [.. ModelChecks.Flatten(checks.Root.GetProperty("outputs")), .. final ? [finalSample] : Array.Empty<JsonElement>()];
        Compare(checks, "intermediates", samples, SelectedFeatures.Create(model, selection, options).Graph, engine);
    }

    private static void Forward(Checks checks, ModelEntry model, BuildOptions options, bool adapted, IEngine? engine)
    {
        BackboneGraph backbone = model.Build(options);
        if (checks.Root.TryGetProperty("params", out JsonElement count))
            checks.Equal("params", count.GetInt64(), backbone.Graph.ParameterCount);
        SelectedFeatures selected = SelectedFeatures.Merge([SelectedFeatures.Choose(backbone, FeatureSelection.Logits), SelectedFeatures.Choose(backbone, FeatureSelection.Unpooled)]);
        if (adapted)
            selected = selected.AdaptedTo(model.Build(BuildOptions.Default).Graph.Parameters);
        JsonElement features = checks.Root.GetProperty("forward_features");
        Compare(checks, "forward", [checks.Root.GetProperty("logits"), features.ValueKind == JsonValueKind.Array ? features[0] : features], selected.Graph, engine);
    }

    private static void Compare(Checks checks, string what, JsonElement[] samples, Graph graph, IEngine? engine)
    {
        if (samples.Length != graph.Outputs.Length)
            checks.Fail(what, $"expected {samples.Length} outputs, got {graph.Outputs.Length}");
        float[][] values = checks.Run(graph, engine);
        for (int i = 0; i < Math.Min(samples.Length, values.Length); i++)
            checks.Close($"{what}[{i}]", samples[i], graph.Outputs[i], values[i]);
    }
}
