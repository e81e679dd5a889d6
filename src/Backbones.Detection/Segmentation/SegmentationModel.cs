using System.Collections.Immutable;
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
    private readonly IEngine _engine;
    private readonly EngineOptions _engineOptions;
    private readonly bool _ownsParameters;
    private readonly Lock _gate = new();
    private readonly List<(Size2 Size, IPlan Plan)> _plans = [];
    private bool _disposed;

    private SegmentationModel(string name, SegmentationMethod method, int numClasses, Func<Size2, SegmentationGraph> build, Size2? inputSize, ParameterStore parameters, bool ownsParameters,
        SegmentationOptions options, IEngine? engine, EngineOptions? engineOptions)
    {
        (Name, Method, NumClasses, Parameters) = (name, method, numClasses, parameters);
        (_build, _inputSize, _ownsParameters, _options) = (build, inputSize, ownsParameters, options);
        (_engine, _engineOptions) = (engine ?? DefaultEngine.Instance, engineOptions ?? EngineOptions.Default);
        ClassNames = options.ClassNames is { } names ? [.. names] : inputSize is null && numClasses == SegmentationVariant.VocCategories.Length ? SegmentationVariant.VocCategories : [];
        if (options.ClassNames is not null && ClassNames.Length != numClasses)
            throw new ArgumentException($"The model has {numClasses} classes, the background included; {ClassNames.Length} names were given.", nameof(options));
    }

    /// <summary>Names of torchvision's segmentation models, sorted.</summary>
    public static IEnumerable<string> ModelNames => SegmentationVariant.Names;

    /// <summary>torchvision's name with its tag; for a selection of one's own the method's.</summary>
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
        Size2 size = options.ResizeSize;
        if (options.RandomWeights)
        {
            return new(config.Name, variant.Method, config.NumClasses, s => variant.Build(s, config.NumClasses), null,
                ParameterStore.FromRecipe(variant.Build(size, config.NumClasses).Graph.Parameters, 1), true, options, engine, engineOptions);
        }
        return Create(name, ParameterStore.Open(WeightsLocator.FindFile(config, options.WeightsPath, options.Downloader)), ownsParameters: true, options, engine, engineOptions);
    }

    /// <summary>One of torchvision's models over weights that were opened before; where they are to be owned, they are disposed if they do not fit.</summary>
    internal static SegmentationModel Create(string name, ParameterStore weights, bool ownsParameters, SegmentationOptions options, IEngine? engine, EngineOptions? engineOptions)
    {
        try
        {
            options = Checked(options, name);
            (SegmentationVariant variant, PretrainedConfig config) = SegmentationVariant.Find(name);
            int classes = ClassesOf(weights, variant.Method) ?? config.NumClasses;
            bool withAux = weights.Tensors.Any(t => t.Name.StartsWith("aux_classifier.", StringComparison.Ordinal));
            weights.EnsureMatches(variant.Build(options.ResizeSize, classes, withAux).Graph.Parameters, options.CheckFinite);
            return new(config.Name, variant.Method, classes, s => variant.Build(s, classes, withAux), null, weights, ownsParameters, options, engine, engineOptions);
        }
        catch
        {
            if (ownsParameters)
                weights.Dispose();
            throw;
        }
    }

    /// <summary>Makes a model of heads over a backbone's maps. Its weights are those of a file with torchvision's keys (<c>backbone.…</c> before the backbone's own, <c>classifier.…</c>,
    /// <c>aux_classifier.…</c>), or random ones where they are asked for.</summary>
    /// <param name="features">One or two levels of a pyramid, or nodes, the finer first: <c>backbone.Select(FeatureSelection.Pyramid([3, 4], outputStride: 8))</c>. See <see cref="SegmentationMethod"/>.</param>
    /// <param name="numClasses">Number of classes, background included.</param>
    /// <param name="method">The heads.</param>
    /// <param name="options">Weights; mean and standard deviation that the backbone wants (<see cref="Backbone.TransformOptions"/>).</param>
    /// <param name="engine">What runs it; null for the managed engine.</param>
    /// <param name="engineOptions">Threads.</param>
    /// <exception cref="GraphException">The selection has not as many maps as the method needs, or other things than maps.</exception>
    /// <exception cref="ParameterMismatchException">The weights are another model's, have another number of classes, or hold NaN.</exception>
    /// <exception cref="ArgumentException">There are no classes, or an option makes no sense.</exception>
    public static SegmentationModel Create(SelectedFeatures features, int numClasses, SegmentationMethod method, SegmentationOptions options, IEngine? engine = null, EngineOptions? engineOptions = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (!options.RandomWeights && options.WeightsPath is null)
            throw new ArgumentException($"A model over a selection has no published weights: give a file ({nameof(SegmentationOptions.WeightsPath)}), weights in memory, or ask for random ones ({nameof(SegmentationOptions.RandomWeights)}).", nameof(options));
        SegmentationGraph graph = GraphOf(features, numClasses, method);
        ParameterStore weights = options.RandomWeights ? ParameterStore.FromRecipe(graph.Graph.Parameters, 1) : ParameterStore.Open(WeightsLocator.FindFile(Unpublished(method), options.WeightsPath, options.Downloader));
        try
        {
            return Create(graph, numClasses, method, weights, true, options, engine, engineOptions);
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }

    /// <summary>The same over weights in memory, which stay the caller's.</summary>
    /// <inheritdoc cref="Create(SelectedFeatures, int, SegmentationMethod, SegmentationOptions, IEngine?, EngineOptions?)"/>
    /// <param name="features">The maps.</param>
    /// <param name="numClasses">Number of classes, background included.</param>
    /// <param name="method">The heads.</param>
    /// <param name="parameters">The weights, under torchvision's keys.</param>
    /// <param name="options">Sizes, mean and standard deviation.</param>
    /// <param name="engine">What runs it; null for the managed engine.</param>
    /// <param name="engineOptions">Threads.</param>
    public static SegmentationModel Create(SelectedFeatures features, int numClasses, SegmentationMethod method, ParameterStore parameters, SegmentationOptions? options = null, IEngine? engine = null,
        EngineOptions? engineOptions = null)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        options ??= new SegmentationOptions();
        if (options.RandomWeights || options.WeightsPath is not null)
            throw new ArgumentException($"The weights were given: leave {nameof(SegmentationOptions.WeightsPath)} and {nameof(SegmentationOptions.RandomWeights)} out of the options.", nameof(options));
        return Create(GraphOf(features, numClasses, method), numClasses, method, parameters, false, options, engine, engineOptions);
    }

    /// <summary>The graph for an input size: outputs <c>out</c> <c>[classes, H, W]</c> and, where there is an auxiliary classifier, <c>aux</c>. For training, or for an engine of one's own.</summary>
    /// <param name="size">Height and width of the input; a selection has its own size.</param>
    /// <exception cref="GraphException">The backbone does not take such images.</exception>
    public Graph GraphFor(Size2 size) => Build(size).Graph;

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
            foreach (int[] numbers in group.Chunk(MaxBatch))
                Run(images, numbers, group.Key, maps, cancellation);
        }
        return [.. maps];
    }

    /// <summary>Releases the plans and, where the model opened them, the weights.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            foreach ((_, IPlan plan) in _plans)
                plan.Dispose();
            _plans.Clear();
        }
        if (_ownsParameters)
            Parameters.Dispose();
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
        long shorter = Math.Min(upright.H, upright.W), longer = (long)((double)((long)_options.ResizeSize * Math.Max(upright.H, upright.W)) / shorter);
        if (3 * _options.ResizeSize * longer > ModelFolder.MaxElements)
            throw new ArgumentException($"Picture {number} of {image.Width}×{image.Height} pixels becomes {_options.ResizeSize}×{longer} for '{Name}'; at most {ModelFolder.MaxElements / 3} pixels are allowed.", "images");
        return upright.H <= upright.W ? (_options.ResizeSize, (int)longer) : ((int)longer, _options.ResizeSize);
    }

    private void Run(IReadOnlyList<ImagePixels> images, int[] numbers, Size2 size, SegmentedImage[] maps, CancellationToken cancellation)
    {
        var transform = new ImageTransform(new ImageTransformOptions
        {
            Height = size.H,
            Width = size.W,
            CropPct = 1,
            CropMode = CropMode.Squash,
            Interpolation = Interpolation.Bilinear,
            Mean = _options.Mean,
            Std = _options.Std,
        });
        int length = transform.OutputLength, scores = checked(NumClasses * size.H * size.W);
        var input = new float[checked(numbers.Length * length)];
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
        var output = new float[checked(numbers.Length * scores)];
        lock (_gate)
            PlanFor(size).Run(numbers.Length, [input], [output], cancellation);
        for (int i = 0; i < numbers.Length; i++)
            maps[numbers[i]] = PixelArgMax.Run(output.AsMemory(i * scores, scores), NumClasses, size, _options.OriginalSize ? Upright(images[numbers[i]]) : size);
    }

    /// <summary>The plan of a size; the one that was used least recently gives way. To be called with the gate held.</summary>
    private IPlan PlanFor(Size2 size)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        int at = _plans.FindIndex(p => p.Size == size);
        IPlan plan;
        if (at >= 0)
        {
            plan = _plans[at].Plan;
            _plans.RemoveAt(at);
        }
        else
        {
            if (_plans.Count == MaxPlans)
            {
                _plans[0].Plan.Dispose();
                _plans.RemoveAt(0);
            }
            SegmentationGraph graph = Build(size);
            plan = _engine.Compile(graph.Graph.WithOutputs(graph.Out), Parameters, _engineOptions);
        }
        _plans.Add((size, plan));
        return plan;
    }

    private SegmentationGraph Build(Size2 size) => _inputSize is not { } own || own == size ? _build(size)
        : throw new GraphException($"The selection was made for images of {own}; {size} was asked for. Make the backbone with that image size.");

    private static Size2 Upright(ImagePixels image) => image.Orientation >= ImageOrientation.Transpose ? (image.Width, image.Height) : (image.Height, image.Width);

    private static SegmentationGraph GraphOf(SelectedFeatures features, int numClasses, SegmentationMethod method)
    {
        ArgumentNullException.ThrowIfNull(features);
        if (numClasses < 1)
            throw new ArgumentOutOfRangeException(nameof(numClasses), numClasses, "There must be one class or more, the background included.");
        if (features.Graph.Inputs[0].Shape[0] != 3)
            throw new GraphException($"Pictures have 3 channels; the selection's input is {features.Graph.Inputs[0].Shape}.");
        return SegmentationGraph.Build(features, method, numClasses);
    }

    private static SegmentationModel Create(SegmentationGraph graph, int numClasses, SegmentationMethod method, ParameterStore weights, bool ownsWeights, SegmentationOptions options, IEngine? engine,
        EngineOptions? engineOptions)
    {
        options = Checked(options, method.ToString());
        weights.EnsureMatches(graph.Graph.Parameters, options.CheckFinite);
        Shape input = graph.Graph.Inputs[0].Shape;
        return new(method.ToString(), method, numClasses, _ => graph, (input[1], input[2]), weights, ownsWeights, options, engine, engineOptions);
    }

    private static PretrainedConfig Unpublished(SegmentationMethod method) => new() { Architecture = method.ToString() };

    private static int? ClassesOf(ParameterStore weights, SegmentationMethod method)
        => weights.TryGet(method == SegmentationMethod.Lraspp ? "classifier.low_classifier.weight" : "classifier.4.weight", out ParameterTensor? last) && last.Shape is { Rank: > 1 } shape && shape[0] > 0
            ? shape[0] : null;

    private static SegmentationOptions Checked(SegmentationOptions options, string name)
    {
        if (options.RandomWeights && options.WeightsPath is { } file)
            throw new ArgumentException($"Either random weights or those of a file: both were given for '{name}' ('{file}').", nameof(options));
        if (options.ResizeSize is < 1 or > 1 << 13)
            throw new ArgumentOutOfRangeException(nameof(options), options.ResizeSize, $"{nameof(SegmentationOptions.ResizeSize)} must be 1 to {1 << 13} pixels; torchvision's is {SegmentationVariant.ResizeSize}.");
        if (options.Mean.Count != 3 || options.Std.Count != 3)
            throw new ArgumentException($"Pictures have 3 channels; received {options.Mean.Count} means and {options.Std.Count} standard deviations.", nameof(options));
        return options;
    }
}
