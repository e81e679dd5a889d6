using System.Collections.Immutable;
using Backbones.Detection;
using Backbones.Engines;
using Backbones.Graphs;
using Backbones.Imaging;
using Backbones.Registry;
using Backbones.Weights;

namespace Backbones.Segmentation;

/// <summary>
/// A model that tells for each pixel what it shows: torchvision's by name (<c>SegmentationModel.Create("torchvision/fcn_resnet50")</c>), or the same heads over a selection of any
/// backbone. The whole is one graph, with the interpolation to the input's size at its end. Thread safe; one batch runs at a time.
/// </summary>
public sealed class SegmentationModel : IDisposable
{
    /// <summary>Pictures of equal size that run together.</summary>
    private const int MaxBatch = 4;

    /// <summary>Sizes whose plans are kept: pictures of other shapes need plans of their own, with a copy of the weights each.</summary>
    private const int MaxPlans = 3;

    private readonly Func<Size2, SegmentationGraph> _build;
    private readonly Size2? _inputSize;
    private readonly SegmentationOptions _options;
    private readonly long _shorterSide;
    private readonly ParameterStore? _owned;
    private readonly Lock _gate = new();
    private readonly SizedPlans<SizedPlan> _plans;

    private SegmentationModel(string name, SegmentationMethod method, int numClasses, Func<Size2, SegmentationGraph> build, Size2? inputSize, ParameterStore parameters, ParameterStore? owned,
        SegmentationOptions options, IEngine? engine, EngineOptions? engineOptions)
    {
        (Name, Method, NumClasses, Parameters) = (name, method, numClasses, parameters);
        (_build, _inputSize, _owned, _options) = (build, inputSize, owned, options);
        _shorterSide = options.ResizeSize ?? SegmentationVariant.ResizeSize;
        _plans = new(typeof(SegmentationModel), MaxPlans, size => new(size, Compile(build(size))));
        ClassNames = options.ClassNames is { } names ? [.. names] : name.Length > 0 && numClasses == SegmentationVariant.VocCategories.Length ? SegmentationVariant.VocCategories : [];
        if (options.ClassNames is not null && ClassNames.Length != numClasses)
            throw new ArgumentException($"The model has {numClasses} classes, the background included; {ClassNames.Length} names were given.", nameof(options));

        IPlan Compile(SegmentationGraph graph) => (engine ?? DefaultEngine.Instance).Compile(graph.Graph.WithOutputs(graph.Out), parameters, engineOptions ?? EngineOptions.Default);
    }

    /// <summary>Names of torchvision's segmentation models, sorted.</summary>
    public static IEnumerable<string> ModelNames => SegmentationVariant.Names;

    /// <summary>torchvision's name with its tag; empty for a model over a selection of one's own.</summary>
    public string Name { get; }

    /// <summary>The heads.</summary>
    public SegmentationMethod Method { get; }

    /// <summary>Number of classes, background included.</summary>
    public int NumClasses { get; }

    /// <summary>Names of the classes, the background first; empty where they are not known.</summary>
    public ImmutableArray<string> ClassNames { get; }

    /// <summary>The weights, under torchvision's keys.</summary>
    public ParameterStore Parameters { get; }

    /// <summary>Makes one of torchvision's models. Published weights (<c>COCO_WITH_VOC_LABELS_V1</c>) that are not on this machine are downloaded.</summary>
    /// <param name="name">Such as <c>torchvision/deeplabv3_resnet50</c>, one of <see cref="ModelNames"/>.</param>
    /// <param name="options">Weights, sizes. A weights file of one's own may be for other classes, and may lack the auxiliary classifier.</param>
    /// <param name="engine">What runs it; null for the managed engine.</param>
    /// <param name="engineOptions">Threads.</param>
    /// <exception cref="UnknownModelException">There is no such model; the message has the nearest names.</exception>
    /// <exception cref="Backbones.Weights.Hub.DownloadException">The weights are not on this machine and cannot be downloaded.</exception>
    /// <exception cref="FileNotFoundException">No weights were found and downloads are off; the message says where they were looked for.</exception>
    /// <exception cref="WeightsFormatException">The weights file is malformed.</exception>
    /// <exception cref="ParameterMismatchException">The weights are another model's, or hold NaN.</exception>
    /// <exception cref="ArgumentException">An option makes no sense.</exception>
    public static SegmentationModel Create(string name, SegmentationOptions? options = null, IEngine? engine = null, EngineOptions? engineOptions = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        options = Checked(options ?? new SegmentationOptions(), name);
        (SegmentationVariant variant, PretrainedConfig config) = SegmentationVariant.Find(name);
        Size2 size = options.ResizeSize ?? SegmentationVariant.ResizeSize;
        if (options.RandomWeights)
        {
            return new(config.Name, variant.Method, config.NumClasses, s => variant.Build(s, config.NumClasses), null,
                ParameterStore.FromRecipe(variant.Build(size, config.NumClasses).Graph.Parameters, 1), null, options, engine, engineOptions);
        }
        ParameterStore weights = options.Weights ?? ParameterStore.Open(options.WeightsPath ?? WeightsLocator.FindPublished(config, options.Downloader));
        ParameterStore? owned = options.Weights is null ? weights : null;
        try
        {
            int classes = ClassesOf(weights, variant.Method) ?? config.NumClasses;
            bool withAux = weights.Tensors.Any(t => t.Name.StartsWith("aux_classifier.", StringComparison.Ordinal));
            weights.EnsureMatches(variant.Build(size, classes, withAux).Graph.Parameters, options.CheckFinite);
            return new(config.Name, variant.Method, classes, s => variant.Build(s, classes, withAux), null, weights, owned, options, engine, engineOptions);
        }
        catch
        {
            owned?.Dispose();
            throw;
        }
    }

    /// <summary>Makes a model of heads over a backbone's maps. The weights that the options name have torchvision's keys (<c>backbone.…</c> before the backbone's own, <c>classifier.…</c>,
    /// <c>aux_classifier.…</c>); of the backbone's those that they lack are its own, so that a file with the heads alone is enough.</summary>
    /// <param name="features">One or two levels of a pyramid, or nodes, the finer first: <c>backbone.Select(FeatureSelection.Pyramid([3, 4], outputStride: 8))</c>. See <see cref="SegmentationMethod"/>.</param>
    /// <param name="numClasses">Number of classes, background included.</param>
    /// <param name="method">The heads.</param>
    /// <param name="options">Weights; sizes; mean and standard deviation, which are the backbone's unless given.</param>
    /// <param name="engine">What runs it; null for the managed engine.</param>
    /// <param name="engineOptions">Threads.</param>
    /// <remarks>The backbone must live as long as the model.</remarks>
    /// <exception cref="GraphException">The selection has not as many maps as the method needs, or other things than maps.</exception>
    /// <exception cref="WeightsFormatException">The weights file is malformed.</exception>
    /// <exception cref="ParameterMismatchException">The weights are another model's, are not all there, have another number of classes, or hold NaN.</exception>
    /// <exception cref="ArgumentException">There are no classes, or an option makes no sense.</exception>
    public static SegmentationModel Create(SelectedFeatures features, int numClasses, SegmentationMethod method, SegmentationOptions options, IEngine? engine = null, EngineOptions? engineOptions = null)
    {
        ArgumentNullException.ThrowIfNull(features);
        ArgumentNullException.ThrowIfNull(options);
        if (numClasses is < 1 or > DetectorParts.MostClasses)
            throw new ArgumentOutOfRangeException(nameof(numClasses), numClasses, $"There must be 1 to {DetectorParts.MostClasses} classes, the background included.");
        if (features.Graph.Inputs[0].Shape is not [3, int height, int width])
            throw new GraphException($"Pictures have 3 channels; the selection's input is {features.Graph.Inputs[0].Shape}.");
        options = Checked(options, method.ToString());
        Size2 own = (height, width);
        SegmentationGraph graph = SegmentationGraph.Build(features, method, numClasses);
        ParameterStore? given = options.Weights ?? (options.WeightsPath is { } path ? ParameterStore.Open(path) : null);
        try
        {
            ParameterStore weights = DetectorWeights.Assemble(graph.Graph.Parameters, given, features.Source?.Backbone.Parameters, SegmentationGraph.KeyOf, options.RandomWeights, options.CheckFinite);
            ImageTransformOptions? backbone = features.Source?.Backbone.TransformOptions;
            options = options with { Mean = options.Mean ?? backbone?.Mean, Std = options.Std ?? backbone?.Std };
            return new("", method, numClasses, size => size == own ? graph : SegmentationGraph.Build(AtSize(features, own, size), method, numClasses),
                options.ResizeSize is null ? own : null, weights, options.Weights is null ? given : null, options, engine, engineOptions);
        }
        catch
        {
            if (options.Weights is null)
                given?.Dispose();
            throw;
        }
    }

    /// <summary>The graph for an input size: outputs <c>out</c> <c>[classes, H, W]</c> and, where there is an auxiliary classifier, <c>aux</c>. For training, or for an engine of one's own.</summary>
    /// <param name="size">Height and width of the input.</param>
    /// <exception cref="GraphException">The backbone does not take such images.</exception>
    public Graph GraphFor(Size2 size) => _build(size).Graph;

    /// <summary>What each pixel of pictures shows. Each is scaled as torchvision does for these weights (bilinear, antialiased, shorter side 520 pixels; a selection's input is filled) and
    /// normalised; pictures of equal size then run together.</summary>
    /// <param name="images">One picture or more; sizes may differ.</param>
    /// <returns>A map for each picture, in order.</returns>
    /// <exception cref="ArgumentException">There are no pictures, or one is null or cannot be scaled (the message has its number, from 0).</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public ImmutableArray<SegmentedImage> Segment(params IReadOnlyList<ImagePixels> images) => Segment(images, CancellationToken.None);

    /// <inheritdoc cref="Segment(IReadOnlyList{ImagePixels})"/>
    /// <param name="images">One picture or more; sizes may differ.</param>
    /// <param name="cancellation">Stops between operators.</param>
    /// <exception cref="OperationCanceledException">It was told to stop.</exception>
    public ImmutableArray<SegmentedImage> Segment(IReadOnlyList<ImagePixels> images, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(images);
        if (images.Count == 0)
            throw new ArgumentException("No pictures were given; give one or more.", nameof(images));
        Size2[] sizes = [.. images.Select(InputSizeOf)];
        var maps = new SegmentedImage[images.Count];
        foreach (IGrouping<Size2, int> group in Enumerable.Range(0, images.Count).GroupBy(i => sizes[i]))
        {
            foreach (int[] numbers in group.Chunk(BatchOf(group.Key, group.First())))
                Run(images, numbers, group.Key, maps, cancellation);
        }
        return [.. maps];
    }

    /// <summary>Writes the weights as safetensors, under torchvision's keys. The file is written whole or not at all.</summary>
    /// <param name="path">The file to write.</param>
    /// <exception cref="IOException">The disk is full, or the file cannot be replaced.</exception>
    public void SaveWeights(string path) => SafetensorsWriter.Write(path, Parameters.Tensors);

    /// <summary>Releases the plans and, where the model opened them, the weights.</summary>
    public void Dispose()
    {
        _plans.Dispose();
        _owned?.Dispose();
    }

    /// <summary>Height and width that a picture has as the model's input.</summary>
    internal Size2 InputSizeOf(ImagePixels image, int number)
    {
        if (image is null)
            throw new ArgumentException($"Picture {number} is null.", "images");
        if (_inputSize is { } own)
            return own;
        Size2 upright = Upright(image);
        if (upright.H < 1 || upright.W < 1)
            throw new ArgumentException($"Picture {number} has {image.Width}×{image.Height} pixels; there must be one or more in each direction.", "images");
        // torchvision's Resize with one number: the longer side is truncated, not rounded.
        long shorter = Math.Min(upright.H, upright.W), longer = (long)((double)(_shorterSide * Math.Max(upright.H, upright.W)) / shorter);
        if (3 * _shorterSide * longer > ModelFolder.MaxElements)
            throw new ArgumentException($"Picture {number} of {image.Width}×{image.Height} pixels becomes {_shorterSide}×{longer} for the model; at most {ModelFolder.MaxElements / 3} pixels are allowed.", "images");
        return upright.H <= upright.W ? ((int)_shorterSide, (int)longer) : ((int)longer, (int)_shorterSide);
    }

    /// <summary>Pictures of a size whose scores fit one array.</summary>
    private int BatchOf(Size2 size, int number)
    {
        long scores = (long)Math.Max(NumClasses, 3) * size.H * size.W;
        return scores <= Array.MaxLength ? (int)Math.Min(MaxBatch, Array.MaxLength / scores)
            : throw new ArgumentException($"Picture {number} becomes {size} pixels for the model, each with the scores of {NumClasses} classes: more than an array can hold. Give a smaller {nameof(SegmentationOptions.ResizeSize)}.", "images");
    }

    private void Run(IReadOnlyList<ImagePixels> images, int[] numbers, Size2 size, SegmentedImage[] maps, CancellationToken cancellation)
    {
        var transform = new ImageTransform(new ImageTransformOptions
        {
            Height = size.H,
            Width = size.W,
            CropPct = 1,
            CropMode = CropMode.Squash,
            Interpolation = Imaging.Interpolation.Bilinear,
            Mean = _options.Mean ?? ImageTransformOptions.ImageNetMean,
            Std = _options.Std ?? ImageTransformOptions.ImageNetStd,
        });
        int length = transform.OutputLength, scores = NumClasses * size.H * size.W;
        var input = new float[numbers.Length * length];
        for (int i = 0; i < numbers.Length; i++)
        {
            ImagePixels image = images[numbers[i]];
            try
            {
                transform.Apply(new ImageBuffer(image.Pixels.Span, image.Width, image.Height, image.Format), input.AsSpan(i * length, length), image.Orientation);
            }
            catch (ArgumentException e)
            {
                throw new ArgumentException($"Picture {numbers[i]} cannot be scaled: {e.Message}", nameof(images), e);
            }
        }
        var output = new float[numbers.Length * scores];
        SizedPlan plan = _plans.Rent(size);
        try
        {
            lock (_gate)
                plan.Plan.Run(numbers.Length, [input], [output], cancellation);
        }
        finally
        {
            _plans.Return(plan);
        }
        for (int i = 0; i < numbers.Length; i++)
            maps[numbers[i]] = PixelArgMax.Run(output.AsMemory(i * scores, scores), NumClasses, size, _options.OriginalSize ? Upright(images[numbers[i]]) : size);
    }

    private static SelectedFeatures AtSize(SelectedFeatures features, Size2 own, Size2 size) => features.Source is { } source ? source.AtSize(size)
        : throw new GraphException($"The selection was made for images of {own}; {size} was asked for, and there is no backbone to make it from anew.");

    private static Size2 Upright(ImagePixels image) => image.Orientation >= ImageOrientation.Transpose ? (image.Width, image.Height) : (image.Height, image.Width);

    private static int? ClassesOf(ParameterStore weights, SegmentationMethod method)
        => weights.TryGet(method == SegmentationMethod.Lraspp ? "classifier.low_classifier.weight" : "classifier.4.weight", out ParameterTensor? last) && last.Shape is { Rank: > 1 } shape && shape[0] > 0
            ? shape[0] : null;

    private static SegmentationOptions Checked(SegmentationOptions options, string name)
    {
        if (options.Weights is not null && options.WeightsPath is { } file)
            throw new ArgumentException($"Either weights in memory or those of a file: both were given for '{name}' ('{file}').", nameof(options));
        if (options.ResizeSize is < 1 or > 1 << 13)
            throw new ArgumentOutOfRangeException(nameof(options), options.ResizeSize, $"{nameof(SegmentationOptions.ResizeSize)} must be 1 to {1 << 13} pixels; torchvision's is {SegmentationVariant.ResizeSize}.");
        if (options.Mean is { Count: not 3 } || options.Std is { Count: not 3 })
            throw new ArgumentException($"Pictures have 3 channels; received {options.Mean?.Count ?? 3} means and {options.Std?.Count ?? 3} standard deviations.", nameof(options));
        if (options.Mean?.All(double.IsFinite) == false || options.Std?.All(s => (float)s != 0 && double.IsFinite(s)) == false)
            throw new ArgumentException($"Means must be finite, standard deviations finite and not zero; received {Shown(options.Mean)} and {Shown(options.Std)}.", nameof(options));
        return options;

        static string Shown(IReadOnlyList<double>? values) => values is null ? "the model's" : $"[{string.Join(", ", values.Select(v => $"{v}"))}]";
    }
}
