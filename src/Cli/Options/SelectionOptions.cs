using System.CommandLine;
using System.Globalization;
using Backbones;
using TimmFeatures.Extraction;

namespace TimmFeatures.Cli.Options;

/// <summary>Which features: one of timm's mechanisms, pooled features unless another is asked for.</summary>
internal sealed class SelectionOptions
{
    private readonly Option<string?> _pool = new("--pool") { Description = "Pooling of pooled features instead of the model's own: avg, max, avgmax, catavgmax, token, …", HelpName = "NAME" };
    private readonly Option<bool> _unpooled = new("--unpooled") { Description = "Features before pooling (forward_features): a map, or all tokens." };
    private readonly Option<bool> _logits = new("--logits") { Description = "Class scores (forward)." };
    private readonly Option<bool> _pyramid = new("--pyramid") { Description = "A feature pyramid (features_only)." };
    private readonly Option<bool> _intermediates = new("--intermediates") { Description = "Hidden states after blocks (forward_intermediates)." };
    private readonly Option<string?> _nodes = new("--nodes") { Description = "Any nodes by name (create_feature_extractor), separated by commas; 'nodes MODEL' lists them.", HelpName = "NAMES" };
    private readonly Option<string?> _indices = new("--indices") { Description = "Levels of --pyramid or blocks of --intermediates, such as 1,2 or -1 for the last.", HelpName = "NUMBERS" };
    private readonly Option<int?> _outputStride = new("--output-stride") { Description = "Stride of the last level of --pyramid: 32, 16 or 8.", HelpName = "8|16|32" };
    private readonly Option<bool> _norm = new("--norm") { Description = "Apply the model's final norm to each of --intermediates." };
    private readonly Option<bool> _prefixTokens = new("--prefix-tokens") { Description = "Class and register tokens of --intermediates as outputs of their own." };
    private readonly Option<bool> _tokens = new("--tokens") { Description = "--intermediates of token models as tokens [L, C], not as maps [C, H, W]." };

    /// <summary>Puts the options on a command.</summary>
    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[_pool, _unpooled, _logits, _pyramid, _intermediates, _nodes, _indices, _outputStride, _norm, _prefixTokens, _tokens])
            command.Options.Add(option);
    }

    /// <summary>What the options say; null where they say nothing.</summary>
    /// <exception cref="UsageException">Two kinds are asked for, or an option of another kind.</exception>
    public FeatureSelection? Read(ParseResult result)
    {
        (Option Option, bool Given)[] kinds = [.. new Option[] { _pool, _unpooled, _logits, _pyramid, _intermediates, _nodes }.Select(o => (o, result.GetResult(o) is { Implicit: false }))];
        Option[] given = [.. kinds.Where(k => k.Given).Select(k => k.Option)];
        if (given.Length > 1)
            throw new UsageException($"{string.Join(" and ", given.Select(o => o.Name))} cannot be asked for at once; expected one of them.");
        Option? kind = given.FirstOrDefault();
        Require(result, kind, _outputStride, _pyramid);
        foreach (Option option in (Option[])[_norm, _prefixTokens, _tokens])
            Require(result, kind, option, _intermediates);
        Require(result, kind, _indices, _pyramid, _intermediates);

        int[]? indices = Numbers(result.GetValue(_indices));
        return kind switch
        {
            null => null,
            _ when kind == _pool => FeatureSelection.Pooled(result.GetValue(_pool)),
            _ when kind == _unpooled => FeatureSelection.Unpooled,
            _ when kind == _logits => FeatureSelection.Logits,
            _ when kind == _pyramid => FeatureSelection.Pyramid(indices, result.GetValue(_outputStride) ?? 32),
            _ when kind == _intermediates => FeatureSelection.Intermediates(indices, result.GetValue(_norm), result.GetValue(_prefixTokens), result.GetValue(_tokens) ? FeatureFormat.Nlc : FeatureFormat.Nchw),
            _ => FeatureSelection.Nodes(result.GetValue(_nodes)!.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)),
        };
    }

    private static void Require(ParseResult result, Option? kind, Option option, params Option[] kinds)
    {
        if (result.GetResult(option) is { Implicit: false } && !kinds.Contains(kind))
            throw new UsageException($"{option.Name} belongs to {string.Join(" and ", kinds.Select(k => k.Name))}, which {(kinds.Length == 1 ? "is" : "are")} not asked for.");
    }

    private static int[]? Numbers(string? text) => text is null ? null
        : [.. text.Split(',').Select(t => int.TryParse(t, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number) ? number
            : throw new UsageException($"--indices '{text}' is no list of numbers; expected one such as 1,2 or -1."))];
}
