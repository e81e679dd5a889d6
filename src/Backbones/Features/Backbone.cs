using System.Collections.Immutable;
using Backbones.Engines;
using Backbones.Graphs;
using Backbones.Imaging;
using Backbones.Models;
using Backbones.Registry;
using Backbones.Weights;

namespace Backbones;

/// <summary>
/// A timm backbone with its weights: <c>Backbone.Create("resnet50.a1_in1k")</c>. Ask it for features with
/// <c>Extract</c>; its <see cref="FeatureInfo"/> and node names are there without running anything. Thread safe.
/// </summary>
public sealed class Backbone : IDisposable
{
    private readonly ModelEntry _model;
    private readonly BuildOptions _build;
    private readonly Lazy<BackboneGraph> _graph;
    private readonly bool _ownsParameters;

    private Backbone(PretrainedConfig config, BuildOptions build, ParameterStore parameters, bool ownsParameters)
    {
        Config = config;
        _model = ModelCatalog.Find(config.Architecture);
        _build = build;
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

    /// <summary>Channels of the pooled features (<c>num_features</c>).</summary>
    public int NumFeatures => _graph.Value.NumFeatures;

    /// <summary>Makes a backbone by timm's name.</summary>
    /// <param name="name"><c>resnet50</c>, <c>resnet50.a1_in1k</c>, <c>local-dir:path</c>, or the name of a folder of weights.</param>
    /// <param name="options">Where the weights are, image size, channels.</param>
    /// <exception cref="UnknownModelException">There is no such model or tag; the message has the nearest names.</exception>
    /// <exception cref="FileNotFoundException">No weights were found; the message says where they were looked for.</exception>
    /// <exception cref="WeightsFormatException">The weights file is malformed.</exception>
    /// <exception cref="ParameterMismatchException">The weights are another model's.</exception>
    public static Backbone Create(string name, BackboneOptions? options = null)
    {
        options ??= new BackboneOptions();
        if (options.RandomWeights)
        {
            if (options.WeightsPath is not null)
                throw new ArgumentException($"Either random weights or a weights path: both were given for '{name}' ('{options.WeightsPath}').", nameof(options));
            PretrainedConfig random = ModelNames.GetConfig(name);
            RequireBuildable(name, random);
            return FromParameters(random, ParameterStore.FromRecipe(DefaultSpecs(random), 1), options, ownsParameters: true);
        }
        return Open(name, WeightsLocator.Find(name, options.WeightsPath), options);
    }

    /// <summary>The same over weights that were located before.</summary>
    internal static Backbone Open(string name, LocatedModel located, BackboneOptions options)
    {
        RequireBuildable(name, located.Config);
        ParameterStore store = ParameterStore.Open(located.WeightsFile);
        try
        {
            store.EnsureMatches(DefaultSpecs(located.Config), options.CheckFinite);
            return FromParameters(located.Config, store, options, ownsParameters: true);
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    /// <summary>What a selection of a model comes to, without weights and without running: names and shapes of its outputs.</summary>
    /// <exception cref="UnknownModelException">There is no such model or tag; the message has the nearest names.</exception>
    /// <exception cref="GraphException">A name, pool or stride that the model does not have.</exception>
    public static ImmutableArray<FeatureOutput> Describe(string name, FeatureSelection selection, BackboneOptions? options = null)
    {
        options ??= new BackboneOptions();
        return Describe(options.RandomWeights ? ModelNames.GetConfig(name) : WeightsLocator.FindConfig(name, options.WeightsPath), selection, options);
    }

    /// <summary>The same for a config that is already there.</summary>
    /// <exception cref="UnknownModelException">There is no such model.</exception>
    /// <exception cref="GraphException">A name, pool or stride that the model does not have.</exception>
    public static ImmutableArray<FeatureOutput> Describe(PretrainedConfig config, FeatureSelection selection, BackboneOptions? options = null)
    {
        options ??= new BackboneOptions();
        RequireBuildable(config.Name, config);
        return SelectedFeatures.Create(ModelCatalog.Find(config.Architecture), selection, BuildOptionsFor(config, options)).Outputs;
    }

    /// <summary>Makes a backbone over weights that are already there (also pruned ones: what a selection lacks is an error when it is extracted).</summary>
    public static Backbone FromParameters(PretrainedConfig config, ParameterStore parameters, BackboneOptions? options = null, bool ownsParameters = false)
    {
        return new Backbone(config, BuildOptionsFor(config, options ?? new BackboneOptions()), parameters, ownsParameters);
    }

    /// <summary>timm's eval transform for these weights and this input size.</summary>
    public ImageTransformOptions TransformOptions => ImageTransformOptions.Resolve(
        new DataConfig { CropPct = Config.CropPct, CropMode = Config.CropMode, Interpolation = Config.Interpolation, Mean = Config.Mean, Std = Config.Std },
        new DataConfig { InputSize = (_build.InChannels, _build.ImageSize!.Value.H, _build.ImageSize.Value.W) });

    /// <summary>What a selection comes to, without weights and without running: shapes, levels, the pruned graph.</summary>
    public SelectedFeatures Select(FeatureSelection selection) => Select([selection]);

    /// <summary>Several selections as one graph, computed in one run.</summary>
    /// <exception cref="ArgumentException">The selections need different structures (pools, output strides).</exception>
    public SelectedFeatures Select(IReadOnlyList<FeatureSelection> selections)
    {
        BuildOptions[] builds = [.. selections.Select(s => SelectedFeatures.OptionsFor(s, _build)).Distinct()];
        if (builds.Length > 1)
            throw new ArgumentException($"These selections need backbones of different structure (pool, classes or output stride) and cannot share one run: {string.Join("; ", selections)}.", nameof(selections));
        BackboneGraph graph = builds[0] == _build ? _graph.Value : _model.Build(builds[0]);
        SelectedFeatures selected = SelectedFeatures.Merge([.. selections.Select(s => SelectedFeatures.Choose(graph, s))]);
        return IsAdapted ? selected.AdaptedTo(DefaultSpecs(Config)) : selected;
    }

    /// <summary>Compiles a selection for running.</summary>
    /// <param name="selection">What is wanted.</param>
    /// <param name="engine">What runs it; null for the managed engine.</param>
    /// <param name="options">Threads.</param>
    public FeatureExtractor Extract(FeatureSelection selection, IEngine? engine = null, EngineOptions? options = null)
        => Extract(Select(selection), engine, options);

    /// <summary>Compiles what was selected before.</summary>
    public FeatureExtractor Extract(SelectedFeatures selected, IEngine? engine = null, EngineOptions? options = null)
        => new(this, selected, engine ?? DefaultEngine.Instance, options ?? EngineOptions.Default);

    /// <summary>Writes the weights as safetensors: all of them, or only those that a selection needs (timm's pruning).</summary>
    /// <param name="path">The file to write.</param>
    /// <param name="selection">What the weights are for; null for all.</param>
    public void SaveWeights(string path, FeatureSelection? selection = null)
    {
        IEnumerable<ParameterSpec> needed = selection is null ? Graph.Parameters : Select(selection).Graph.Parameters;
        SafetensorsWriter.Write(path, needed.Where(p => Parameters.TryGet(p.Name, out _)).Select(p => Parameters[p.Name]));
    }

    /// <summary>Releases the weights. Extractors that were made go on working.</summary>
    public void Dispose()
    {
        if (_ownsParameters)
            Parameters.Dispose();
    }

    private bool IsAdapted => _build.InChannels != Config.InputSize[0] || _build.ImageSize != new Size2(Config.InputSize[1], Config.InputSize[2]);

    private static BuildOptions BuildOptionsFor(PretrainedConfig config, BackboneOptions options) => new()
    {
        ImageSize = options.ImageSize ?? new Size2(config.InputSize[1], config.InputSize[2]),
        InChannels = options.InChannels ?? config.InputSize[0],
        NumClasses = config.NumClasses,
    };

    private static IEnumerable<ParameterSpec> DefaultSpecs(PretrainedConfig config)
        => ModelCatalog.Find(config.Architecture).Build(BuildOptionsFor(config, new BackboneOptions())).Graph.Parameters;

    private static void RequireBuildable(string name, PretrainedConfig config)
    {
        if (!ModelCatalog.Contains(config.Architecture))
            throw new UnknownModelException(name, $"'{config.Architecture}' is a timm model of the family '{ModelNames.ModuleOf(config.Architecture)}', which is not supported yet.", NearestName.Find(config.Architecture, ModelCatalog.Names));
    }
}
