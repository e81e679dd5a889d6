using System.IO.Hashing;
using System.Text.Json;
using Backbones.Detection;
using Backbones.Engines;
using Backbones.Engines.Managed;
using Backbones.Graphs;
using Backbones.Models;
using Backbones.Registry;
using Backbones.Weights;

namespace Backbones.Conformance;

/// <summary>torchvision's detectors: their state dicts, and runs in which every part is looked at.</summary>
internal static class DetectionModels
{
    public static void CheckStateDict(DetectionChecks checks, string name, JsonElement model)
    {
        using Detector detector = Create(name, model);
        checks.EqualAll("state_dict", [.. model.GetProperty("state_dict").EnumerateArray().Select(e => $"{e[0].GetString()} [{string.Join(", ", DetectionChecks.Ints(e[1]))}]")], [.. detector.ParameterSpecs.Select(p => $"{p.Name} {p.Shape}")]);
        checks.Equal("params", model.GetProperty("params").GetInt64(), detector.ParameterSpecs.Where(p => p.Kind == ParameterKind.Parameter).Sum(p => p.Shape.Length));
        var crc = new Crc32();
        foreach (ParameterTensor tensor in detector.Parameters.Tensors)
        {
            using TensorView view = tensor.Open();
            crc.Append(view.Bytes);
        }
        checks.Equal("weights_crc32", model.GetProperty("weights_crc32").GetString(), $"0x{crc.GetCurrentHashAsUInt32():x8}");
    }

    public static void CheckCase(DetectionChecks checks, JsonElement models, JsonElement item, IEngine engine)
    {
        string name = item.GetProperty("model").GetString()!;
        using Detector detector = Create(name, models.GetProperty(name), engine);
        ImageTensor[] images = [.. item.GetProperty("images").EnumerateArray().Select(DetectionRecipe.Image)];
        Workspace workspace = detector.CreateWorkspace();
        IReadOnlyList<Detections> found = detector.Detect(workspace, images);

        Size2 padded = detector.Transform.Padded(workspace.Sizes);
        JsonElement transform = item.GetProperty("transform");
        checks.EqualAll("sizes", [.. transform.GetProperty("sizes").EnumerateArray().Select(s => new Size2(s[0].GetInt32(), s[1].GetInt32()))], workspace.Sizes);
        checks.Close("batch", transform.GetProperty("batch"), [images.Length, 3, padded.H, padded.W], workspace.Batch.Array.AsSpan(0, images.Length * 3 * padded.H * padded.W));
        CheckMaps(checks, detector, item, workspace, padded, images.Length);
        bool hasSameProposals = CheckProposals(checks, item, workspace);
        if (detector is FasterRcnn rcnn && hasSameProposals)
            CheckBoxHead(checks, rcnn, item.GetProperty("box"), (RcnnWorkspace)workspace);
        if (detector is MaskRcnn mask)
            CheckMaskHead(checks, mask, item.GetProperty("mask"), (RcnnWorkspace)workspace);
        foreach ((int i, JsonElement expected) in item.GetProperty("detections_resized").EnumerateArray().Index())
            checks.Close($"resized[{i}]", DetectionChecks.Flat(DetectionChecks.BoxesOf(expected.GetProperty("boxes"))), DetectionChecks.Flat(Enumerable.Range(0, Math.Min(20, workspace.Results[i].Count)).Select(k => workspace.Results[i][k])), 0.02);
        foreach ((int i, JsonElement expected) in item.GetProperty("final").EnumerateArray().Index())
            CheckFinal(checks, $"final[{i}]", expected, found[i]);
    }

    private static Detector Create(string name, JsonElement model, IEngine? engine = null)
    {
        string built = model.GetProperty("built").GetString()!;
        int classes = int.Parse(built.Split("num_classes=")[1].Split([',', ')', ':', ' '])[0]);
        JsonElement args = model.GetProperty("args"), gains = model.GetProperty("gains");
        Func<DetectorOptions, Detector> create = built.Split('(', ' ')[0] switch
        {
            "MaskRCNN" => o => MaskRcnn.Create(Body("resnet50", 1), classes, (MaskRcnnOptions)o),
            "FasterRCNN" => o => FasterRcnn.Create(Select("resnet18", ("layer3", "0")), classes, (FasterRcnnOptions)o),
            "RetinaNet" => o => RetinaNet.Create(Body("resnet50", 2), classes, (RetinaNetOptions)o),
            "FCOS" => o => Fcos.Create(Body("resnet50", 2), classes, (FcosOptions)o),
            "SSD" => o => Ssd.Create(Body("resnet18", 2), classes, (SsdOptions)o),
            string function => o => Detector.Create($"torchvision/{function}", o with { NumClasses = classes }),
        };
        DetectorOptions options = built.ToLowerInvariant() switch
        {
            string b when b.StartsWith("ssd ", StringComparison.Ordinal) => Single(new SsdOptions
            {
                AnchorGenerator = DetectionRecipe.DefaultBoxes(model.GetProperty("anchor_generator")),
                // torchvision's size is width and height.
                FixedSize = new(model.GetProperty("size")[1].GetInt32(), model.GetProperty("size")[0].GetInt32()),
            }, args),
            string b when b.StartsWith("ssd", StringComparison.Ordinal) => Single(new SsdOptions(), args),
            string b when b.StartsWith("maskrcnn", StringComparison.Ordinal) => Rcnn(new MaskRcnnOptions(), args),
            string b when b.Contains("resnet18", StringComparison.Ordinal) => Rcnn(new FasterRcnnOptions(), args) with
            {
                Pyramid = null,
                RpnAnchorGenerator = new AnchorGenerator([[32, 64, 128, 256]], [[0.5f, 1, 2]]),
                BoxRoIPool = new MultiScaleRoIAlign(7, 0) { FeatmapNames = ["0"] },
            },
            string b when b.StartsWith("fasterrcnn", StringComparison.Ordinal) => Rcnn(new FasterRcnnOptions(), args),
            string b when b.StartsWith("retinanet", StringComparison.Ordinal) => OneStage(new RetinaNetOptions(), args),
            _ => OneStage(new FcosOptions(), args),
        };
        // Names and shapes first, then the weights for them. Which of SSDlite's two widths it is, weights tell.
        ParameterStore? whole = built.Contains("reduced_tail=False", StringComparison.Ordinal) ? ParameterStore.FromTensors(RecipeWeights.Tensors([new("backbone.extra.0.0.0.weight", [256, 960, 1, 1])], 1)) : null;
        using Detector outline = create(options with { RandomWeights = true, Weights = whole });
        return create(options with { Weights = DetectionRecipe.Weights(outline.ParameterSpecs, gains), Engine = engine });
    }

    private static SelectedFeatures Body(string model, int first) => Select(model, [.. Enumerable.Range(first, 5 - first).Select(i => ($"layer{i}", $"{i - first}"))]);

    private static SelectedFeatures Select(string model, params (string, string)[] nodes)
        => Backbone.FromParameters(ModelNames.GetConfig($"torchvision/{model}"), ParameterStore.FromRecipe(ModelCatalog.Find($"torchvision/{model}").Build(BuildOptions.Default).Graph.Parameters, 1)).Select(FeatureSelection.Nodes(nodes));

    private static T Rcnn<T>(T options, JsonElement args) where T : FasterRcnnOptions
    {
        foreach (JsonProperty arg in args.EnumerateObject())
        {
            double value = arg.Value.GetDouble();
            options = (T)(arg.Name switch
            {
                "min_size" => options with { MinSize = (int)value },
                "max_size" => options with { MaxSize = (int)value },
                "rpn_pre_nms_top_n_test" => options with { RpnPreNmsTopN = (int)value },
                "rpn_post_nms_top_n_test" => options with { RpnPostNmsTopN = (int)value },
                "rpn_nms_thresh" => options with { RpnNmsThresh = value },
                "rpn_score_thresh" => options with { RpnScoreThresh = value },
                "box_score_thresh" => options with { BoxScoreThresh = value },
                "box_nms_thresh" => options with { BoxNmsThresh = value },
                "box_detections_per_img" => options with { BoxDetectionsPerImage = (int)value },
                _ => throw new InvalidDataException($"The argument '{arg.Name}' is not known here."),
            });
        }
        return options;
    }

    private static T OneStage<T>(T options, JsonElement args) where T : OneStageOptions
    {
        foreach (JsonProperty arg in args.EnumerateObject())
        {
            double value = arg.Value.GetDouble();
            options = (T)(arg.Name switch
            {
                "min_size" => options with { MinSize = (int)value },
                "max_size" => options with { MaxSize = (int)value },
                "topk_candidates" => options with { TopKCandidates = (int)value },
                "score_thresh" => options with { ScoreThresh = value },
                "nms_thresh" => options with { NmsThresh = value },
                "detections_per_img" => options with { DetectionsPerImage = (int)value },
                _ => throw new InvalidDataException($"The argument '{arg.Name}' is not known here."),
            });
        }
        return options;
    }

    private static SsdOptions Single(SsdOptions options, JsonElement args)
    {
        foreach (JsonProperty arg in args.EnumerateObject())
        {
            double value = arg.Value.GetDouble();
            options = arg.Name switch
            {
                "topk_candidates" => options with { TopKCandidates = (int)value },
                "score_thresh" => options with { ScoreThresh = value },
                "nms_thresh" => options with { NmsThresh = value },
                "detections_per_img" => options with { DetectionsPerImage = (int)value },
                _ => throw new InvalidDataException($"The argument '{arg.Name}' is not known here."),
            };
        }
        return options;
    }

    /// <summary>The maps of body, pyramid and heads over the workspace's batch, and the anchors.</summary>
    private static void CheckMaps(DetectionChecks checks, Detector detector, JsonElement item, Workspace workspace, Size2 padded, int count)
    {
        FeatureGraph features = detector.BuildFeatures(padded);
        bool isRcnn = item.TryGetProperty("rpn", out JsonElement rpn);
        JsonElement headRoot = isRcnn ? rpn : item.GetProperty("head");
        string[] heads = isRcnn ? ["objectness", "deltas"] : detector is Fcos ? ["cls_logits", "bbox_regression", "bbox_ctrness"] : ["cls_logits", "bbox_regression"];
        Graph graph = features.Graph.WithOutputs([.. features.Body.Select(m => m.Map), .. features.Levels.Select(m => m.Map), .. features.Heads.SelectMany(h => h)]);
        float[][] values = Run(graph, detector.Parameters, count, workspace.Batch.Array.AsMemory(0, count * 3 * padded.H * padded.W));
        int at = 0;
        foreach ((string part, var maps) in new[] { ("body", features.Body), ("fpn", features.Levels) })
        {
            if (detector is Ssd && part == "fpn")
            {
                // Without a pyramid the levels are the body's maps.
                at += maps.Length;
                continue;
            }
            JsonElement samples = item.GetProperty(part);
            checks.Equal($"{part} keys", string.Join(", ", samples.EnumerateObject().Select(p => p.Name)), string.Join(", ", maps.Select(m => m.Name)));
            foreach ((string key, Node map) in maps)
                checks.Close($"{part}[{key}]", samples.GetProperty(key), [count, .. map.Shape.Dimensions], values[at++]);
        }
        AnchorGrid[] anchors = detector.AnchorsOfLevels.Grids(padded, features.LevelSizes);
        checks.EqualAll("anchors_per_level", DetectionChecks.Ints((isRcnn ? rpn : item).GetProperty("anchors_per_level")), [.. anchors.Select(a => a.Count)]);
        foreach ((int level, AnchorGrid grid) in anchors.Index())
            checks.Close($"anchors[{level}]", (isRcnn ? rpn : item).GetProperty("anchors")[level], [grid.Count, 4], DetectionChecks.Flat(Enumerable.Range(0, grid.Count).Select(i => grid[i])), 1e-7);
        for (int head = 0; head < heads.Length; head++)
        {
            for (int level = 0; level < anchors.Length; level++, at++)
            {
                Shape shape = features.Heads[head][level].Shape;
                JsonElement sample = headRoot.GetProperty(heads[head])[level];
                if (isRcnn)
                    checks.Close($"{heads[head]}[{level}]", sample, [count, .. shape.Dimensions], values[at]);
                else
                    checks.Close($"{heads[head]}[{level}]", sample, [count, anchors[level].Count, (int)shape.Length / anchors[level].Count], ChannelsLast(values[at], count, shape));
            }
        }
    }

    /// <summary>Whether the proposals are the same ones in the same order, so that what follows can be compared one by one.</summary>
    private static bool CheckProposals(DetectionChecks checks, JsonElement item, Workspace workspace)
    {
        if (workspace is not RcnnWorkspace { Proposals: var proposals })
            return true;
        JsonElement rpn = item.GetProperty("rpn");
        bool isStable = rpn.GetProperty("proposals_stable").GetBoolean(), isSame = true;
        foreach ((int image, JsonElement expected) in rpn.GetProperty("proposals").EnumerateArray().Index())
        {
            int[] ours = [.. Enumerable.Range(0, proposals.Count).Where(i => proposals.Labels[i] == image)];
            checks.Equal($"proposals[{image}] count", expected.GetProperty("count").GetInt32(), ours.Length);
            JsonElement boxes = expected.GetProperty("boxes"), scores = expected.GetProperty("scores");
            float[] ourScores = [.. ours.Select(i => proposals.Scores[i])];
            if (boxes.ValueKind == JsonValueKind.Object)
            {
                // A sample: what swapped places is not told from what is wrong, but for the scores, which hardly differ.
                float[] flat = DetectionChecks.Flat(ours.Select(i => proposals[i]));
                checks.Close($"proposals[{image}] scores", scores, [ours.Length], ourScores);
                if (isStable)
                    checks.Close($"proposals[{image}]", boxes, [ours.Length, 4], flat);
                isSame &= Sample.Error(boxes, flat, isWholeInOrder: true) < 1e-4;
                continue;
            }
            checks.Close($"proposals[{image}] scores", DetectionChecks.Floats(scores), ourScores, 2e-4);
            Box[] wanted = DetectionChecks.BoxesOf(boxes), there = [.. ours.Select(i => proposals[i])];
            isSame &= wanted.Length == there.Length && wanted.Zip(there).All(p => IsNear(p.First, p.Second));
            int lost = wanted.Count(b => !there.Any(t => IsNear(b, t)));
            if (isStable ? !isSame : lost > 0)
                checks.Fail($"proposals[{image}]", $"{lost} of {wanted.Length} boxes are not there, or are in another place");
        }
        checks.Note($"proposals {(isSame ? "in order" : "as a set")}");
        return isSame;

        static bool IsNear(Box a, Box b) => Math.Max(Math.Max(Math.Abs(a.X1 - b.X1), Math.Abs(a.Y1 - b.Y1)), Math.Max(Math.Abs(a.X2 - b.X2), Math.Abs(a.Y2 - b.Y2))) <= 0.05;
    }

    private static void CheckBoxHead(DetectionChecks checks, FasterRcnn detector, JsonElement expected, RcnnWorkspace w)
    {
        int count = w.Proposals.Count;
        CheckHead(checks, "box", detector, detector.BoxHead, expected, count, w.BoxFeatures.Array, 7);
        checks.Close("class_logits", expected.GetProperty("class_logits"), [count, detector.NumClasses], w.ClassLogits.Array.AsSpan(0, count * detector.NumClasses), 2e-4);
        checks.Close("box_regression", expected.GetProperty("box_regression"), [count, 4 * detector.NumClasses], w.BoxRegression.Array.AsSpan(0, 4 * count * detector.NumClasses), 2e-4);
    }

    private static void CheckMaskHead(DetectionChecks checks, MaskRcnn detector, JsonElement expected, RcnnWorkspace w)
    {
        int count = w.Detected.Count;
        CheckHead(checks, "mask", detector, detector.MaskHead, expected, count, w.MaskFeatures.Array, 14);
        checks.Close("mask logits", expected.GetProperty("logits"), [count, detector.NumClasses, 28, 28], w.MaskLogits.Array.AsSpan(0, count * detector.NumClasses * 28 * 28), 5e-4);
    }

    /// <summary>What was cut, and what the predictor gets.</summary>
    private static void CheckHead(DetectionChecks checks, string what, Detector detector, RoIHead head, JsonElement expected, int count, float[] pooled, int side)
    {
        int channels = DetectionChecks.Ints(expected.GetProperty("pooled").GetProperty("shape"))[1], length = side * side * channels;
        float[] first = ChannelsFirst(pooled.AsSpan(0, count * length), count, side * side, channels);
        checks.Close($"{what} pooled", expected.GetProperty("pooled"), [count, channels, side, side], first, 2e-4);
        int items = (count + head.Rows - 1) / head.Rows;
        var input = new float[items * head.Rows * length];
        pooled.AsSpan(0, count * length).CopyTo(input);
        float[] features = Run(head.Graph.WithOutputs(head.Features), detector.Parameters, items, input)[0];
        int[] shape = DetectionChecks.Ints(expected.GetProperty("head").GetProperty("shape"));
        checks.Close($"{what} head", expected.GetProperty("head"), [count, .. shape[1..]], features.AsSpan(0, shape.Aggregate(1, (n, d) => n * d)), 2e-4);
    }

    private static void CheckFinal(DetectionChecks checks, string what, JsonElement expected, Detections found)
    {
        checks.Equal($"{what} count", expected.GetProperty("count").GetInt32(), found.Count);
        checks.EqualAll($"{what} labels", DetectionChecks.Ints(expected.GetProperty("labels")), [.. found.Select(d => d.Label)]);
        checks.Close($"{what} boxes", DetectionChecks.Flat(DetectionChecks.BoxesOf(expected.GetProperty("boxes"))), DetectionChecks.Flat(found.Select(d => d.Box)), 0.02);
        checks.Close($"{what} scores", DetectionChecks.Floats(expected.GetProperty("scores")), [.. found.Select(d => d.Score)], 2e-4);
        if (!expected.TryGetProperty("masks", out JsonElement masks))
        {
            checks.Equal($"{what} masks", 0, found.Count(d => d.Mask is not null));
            return;
        }
        float[][] images = [.. found.Select(d => d.Mask!.ToImage())];
        checks.Close($"{what} mask sums", DetectionChecks.Floats(masks.GetProperty("sum")), [.. images.Select(m => (float)m.Sum(p => (double)p))], 1e-3, 1e-3);
        // A pixel of 0.5 may be on either side.
        checks.Close($"{what} masks above half", DetectionChecks.Floats(masks.GetProperty("above_half")), [.. found.Select(d => (float)d.Mask!.ToBitmap().Count(p => p))], 2, 2e-3);
        foreach ((int i, JsonElement sample) in masks.GetProperty("first").EnumerateArray().Index())
            checks.Close($"{what} masks[{i}]", sample, [1, found.ImageHeight, found.ImageWidth], images[i], 2e-3);
    }

    private static float[][] Run(Graph graph, IParameterSource parameters, int batch, ReadOnlyMemory<float> input)
    {
        using IPlan plan = new ManagedEngine().Compile(graph, parameters, EngineOptions.Default);
        float[][] outputs = [.. graph.Outputs.Select(o => new float[batch * o.Shape.Length])];
        plan.Run(batch, [input], outputs.Select(o => o.AsMemory()).ToArray());
        return outputs;
    }

    /// <summary>[N, C, H, W] to [N, H, W, C].</summary>
    private static float[] ChannelsLast(ReadOnlySpan<float> values, int count, Shape shape) => ChannelsFirst(values, count, shape[0], shape[1] * shape[2]);

    /// <summary>[N, P, C] to [N, C, P].</summary>
    private static float[] ChannelsFirst(ReadOnlySpan<float> values, int count, int pixels, int channels)
    {
        var result = new float[values.Length];
        for (int n = 0; n < count; n++)
        {
            for (int p = 0; p < pixels; p++)
            {
                for (int c = 0; c < channels; c++)
                    result[(n * channels + c) * pixels + p] = values[(n * pixels + p) * channels + c];
            }
        }
        return result;
    }
}
