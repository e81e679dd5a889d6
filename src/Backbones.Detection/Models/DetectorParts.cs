using System.Collections.Immutable;
using Backbones.Graphs;
using Backbones.Models;
using Backbones.Registry;
using Backbones.Weights;

namespace Backbones.Detection;

/// <summary>What a detector is made of, by name or over a backbone of one's own.</summary>
internal sealed record DetectorParts
{
    /// <summary>A side for which any backbone and pyramid can be built, where the options fix none: parameters are the same at all sizes.</summary>
    private const int NominalSide = 256;

    public required string Name { get; init; }

    public required int NumClasses { get; init; }

    public required BodyGraph Body { get; init; }

    public required DetectorOptions Options { get; init; }

    public required BatchTransform Transform { get; init; }

    /// <summary>Names of the classes of the published weights; empty for a detector over a backbone of one's own.</summary>
    public ImmutableArray<string> Categories { get; init; } = [];

    /// <summary>Weights that were given or found; null for none.</summary>
    public ParameterStore? Given { get; init; }

    /// <summary>Weights that the detector disposes.</summary>
    public ParameterStore? Owned { get; init; }

    /// <summary>Weights of a backbone of one's own.</summary>
    public ParameterStore? BackboneParameters { get; init; }

    /// <summary>A padded size for which the graph can be built.</summary>
    public Size2 NominalSize => Transform.Padded([Transform.FixedSize ?? new(NominalSide, NominalSide)]);

    /// <summary>The parts of one of torchvision's detectors.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="kind">What names of its kind begin with.</param>
    /// <param name="options">Options of its kind.</param>
    /// <param name="classLayer">The layer whose rows tell the classes, and the rows of a class, under the model's own options.</param>
    public static DetectorParts ByName(string name, string kind, DetectorOptions options, Func<DetectorOptions, (string Layer, int Rows)> classLayer)
    {
        DetectorEntry entry = DetectorCatalog.Find(name, kind);
        options = entry.Adapt(Validated(options));
        ParameterStore? given = DetectorWeights.Open(entry, options, out bool isOwned, out bool isPublished);
        try
        {
            (string layer, int rows) = classLayer(options);
            PretrainedConfig config = ModelNames.GetConfig(entry.Backbone);
            return new()
            {
                Name = entry.Name,
                NumClasses = options.NumClasses ?? DetectorWeights.ClassesOf(given, layer, rows) ?? entry.Categories.Length,
                Categories = entry.Categories,
                Body = new(size => entry.Maps(given, size), entry.KeyOf, options.BatchNormEps ?? (isPublished ? entry.PublishedBatchNormEps : null) ?? entry.BatchNormEps),
                Options = options,
                Transform = TransformOf(options, config),
                Given = given,
                Owned = isOwned ? given : null,
            };
        }
        catch
        {
            if (isOwned)
                given?.Dispose();
            throw;
        }
    }

    /// <summary>The parts of a detector over a selection.</summary>
    public static DetectorParts Over(SelectedFeatures selected, int numClasses, DetectorOptions options)
    {
        ArgumentNullException.ThrowIfNull(selected);
        if (numClasses < 1)
            throw new ArgumentOutOfRangeException(nameof(numClasses), numClasses, "A detector has one class or more; of the R-CNNs and SSD the background is one.");
        if (options.NumClasses is { } other && other != numClasses)
            throw new ArgumentException($"The options say {other} classes, the call {numClasses}.", nameof(options));
        SelectionSource source = selected.Source ?? throw new ArgumentException("The selection does not say what backbone it is of; make it with Backbone.Select.", nameof(selected));
        BatchTransform transform = TransformOf(Validated(options), source.Backbone.Config);
        ParameterStore? given = DetectorWeights.Open(null, options, out bool isOwned, out _);
        return new()
        {
            Name = "",
            NumClasses = numClasses,
            Body = new(source.AtSize, BatchNormEps: options.BatchNormEps),
            Options = options,
            Transform = transform,
            Given = given,
            Owned = isOwned ? given : null,
            BackboneParameters = source.Backbone.Parameters,
        };
    }

    private static BatchTransform TransformOf(DetectorOptions options, PretrainedConfig backbone)
    {
        float[] mean = Channels(options.ImageMean ?? [.. backbone.Mean.Select(v => (float)v)], nameof(DetectorOptions.ImageMean));
        float[] std = Channels(options.ImageStd ?? [.. backbone.Std.Select(v => (float)v)], nameof(DetectorOptions.ImageStd));
        if (std.Any(v => !(v > 0)))
            throw new ArgumentException($"{nameof(DetectorOptions.ImageStd)} must be positive; received {string.Join(", ", std)}.", nameof(options));
        return new(options.MinSize ?? 800, options.MaxSize ?? 1333, mean, std, options.SizeDivisible, options.FixedSize);
    }

    private static float[] Channels(ImmutableArray<float> values, string name)
        => values.Length == 3 ? [.. values] : throw new ArgumentException($"{name} needs three values, for red, green and blue; received {values.Length}.", "options");

    private static DetectorOptions Validated(DetectorOptions options)
    {
        AtLeastOne(options.MinSize, nameof(options.MinSize));
        AtLeastOne(options.MaxSize, nameof(options.MaxSize));
        AtLeastOne(options.SizeDivisible, nameof(options.SizeDivisible));
        AtLeastOne(options.FixedSize is { } size ? Math.Min(size.H, size.W) : null, nameof(options.FixedSize));
        AtLeastOne(options.PlanCacheSize, nameof(options.PlanCacheSize));
        AtLeastOne(options.NumClasses, nameof(options.NumClasses));
        if (options.EngineOptions is null)
            throw new ArgumentException($"{nameof(options.EngineOptions)} is null; expected {nameof(Engines.EngineOptions)}.{nameof(Engines.EngineOptions.Default)} or others.", nameof(options));
        AtLeastOne(options.Pyramid?.OutChannels, nameof(options.Pyramid));
        if (options.BatchNormEps is { } eps && !(eps >= 0 && float.IsFinite(eps)))
            throw new ArgumentOutOfRangeException(nameof(options), eps, $"{nameof(options.BatchNormEps)} must be 0 or more.");
        if (options is FasterRcnnOptions rcnn)
        {
            AtLeastOne(rcnn.RpnConvDepth, nameof(rcnn.RpnConvDepth));
            AtLeastOne(rcnn.BoxHeadConvs + 1, $"{nameof(rcnn.BoxHeadConvs)} + 1");
            AtLeastOne(rcnn.RpnPreNmsTopN, nameof(rcnn.RpnPreNmsTopN));
            AtLeastOne(rcnn.RpnPostNmsTopN, nameof(rcnn.RpnPostNmsTopN));
            AtLeastOne(rcnn.BoxDetectionsPerImage, nameof(rcnn.BoxDetectionsPerImage));
            Number(rcnn.RpnNmsThresh, nameof(rcnn.RpnNmsThresh));
            Number(rcnn.RpnScoreThresh, nameof(rcnn.RpnScoreThresh));
            Number(rcnn.BoxScoreThresh, nameof(rcnn.BoxScoreThresh));
            Number(rcnn.BoxNmsThresh, nameof(rcnn.BoxNmsThresh));
            Pooler(rcnn.BoxRoIPool, nameof(rcnn.BoxRoIPool));
            Weights(rcnn.BBoxRegWeights, nameof(rcnn.BBoxRegWeights));
            if (rcnn is MaskRcnnOptions mask)
            {
                Pooler(mask.MaskRoIPool, nameof(mask.MaskRoIPool));
                if (mask.MaskRoIPool.OutputSize is { } cut && cut.H != cut.W)
                    throw new ArgumentException($"{nameof(mask.MaskRoIPool)}.OutputSize must be as high as wide, as masks are; received {cut}.", nameof(options));
                Layers(mask.MaskLayers, nameof(mask.MaskLayers));
            }
            if (rcnn is KeypointRcnnOptions points)
            {
                Pooler(points.KeypointRoIPool, nameof(points.KeypointRoIPool));
                Layers(points.KeypointLayers, nameof(points.KeypointLayers));
                AtLeastOne(points.NumKeypoints, nameof(points.NumKeypoints));
            }
        }
        if (options is OneStageOptions dense)
        {
            AtLeastOne(dense.TopKCandidates, nameof(dense.TopKCandidates));
            AtLeastOne(dense.DetectionsPerImage, nameof(dense.DetectionsPerImage));
            Number(dense.ScoreThresh, nameof(dense.ScoreThresh));
            Number(dense.NmsThresh, nameof(dense.NmsThresh));
        }
        if (options is SsdOptions ssd)
        {
            if (ssd.MinSize is not null || ssd.MaxSize is not null)
                throw new ArgumentException($"SSD resizes every image to {nameof(ssd.FixedSize)}, whatever its shape; {nameof(ssd.MinSize)} and {nameof(ssd.MaxSize)} must be null.", nameof(options));
            AtLeastOne(ssd.TopKCandidates, nameof(ssd.TopKCandidates));
            AtLeastOne(ssd.DetectionsPerImage, nameof(ssd.DetectionsPerImage));
            Number(ssd.ScoreThresh, nameof(ssd.ScoreThresh));
            Number(ssd.NmsThresh, nameof(ssd.NmsThresh));
        }
        return options;

        static void AtLeastOne(int? value, string name)
        {
            if (value is < 1)
                throw new ArgumentOutOfRangeException(nameof(options), value, $"{name} must be 1 or more.");
        }

        static void Layers(ImmutableArray<int> channels, string name)
        {
            if (channels.IsDefaultOrEmpty || channels.Any(c => c < 1))
                throw new ArgumentException($"{name} needs one number of channels or more, each 1 or more.", nameof(options));
        }

        // Any number means something, as in torchvision: below 0 all, above 1 none. NaN would compare as neither.
        static void Number(double? value, string name)
        {
            if (value is double.NaN)
                throw new ArgumentOutOfRangeException(nameof(options), value, $"{name} must be a number.");
        }

        // Distances are divided by them.
        static void Weights(BoxCoderWeights weights, string name)
        {
            if (new[] { weights.X, weights.Y, weights.W, weights.H }.Any(w => !(w > 0 && float.IsFinite(w))))
                throw new ArgumentOutOfRangeException(nameof(options), weights, $"{name} must be above 0.");
        }

        static void Pooler(MultiScaleRoIAlign pooler, string name)
        {
            if (pooler is null)
                throw new ArgumentException($"{name} is null; expected how regions are cut from the maps.", nameof(options));
            AtLeastOne(Math.Min(pooler.OutputSize.H, pooler.OutputSize.W), $"{name}.OutputSize");
            if (pooler.FeatmapNames.IsDefaultOrEmpty)
                throw new ArgumentException($"{name}.FeatmapNames needs one name or more.", nameof(options));
        }
    }
}
