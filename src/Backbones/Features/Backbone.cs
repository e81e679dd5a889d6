using System.Collections.Immutable;
using Backbones.Engines;
using Backbones.Graphs;
using Backbones.Imaging;
using Backbones.Models;
using Backbones.Registry;
using Backbones.Weights;
using Backbones.Weights.Hub;

namespace Backbones;

/// <summary>
/// A timm backbone with its weights: <c>Backbone.Create("resnet50.a1_in1k")</c>. Ask it for features with
/// <c>Extract</c>; its <see cref="FeatureInfo"/> and node names are there without running anything. Thread safe.
/// </summary>
public sealed class Backbone : IDisposable
{
    private readonly ModelEntry _model;
    private readonly BuildOptions _build;
    private readonly bool _useTestSize;
    private readonly Lazy<BackboneGraph> _graph;
    private readonly bool _ownsParameters;

    private Backbone(PretrainedConfig config, BackboneOptions options, ParameterStore parameters, bool ownsParameters)
    {
        Config = config;
        _model = ModelCatalog.Find(config);
        _build = BuildOptionsFor(config, options);
        _useTestSize = options.UseTestSize;
        Parameters = parameters;
        _ownsParameters = ownsParameters;
        _graph = new(() => _model.Build(_build));
    }

    /// <summary>The full name, <c>architecture.tag</c>.</summary>
    public string Name => Config.Name;

    /// <summary>What the weights are and what input they expect.</summary>
    public PretrainedConfig Config { get; }

    /// <summary>The weights, under timm's keys.</summary>
    public ParameterStore Parameters { get; }

    /// <summary>The whole graph, with the classifier.</summary>
    public Graph Graph => _graph.Value.Graph;

    /// <summary>Channels, reduction and module of every level of the feature pyramid.</summary>
    public ImmutableArray<FeatureInfo> FeatureInfo => SelectedFeatures.InfoOf(_graph.Value);

    /// <summary>Names of the nodes that <see cref="FeatureSelection.Nodes(IEnumerable{string})"/> can choose.</summary>
    public ImmutableArray<string> NodeNames => Graph.NodeNames;

    /// <summary>Channels of the unpooled features (<c>num_features</c>).</summary>
    public int NumFeatures => _graph.Value.NumFeatures;

    /// <summary>Length of the features that the model's own pool gives and its classifier gets (<c>head_hidden_size</c>): that of <see cref="NumFeatures"/>, but where there are
    /// layers between pool and classifier, as in MobileNetV3.</summary>
    public int HeadHiddenSize => _graph.Value.HeadHiddenSize;

    /// <summary>Makes a backbone by timm's name. Published weights that are not on this machine are downloaded, see <see cref="BackboneOptions.Download"/>.</summary>
    /// <param name="name"><c>resnet50</c>, <c>resnet50.a1_in1k</c>, <c>hf-hub:organization/model</c>, <c>local-dir:path</c>, or the name of a folder of weights.</param>
    /// <param name="options">Where the weights are, image size, channels.</param>
    /// <remarks>Weights may be a part of the model's: those that <see cref="SaveWeights"/> wrote for a selection, a file without a classifier, or with one for other
    /// classes, whose number is then the model's. What a selection needs is looked for when it is extracted.</remarks>
    /// <exception cref="ArgumentOutOfRangeException">An image size or number of channels below 1.</exception>
    /// <exception cref="UnknownModelException">There is no such model or tag; the message has the nearest names.</exception>
    /// <exception cref="ArgumentException">A <see cref="BackboneOptions.CacheDir"/> without a name.</exception>
    /// <exception cref="DownloadException">The weights are not on this machine and cannot be downloaded; the message names the host and the reason.</exception>
    /// <exception cref="FileNotFoundException">No weights were found and downloads are off; the message says where they were looked for.</exception>
    /// <exception cref="WeightsFormatException">The weights file is malformed, or an entry in it cannot be adapted to the size and channels asked for.</exception>
    /// <exception cref="GraphException">An image size, or a pool or stride in the weights' config, that the model cannot have.</exception>
    /// <exception cref="ParameterMismatchException">The weights are another model's.</exception>
    public static Backbone Create(string name, BackboneOptions? options = null)
    {
        options ??= new BackboneOptions();
        // In the order in which a person would look: is the file there, is there such a model and tag.
        if (options.WeightsPath is { } given && !File.Exists(given) && !Directory.Exists(given))
            throw WeightsLocator.NoWeightsAt(given);
        if (options.RandomWeights)
        {
            if ((options.WeightsPath ?? options.KeyPrefix) is { } ofFile)
                throw new ArgumentException($"Either random weights or those of a file: both were given for '{name}' ('{ofFile}').", nameof(options));
            PretrainedConfig random = options.Overlaid(ModelNames.GetConfig(name));
            return new Backbone(random, options, ParameterStore.FromRecipe(DefaultSpecs(random), 1), ownsParameters: true);
        }
        return Open(Locate(name, options), options);
    }

    /// <summary>The weights that <see cref="Create"/> takes, with their config as it counts.</summary>
    internal static LocatedModel Locate(string name, BackboneOptions options)
    {
        LocatedModel located = WeightsLocator.Find(name, options.WeightsPath, downloader: options.Downloader);
        return located with { Config = options.Overlaid(located.Config, located.ConfigFile) };
    }

    /// <summary>The same over weights that were located before.</summary>
    internal static Backbone Open(LocatedModel located, BackboneOptions options)
    {
        try
        {
            return Make(located, options);
        }
        // Nothing else was asked for: what the model cannot have is the file's.
        catch (GraphException e) when (located.ConfigFile is { } file && options is { ConfigOverlay: null, ImageSize: null, UseTestSize: false, InChannels: null })
        {
            throw new GraphException($"{file}: {e.Message}", e);
        }
    }

    private static Backbone Make(LocatedModel located, BackboneOptions options)
    {
        ParameterStore store = OpenWeights(located, options);
        try
        {
            var backbone = new Backbone(WithClassesOf(located.Config, store), options, store, ownsParameters: true);
            backbone.NamingTheImageSize(() => store.EnsureUsable(backbone._graph.Value.AsStored(store), options.CheckFinite, () => LikelyModel.Find(store) is { } likely && likely != backbone.Config.Architecture ? likely : null));
            backbone.EnsureAdaptable();
            return backbone;
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    /// <summary>A model's weights under timm's keys.</summary>
    private static ParameterStore OpenWeights(LocatedModel located, BackboneOptions options)
    {
        ParameterStore store = ParameterStore.Open(located.WeightsFile, options.KeyPrefix);
        try
        {
            return RemappedWeights.Apply(store, ModelCatalog.Find(located.Config), BuildOptionsFor(located.Config, options));
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    /// <summary>What a selection of a model comes to, without running: names and shapes of its outputs. Weights are not needed; where they are there, logits have as many classes as they.</summary>
    /// <exception cref="UnknownModelException">There is no such model or tag; the message has the nearest names.</exception>
    /// <exception cref="GraphException">A name, pool or stride that the model does not have.</exception>
    public static ImmutableArray<FeatureOutput> Describe(string name, FeatureSelection selection, BackboneOptions? options = null)
    {
        options ??= new BackboneOptions();
        return Outline(name, FindConfig(name, options), selection, options).Outputs;
    }

    /// <summary>What the weights are that <see cref="Create"/> would take.</summary>
    internal static PretrainedConfig FindConfig(string name, BackboneOptions options)
    {
        LocatedConfig located = options.RandomWeights ? new LocatedConfig(ModelNames.GetConfig(name)) : WeightsLocator.FindConfig(name, options.WeightsPath, downloader: options.Downloader);
        return options.Overlaid(located.Config, located.File);
    }

    /// <summary>What <see cref="Describe(string, FeatureSelection, BackboneOptions?)"/> tells, with the graph: whoever keeps it finds it built when the weights come.</summary>
    /// <param name="name">The model's name.</param>
    /// <param name="config">What <see cref="FindConfig"/> found for it.</param>
    /// <param name="selection">What is wanted.</param>
    /// <param name="options">Where the weights are, image size, channels.</param>
    internal static SelectedFeatures Outline(string name, PretrainedConfig config, FeatureSelection selection, BackboneOptions options)
        // Only here does it matter for how many classes the weights are.
        => Outline(selection is LogitsSelection or NodesSelection && !options.RandomWeights ? WithClassesOf(name, config, options) : config, selection, options);

    /// <summary>The same for a config that is already there.</summary>
    /// <exception cref="UnknownModelException">There is no such model.</exception>
    /// <exception cref="GraphException">A name, pool or stride that the model does not have.</exception>
    public static ImmutableArray<FeatureOutput> Describe(PretrainedConfig config, FeatureSelection selection, BackboneOptions? options = null)
        => Outline(config, selection, options ?? new BackboneOptions()).Outputs;

    internal static SelectedFeatures Outline(PretrainedConfig config, FeatureSelection selection, BackboneOptions options)
    {
        ModelEntry model = ModelCatalog.Find(config);
        BuildOptions build = BuildOptionsFor(config, options);
        SelectedFeatures outline = SelectedFeatures.Create(model, selection, build);
        if (build.ImageSize != build.PretrainedSize)
            EnsureResizable(config, model, build, outline);
        return outline;
    }

    /// <summary>Makes sure that weights for the config's own image size can be had for the one asked for: <see cref="Create"/> would refuse them, and there is no need to have them to know.</summary>
    /// <exception cref="GraphException">Some of them depend on the image size and are not resized.</exception>
    private static void EnsureResizable(PretrainedConfig config, ModelEntry model, BuildOptions build, SelectedFeatures outline)
    {
        try
        {
            outline.AdaptedTo(model.Build(build with { ImageSize = build.PretrainedSize }).Graph.Parameters);
        }
        catch (GraphException e)
        {
            throw new GraphException($"An image of {build.ImageSize} does not fit the weights of '{config.Name}', which are for {build.PretrainedSize}, and some of which are not resized. {e.Message}", e);
        }
    }

    /// <summary>Makes a backbone over weights that are already there (also pruned ones: what a selection lacks is an error when it is extracted).</summary>
    public static Backbone FromParameters(PretrainedConfig config, ParameterStore parameters, BackboneOptions? options = null, bool ownsParameters = false)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(parameters);
        options ??= new BackboneOptions();
        return new Backbone(options.Overlaid(config), options, parameters, ownsParameters);
    }

    /// <summary>timm's eval transform for these weights and this input size.</summary>
    public ImageTransformOptions TransformOptions => ImageTransformOptions.Resolve(
        Config.ToDataConfig(), new DataConfig { InputSize = (_build.InChannels!.Value, _build.ImageSize!.Value.H, _build.ImageSize.Value.W) }, _useTestSize);

    /// <summary>What a selection comes to, without weights and without running: shapes, levels, the pruned graph.</summary>
    public SelectedFeatures Select(FeatureSelection selection) => Select([selection]);

    /// <summary>Several selections as one graph, computed in one run.</summary>
    /// <exception cref="ArgumentException">There are no selections, or they need different structures (pools, output strides).</exception>
    public SelectedFeatures Select(IReadOnlyList<FeatureSelection> selections) => Select(selections, _build);

    private SelectedFeatures Select(IReadOnlyList<FeatureSelection> selections, BuildOptions build)
    {
        ArgumentNullException.ThrowIfNull(selections);
        if (selections.Count == 0)
            throw new ArgumentException("No selection was given; give one or more.", nameof(selections));
        BuildOptions[] builds = [.. selections.Select(s => SelectedFeatures.OptionsFor(s, build)).Distinct()];
        if (builds.Length > 1)
            throw new ArgumentException($"These selections need backbones of different structure (pool, classes or output stride) and cannot share one run: {string.Join("; ", selections)}.", nameof(selections));
        BackboneGraph graph = builds[0] == _build ? _graph.Value : _model.Build(builds[0]);
        SelectedFeatures selected = SelectedFeatures.Merge([.. selections.Select(s => SelectedFeatures.Choose(graph, s))]);
        return selected.AdaptedTo(graph.AsStored(Parameters, selected.Graph.Parameters)) with
        {
            Source = new(this, size => Select(selections, build with { ImageSize = size })),
        };
    }

    /// <summary>Compiles a selection for running.</summary>
    /// <param name="selection">What is wanted.</param>
    /// <param name="engine">What runs it; null for the managed engine.</param>
    /// <param name="options">Threads.</param>
    /// <exception cref="ParameterMismatchException">The weights lack what the selection needs.</exception>
    /// <exception cref="GraphException">The weights are for another image size, and cannot be resized.</exception>
    public FeatureExtractor Extract(FeatureSelection selection, IEngine? engine = null, EngineOptions? options = null)
        => Extract(Select(selection), engine, options);

    /// <summary>Compiles what was selected before.</summary>
    /// <exception cref="ParameterMismatchException">The weights lack what the selection needs.</exception>
    /// <exception cref="GraphException">The weights are for another image size, and cannot be resized.</exception>
    public FeatureExtractor Extract(SelectedFeatures selected, IEngine? engine = null, EngineOptions? options = null)
    {
        NamingTheImageSize(() => Parameters.EnsureHas(selected.Graph.Parameters));
        return new(this, selected, engine ?? DefaultEngine.Instance, options ?? EngineOptions.Default);
    }

    /// <summary>Writes the weights as safetensors: all of them, or only those that a selection needs (timm's pruning). The file is written whole or not at all.</summary>
    /// <param name="path">The file to write; it may be the one that the weights are from, but on Windows.</param>
    /// <param name="selection">What the weights are for; null for all.</param>
    /// <exception cref="ParameterMismatchException">The weights lack what the selection needs.</exception>
    /// <exception cref="IOException">The disk is full, or the file cannot be replaced. What was there is there still.</exception>
    public void SaveWeights(string path, FeatureSelection? selection = null)
    {
        IEnumerable<ParameterSpec> needed = selection is null ? Graph.Parameters : Select(selection).Graph.Parameters;
        if (selection is not null)
            Parameters.EnsureHas(needed);
        SafetensorsWriter.Write(path, needed.Where(p => Parameters.TryGet(p.Name, out _)).Select(p => Parameters[p.Name]));
    }

    /// <summary>Releases the weights. Extractors that were made go on working.</summary>
    public void Dispose()
    {
        if (_ownsParameters)
            Parameters.Dispose();
    }

    /// <summary>Tells of parameters that depend on the image size, and that timm does not resize either, as what they are.</summary>
    private void NamingTheImageSize(Action check)
    {
        try
        {
            check();
        }
        catch (ParameterMismatchException e) when (e is { Misshaped.Count: > 0, Missing.Count: 0, Unexpected.Count: 0 } && _build.ImageSize != _build.PretrainedSize && _build.InChannels == Config.InputSize[0])
        {
            throw new GraphException($"An image of {_build.ImageSize} does not fit the weights of '{Name}', which are for {_build.PretrainedSize}, and some of which are not resized: {e.Misshaped[0]}.", e);
        }
    }

    private void EnsureAdaptable()
    {
        try
        {
            SelectedFeatures.Choose(_graph.Value, FeatureSelection.Logits).AdaptedTo(_graph.Value.AsStored(Parameters));
        }
        catch (GraphException e)
        {
            throw new WeightsFormatException(Parameters.Source, e.Message, e);
        }
    }

    /// <summary>The config with the number of classes that the weights' classifier has, where they have one.</summary>
    private static PretrainedConfig WithClassesOf(PretrainedConfig config, ParameterStore weights)
    {
        IEnumerable<string> classifier = config.Classifier.IsDefaultOrEmpty && ModelNames.IsArchitecture(config.Architecture) ? ModelNames.GetConfig(config.Architecture).Classifier : config.Classifier;
        foreach (string module in classifier)
        {
            if (weights.TryGet($"{module}.weight", out ParameterTensor? weight) && weight.Shape.Rank > 1)
                return config with { NumClasses = weight.Shape[0] };
        }
        return config;
    }

    private static PretrainedConfig WithClassesOf(string name, PretrainedConfig config, BackboneOptions options)
    {
        try
        {
            using ParameterStore weights = OpenWeights(WeightsLocator.Find(name, options.WeightsPath, downloader: (options with { Download = DownloadMode.Never }).Downloader) with { Config = config }, options);
            return WithClassesOf(config, weights);
        }
        catch (FileNotFoundException)
        {
            return config; // Not on this machine: as many as were published.
        }
    }

    private static BuildOptions BuildOptionsFor(PretrainedConfig config, BackboneOptions options)
    {
        if (options.InChannels is < 1)
            throw new ArgumentOutOfRangeException(nameof(options), options.InChannels, "InChannels must be 1 or more; null is the model's own number.");
        if (options.ImageSize is { } wanted && (wanted.H < 1 || wanted.W < 1))
            throw new ArgumentOutOfRangeException(nameof(options), options.ImageSize, "Both sides of ImageSize must be 1 or more; null is the model's own size.");
        if (config.NumClasses < 0)
            throw new ArgumentOutOfRangeException(nameof(config), config.NumClasses, "NumClasses must be 0 or more; 0 is a model without a classifier.");
        Shape size = (options.UseTestSize ? config.TestInputSize : null) ?? config.InputSize;
        Size2 image = options.ImageSize ?? new Size2(size[1], size[2]);
        int channels = options.InChannels ?? config.InputSize[0];
        if (channels > ModelFolder.MaxChannels || (Int128)channels * image.H * image.W > ModelFolder.MaxElements)
            throw new ArgumentOutOfRangeException(nameof(options), $"An input of {channels} × {image.H} × {image.W} was asked for; at most {ModelFolder.MaxChannels} channels and {ModelFolder.MaxElements} elements are allowed.");
        return new()
        {
            ImageSize = image,
            InChannels = channels,
            NumClasses = config.NumClasses,
            GlobalPool = config.GlobalPool,
            OutputStride = config.OutputStride,
            PretrainedSize = new Size2(config.InputSize[1], config.InputSize[2]),
            MeanImage = config.MeanImage,
        };
    }

    private static IEnumerable<ParameterSpec> DefaultSpecs(PretrainedConfig config)
        => ModelCatalog.Find(config).Build(BuildOptionsFor(config, new BackboneOptions())).Graph.Parameters;
}
