using System.Collections;
using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;
using Backbones.Registry;

namespace Backbones.Models;

/// <summary>One architecture: a line of a family's table.</summary>
internal sealed class ModelEntry
{
    private readonly Func<GraphBuilder, ModelOptions, BackboneGraph> _build;
    private readonly string _globalPool;
    private readonly ConcurrentDictionary<BuildOptions, WeakReference<BackboneGraph>> _built = [];

    internal ModelEntry(string name, string globalPool, Func<GraphBuilder, ModelOptions, BackboneGraph> build)
    {
        Name = name;
        _globalPool = globalPool;
        _build = build;
    }

    /// <summary>timm's name, without tag.</summary>
    public string Name { get; }

    /// <summary>What tells the variant from others: the family's own record.</summary>
    public required object Config { get; init; }

    /// <summary>The same architecture with another config.</summary>
    public required Func<object, ModelEntry> WithConfig { get; init; }

    /// <summary>The same architecture made with other arguments of timm's entry point, by their names.</summary>
    /// <exception cref="GraphException">It does not take one of them, or not with that value.</exception>
    public required Func<IEnumerable<KeyValuePair<string, JsonElement>>, ModelEntry> WithArguments { get; init; }

    /// <summary>Gives a checkpoint of another layout timm's keys (timm: <c>checkpoint_filter_fn</c>); null where timm's keys are all there are.</summary>
    public Action<Checkpoint>? Remap { get; init; }

    /// <summary>The graph. What the options leave open is the architecture's own: as the registry's default config of it says. A graph does not change, so it is
    /// built once as long as anybody has it.</summary>
    /// <exception cref="GraphException">An image size, pool or stride that the model cannot have.</exception>
    public BackboneGraph Build(BuildOptions options)
    {
        PretrainedConfig config = ModelNames.GetConfig(Name);
        Size2 ownSize = (config.InputSize[1], config.InputSize[2]), size = options.ImageSize ?? ownSize;
        int channels = options.InChannels ?? config.InputSize[0];
        string pool = options.GlobalPool ?? _globalPool;
        BuildOptions resolved = options with
        {
            ImageSize = size,
            InChannels = channels,
            NumClasses = options.NumClasses ?? config.NumClasses,
            GlobalPool = pool,
            PretrainedSize = options.PretrainedSize ?? ownSize,
        };
        if (_built.TryGetValue(resolved, out WeakReference<BackboneGraph>? reference) && reference.TryGetTarget(out BackboneGraph? built))
            return built;
        var b = new GraphBuilder([channels, size.H, size.W]) { ConvWidths = PrunedWidths() };
        if (options.MeanImage)
            b.SubtractMeanImage();
        BackboneGraph backbone;
        try
        {
            backbone = _build(b, new ModelOptions
            {
                NumClasses = resolved.NumClasses.Value,
                GlobalPool = options.ResetPool ?? pool,
                CreatedPool = pool,
                OutputStride = options.OutputStride,
                PretrainedSize = resolved.PretrainedSize.Value,
            });
        }
        // A family's own refusals say what fits. Where a node or a shape fails instead, or a size comes to nothing or to more than can be counted, it is of the image size, unless the model
        // cannot be made for its own size either.
        catch (Exception e) when (e is GraphException { InnerException: not null } or ArgumentException or ArithmeticException)
        {
            throw new GraphException(size != ownSize && CanBuild(options with { ImageSize = ownSize }) ? $"An image of {size} does not fit '{Name}', whose own size is {ownSize}. {e.Message}"
                : $"'{Name}' cannot be made as its config and the options say. {e.Message}", e);
        }
        backbone = backbone with
        {
            Adapters = backbone.Adapters.SetItems(config.FirstConv.Select(module => $"{module}.weight").Select(key => KeyValuePair.Create(key,
                backbone.Adapters.TryGetValue(key, out ParameterAdapter? own) ? own.ThenInputConv(channels) : ParameterAdapters.InputConv(channels)))),
        };
        if (options.MeanImage)
            backbone = backbone with { Adapters = backbone.Adapters.Add(GraphBuilder.MeanImage, ParameterAdapters.MeanImage) };
        foreach (KeyValuePair<BuildOptions, WeakReference<BackboneGraph>> old in _built.Where(e => !e.Value.TryGetTarget(out _)))
            _built.TryRemove(old);
        _built[resolved] = new(backbone);
        return backbone;
    }

    private bool CanBuild(BuildOptions options)
    {
        try
        {
            Build(options);
            return true;
        }
        catch (GraphException)
        {
            return false;
        }
    }

    /// <summary>Convolution widths of a pruned variant (Knapsack Pruning, https://arxiv.org/abs/2002.08258) by module path: one <c>module width</c> pair a line of <c>Pruned/NAME.txt</c>.</summary>
    private Dictionary<string, int>? PrunedWidths()
    {
        using Stream? stream = typeof(ModelEntry).Assembly.GetManifestResourceStream($"Pruned/{Name}.txt");
        if (stream is null)
            return null;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.Split(' ')).ToDictionary(parts => parts[0], parts => int.Parse(parts[1], CultureInfo.InvariantCulture));
    }
}

/// <summary>A family: its builder, and its variants in the order of timm's file, one <c>["name"] = config</c> a line.</summary>
/// <typeparam name="TConfig">What tells one variant from another.</typeparam>
/// <param name="build">Builds a variant over the builder's input <c>[C, H, W]</c>.</param>
internal sealed class ModelFamily<TConfig>(Func<GraphBuilder, TConfig, ModelOptions, BackboneGraph> build) : IEnumerable<ModelEntry>
{
    private readonly List<(string Name, TConfig Config)> _variants = [];

    /// <summary>The pooling that a variant is made with unless said otherwise.</summary>
    public Func<TConfig, string> GlobalPool { get; init; } = _ => "avg";

    /// <summary>What becomes of a variant that is made with another value for an argument, by timm's names. Which names there are, and of what type, says <c>ModelArgs</c>.</summary>
    public IReadOnlyDictionary<string, Func<TConfig, JsonElement, TConfig>> Arguments { get; init; } = ImmutableDictionary<string, Func<TConfig, JsonElement, TConfig>>.Empty;

    /// <summary>Gives a checkpoint of another layout timm's keys. It is asked only for checkpoints that do not fit as they are, and taken only where more fits then.</summary>
    public Action<Checkpoint, TConfig>? Remap { get; init; }

    /// <summary>Adds a variant.</summary>
    /// <param name="name">timm's name.</param>
    public TConfig this[string name]
    {
        set => _variants.Add((name, value));
    }

    public IEnumerator<ModelEntry> GetEnumerator() => _variants.Select(v => Entry(v.Name, v.Config)).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private ModelEntry Entry(string name, TConfig config) => new(name, GlobalPool(config), (b, options) => build(b, config, options))
    {
        Config = config!,
        WithConfig = changed => Entry(name, (TConfig)changed),
        WithArguments = arguments => Entry(name, arguments.Aggregate(config, (changed, argument) => With(name, changed, argument.Key, argument.Value))),
        Remap = Remap is { } remap ? checkpoint => remap(checkpoint, config) : null,
    };

    private TConfig With(string name, TConfig config, string argument, JsonElement value)
    {
        if (!Arguments.TryGetValue(argument, out Func<TConfig, JsonElement, TConfig>? change))
        {
            string taken = Arguments.Count == 0 ? "It takes those of all models alone." : $"Beside those of all models it takes {string.Join(", ", Arguments.Keys.Order(StringComparer.Ordinal).Select(a => $"'{a}'"))}.";
            throw new GraphException($"The config's 'model_args' has '{argument}' ({value.GetRawText()}), which '{name}' does not take. {taken}{NearestName.Suggest(argument, Arguments.Keys)}");
        }
        try
        {
            return change(config, value);
        }
        catch (ArgumentValueException e)
        {
            throw new GraphException($"'{argument}' of the config's 'model_args' is {value.GetRawText()}; for '{name}' it must be {e.Message}.", e);
        }
    }
}
