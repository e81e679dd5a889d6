using System.Collections.Immutable;
using Backbones;
using Backbones.Detection;
using Backbones.Engines;
using Backbones.Graphs;
using Backbones.Registry;
using Backbones.Weights;
using Microsoft.ML.Data;

namespace Microsoft.ML.TimmFeatures.Detection.Models;

/// <summary>Objects, with their boxes.</summary>
/// <param name="ScoreThreshold">Scores below it are no detections; null for torchvision's of the model.</param>
/// <param name="MaxDetections">Most detections of a picture; null for torchvision's of the model.</param>
/// <param name="ArePublished">Whether the weights are those that torchvision published, which some models compute otherwise with.</param>
internal sealed record DetectionTask(double? ScoreThreshold, int? MaxDetections, bool ArePublished = false) : ImageTask
{
    private const int BoxLength = 4, KeypointLength = 3;

    private const string MaskRcnnKind = "maskrcnn", KeypointRcnnKind = "keypointrcnn";

    public override string FullName(FeaturizerOptions options) => DetectorCatalog.Find(options.ModelName).Config.Name;

    public override ImmutableArray<ResultColumn> Promise(FeaturizerOptions options)
    {
        DetectorEntry entry = DetectorCatalog.Find(options.ModelName);
        return ColumnsOf(entry.Config.Name, entry.Categories.Length, entry.Categories, hasBackground: true, entry.Kind);
    }

    public override (ImageTask Task, string? File) Locate(FeaturizerOptions options, FeaturizerHost host)
    {
        DetectorEntry entry = DetectorCatalog.Find(options.ModelName);
        return options.RandomWeights ? (this with { ArePublished = false }, null)
            : options.WeightsPath is { } path ? (this with { ArePublished = entry.IsPublished(path) }, path)
            : (this with { ArePublished = true }, WeightsLocator.FindPublished(entry.Config, new WeightsDownloader(options.Download, new DownloadLog(host), cacheDir: options.CacheDir)));
    }

    public override ImageModel Open(FeaturizerOptions options, ParameterStore? weights, DeviceEngine engine)
        => new Model(DetectorCatalog.Find(options.ModelName), Detector.Create(options.ModelName, OptionsOf(options) with
        {
            Weights = weights,
            ArePublished = ArePublished,
            RandomWeights = weights is null,
            Engine = engine.Engine,
            EngineOptions = new EngineOptions { Threads = options.Threads, Precision = engine.Precision },
        }), weights);

    /// <summary>Options of the model's kind.</summary>
    private DetectorOptions OptionsOf(FeaturizerOptions given)
    {
        DetectorOptions options = DetectorCatalog.Find(given.ModelName).Kind switch
        {
            MaskRcnnKind => new MaskRcnnOptions(),
            KeypointRcnnKind => new KeypointRcnnOptions(),
            "fasterrcnn" => new FasterRcnnOptions(),
            "retinanet" => new RetinaNetOptions(),
            "fcos" => new FcosOptions(),
            "ssd300" or "ssdlite320" => new SsdOptions(),
            string kind => throw new NotSupportedException($"Detectors of the kind '{kind}' have no transform."),
        };
        // SSD's pictures are squares.
        options = options is SsdOptions ? options with { FixedSize = given.ImageSize } : options with { MinSize = given.ImageSize };
        return options switch
        {
            FasterRcnnOptions rcnn => rcnn with { BoxScoreThresh = ScoreThreshold ?? rcnn.BoxScoreThresh, BoxDetectionsPerImage = MaxDetections ?? rcnn.BoxDetectionsPerImage },
            OneStageOptions one => one with { ScoreThresh = ScoreThreshold ?? one.ScoreThresh, DetectionsPerImage = MaxDetections ?? one.DetectionsPerImage },
            SsdOptions ssd => ssd with { ScoreThresh = ScoreThreshold, DetectionsPerImage = MaxDetections },
            _ => options,
        };
    }

    /// <summary>Bytes of all masks of a picture.</summary>
    /// <exception cref="NotSupportedException">They are more than a vector can have.</exception>
    internal static int MaskBytes(int width, int height, int count) => (Int128)width * height * count is var bytes && bytes <= Array.MaxLength ? (int)bytes
        : throw new NotSupportedException($"The masks of {count} objects in a picture of {width}×{height} pixels take {bytes} bytes; a vector has {Array.MaxLength} at most. Ask for fewer (maxDetections, scoreThreshold), or take the Detector itself, whose masks are made one by one.");

    private static ImmutableArray<ResultColumn> ColumnsOf(string name, int classes, ImmutableArray<string> categories, bool hasBackground, string kind)
    {
        // Of a key 0 is "missing", as 0 is the background of torchvision's labels, which is never detected: keys are labels. Without a background they are one more.
        int first = hasBackground ? 1 : 0;
        ImmutableArray<string> names = categories.Length == classes ? categories.RemoveRange(0, first) : [];
        ResultColumn[] columns =
        [
            ResultColumn.Of("_Boxes", NumberDataViewType.Single, name, 0, BoxLength),
            ResultColumn.OfKeys("_Labels", Math.Max(1, classes - first), names, name),
            ResultColumn.Of("_Scores", NumberDataViewType.Single, name),
            ResultColumn.Of("_Size", NumberDataViewType.Int32, name, 2),
        ];
        return kind switch
        {
            MaskRcnnKind => [.. columns, ResultColumn.Of("_Masks", NumberDataViewType.Byte, name, 0, 0, 0)],
            KeypointRcnnKind => [.. columns, ResultColumn.Of("_Keypoints", NumberDataViewType.Single, name, 0, 0, KeypointLength)],
            _ => [.. columns],
        };
    }

    private sealed class Model(DetectorEntry entry, Detector detector, ParameterStore? weights) : ImageModel
    {
        public override string Name => entry.Config.Name;

        public override ParameterStore Parameters => detector.Parameters;

        public override IEnumerable<ParameterTensor> NeededWeights => Parameters.Tensors;

        public override ImmutableArray<ResultColumn> Columns => ColumnsOf(Name, detector.NumClasses, detector.Categories, HasBackground, entry.Kind);

        // RetinaNet and FCOS know no background; COCO's numbers begin with one for them as well.
        private bool HasBackground => detector is not OneStageDetector || detector.Categories is ["__background__", ..];

        // Each is a megapixel, and its maps many times that.
        public override int DefaultBatchSize => 2;

        public override IReadOnlyList<object> Run(IReadOnlyList<ImagePixels> pictures, bool[] active, CancellationToken cancellation)
        {
            // Padded to others' size a picture would have other results than alone.
            var found = new Detections[pictures.Count];
            foreach (IGrouping<Size2, int> group in Enumerable.Range(0, pictures.Count).GroupBy(i => detector.PaddedSizeOf(pictures[i], i)))
            {
                cancellation.ThrowIfCancellationRequested();
                foreach ((int number, Detections detections) in group.Zip(detector.Detect(group.Select(i => pictures[i]).ToArray())))
                    found[number] = detections;
            }
            return found;
        }

        public override Delegate GetterOf(int column, Func<object?> current) => column switch
        {
            0 => ResultGetters.Of(() => Of(current(), d => d.SelectMany(o => (float[])[o.Box.X1, o.Box.Y1, o.Box.X2, o.Box.Y2]))),
            1 => ResultGetters.Of(() => Of(current(), d => d.Select(o => (uint)(HasBackground ? o.Label : o.Label + 1)))),
            2 => ResultGetters.Of(() => Of(current(), d => d.Select(o => o.Score))),
            3 => ResultGetters.Of(() => current() is Detections found ? (ReadOnlyMemory<int>)new[] { found.ImageHeight, found.ImageWidth } : new int[2]),
            _ when entry.Kind == KeypointRcnnKind => ResultGetters.Of(() => Of(current(), d => d.SelectMany(o => o.Keypoints.SelectMany(k => (float[])[k.X, k.Y, k.Score])))),
            _ => Masks(current),
        };

        public override void Dispose()
        {
            detector.Dispose();
            weights?.Dispose();
        }

        private static ReadOnlyMemory<T> Of<T>(object? result, Func<Detections, IEnumerable<T>> values) => result is Detections found ? values(found).ToArray() : default;

        /// <summary>One byte a pixel, object by object; pasted only when they are asked for.</summary>
        private static ValueGetter<VBuffer<byte>> Masks(Func<object?> current) => (ref VBuffer<byte> value) =>
        {
            var found = (Detections?)current();
            int pixels = found is null ? 0 : found.ImageWidth * found.ImageHeight;
            VBufferEditor<byte> editor = VBufferEditor.Create(ref value, found is null ? 0 : MaskBytes(found.ImageWidth, found.ImageHeight, found.Count));
            for (int i = 0; i < found?.Count; i++)
            {
                bool[] bitmap = found[i].Mask!.ToBitmap();
                for (int p = 0; p < pixels; p++)
                    editor.Values[i * pixels + p] = bitmap[p] ? (byte)1 : (byte)0;
            }
            value = editor.Commit();
        };
    }
}
