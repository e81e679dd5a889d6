using System.Text.Json;
using Backbones.Engines;
using Backbones.Graphs;
using Backbones.Models;

namespace Backbones.Conformance;

/// <summary>Everything that a model line holds: names, counts, outputs, pyramid, strides, intermediates, pruning, node names.</summary>
internal static class ModelChecks
{
    public static void Run(Checks checks, ModelEntry model, IEngine? engine)
    {
        JsonElement root = checks.Root;
        BackboneGraph backbone = model.Build(BuildOptions.Default);
        Structure(checks, backbone);
        if (root.GetProperty("status").GetString() != "ok")
        {
            checks.Done.Add("structure");
            return;
        }
        Pruning(checks, model, backbone);
        NodeNames.Check(checks, backbone);
        Outputs(checks, model, backbone, engine);
        WithoutHead(checks, model, engine);
        OutputStrides(checks, model, engine);
    }

    private static void Structure(Checks checks, BackboneGraph backbone)
    {
        JsonElement root = checks.Root;
        checks.Equal("params", root.GetProperty("params").GetInt64(), backbone.Graph.ParameterCount);
        // timm makes vitamin_xlarge_336 under the name, and with the config, of vitamin_xlarge_256; here it has its own.
        if (root.GetProperty("name").GetString() != "vitamin_xlarge_336")
            checks.Equal("input_size", Text(root.GetProperty("input_size")), backbone.Graph.Inputs[0].Shape);
        checks.Equal("num_features", root.GetProperty("num_features").GetInt32(), backbone.NumFeatures);
        checks.Equal("head_hidden_size", root.GetProperty("head_hidden_size").GetInt32(), backbone.HeadHiddenSize);

        StateDictChecks.Run(checks, backbone.Graph);
        if (root.TryGetProperty("feature_info", out JsonElement info) && info.ValueKind == JsonValueKind.Array)
            checks.Equal("feature_info", string.Join(" ", info.EnumerateArray().Select(l => $"{l.GetProperty("num_chs")}/{l.GetProperty("reduction")}/{l.GetProperty("module").GetString()}")),
                string.Join(" ", backbone.Levels.Select(l => $"{l.Channels}/{l.Reduction}/{l.Module}")));
    }

    /// <summary>All that comes from the backbone as it is, in one run: logits, features, pre-logits, pyramid, intermediates.</summary>
    private static void Outputs(Checks checks, ModelEntry model, BackboneGraph backbone, IEngine? engine)
    {
        JsonElement root = checks.Root;
        var selections = new List<(SelectedFeatures Features, string What, JsonElement[] Samples)>();
        void Want(string what, FeatureSelection selection, JsonElement[] samples) => selections.Add((SelectedFeatures.Choose(backbone, selection), what, samples));

        Want("logits", FeatureSelection.Logits, [root.GetProperty("logits")]);
        Want("forward_features", FeatureSelection.Unpooled, [.. root.GetProperty("forward_features").EnumerateArray()]);
        if (root.TryGetProperty("pre_logits", out JsonElement preLogits) && preLogits.TryGetProperty("shape", out _))
            selections.Add((new SelectedFeatures(backbone.Graph.WithOutputs(backbone.PreLogits), [new("pre_logits", backbone.PreLogits.Shape)], backbone), "pre_logits", [preLogits]));

        if (root.TryGetProperty("features_only", out JsonElement pyramid) && pyramid.TryGetProperty("levels", out JsonElement levels))
        {
            Want("features_only", FeatureSelection.Pyramid(), [.. levels.EnumerateArray()]);
            SelectedFeatures selected = selections[^1].Features;
            PyramidInfo(checks, "features_only", pyramid, selected);
            long parameters = pyramid.GetProperty("params").GetInt64();
            // Where timm's model cannot be pruned it stays whole. FeatureHookNet runs and keeps the whole model but its classifier, though the levels may not need the end of it.
            bool staysWhole = backbone.FeaturesFromIntermediates && !root.TryGetProperty("prune_neg2", out _);
            if (staysWhole)
                checks.Equal("features_only.params", parameters, backbone.Graph.ParameterCount);
            else if (pyramid.GetProperty("cls").GetString() != "FeatureHookNet" || parameters != model.Build(SelectedFeatures.OptionsFor(FeatureSelection.Pooled(""), BuildOptions.Default)).Graph.ParameterCount)
                checks.Equal("features_only.params", parameters, selected.Graph.ParameterCount + Count(LeftOver(checks, backbone, selected.Graph, modules: backbone.FeaturesFromIntermediates)));
        }
        if (root.TryGetProperty("intermediates", out JsonElement intermediates))
        {
            foreach (JsonProperty mode in intermediates.EnumerateObject())
            {
                if (mode.Value.TryGetProperty("outputs", out JsonElement outputs))
                    Want($"intermediates.{mode.Name}", IntermediateArguments.Parse(mode.Value.GetProperty("args"), intermediatesOnly: true), [.. Flatten(outputs)]);
            }
        }

        SelectedFeatures merged = SelectedFeatures.Merge([.. selections.Select(s => s.Features)]);
        float[][] values = checks.Run(merged.Graph, engine);
        int next = 0;
        foreach ((SelectedFeatures features, string what, JsonElement[] samples) in selections)
        {
            if (features.Outputs.Length != samples.Length)
                checks.Fail(what, $"expected {samples.Length} outputs, got {features.Outputs.Length}");
            for (int i = 0; i < features.Outputs.Length; i++, next++)
            {
                if (i < samples.Length)
                    checks.Close(samples.Length == 1 ? what : $"{what}[{i}]", samples[i], merged.Graph.Outputs[next], values[next]);
            }
        }
    }

    private static void WithoutHead(Checks checks, ModelEntry model, IEngine? engine)
    {
        if (checks.Root.TryGetProperty("params_no_head", out JsonElement count) && count.ValueKind == JsonValueKind.Number)
            checks.Equal("params_no_head", count.GetInt64(), model.Build(SelectedFeatures.OptionsFor(FeatureSelection.Pooled(""), BuildOptions.Default)).Graph.ParameterCount);
        if (checks.Root.TryGetProperty("reset_classifier_0_nopool", out JsonElement sample) && sample.TryGetProperty("shape", out _))
        {
            Graph graph = SelectedFeatures.Create(model, FeatureSelection.Pooled("")).Graph;
            checks.Close("reset_classifier", sample, graph.Outputs[0], checks.Run(graph, engine)[0]);
        }
    }

    private static void OutputStrides(Checks checks, ModelEntry model, IEngine? engine)
    {
        if (!checks.Root.TryGetProperty("output_stride", out JsonElement strides) || strides.ValueKind != JsonValueKind.Object)
            return;
        foreach (JsonProperty stride in strides.EnumerateObject())
        {
            string what = $"output_stride {stride.Name}";
            var selection = FeatureSelection.Pyramid(outputStride: int.Parse(stride.Name));
            if (stride.Value.ValueKind != JsonValueKind.Object || !stride.Value.TryGetProperty("levels", out JsonElement levels))
            {
                try
                {
                    SelectedFeatures.Create(model, selection);
                    checks.Fail(what, "expected a refusal, got a graph");
                }
                catch (GraphException)
                {
                    checks.Done.Add($"{what} refused");
                }
                continue;
            }
            SelectedFeatures selected = SelectedFeatures.Create(model, selection);
            checks.Equal($"{what}.reduction", Text(stride.Value.GetProperty("reduction")), $"[{string.Join(", ", selected.Outputs.Select(o => o.Level!.Reduction))}]");
            float[][] values = checks.Run(selected.Graph, engine);
            foreach ((int i, JsonElement level) in levels.EnumerateArray().Index())
                checks.Close($"{what}[{i}]", level, selected.Graph.Outputs[i], values[i]);
        }
    }

    /// <summary>
    /// timm's pruning takes away what the wanted blocks do not need, except that some convolutional families keep their head's norm,
    /// though nothing uses it any more: there it comes on top of what the selection needs.
    /// </summary>
    private static void Pruning(Checks checks, ModelEntry model, BackboneGraph backbone)
    {
        if (!checks.Root.TryGetProperty("prune_neg2", out JsonElement prune) || !prune.TryGetProperty("params", out JsonElement count))
            return;
        // timm's Twins and MViTv2 keep all of their blocks.
        bool keepsBlocks = checks.Root.GetProperty("name").GetString()!.Split('_')[0] is "twins" or "mvitv2";
        Graph pruned = SelectedFeatures.Choose(backbone, FeatureSelection.Intermediates(keepsBlocks ? null : [-2])).Graph;
        // A head that cannot go without pooling keeps its own.
        string? pool = checks.Root.TryGetProperty("reset_error", out _) ? null : "";
        BackboneGraph reset = model.Build(SelectedFeatures.OptionsFor(FeatureSelection.Pooled(pool), BuildOptions.Default));
        Graph? idle = backbone.FeaturesFromIntermediates ? null : reset.Graph.From(reset.Features);
        (long, int) expected = (count.GetInt64(), prune.GetProperty("sd_entries").GetInt32());
        ParameterSpec[] leftOver = LeftOver(checks, backbone, pruned, modules: true);
        (long Parameters, int Entries) actual = (pruned.ParameterCount + Count(leftOver), pruned.Parameters.Length + leftOver.Length);
        if (expected != actual)
            checks.Equal("prune (parameters, entries)", expected, (actual.Parameters + (idle?.ParameterCount ?? 0), actual.Entries + (idle?.Parameters.Length ?? 0)));
    }

    /// <summary>
    /// What timm's pruning never takes away, though a selection does not need it: the model's own parameters (CaiT's class token), and of its modules MobileNetV5's fusion of
    /// levels and FastViT's last convolution.
    /// </summary>
    private static ParameterSpec[] LeftOver(Checks checks, BackboneGraph backbone, Graph selected, bool modules)
    {
        HashSet<string> needed = [.. selected.Parameters.Select(p => p.Name)];
        bool isFastViT = checks.Root.GetProperty("name").GetString()!.StartsWith("fastvit_", StringComparison.Ordinal);
        return [.. backbone.Graph.Parameters.Where(p => !needed.Contains(p.Name) && ((p.Kind == ParameterKind.Parameter && !p.Name.Contains('.')) || (modules && IsKept(p.Name))))];

        bool IsKept(string name) => name.StartsWith("msfa.", StringComparison.Ordinal)
            || (isFastViT && name.StartsWith("final_conv.", StringComparison.Ordinal));
    }

    private static long Count(IEnumerable<ParameterSpec> entries) => entries.Where(p => p.Kind == ParameterKind.Parameter).Sum(p => p.Shape.Length);

    internal static void PyramidInfo(Checks checks, string what, JsonElement pyramid, SelectedFeatures selected)
    {
        if (pyramid.TryGetProperty("channels", out JsonElement channels))
            checks.Equal($"{what}.channels", Text(channels), $"[{string.Join(", ", selected.Outputs.Select(o => o.Level!.Channels))}]");
        if (pyramid.TryGetProperty("reduction", out JsonElement reduction))
            checks.Equal($"{what}.reduction", Text(reduction), $"[{string.Join(", ", selected.Outputs.Select(o => o.Level!.Reduction))}]");
        if (pyramid.TryGetProperty("module", out JsonElement module))
            checks.Equal($"{what}.module", string.Join(", ", module.EnumerateArray().Select(m => m.GetString())), string.Join(", ", selected.Outputs.Select(o => o.Level!.Module)));
        if (pyramid.TryGetProperty("out_indices", out JsonElement indices))
        {
            // timm lists negative indices as they were given.
            int count = selected.Backbone.Levels.Length;
            checks.Equal($"{what}.out_indices", $"[{string.Join(", ", indices.EnumerateArray().Select(i => (i.GetInt32() + count) % count))}]", $"[{string.Join(", ", selected.Outputs.Select(o => o.Level!.Index))}]");
        }
    }

    internal static IEnumerable<JsonElement> Flatten(JsonElement outputs)
        => outputs.EnumerateArray().SelectMany(o => o.ValueKind == JsonValueKind.Array ? o.EnumerateArray().ToArray() : [o]);

    internal static string Text(JsonElement array) => $"[{string.Join(", ", array.EnumerateArray().Select(e => e.ToString()))}]";
}
