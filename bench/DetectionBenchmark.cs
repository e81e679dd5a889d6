using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Backbones.Detection;
using Backbones.Engines;
using Backbones.Engines.Managed;
using Backbones.Graphs;
using Backbones.Onnx;
using Backbones.Weights;

namespace Bench;

/// <summary>Times a detector's call, its parts, and the kernels between the graphs: the shortest and the median of all runs.</summary>
internal sealed class DetectionBenchmark(BenchOptions options)
{
    private const int ImageHeight = 600, ImageWidth = 800;

    /// <summary>Gains with which made-up weights find a hundred objects, as trained ones do in a full picture.</summary>
    private static readonly (string Prefix, double Gain)[] s_gains =
    [
        ("rpn.head.cls", 4), ("rpn.head.bbox", 0.05), ("roi_heads.box_predictor.cls", 6), ("roi_heads.box_predictor.bbox", 0.25), ("roi_heads.mask_predictor.mask_fcn_logits", 40),
        ("head.classification_head.cls_logits", 4), ("head.regression_head.bbox_reg", 0.05), ("head.regression_head.bbox_ctrness", 4),
    ];

    public void Run(string model)
    {
        using Detector detector = Create(model);
        foreach (int batch in options.Batches)
            Call(model, detector, batch);
        if (options.WithOnnxRuntime)
            BesideOnnxRuntime(model, detector);
        Align();
        Suppress();
    }

    private Detector Create(string model)
    {
        DetectorOptions made = model.Split('/')[^1].Split('_')[0] switch
        {
            "maskrcnn" => new MaskRcnnOptions(),
            "fasterrcnn" => new FasterRcnnOptions(),
            "retinanet" => new RetinaNetOptions(),
            "ssd300" or "ssdlite320" => new SsdOptions(),
            _ => new FcosOptions(),
        };
        made = made with { EngineOptions = new EngineOptions { Threads = options.Threads } };
        using Detector outline = Detector.Create(model, made with { RandomWeights = true });
        return Detector.Create(model, made with { Weights = ParameterStore.FromTensors(outline.ParameterSpecs.SelectMany(Weights)) });
    }

    private static IEnumerable<ParameterTensor> Weights(ParameterSpec spec)
    {
        (string? prefix, double gain) = s_gains.FirstOrDefault(g => spec.Name.StartsWith(g.Prefix, StringComparison.Ordinal));
        if (prefix is null || spec.Shape.Rank < 2)
            return RecipeWeights.Tensors([spec], 1);
        var values = new float[spec.Shape.Length];
        RecipeWeights.Fill(spec with { Shape = [.. spec.Shape, 1] }, gain, values);
        return [new MemoryTensor(spec.Name, spec.Shape, values)];
    }

    private void Call(string model, Detector detector, int batch)
    {
        ImageTensor[] images = [.. Enumerable.Range(0, batch).Select(i => new ImageTensor(Blocks($"bench.{i}"), ImageHeight, ImageWidth))];
        Workspace workspace = detector.CreateWorkspace();
        long start = Stopwatch.GetTimestamp();
        int found = detector.Detect(workspace, images).Sum(d => d.Count);
        Report(model, $"first call, with compiling ({found} detections)", [Stopwatch.GetElapsedTime(start).TotalMilliseconds]);
        var whole = new List<double>();
        var masks = new List<double>();
        var parts = new Dictionary<string, List<double>>();
        long before = GC.GetAllocatedBytesForCurrentThread();
        workspace.Clock = new PartClock();
        var pixels = new float[ImageHeight * ImageWidth];
        for (int run = 0; run < options.Runs; run++)
        {
            start = Stopwatch.GetTimestamp();
            IReadOnlyList<Detections> results = detector.Detect(workspace, images);
            double call = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            foreach (Detection detection in results.SelectMany(r => r))
                detection.Mask?.CopyTo(pixels);
            double pasted = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            whole.Add(pasted);
            masks.Add(pasted - call);
            foreach ((string part, double time) in workspace.Clock.Milliseconds)
                (parts.TryGetValue(part, out List<double>? list) ? list : parts[part] = []).Add(time);
        }
        long allocated = (GC.GetAllocatedBytesForCurrentThread() - before) / options.Runs;
        Report(model, $"whole call, batch {batch}, {allocated / 1024} KiB allocated", whole);
        foreach ((string part, List<double> times) in parts)
            Report(model, part, times);
        if (detector.HasMasks)
            Report(model, "masks as images", masks);
    }

    /// <summary>The detector's graphs, for one image of 800×1088, 1000 proposals and 100 detections, and the same graphs in ONNX Runtime, which has maps with channels first.</summary>
    private void BesideOnnxRuntime(string model, Detector detector)
    {
        FeatureGraph features = detector.BuildFeatures(new(800, 1088));
        var graphs = new List<(string Name, Graph Graph, Graph Planar, int Batch)>
        {
            ("backbone, pyramid, dense heads", features.Graph, features.Graph.WithOutputs([.. features.Pooled.Select(i => features.Levels[i].Map), .. features.Heads.SelectMany(h => h)]), 1),
        };
        if (detector is FasterRcnn rcnn)
            graphs.Add(("box head", rcnn.BoxHead.Graph, rcnn.BoxHead.Graph, (1000 + rcnn.BoxHead.Rows - 1) / rcnn.BoxHead.Rows));
        if (detector is MaskRcnn mask)
            graphs.Add(("mask head", mask.MaskHead.Graph, mask.MaskHead.Graph, 100));
        foreach ((string name, Graph graph, Graph planar, int batch) in graphs)
        {
            string path = Path.Combine(Repository.Artifacts, "bench", $"detection-{name.Split(',')[0].Replace(' ', '-')}.onnx");
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            OnnxExporter.Export(planar, detector.Parameters, path, new OnnxExportOptions { Name = model });
            using var runtime = new OnnxRuntimeModel(path, options.Threads);
            using IPlan plan = new ManagedEngine().Compile(graph, detector.Parameters, new EngineOptions { Threads = options.Threads });
            Shape shape = graph.Inputs[0].Shape;
            float[] input = [.. Enumerable.Range(0, (int)(batch * shape.Length)).Select(i => MathF.Sin(i * 0.37f))];
            Memory<float>[] outputs = [.. graph.Outputs.Select(o => new Memory<float>(new float[batch * o.Shape.Length]))];
            var managed = new List<double>();
            var onnx = new List<double>();
            for (int run = 0; run <= options.Runs; run++)
            {
                long start = Stopwatch.GetTimestamp();
                plan.Run(batch, [input], outputs);
                long middle = Stopwatch.GetTimestamp();
                runtime.RunInPlace(batch, shape, input);
                if (run == 0)
                    continue;
                managed.Add(Stopwatch.GetElapsedTime(start, middle).TotalMilliseconds);
                onnx.Add(Stopwatch.GetElapsedTime(middle).TotalMilliseconds);
            }
            Report(model, $"graph: {name}, managed", managed);
            Report(model, $"graph: {name}, ONNX Runtime", onnx);
        }
    }

    /// <summary>1000 boxes, half of them smaller than 112 pixels, from a pyramid of 800×1088: 'box' and 'mask' sizes.</summary>
    private void Align()
    {
        ChannelsLastMap[] maps = [.. Enumerable.Range(2, 4).Select(level => (H: 800 >> level, W: 1088 >> level)).Select(s => new ChannelsLastMap(Values("align.map", s.H * s.W * 256), s.H, s.W, 256))];
        var pooler = new MultiScaleRoIAlign(7);
        var scales = new float[4];
        LevelMapping mapping = LevelMapping.Of([.. maps.Select(m => new Size2(m.Height, m.Width))], new(800, 1066), pooler, scales);
        float[] v = Values("align.boxes", 4000);
        RegionOfInterest[] regions = [.. Enumerable.Range(0, 1000).Select(i =>
        {
            float width = 8 + 400 * v[4 * i] * v[4 * i], height = 8 + 400 * v[4 * i + 1] * v[4 * i + 1], x = v[4 * i + 2] * (1066 - width), y = v[4 * i + 3] * (800 - height);
            var box = new Box(x, y, x + width, y + height);
            return new RegionOfInterest(box, 0, mapping.LevelOf(box));
        })];
        var kernel = new RoIAlignKernel(WorkerPool.Of(options.Threads));
        var output = new float[1000 * 49 * 256];
        Time("roi_align", "1000 boxes, 7×7×256, 2 points a side", () => kernel.Run(maps, scales, regions, 1000, 7, 2, false, output));
        Time("roi_align", "100 boxes, 14×14×256, 2 points a side", () => kernel.Run(maps, scales, regions, 100, 14, 2, false, output));
    }

    private void Suppress()
    {
        foreach (int count in new[] { 1000, 5000 })
        {
            float[] v = Values("nms.boxes", 4 * count), scores = Values("nms.scores", count);
            var boxes = new BoxList();
            for (int i = 0; i < count; i++)
                boxes.Add(new(v[4 * i] * 900, v[4 * i + 1] * 700, v[4 * i] * 900 + 20 + v[4 * i + 2] * 100, v[4 * i + 1] * 700 + 20 + v[4 * i + 3] * 100), scores[i], i % 5);
            var suppression = new Suppression();
            Time("nms", $"{count} boxes, threshold 0.7, {suppression.Run(boxes, 0.7).Length} stay", () => suppression.Run(boxes, 0.7));
            Time("batched_nms", $"{count} boxes in 5 classes, threshold 0.7, {suppression.RunByClass(boxes, 0.7).Length} stay", () => suppression.RunByClass(boxes, 0.7));
        }
    }

    private void Time(string kernel, string what, Action run)
    {
        var times = new List<double>();
        for (int i = 0; i < Math.Max(options.Runs, 20) + 3; i++)
        {
            long start = Stopwatch.GetTimestamp();
            run();
            if (i >= 3)
                times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }
        Report(kernel, what, times);
    }

    /// <summary>An image of blocks of 8 pixels, values in [0, 1).</summary>
    private static float[] Blocks(string name)
    {
        int rows = ImageHeight / 8, columns = ImageWidth / 8;
        float[] grid = Values(name, 3 * rows * columns), image = new float[3 * ImageHeight * ImageWidth];
        for (int i = 0; i < image.Length; i++)
            image[i] = grid[(i / (ImageHeight * ImageWidth) * rows + i / ImageWidth % ImageHeight / 8) * columns + i % ImageWidth / 8];
        return image;
    }

    /// <summary>v in [0, 1) of the recipe, so that a measurement in Python can have the same.</summary>
    private static float[] Values(string name, int count)
    {
        ulong seed = RecipeWeights.Fnv1a(name);
        return [.. Enumerable.Range(0, count).Select(i => (RecipeWeights.Mix(seed + (ulong)i) >>> 40) * (1f / (1 << 24)))];
    }

    private void Report(string model, string part, List<double> times)
    {
        times.Sort();
        double min = times[0], median = times[times.Count / 2];
        if (options.Json)
            Console.WriteLine(JsonSerializer.Serialize(new { model, part, threads = options.Threads, min_ms = Math.Round(min, 4), median_ms = Math.Round(median, 4) }));
        else
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{model,-34} {part,-62} min {min,10:f3} ms  median {median,10:f3} ms"));
    }
}
