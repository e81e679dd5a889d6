using System.CommandLine;
using System.Globalization;
using Backbones;
using Backbones.Graphs;
using Backbones.Imaging;
using Backbones.Models;
using Backbones.Registry;
using Backbones.Weights.Hub;
using TimmFeatures.Cli.Options;

namespace TimmFeatures.Cli.Commands;

/// <summary><c>info</c>: what a model is and costs, before anything is downloaded or run.</summary>
internal static class InfoCommand
{
    /// <summary>All that is known of a model.</summary>
    public sealed record ModelInfo(
        string Name, string Architecture, string Family, string? License, string? Source, string? Weights, int[] InputSize, int[]? TestInputSize, string Interpolation, double CropPct, string CropMode,
        IReadOnlyList<double> Mean, IReadOnlyList<double> Std, int NumClasses, int NumFeatures, int HeadHiddenSize, long Parameters, long PooledParameters, double Gmacs, double MActivations,
        IReadOnlyList<Level> Levels, IReadOnlyList<Tag> Tags);

    /// <summary>A level of the pyramid, with the shape that its map has at this input size.</summary>
    public sealed record Level(int Index, int Channels, int Reduction, string Module, int[] Shape);

    /// <summary>A set of published weights of the architecture.</summary>
    public sealed record Tag(string Name, string? License, int[] InputSize, int NumClasses);

    public static Command Create(Terminal terminal)
    {
        var model = new ModelArguments(downloads: false);
        Option<bool> json = CommonOptions.Json();
        var command = new Command("info", "Tells what a model is: parameters, operations, levels, input, licence. No weights are downloaded.");
        model.AddTo(command);
        command.Options.Add(json);
        HelpWithExamples.Add(command, "timm-features info resnet50.a1_in1k", "timm-features info vit_tiny_patch16_224 --image-size 384 --json");
        command.SetAction(result =>
        {
            ModelInfo info = Describe(result.GetValue(model.Model)!, model.Read(result, terminal));
            if (result.GetValue(json))
                terminal.Json(info);
            else
                Print(terminal, info);
            return ExitCode.Success;
        });
        return command;
    }

    private static ModelInfo Describe(string name, BackboneOptions options)
    {
        PretrainedConfig config = Backbone.FindConfig(name, options);
        SelectedFeatures logits = Backbone.Outline(config, FeatureSelection.Logits, options), pooled = Backbone.Outline(config, FeatureSelection.Pooled(), options);
        BackboneGraph backbone = logits.Backbone;
        GraphCost cost = GraphCost.Of(logits.Graph);
        Shape input = logits.Graph.Inputs[0].Shape;
        ImageTransformOptions transform = ImageTransformOptions.Resolve(config.ToDataConfig(), new DataConfig { InputSize = (input[0], input[1], input[2]) }, options.UseTestSize);
        bool registered = ModelNames.IsArchitecture(config.Architecture);
        return new ModelInfo(
            config.Name, config.Architecture, registered ? ModelNames.ModuleOf(config.Architecture) : "", config.License, config.HfHubId is { } hub ? $"https://huggingface.co/{hub}" : config.Url,
            TryFindWeights(name, options), [.. input], config.TestInputSize is { } test ? [.. test] : null, transform.Interpolation.ToString().ToLowerInvariant(), transform.CropPct, transform.CropMode.ToString().ToLowerInvariant(),
            transform.Mean, transform.Std, config.NumClasses, backbone.NumFeatures, backbone.HeadHiddenSize, backbone.Graph.ParameterCount, pooled.Graph.ParameterCount, cost.Macs / 1e9, cost.Activations / 1e6,
            LevelsOf(config, backbone, options),
            registered ? [.. ModelNames.TagsOf(config.Architecture).Select(t => ModelNames.GetConfig($"{config.Architecture}.{t}")).Select(c => new Tag(c.Name, c.License, [.. c.InputSize], c.NumClasses))] : []);
    }

    /// <summary>The levels with the shapes that a pyramid gives; those of a model that has none in timm are its modules' own.</summary>
    private static Level[] LevelsOf(PretrainedConfig config, BackboneGraph backbone, BackboneOptions options)
    {
        IEnumerable<FeatureInfo> info = SelectedFeatures.InfoOf(backbone);
        IEnumerable<Shape> shapes = backbone.HasPyramid
            ? Backbone.Outline(config, FeatureSelection.Pyramid(Enumerable.Range(0, backbone.Levels.Length)), options).Outputs.Select(o => o.Shape)
            : backbone.Levels.Select(l => l.Node.Shape);
        return [.. info.Zip(shapes, (i, shape) => new Level(i.Index, i.Channels, i.Reduction, i.Module, [.. shape]))];
    }

    private static string? TryFindWeights(string name, BackboneOptions options)
    {
        try
        {
            return options.RandomWeights ? null : WeightsLocator.Find(name, options.WeightsPath, downloader: (options with { Download = DownloadMode.Never }).Downloader).WeightsFile;
        }
        catch (FileNotFoundException) when (options.WeightsPath is null)
        {
            return null;
        }
    }

    private static void Print(Terminal terminal, ModelInfo info)
    {
        (string Name, string? Value)[] facts =
        [
            ("name", info.Name),
            ("family", info.Family),
            ("licence of the weights", info.License ?? "unknown"),
            ("published at", info.Source ?? "nowhere"),
            ("on this machine", info.Weights ?? "no"),
            ("input", $"{Size(info.InputSize)}{(info.TestInputSize is { } test ? $" (tests best with {Size(test)})" : "")}"),
            ("transform", Invariant($"{info.Interpolation}, crop {info.CropPct:0.###} {info.CropMode}, mean {List(info.Mean)}, std {List(info.Std)}")),
            ("classes", Invariant($"{info.NumClasses}")),
            ("features", Invariant($"{info.HeadHiddenSize}{(info.NumFeatures == info.HeadHiddenSize ? "" : $" ({info.NumFeatures} unpooled)")}")),
            ("parameters", Invariant($"{info.Parameters / 1e6:0.00} M ({info.PooledParameters / 1e6:0.00} M without the classifier)")),
            ("GMACs", Invariant($"{info.Gmacs:0.00}")),
            ("activations", Invariant($"{info.MActivations:0.00} M")),
        ];
        int width = facts.Max(f => f.Name.Length);
        foreach ((string name, string? value) in facts)
            terminal.Out.WriteLine($"{name.PadRight(width)}  {value}");
        terminal.Out.WriteLine();
        terminal.Table(["level", "channels", "reduction", "module", "shape"], info.Levels.Select(l => (string[])[Invariant($"{l.Index}"), Invariant($"{l.Channels}"), Invariant($"{l.Reduction}"), l.Module, Size(l.Shape)]));
        if (info.Tags.Count == 0)
            return;
        terminal.Out.WriteLine();
        terminal.Table(["weights", "input", "classes", "licence"], info.Tags.Select(t => (string[])[t.Name, Size(t.InputSize), Invariant($"{t.NumClasses}"), t.License ?? "unknown"]));
    }

    private static string Size(IEnumerable<int> shape) => string.Join("×", shape.Select(d => d.ToString(CultureInfo.InvariantCulture)));

    private static string List(IEnumerable<double> values) => $"({string.Join(", ", values.Select(v => v.ToString("0.###", CultureInfo.InvariantCulture)))})";

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
