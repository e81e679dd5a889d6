using System.Globalization;
using Backbones;
using Backbones.Graphs;

namespace TimmFeatures.Service.Http;

/// <summary>What a request asks for, in the words of <c>timm-features extract</c>.</summary>
internal sealed class FeatureFields
{
    /// <summary>The field with the pictures.</summary>
    public const string Images = "images";

    private const int MaxNodes = 256, MaxText = 512;

    private static readonly string[] s_kinds = ["pooled", "unpooled", "logits", "pyramid", "intermediates", "nodes"];

    /// <summary>All fields but the pictures.</summary>
    public static IReadOnlyList<string> Names { get; } = ["model", "kind", "pool", "indices", "output_stride", "norm", "prefix_tokens", "tokens", "nodes"];

    private readonly Dictionary<string, object> _values = new(StringComparer.Ordinal);

    public string? Model => Get<string>("model");

    /// <summary>Takes a field as JSON has it: a text, a number, a truth value, or a list of numbers or texts; null is as if it were not there.</summary>
    public void Add(string name, object? value)
    {
        if (name.Length > MaxText || value is string { Length: > MaxText } || value is string[] list && list.Any(t => t.Length > MaxText))
            throw new ServiceProblemException(422, $"A name or text is longer than {MaxText} characters.", name.Length > MaxText ? null : name);
        if (!Names.Contains(name))
            throw new ServiceProblemException(422, $"There is no field '{name}'.{NearestName.Suggest(name, [.. Names, Images])} Fields are {string.Join(", ", Names.Append(Images))}.", name);
        if (value is null)
            return;
        (bool fits, string wanted) = name switch
        {
            "indices" => (value is int[], "a list of whole numbers, such as [1, 2] or [-1]"),
            "output_stride" => (value is int, "32, 16 or 8"),
            "norm" or "prefix_tokens" or "tokens" => (value is bool, "true or false"),
            "nodes" => (value is string[] { Length: > 0 and <= MaxNodes }, $"a list of 1 to {MaxNodes} names"),
            _ => (value is string, "a text"),
        };
        if (!fits)
            throw new ServiceProblemException(422, $"'{name}' is to be {wanted}; received something else.", name);
        if (!_values.TryAdd(name, value))
            throw new ServiceProblemException(422, $"'{name}' is there twice.", name);
    }

    /// <summary>Takes a field of a form: lists are separated by commas, as on the command line.</summary>
    public void AddText(string name, string text)
    {
        object value = name switch
        {
            "indices" => Numbers(text) is { } numbers ? numbers : text,
            "output_stride" => Number(text) is { } number ? number : text,
            "norm" or "prefix_tokens" or "tokens" => bool.TryParse(text, out bool flag) ? flag : text,
            "nodes" => text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries),
            _ => text,
        };
        Add(name, value);
    }

    /// <summary>The features asked for; pooled ones where nothing is said.</summary>
    /// <exception cref="ServiceProblemException">422: there is no such kind, or a field belongs to another.</exception>
    public FeatureSelection Selection()
    {
        string kind = Get<string>("kind") ?? (_values.ContainsKey("nodes") ? "nodes" : "pooled");
        if (!s_kinds.Contains(kind))
            throw new ServiceProblemException(422, $"There is no kind '{kind}' of features.{NearestName.Suggest(kind, s_kinds)} Kinds are {string.Join(", ", s_kinds)}.", "kind");
        Require(kind, "pool", "pooled");
        Require(kind, "nodes", "nodes");
        Require(kind, "output_stride", "pyramid");
        Require(kind, "indices", "pyramid", "intermediates");
        foreach (string name in (string[])["norm", "prefix_tokens", "tokens"])
            Require(kind, name, "intermediates");
        int[]? indices = Get<int[]>("indices");
        return kind switch
        {
            "pooled" => FeatureSelection.Pooled(Get<string>("pool")),
            "unpooled" => FeatureSelection.Unpooled,
            "logits" => FeatureSelection.Logits,
            "pyramid" => FeatureSelection.Pyramid(indices, Get<int?>("output_stride") ?? 32),
            "intermediates" => FeatureSelection.Intermediates(indices, Get<bool?>("norm") ?? false, Get<bool?>("prefix_tokens") ?? false, Get<bool?>("tokens") ?? false ? FeatureFormat.Nlc : FeatureFormat.Nchw),
            _ => FeatureSelection.Nodes(Get<string[]>("nodes") ?? throw new ServiceProblemException(422, "'nodes' is missing: the names of the nodes to take.", "nodes")),
        };
    }

    private void Require(string kind, string field, params string[] kinds)
    {
        if (_values.ContainsKey(field) && !kinds.Contains(kind))
            throw new ServiceProblemException(422, $"'{field}' belongs to the kind{(kinds.Length == 1 ? "" : "s")} {string.Join(" and ", kinds)}; asked for was {kind}.", field);
    }

    private T? Get<T>(string name) => _values.TryGetValue(name, out object? value) ? (T)value : default;

    private static int? Number(string text) => int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number) ? number : null;

    private static int[]? Numbers(string text)
    {
        int?[] numbers = [.. text.Split(',').Select(t => Number(t.Trim()))];
        return numbers.Contains(null) ? null : [.. numbers.OfType<int>()];
    }
}
