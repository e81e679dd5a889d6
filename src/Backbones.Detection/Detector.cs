using System.Collections.Immutable;
using Backbones.Engines;
using Backbones.Engines.Managed;
using Backbones.Graphs;
using Backbones.Registry;
using Backbones.Weights;
using Backbones.Weights.Hub;

namespace Backbones.Detection;

/// <summary>
/// Finds objects in images: <c>Detector.Create("torchvision/maskrcnn_resnet50_fpn")</c>, or over any backbone with <c>MaskRcnn.Create(backbone.Select(…), numClasses)</c>.
/// Numbers are torchvision's. Thread safe.
/// </summary>
public abstract class Detector : IDisposable
{
    /// <summary>Runs whose memory is kept, some 200 MB each: that of more callers at the same time goes with them.</summary>
    private const int MostIdle = 2;

    private readonly BatchTransform _transform;
    private readonly float[][] _byteValues;
    private readonly SizedPlans<DetectorPlan> _plans;
    private readonly Lock _gate = new();
    private readonly Stack<Workspace> _idle = [];
    private readonly ParameterStore? _owned;
    private readonly Lazy<FeatureGraph> _nominal;
    private readonly Size2 _nominalSize;
    private readonly Lazy<ImmutableArray<ParameterSpec>> _specs;
    private readonly Lazy<ParameterStore> _parameters;
    private int _running;
    private bool _disposed;

    private protected Detector(DetectorParts parts)
    {
        Name = parts.Name;
        NumClasses = parts.NumClasses;
        Body = parts.Body;
        Engine = parts.Options.Engine ?? DefaultEngine.Instance;
        EngineOptions = parts.Options.EngineOptions;
        Pool = WorkerPool.Of(EngineOptions.Threads == 0 ? Environment.ProcessorCount : EngineOptions.Threads);
        Categories = parts.Options.Categories ?? (parts.Categories.Length == NumClasses ? parts.Categories : []);
        _owned = parts.Owned;
        _transform = parts.Transform;
        _byteValues = [.. Enumerable.Range(0, 3).Select(c => Enumerable.Range(0, 256).Select(v => (v / 255f - _transform.Mean[c]) / _transform.Std[c]).ToArray())];
        _nominalSize = parts.NominalSize;
        _nominal = new(() => BuildFeatures(_nominalSize));
        _specs = new(() => [.. _nominal.Value.Graph.Parameters.Concat(HeadGraphs().SelectMany(h => h.Parameters))]);
        _parameters = new(() => DetectorWeights.Assemble(_specs.Value, parts.Given, parts.BackboneParameters, Body.KeyOf, parts.Options.RandomWeights, parts.Options.CheckFinite));
        _plans = new(typeof(Detector), parts.Options.PlanCacheSize, Compile);
    }

    /// <summary>Names of the detectors that <see cref="Create"/> makes.</summary>
    public static ImmutableArray<string> Names { get; } = [.. DetectorCatalog.Entries.Select(e => e.Name)];

    /// <summary>torchvision's name; empty for a detector over a backbone of one's own.</summary>
    public string Name { get; }

    /// <summary>Number of classes; of the R-CNNs and SSD with the background.</summary>
    public int NumClasses { get; }

    /// <summary>Names of the classes by <see cref="Detection.Label"/>; empty where there are none.</summary>
    public ImmutableArray<string> Categories { get; }

    /// <summary>Whether detections have a <see cref="Detection.Mask"/>.</summary>
    public virtual bool HasMasks => false;

    /// <summary>The <c>state_dict</c>: torchvision's names, in its order.</summary>
    public ImmutableArray<ParameterSpec> ParameterSpecs => _specs.Value;

    /// <summary>The weights, under torchvision's names. They are the detector's: it disposes them.</summary>
    public ParameterStore Parameters => _parameters.Value;

    internal BatchTransform Transform => _transform;

    internal BodyGraph Body { get; }

    private protected IEngine Engine { get; }

    private protected EngineOptions EngineOptions { get; }

    private protected WorkerPool Pool { get; }

    /// <summary>Makes one of torchvision's detectors by name, whatever its kind.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="options">Options of its kind, such as <see cref="MaskRcnnOptions"/>; null for torchvision's defaults and the published weights, which are downloaded if they are not here.</param>
    /// <exception cref="UnknownModelException">There is no such detector; the message has the nearest names.</exception>
    /// <exception cref="ArgumentException">The options are another kind's.</exception>
    /// <exception cref="DownloadException">The weights are not on this machine and cannot be downloaded.</exception>
    /// <exception cref="FileNotFoundException">No weights were found and downloads are off.</exception>
    /// <exception cref="WeightsFormatException">The weights file is malformed.</exception>
    /// <exception cref="ParameterMismatchException">The weights are another model's, or for another number of classes.</exception>
    public static Detector Create(string name, DetectorOptions? options = null)
    {
        string kind = DetectorCatalog.Find(name).Kind;
        return (kind, options) switch
        {
            ("maskrcnn", null or MaskRcnnOptions) => MaskRcnn.Create(name, (MaskRcnnOptions?)options),
            ("keypointrcnn", null or KeypointRcnnOptions) => KeypointRcnn.Create(name, (KeypointRcnnOptions?)options),
            ("fasterrcnn", null or FasterRcnnOptions) => FasterRcnn.Create(name, (FasterRcnnOptions?)options),
            ("retinanet", null or RetinaNetOptions) => RetinaNet.Create(name, (RetinaNetOptions?)options),
            ("fcos", null or FcosOptions) => Fcos.Create(name, (FcosOptions?)options),
            ("ssd300" or "ssdlite320", null or SsdOptions) => Ssd.Create(name, (SsdOptions?)options),
            _ => throw new ArgumentException($"'{name}' does not take {options!.GetType().Name}; give the options of its kind, {kind}.", nameof(options)),
        };
    }

    /// <summary>Finds objects.</summary>
    /// <param name="images">One image or more; sizes may differ. They are computed as one batch, as large as the largest.</param>
    /// <returns>For each image what was found in it, by falling score; boxes are in its pixels, upright.</returns>
    /// <exception cref="ArgumentException">There are no images, or one of them is null, has too few bytes, or is so narrow that nothing would be left of it after resizing (the message has its number, from 0).</exception>
    /// <exception cref="GraphException">The backbone cannot have the size that the images come to.</exception>
    /// <exception cref="ObjectDisposedException">The detector was disposed.</exception>
    public IReadOnlyList<Detections> Detect(params IReadOnlyList<ImagePixels> images)
        => Detect(images, (image, _) => new ByteRows(image, _byteValues));

    /// <summary>Finds objects in images that are float tensors.</summary>
    /// <inheritdoc cref="Detect(IReadOnlyList{ImagePixels})"/>
    public IReadOnlyList<Detections> Detect(params IReadOnlyList<ImageTensor> images) => Detect(images, FloatImage);

    /// <summary>Writes the weights as safetensors, under torchvision's names. The file is written whole or not at all.</summary>
    /// <param name="path">The file to write.</param>
    /// <exception cref="IOException">The disk is full, or the file cannot be replaced.</exception>
    public void SaveWeights(string path) => SafetensorsWriter.Write(path, Parameters.Tensors);

    /// <summary>Releases plans and weights, after the runs under way.</summary>
    public void Dispose()
    {
        GC.SuppressFinalize(this);
        lock (_gate)
        {
            if (_disposed)
                return;
            _disposed = true;
            if (_running > 0)
                return;
        }
        Release();
    }

    /// <summary>Releases what a kind of detector has beside.</summary>
    private protected virtual void Dispose(bool disposing)
    {
    }

    /// <summary>The same in memory of one's own, in which what was computed on the way can be looked at then.</summary>
    internal IReadOnlyList<Detections> Detect(Workspace workspace, IReadOnlyList<ImageTensor> images) => Detect(workspace, images, FloatImage);

    /// <summary>The size that an image alone is computed in: images of the same have the same results together as alone.</summary>
    /// <exception cref="ArgumentException">It cannot be used.</exception>
    internal Size2 PaddedSizeOf(ImagePixels image, int index) => _transform.Padded([ResizedSize(Opened(image, index, (i, _) => new ByteRows(i, _byteValues)), index)]);

    /// <summary>Makes memory for a run.</summary>
    internal abstract Workspace CreateWorkspace();

    /// <summary>The graph over a padded batch of that size.</summary>
    internal abstract FeatureGraph BuildFeatures(Size2 size);

    /// <summary>The graphs behind it.</summary>
    private protected abstract IEnumerable<Graph> HeadGraphs();

    /// <summary>The anchors, map by map.</summary>
    internal abstract IAnchors AnchorsOfLevels { get; }

    /// <summary>Channels of the pyramid.</summary>
    private protected int MapChannels => _nominal.Value.Levels[0].Map.Shape[0];

    /// <summary>What is done with the maps: fills the workspace's results, in the resized images' pixels.</summary>
    private protected abstract void Postprocess(Workspace workspace, DetectorPlan plan);

    /// <summary>A result as it is given back.</summary>
    private protected virtual Detection ToDetection(Workspace workspace, int image, int index, Box box, Size2 original)
    {
        BoxList found = workspace.Results[image];
        int label = found.Labels[index];
        return new(box, label, found.Scores[index]) { Category = (uint)label < (uint)Categories.Length ? Categories[label] : null };
    }

    /// <summary>Checks the weights and what the options name now, and not with the first image.</summary>
    private protected T Checked<T>() where T : Detector
    {
        try
        {
            if (AnchorsOfLevels is AnchorGenerator { CellAnchors: var cells } && cells.FirstOrDefault(c => c.Length != cells[0].Length) is { IsDefault: false } other)
                throw new ArgumentException($"All maps share one head and so have as many anchors a pixel; received {cells[0].Length} for the first and {other.Length} for another.");
            AnchorsOfLevels.Grids(_nominalSize, _nominal.Value.LevelSizes);
            if (!Categories.IsEmpty && Categories.Length != NumClasses)
                throw new ArgumentException($"{NumClasses} classes need as many {nameof(DetectorOptions.Categories)}, of the R-CNNs and SSD the background's first; received {Categories.Length}.");
            _ = Parameters;
            return (T)this;
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>What the last run does that a disposed detector still had.</summary>
    private void Release()
    {
        _plans.Dispose();
        Dispose(disposing: true);
        _owned?.Dispose();
    }

    private IReadOnlyList<Detections> Detect<T>(IReadOnlyList<T> images, Func<T, int, IPixelRows> open) where T : class
    {
        Workspace? workspace;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, typeof(Detector));
            _running++;
            _idle.TryPop(out workspace);
        }
        try
        {
            return Detect(workspace ??= CreateWorkspace(), images, open);
        }
        finally
        {
            bool isLast;
            lock (_gate)
            {
                isLast = --_running == 0 && _disposed;
                if (workspace is not null && _idle.Count < MostIdle)
                    _idle.Push(workspace);
            }
            if (isLast)
                Release();
        }
    }

    private Detections[] Detect<T>(Workspace workspace, IReadOnlyList<T> images, Func<T, int, IPixelRows> open) where T : class
    {
        ArgumentNullException.ThrowIfNull(images);
        if (images.Count == 0)
            throw new ArgumentException("No images were given; a batch is one image or more.", nameof(images));
        workspace.Clock?.Start();
        IPixelRows[] sources = [.. images.Select((image, i) => Opened(image, i, open))];
        workspace.Sizes = [.. sources.Select((s, i) => ResizedSize(s, i))];
        Size2 padded = _transform.Padded(workspace.Sizes);
        try
        {
            Run(workspace, sources, padded);
        }
        catch (OverflowException e)
        {
            // Lengths of buffers are computed checked.
            throw new ArgumentException($"{images.Count} image{(images.Count == 1 ? "" : "s")} of {padded.W}×{padded.H} pixels, resized and padded, are more than one run can hold; give {(images.Count == 1 ? "a smaller MinSize and MaxSize, or FixedSize" : "fewer at a time")}.", nameof(images), e);
        }
        Detections[] found = [.. sources.Select((s, i) => Original(workspace, i, new(s.Height, s.Width)))];
        workspace.Clock?.Lap("results");
        return found;
    }

    private void Run(Workspace workspace, IPixelRows[] sources, Size2 padded)
    {
        int length = checked(3 * padded.H * padded.W), total = checked(sources.Length * length);
        DetectorPlan plan = _plans.Rent(padded);
        try
        {
            Workspace.CheckSize(plan, sources.Length);
            float[] batch = workspace.Batch.Ensure(total);
            for (int i = 0; i < sources.Length; i++)
                workspace.Images.Write(sources[i], workspace.Sizes[i], padded, batch, i);
            workspace.Clock?.Lap("transform");
            workspace.Run(plan, sources.Length, length);
            workspace.Clock?.Lap("backbone, pyramid, dense heads");
            workspace.PrepareResults(sources.Length);
            Postprocess(workspace, plan);
        }
        finally
        {
            _plans.Return(plan);
        }
    }

    private static IPixelRows Opened<T>(T image, int index, Func<T, int, IPixelRows> open)
    {
        try
        {
            return open(image ?? throw new ArgumentException("it is null."), index);
        }
        catch (ArgumentException e)
        {
            throw new ArgumentException($"Image {index} cannot be used: {e.Message}", "images", e);
        }
    }

    private FloatRows FloatImage(ImageTensor image, int index) => image is { Height: > 0, Width: > 0 } && image.Values.Length == 3L * image.Height * image.Width
        ? new FloatRows(image, _transform.Mean, _transform.Std)
        : throw new ArgumentException($"a tensor [3, {image.Height}, {image.Width}] needs {3L * image.Height * image.Width} values and at least one pixel, received {image.Values.Length}.");

    private Size2 ResizedSize(IPixelRows image, int index)
    {
        Size2 size = _transform.Resized(image.Height, image.Width);
        return size is { H: > 0, W: > 0 } ? size : throw new ArgumentException(
            $"Image {index} is {image.Width}×{image.Height} pixels; with its longer side resized to {_transform.MaxSize} nothing is left of the shorter one. Raise MaxSize or cut the image.", "images");
    }

    /// <summary>The boxes in the pixels of the image as it was given.</summary>
    private Detections Original(Workspace workspace, int image, Size2 original)
    {
        Size2 resized = workspace.Sizes[image];
        float x = (float)original.W / resized.W, y = (float)original.H / resized.H;
        BoxList found = workspace.Results[image];
        var items = ImmutableArray.CreateBuilder<Detection>(found.Count);
        for (int i = 0; i < found.Count; i++)
            items.Add(ToDetection(workspace, image, i, Boxes.Scale(found[i], x, y), original));
        return new(original.W, original.H, items.MoveToImmutable());
    }

    private DetectorPlan Compile(Size2 size)
    {
        FeatureGraph features = BuildFeatures(size);
        return new(size, features, Engine.Compile(features.Graph, Parameters, EngineOptions), AnchorsOfLevels.Grids(size, features.LevelSizes));
    }
}
