using System.Globalization;
using System.Text.Json;
using Backbones.Detection;
using Backbones.Engines;
using Backbones.Engines.Managed;
using Backbones.Graphs;
using Backbones.Layers;
using Backbones.Weights;

namespace Backbones.Conformance;

/// <summary>torchvision's operators of detection in isolation, and the code that they are here.</summary>
internal static class DetectionOps
{
    /// <summary>Every case of every operator that is there.</summary>
    public static IEnumerable<(string Name, Action<DetectionChecks> Run)> Cases(JsonElement ops) => ops.EnumerateObject().SelectMany(op => Cases(ops, op.Name, op.Value).Select((run, i) => ($"ops/{op.Name}/{i}", run)));

    private static IEnumerable<Action<DetectionChecks>> Cases(JsonElement ops, string name, JsonElement op) => name switch
    {
        "roi_align" => [.. Each(op.GetProperty("cases"), (c, item) => RoIAlign(c, op, item)), c => ListOfBoxes(c, op)],
        "roi_pool" => Each(op.GetProperty("cases"), (c, item) => Pool(c, ops, ops.GetProperty("roi_align").GetProperty("input"), item, (x, shape, regions, size, scale, _) => RegionPooling.RoIPool(x, shape, regions, size, scale))),
        "ps_roi_align" => Each(op.GetProperty("cases"), (c, item) => Pool(c, ops, op.GetProperty("input"), item, (x, shape, regions, size, scale, ratio) => RegionPooling.PositionSensitiveRoIAlign(x, shape, regions, size, scale, ratio))),
        "ps_roi_pool" => Each(op.GetProperty("cases"), (c, item) => Pool(c, ops, op.GetProperty("input"), item, (x, shape, regions, size, scale, _) => RegionPooling.PositionSensitiveRoIPool(x, shape, regions, size, scale))),
        "multi_scale_roi_align" => Each(op.GetProperty("cases"), (c, item) => MultiScale(c, op, item)),
        "nms" => Each(op.GetProperty("cases"), Nms),
        "batched_nms" => Each(op.GetProperty("cases"), BatchedNms),
        "box_coder" => Each(op.GetProperty("cases"), (c, item) => Coder(c, item)),
        "box_linear_coder" => Each(op.GetProperty("cases"), LinearCoder),
        "clip_boxes_to_image" => Each(op, (c, item) =>
        {
            int[] size = DetectionChecks.Ints(item.GetProperty("size"));
            c.Close("boxes", DetectionChecks.Flat(DetectionChecks.BoxesOf(item.GetProperty("out"))), DetectionChecks.Flat(DetectionChecks.BoxesOf(item.GetProperty("boxes")).Select(b => Boxes.ClipToImage(b, size[1], size[0]))), 0);
        }),
        "remove_small_boxes" => Each(op, (c, item) => c.EqualAll("keep", DetectionChecks.Ints(item.GetProperty("keep")),
            [.. DetectionChecks.BoxesOf(item.GetProperty("boxes")).Index().Where(b => Boxes.IsAtLeast(b.Item, (float)item.GetProperty("min_size").GetDouble())).Select(b => b.Index)])),
        "box_iou" => [c => Iou(c, op)],
        "anchor_generator" => Each(op, Anchors),
        "default_boxes" => Each(op, DefaultBoxes),
        "paste_masks_in_image" => [.. Each(op.GetProperty("cases"), (c, item) => Paste(c, op, item)), .. Each(op.GetProperty("errors"), (c, item) => PasteOutside(c, op, item))],
        "maskrcnn_inference" => [c => MaskInference(c, op)],
        "masks_to_boxes" => [c => MasksToBoxes(c, ops, op)],
        "transform" => Transforms(op),
        "fpn" => Each(op, PyramidNetwork),
        "frozen_batch_norm" => Each(op.GetProperty("cases"), (c, item) => FrozenBatchNorm(c, op, item)),
        _ => [c => c.Fail(name, "this operator is not known here")],
    };

    private static IEnumerable<Action<DetectionChecks>> Each(JsonElement list, Action<DetectionChecks, JsonElement> run)
        => (list.ValueKind == JsonValueKind.Array ? list.EnumerateArray().ToArray() : [list]).Select(item => (Action<DetectionChecks>)(checks => run(checks, item)));

    private static Size2 SizeOf(JsonElement size) => size.ValueKind == JsonValueKind.Array ? new Size2(size[0].GetInt32(), size[1].GetInt32()) : size.GetInt32();

    private static Box BoxOf(JsonElement box)
    {
        float[] b = DetectionChecks.Floats(box);
        return new(b[0], b[1], b[2], b[3]);
    }

    private static Shape ShapeOf(JsonElement entry) => [.. DetectionChecks.Ints(entry.GetProperty("shape"))];

    private static (int, Box)[] Regions(JsonElement ops) => [.. ops.GetProperty("roi_align").GetProperty("rois").EnumerateArray().Select(DetectionChecks.Floats).Select(r => ((int)r[0], new Box(r[1], r[2], r[3], r[4])))];

    private static void RoIAlign(DetectionChecks checks, JsonElement op, JsonElement item)
    {
        JsonElement input = op.GetProperty("input");
        (int, Box)[] regions = [.. op.GetProperty("rois").EnumerateArray().Select(DetectionChecks.Floats).Select(r => ((int)r[0], new Box(r[1], r[2], r[3], r[4])))];
        Size2 size = SizeOf(item.GetProperty("output_size"));
        float[] output = RegionPooling.RoIAlign(DetectionRecipe.Input(input), ShapeOf(input), regions, size, (float)item.GetProperty("spatial_scale").GetDouble(), item.GetProperty("sampling_ratio").GetInt32(), item.GetProperty("aligned").GetBoolean());
        int each = output.Length / regions.Length;
        checks.Close("per_roi_l2", DetectionChecks.Floats(item.GetProperty("per_roi_l2")), [.. Enumerable.Range(0, regions.Length).Select(i => L2(output.AsSpan(i * each, each)))], 1e-5, 1e-5);
        checks.Close("out", item.GetProperty("out"), [regions.Length, ShapeOf(input)[1], size.H, size.W], output, 1e-5);
    }

    private static void ListOfBoxes(DetectionChecks checks, JsonElement op)
    {
        JsonElement input = op.GetProperty("input"), list = op.GetProperty("list_of_boxes");
        (int, Box)[] regions = [.. list.GetProperty("boxes").EnumerateArray().SelectMany((boxes, image) => DetectionChecks.BoxesOf(boxes).Select(b => (image, b)))];
        checks.Close("out", list.GetProperty("out"), [regions.Length, ShapeOf(input)[1], 2, 2], RegionPooling.RoIAlign(DetectionRecipe.Input(input), ShapeOf(input), regions, 2, samplingRatio: 2), 1e-5);
        checks.Equal("empty", 0, RegionPooling.RoIAlign(DetectionRecipe.Input(input), ShapeOf(input), [], 7).Length);
    }

    private static void Pool(DetectionChecks checks, JsonElement ops, JsonElement input, JsonElement item, Func<float[], Shape, (int, Box)[], Size2, float, int, float[]> run)
    {
        (int, Box)[] regions = Regions(ops);
        Size2 size = SizeOf(item.GetProperty("output_size"));
        float[] output = run(DetectionRecipe.Input(input), ShapeOf(input), regions, size, (float)item.GetProperty("spatial_scale").GetDouble(), item.TryGetProperty("sampling_ratio", out JsonElement ratio) ? ratio.GetInt32() : 0);
        checks.Close("out", item.GetProperty("out"), [regions.Length, output.Length / regions.Length / size.H / size.W, size.H, size.W], output, 1e-5);
    }

    private static void MultiScale(DetectionChecks checks, JsonElement op, JsonElement item)
    {
        string[] names = [.. item.GetProperty("featmap_names").EnumerateArray().Select(n => n.GetString()!)];
        JsonElement[] inputs = [.. op.GetProperty("inputs").EnumerateArray().Where(i => names.Contains(i.GetProperty("key").GetString()))];
        Size2 size = SizeOf(item.GetProperty("output_size"));
        var pooler = new MultiScaleRoIAlign(size, item.GetProperty("sampling_ratio").GetInt32());
        (int Image, Box Box)[] boxes = [.. op.GetProperty("boxes").EnumerateArray().SelectMany((list, image) => DetectionChecks.BoxesOf(list).Select(b => (image, b)))];
        int[][] images = [.. op.GetProperty("image_sizes").EnumerateArray().Select(DetectionChecks.Ints)];
        Size2[] maps = [.. inputs.Select(i => ShapeOf(i)).Select(s => new Size2(s[2], s[3]))];
        var scales = new float[maps.Length];
        LevelMapping mapping = LevelMapping.Of(maps, new(images.Max(s => s[0]), images.Max(s => s[1])), pooler, scales);
        checks.EqualAll("scales", DetectionChecks.Floats(item.GetProperty("scales")), scales);
        int[] levels = [.. boxes.Select(b => mapping.LevelOf(b.Box))];
        checks.EqualAll("levels", DetectionChecks.Ints(item.GetProperty("levels")), levels);

        int channels = ShapeOf(inputs[0])[1], each = channels * size.H * size.W;
        ChannelsLastMap[] last = [.. inputs.Select((input, i) => new ChannelsLastMap(ChannelsLast(DetectionRecipe.Input(input), ShapeOf(input)), maps[i].H, maps[i].W, channels))];
        var output = new float[boxes.Length * each];
        new RoIAlignKernel(WorkerPool.Of(2)).Run(last, scales, [.. boxes.Select((b, i) => new RegionOfInterest(b.Box, b.Image, levels[i]))], boxes.Length, size, pooler.SamplingRatio, false, output);
        checks.Close("per_box_l2", DetectionChecks.Floats(item.GetProperty("per_box_l2")), [.. Enumerable.Range(0, boxes.Length).Select(i => L2(output.AsSpan(i * each, each)))], 1e-5, 1e-5);
        checks.Close("out", item.GetProperty("out"), [boxes.Length, channels, size.H, size.W], ChannelsLast(output, [boxes.Length, size.H * size.W, channels, 1]), 1e-5);
    }

    private static (Box[] Boxes, float[] Scores) Scored(JsonElement item)
    {
        if (!item.TryGetProperty("from", out JsonElement from))
            return (DetectionChecks.BoxesOf(item.GetProperty("boxes")), DetectionChecks.Floats(item.GetProperty("scores")));
        int count = from.GetProperty("n").GetInt32();
        return (DetectionRecipe.Boxes(from.GetProperty("boxes").GetString()!, count), DetectionRecipe.V(from.GetProperty("scores").GetString()!, count));
    }

    private static void Nms(DetectionChecks checks, JsonElement item)
    {
        (Box[] boxes, float[] scores) = Scored(item);
        checks.EqualAll("keep", DetectionChecks.Ints(item.GetProperty("keep")), Boxes.Nms(boxes, scores, item.GetProperty("iou_threshold").GetDouble()));
    }

    private static void BatchedNms(DetectionChecks checks, JsonElement item)
    {
        (Box[] boxes, float[] scores) = Scored(item);
        int[] classes;
        if (item.TryGetProperty("from", out JsonElement from))
        {
            // (long)(v(NAME) * FACTOR)
            string[] text = from.GetProperty("idxs").GetString()!.Split("v(")[1].Split([")", " * "], StringSplitOptions.RemoveEmptyEntries);
            classes = [.. DetectionRecipe.V(text[0], boxes.Length).Select(v => (int)(v * float.Parse(text[1], CultureInfo.InvariantCulture)))];
        }
        else
        {
            classes = DetectionChecks.Ints(item.GetProperty("idxs"));
        }
        double threshold = item.GetProperty("iou_threshold").GetDouble();
        int[] keep = DetectionChecks.Ints(item.GetProperty("keep"));
        checks.EqualAll("keep", keep, Boxes.BatchedNms(boxes, scores, classes, threshold));
        var list = new BoxList();
        for (int i = 0; i < boxes.Length; i++)
            list.Add(boxes[i], scores[i], classes[i]);
        checks.EqualAll("coordinate_trick", Expected("coordinate_trick"), new Suppression().MovedApart(list, threshold).ToArray());
        checks.EqualAll("per_class", Expected("per_class"), new Suppression().ClassByClass(list, threshold).ToArray());

        int[] Expected(string path) => item.GetProperty(path) is { ValueKind: JsonValueKind.Array } own ? DetectionChecks.Ints(own) : keep;
    }

    private static void Coder(DetectionChecks checks, JsonElement item)
    {
        float[] w = DetectionChecks.Floats(item.GetProperty("weights"));
        var coder = new BoxCoder(new(w[0], w[1], w[2], w[3]));
        if (item.TryGetProperty("deltas", out JsonElement given))
        {
            checks.Close("decode", DetectionChecks.Flat(DetectionChecks.BoxesOf(item.GetProperty("decode"))), DetectionChecks.Flat(DetectionChecks.BoxesOf(given).Zip(DetectionChecks.BoxesOf(item.GetProperty("anchors")), (d, a) => coder.Decode(new(d.X1, d.Y1, d.X2, d.Y2), a))), 1e-5, 1e-6);
            return;
        }
        Box[] anchors = DetectionRecipe.Boxes("code.anchors", 20), reference = DetectionRecipe.Boxes("code.ref", 20);
        float[] deltas = [.. DetectionRecipe.W("code.deltas", 160).Select(d => d * 3)];
        BoxDelta[] encoded = [.. reference.Zip(anchors, coder.Encode)];
        checks.Close("encode", [.. item.GetProperty("encode").EnumerateArray().SelectMany(DetectionChecks.Floats)], [.. encoded.SelectMany(d => new[] { d.X, d.Y, d.W, d.H })], 1e-5, 1e-5);
        checks.Close("decode", [.. item.GetProperty("decode").EnumerateArray().SelectMany(DetectionChecks.Floats)],
            DetectionChecks.Flat(Enumerable.Range(0, 40).Select(i => coder.Decode(new(deltas[4 * i], deltas[4 * i + 1], deltas[4 * i + 2], deltas[4 * i + 3]), anchors[i / 2]))), 1e-4, 1e-5);
        checks.Close("decode_encoded", [.. item.GetProperty("decode_encoded").EnumerateArray().SelectMany(DetectionChecks.Floats)], DetectionChecks.Flat(encoded.Zip(anchors, coder.Decode)), 1e-3, 1e-5);
    }

    private static void LinearCoder(DetectionChecks checks, JsonElement item)
    {
        var coder = new BoxLinearCoder(item.GetProperty("normalize_by_size").GetBoolean());
        Box[] anchors = DetectionRecipe.Boxes("code.anchors", 20), reference = DetectionRecipe.Boxes("code.ref", 20);
        float[] distances = DetectionRecipe.V("code.fcos", 80);
        checks.Close("encode", [.. item.GetProperty("encode").EnumerateArray().SelectMany(DetectionChecks.Floats)], [.. reference.Zip(anchors, coder.Encode).SelectMany(d => new[] { d.X, d.Y, d.W, d.H })], 1e-5, 1e-5);
        checks.Close("decode", [.. item.GetProperty("decode").EnumerateArray().SelectMany(DetectionChecks.Floats)],
            DetectionChecks.Flat(anchors.Select((a, i) => coder.Decode(new(distances[4 * i], distances[4 * i + 1], distances[4 * i + 2], distances[4 * i + 3]), a))), 1e-5, 1e-6);
    }

    private static void Iou(DetectionChecks checks, JsonElement op)
    {
        Box[] a = DetectionChecks.BoxesOf(op.GetProperty("a")), b = DetectionChecks.BoxesOf(op.GetProperty("b"));
        checks.Close("iou", [.. op.GetProperty("iou").EnumerateArray().SelectMany(DetectionChecks.Floats)], [.. a.SelectMany(x => b.Select(y => Boxes.Iou(x, y)))], 1e-6, 1e-5);
        checks.Close("giou", [.. op.GetProperty("giou").EnumerateArray().SelectMany(DetectionChecks.Floats)], [.. a.SelectMany(x => b.Select(y => Boxes.GeneralizedIou(x, y)))], 1e-6, 1e-5);
        checks.Close("area_a", DetectionChecks.Floats(op.GetProperty("area_a")), [.. a.Select(x => x.Area)], 1e-5, 1e-5);
    }

    private static void Anchors(DetectionChecks checks, JsonElement item)
    {
        var generator = new AnchorGenerator([.. item.GetProperty("sizes").EnumerateArray().Select(DetectionChecks.Floats)], [.. item.GetProperty("ratios").EnumerateArray().Select(DetectionChecks.Floats)]);
        Size2[] maps = [.. item.GetProperty("feature_maps").EnumerateArray().Select(SizeOf)];
        checks.EqualAll("cell_anchors", [.. item.GetProperty("cell_anchors").EnumerateArray().SelectMany(DetectionChecks.BoxesOf)], [.. generator.CellAnchors.SelectMany(c => c)]);
        checks.EqualAll("per_location", DetectionChecks.Ints(item.GetProperty("per_location")), [.. generator.CellAnchors.Select(c => c.Length)]);
        IReadOnlyList<Box[]> anchors = generator.Generate(SizeOf(item.GetProperty("batch_size")), maps);
        foreach ((int level, JsonElement sample) in item.GetProperty("anchors").EnumerateArray().Index())
            checks.Close($"anchors[{level}]", sample, [anchors[level].Length, 4], DetectionChecks.Flat(anchors[level]), 1e-7);
        checks.EqualAll("first", DetectionChecks.BoxesOf(item.GetProperty("first")), [.. anchors.SelectMany(a => a).Take(item.GetProperty("first").GetArrayLength())]);
    }

    private static void DefaultBoxes(DetectionChecks checks, JsonElement item)
    {
        DefaultBoxGenerator made = DetectionRecipe.DefaultBoxes(item);
        checks.Close("all_scales", DetectionChecks.Floats(item.GetProperty("all_scales")), [.. made.Scales.Select(s => (float)s)], 0);
        Size2[] maps = [.. item.GetProperty("feature_maps").EnumerateArray().Select(SizeOf)];
        checks.EqualAll("per_location", DetectionChecks.Ints(item.GetProperty("per_location")), [.. made.PerPixel(maps.Length)]);
        IReadOnlyList<Box[]> boxes = made.Generate(SizeOf(item.GetProperty("batch_size")), maps);
        foreach ((int level, JsonElement sample) in item.GetProperty("anchors").EnumerateArray().Index())
            checks.Close($"anchors[{level}]", sample, [boxes[level].Length, 4], DetectionChecks.Flat(boxes[level]), 1e-7);
        checks.Close("first", DetectionChecks.Flat(DetectionChecks.BoxesOf(item.GetProperty("first"))), DetectionChecks.Flat(boxes.SelectMany(b => b).Take(item.GetProperty("first").GetArrayLength())), 1e-5);
    }

    private static (Box[] Boxes, float[][] Masks) Masks(JsonElement op)
    {
        JsonElement masks = op.GetProperty("masks");
        float[] all = DetectionRecipe.Input(masks);
        int side = ShapeOf(masks)[^1];
        return (DetectionChecks.BoxesOf(op.GetProperty("boxes")), [.. DetectionChecks.Ints(masks.GetProperty("rows")).Select(row => all.AsSpan(row * side * side, side * side).ToArray())]);
    }

    private static void Paste(DetectionChecks checks, JsonElement op, JsonElement item)
    {
        (Box[] boxes, float[][] masks) = Masks(op);
        Size2 size = SizeOf(item.GetProperty("size"));
        float[][] images = [.. boxes.Zip(masks, (box, mask) => Pasted(mask, box, size))];
        checks.Close("sum", DetectionChecks.Floats(item.GetProperty("sum")), [.. images.Select(m => (float)m.Sum(p => (double)p))], 1e-3, 1e-5);
        checks.EqualAll("above_half", DetectionChecks.Ints(item.GetProperty("above_half")), [.. images.Select(m => m.Count(p => p > 0.5f))]);
        foreach ((int i, JsonElement sample) in item.GetProperty("out").EnumerateArray().Index())
            checks.Close($"out[{i}]", sample, [1, size.H, size.W], images[i], 1e-5);
    }

    /// <summary>A box that is outside: torchvision's copy fails, here nothing is copied.</summary>
    private static void PasteOutside(DetectionChecks checks, JsonElement op, JsonElement item)
    {
        float[] pasted = Pasted(Masks(op).Masks[0], BoxOf(item.GetProperty("box")), SizeOf(item.GetProperty("size")));
        checks.Equal("pixels", 0, pasted.Count(p => p != 0));
    }

    private static float[] Pasted(float[] mask, Box box, Size2 size)
    {
        var image = new float[size.H * size.W];
        MaskPasting.Paste(mask, (int)Math.Sqrt(mask.Length), box, image, size.W, size.H);
        return image;
    }

    private static void MaskInference(DetectionChecks checks, JsonElement op)
    {
        JsonElement entry = op.GetProperty("logits");
        Shape shape = ShapeOf(entry);
        float[] logits = [.. DetectionRecipe.Input(entry).Select(v => v * entry.GetProperty("times").GetInt32())];
        int first = 0, area = shape[2] * shape[3];
        foreach ((int image, JsonElement list) in op.GetProperty("labels").EnumerateArray().Index())
        {
            int[] labels = DetectionChecks.Ints(list);
            float[] masks = [.. labels.SelectMany((label, i) => MaskRcnn.MaskOf(logits, first + i, label, shape[1], area))];
            checks.Close($"out[{image}]", DetectionChecks.Floats(op.GetProperty("out")[image].GetProperty("values")), masks, 1e-6, 1e-6);
            first += labels.Length;
        }
    }

    private static void MasksToBoxes(DetectionChecks checks, JsonElement ops, JsonElement op)
    {
        JsonElement paste = ops.GetProperty("paste_masks_in_image");
        (Box[] boxes, float[][] masks) = Masks(paste);
        Size2 size = SizeOf(paste.GetProperty("cases")[0].GetProperty("size"));
        checks.EqualAll("boxes", DetectionChecks.BoxesOf(op.GetProperty("boxes")), [.. DetectionChecks.Ints(op.GetProperty("rows")).Select(row => Boxes.OfMask(Array.ConvertAll(Pasted(masks[row], boxes[row], size), p => p > 0.5f), size.W))]);
    }

    private static IEnumerable<Action<DetectionChecks>> Transforms(JsonElement op)
    {
        float[] mean = DetectionChecks.Floats(op.GetProperty("image_mean")), std = DetectionChecks.Floats(op.GetProperty("image_std"));
        return
        [
            .. Each(op.GetProperty("cases"), (c, item) =>
            {
                Size2 image = SizeOf(item.GetProperty("image"));
                Batch(c, Transform(item), item, [new ImageTensor(DetectionRecipe.V($"tr.{image.H}x{image.W}", 3 * image.H * image.W), image.H, image.W)], [SizeOf(item.GetProperty("size"))]);
            }),
            .. Each(op.GetProperty("rounding"), (c, item) => c.Equal("size", SizeOf(item.GetProperty("size")), Transform(item).Resized(SizeOf(item.GetProperty("image")).H, SizeOf(item.GetProperty("image")).W))),
            .. Each(op.GetProperty("fixed"), (c, item) =>
            {
                // torchvision's fixed_size is width and height.
                Size2 image = SizeOf(item.GetProperty("image")), size = SizeOf(item.GetProperty("fixed_size"));
                var transform = new BatchTransform(800, 1333, mean, std, item.GetProperty("size_divisible").GetInt32(), new(size.W, size.H));
                Batch(c, transform, item, [new ImageTensor(DetectionRecipe.V("tr.fixed", 3 * image.H * image.W), image.H, image.W)], [SizeOf(item.GetProperty("size"))]);
            }),
            .. Each(op.GetProperty("several"), (c, item) =>
            {
                // Of several lengths the last counts, outside training.
                var transform = new BatchTransform(item.GetProperty("min_size").EnumerateArray().Last().GetInt32(), item.GetProperty("max_size").GetInt32(), mean, std, 32);
                Batch(c, transform, item, [.. item.GetProperty("images").EnumerateArray().Select(DetectionRecipe.Image)], [.. item.GetProperty("sizes").EnumerateArray().Select(SizeOf)]);
            }),
            .. Each(op.GetProperty("resize_boxes"), (c, item) =>
            {
                Size2 from = SizeOf(item.GetProperty("from")), to = SizeOf(item.GetProperty("to"));
                c.Close("out", DetectionChecks.Flat(DetectionChecks.BoxesOf(item.GetProperty("out"))), DetectionChecks.Flat(DetectionChecks.BoxesOf(item.GetProperty("boxes")).Select(b => Boxes.Scale(b, (float)to.W / from.W, (float)to.H / from.H))), 1e-5);
            }),
        ];

        BatchTransform Transform(JsonElement item) => new(item.GetProperty("min_size").GetInt32(), item.GetProperty("max_size").GetInt32(), mean, std, 32);
    }

    private static void Batch(DetectionChecks checks, BatchTransform transform, JsonElement item, ImageTensor[] images, Size2[] expected)
    {
        Size2[] sizes = [.. images.Select(i => transform.Resized(i.Height, i.Width))];
        checks.EqualAll("sizes", expected, sizes);
        if (!item.TryGetProperty("batch", out JsonElement sample))
            return;
        Size2 padded = transform.Padded(sizes);
        var batch = new float[images.Length * 3 * padded.H * padded.W];
        var writer = new ImageBatch(WorkerPool.Of(2));
        for (int i = 0; i < images.Length; i++)
            writer.Write(new FloatRows(images[i], transform.Mean, transform.Std), sizes[i], padded, batch, i);
        checks.Close("batch", sample, [images.Length, 3, padded.H, padded.W], batch, 1e-5);
    }

    private static void PyramidNetwork(DetectionChecks checks, JsonElement item)
    {
        JsonElement[] inputs = [.. item.GetProperty("inputs").EnumerateArray()];
        string? extra = item.GetProperty("extra").GetString();
        // One input for all maps, one after another: a builder has one.
        Shape[] shapes = [.. inputs.Select(i => ShapeOf(i)).Select(s => Shape.Create([s[1], s[2], s[3]]))];
        int batch = ShapeOf(inputs[0])[0], at = 0;
        var b = new GraphBuilder([(int)shapes.Sum(s => s.Length)]);
        var maps = new List<(string, Node)>();
        foreach ((JsonElement input, Shape shape) in inputs.Zip(shapes))
        {
            maps.Add((input.GetProperty("key").GetString()!, b.Reshape(b.Slice(b.Input, 0, at, (int)shape.Length), shape)));
            at += (int)shape.Length;
        }
        ExtraBlocks blocks = extra switch { null => ExtraBlocks.None, "maxpool" => ExtraBlocks.LastLevelMaxPool, _ => item.GetProperty("label").GetString()!.Contains("input", StringComparison.Ordinal) ? ExtraBlocks.LastLevelP6P7OnBody : ExtraBlocks.LastLevelP6P7 };
        var results = FeaturePyramidNetwork.Build(b, "", maps, item.GetProperty("out_channels").GetInt32(), blocks);
        Graph graph = b.Build(results.Select(r => r.Map));
        checks.EqualAll("state_dict", [.. item.GetProperty("state_dict").EnumerateArray().Select(e => $"{e[0].GetString()} [{string.Join(", ", DetectionChecks.Ints(e[1]))}]")], [.. graph.Parameters.Select(p => $"{p.Name} {p.Shape}")]);
        checks.Equal("weights_crc32", item.GetProperty("weights_crc32").GetString(), $"0x{RecipeWeights.Checksum(graph.Parameters, 1):x8}");
        float[][] values = [.. inputs.Select(DetectionRecipe.Input)];
        float[] all = [.. Enumerable.Range(0, batch).SelectMany(n => values.SelectMany((v, i) => v.AsSpan(n * (int)shapes[i].Length, (int)shapes[i].Length).ToArray()))];
        float[][] outputs = Run(graph, ParameterStore.FromRecipe(graph.Parameters, 1), batch, all);
        checks.Equal("keys", string.Join(", ", item.GetProperty("out").EnumerateObject().Select(o => o.Name)), string.Join(", ", results.Select(r => r.Name)));
        foreach ((int i, (string key, Node map)) in results.Index())
            checks.Close($"out[{key}]", item.GetProperty("out").GetProperty(key), [batch, .. map.Shape.Dimensions], outputs[i]);
    }

    private static void FrozenBatchNorm(DetectionChecks checks, JsonElement op, JsonElement item)
    {
        JsonElement input = op.GetProperty("input");
        Shape shape = ShapeOf(input);
        var b = new GraphBuilder([shape[1], shape[2], shape[3]]);
        Graph graph = b.Build(b.BatchNorm("bn", b.Input, (float)item.GetProperty("eps").GetDouble()));
        checks.Close("out", item.GetProperty("out"), [.. shape.Dimensions], Run(graph, ParameterStore.FromRecipe(graph.Parameters, 1), shape[0], DetectionRecipe.Input(input))[0], 1e-5);
    }

    private static float[][] Run(Graph graph, IParameterSource parameters, int batch, float[] input)
    {
        using IPlan plan = new ManagedEngine().Compile(graph, parameters, EngineOptions.Default);
        float[][] outputs = [.. graph.Outputs.Select(o => new float[batch * o.Shape.Length])];
        plan.Run(batch, [input], outputs.Select(o => o.AsMemory()).ToArray());
        return outputs;
    }

    private static float L2(ReadOnlySpan<float> values)
    {
        double sum = 0;
        foreach (float v in values)
            sum += (double)v * v;
        return (float)Math.Sqrt(sum);
    }

    /// <summary>[N, C, H, W] to [N, H, W, C].</summary>
    private static float[] ChannelsLast(float[] values, Shape shape)
    {
        int channels = shape[1], pixels = shape[2] * shape[3];
        var result = new float[values.Length];
        for (int i = 0; i < values.Length; i++)
            result[(i / (channels * pixels) * pixels + i % pixels) * channels + i / pixels % channels] = values[i];
        return result;
    }
}
