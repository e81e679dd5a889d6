using System.Text.RegularExpressions;
using Backbones.Graphs;

namespace Backbones.Registry;

/// <summary>timm's names, and torchvision's as <c>torchvision/resnet50</c>: architectures, pretrained tags, configs, listings. What is named here need not have a builder.</summary>
/// <remarks>Source: timm's registry and <c>timm.models._registry</c>.</remarks>
public static class ModelNames
{
    private static RegistryData Data => RegistryData.Instance;

    /// <summary>The version of timm that names and configs are from.</summary>
    public static string TimmVersion => Data.TimmVersion;

    /// <summary>timm's modules, such as <c>resnet</c> and <c>vision_transformer</c>, sorted.</summary>
    public static IReadOnlyList<string> Modules => Data.Families;

    /// <summary>Whether there is an architecture of this name (without tag; deprecated names do not count).</summary>
    public static bool IsArchitecture(string name) => Data.Architectures.ContainsKey(name);

    /// <summary>timm's module of an architecture.</summary>
    /// <param name="architecture">Name without tag.</param>
    /// <exception cref="UnknownModelException">There is no such architecture.</exception>
    public static string ModuleOf(string architecture) => Find(architecture).Family;

    /// <summary>The pretrained tags of an architecture, the default first; empty if it has none.</summary>
    /// <param name="architecture">Name without tag.</param>
    /// <exception cref="UnknownModelException">There is no such architecture.</exception>
    public static IReadOnlyList<string> TagsOf(string architecture) => [.. Find(architecture).Tags.Where(t => t.Length > 0)];

    /// <summary>The name that replaces a deprecated one, or null if <paramref name="name"/> (with or without a tag) is not deprecated.</summary>
    /// <exception cref="UnknownModelException">The model was removed without a replacement.</exception>
    public static string? ReplacementOf(string name)
    {
        (string architecture, string tag) = Split(name);
        if (!Data.Deprecated.TryGetValue(architecture, out string? current))
        {
            return null;
        }
        if (current is null)
        {
            throw new UnknownModelException(name, $"The model '{architecture}' was removed from timm without a replacement.", []);
        }
        return tag.Length == 0 ? current : $"{Split(current).Architecture}.{tag}";
    }

    /// <summary>The config of a registry name: <c>architecture.tag</c>, or <c>architecture</c> for its default tag. Deprecated names give the config of what replaces them.</summary>
    /// <exception cref="UnknownModelException">There is no such architecture or tag.</exception>
    /// <exception cref="ArgumentException">The name is not one of a registry, see <see cref="ModelName.Parse"/>.</exception>
    public static PretrainedConfig GetConfig(string name) => GetConfig(name, []);

    /// <summary>The same, with names of local weights among the suggestions.</summary>
    /// <param name="name">The name.</param>
    /// <param name="localNames">Names of weights in <paramref name="folders"/>.</param>
    /// <param name="folders">Where weights of that name have been looked for: a tag that timm does not know may be of one's own.</param>
    internal static PretrainedConfig GetConfig(string name, IReadOnlyCollection<string> localNames, IReadOnlyCollection<string>? folders = null)
    {
        ModelName parsed = ModelName.Parse(name);
        if (parsed.Source != ModelNameSource.Registry)
        {
            throw new ArgumentException($"'{name}' is not a name of the registry; expected one such as 'resnet50.a1_in1k'.", nameof(name));
        }
        if (ReplacementOf(name) is { } current)
        {
            parsed = ModelName.Parse(current);
        }
        RegistryData.Architecture architecture = Find(parsed.Id, localNames);
        string tag = parsed.Tag.Length == 0 ? architecture.Tags[0] : parsed.Tag;
        return architecture.Tags.Contains(tag)
            ? architecture.Config(tag)
            : throw UnknownTag(parsed, folders ?? [], [.. TagsOf(parsed.Id), .. localNames.Select(Split).Where(n => n.Architecture == parsed.Id && n.Tag.Length > 0).Select(n => n.Tag).Except(architecture.Tags)]);
    }

    /// <summary>Names that match, in natural order (timm: <c>list_models</c>).</summary>
    /// <param name="filter">Wildcards (<c>*</c>, <c>?</c>, <c>[a-z]</c>, <c>[!a-z]</c>), one of which must match; all names if left out.</param>
    /// <param name="module">timm's modules to look in, all if left out; <c>torchvision</c> for torchvision's own models, which are listed only so.</param>
    /// <param name="pretrained">Only what has published weights.</param>
    /// <param name="excludeFilters">Wildcards of what to leave out.</param>
    /// <param name="includeTags">List <c>architecture.tag</c> for each tag, where a filter without a tag matches every tag; as <paramref name="pretrained"/> if left out.</param>
    /// <exception cref="ArgumentException">There is no such module, or a wildcard has over 1000 letters.</exception>
    public static IReadOnlyList<string> List(IEnumerable<string>? filter = null, IEnumerable<string>? module = null, bool pretrained = false,
        IEnumerable<string>? excludeFilters = null, bool? includeTags = null)
    {
        HashSet<string>? modules = module is null ? null : [.. module];
        foreach (string name in modules ?? [])
        {
            if (name != RegistryData.TorchvisionFamily && !Modules.Contains(name))
            {
                throw new ArgumentException($"There is no module '{name}'.{NearestName.Suggest(name, Modules)} Valid are {string.Join(", ", Modules)} and {RegistryData.TorchvisionFamily}.", nameof(module));
            }
        }
        bool tagged = includeTags ?? pretrained;
        Regex[]? wanted = filter is null ? null : Compile(filter, tagged);
        Regex[] unwanted = Compile(excludeFilters ?? [], tagged);

        IEnumerable<string> names = from a in Data.Architectures
                                    where modules is null ? a.Value.Family != RegistryData.TorchvisionFamily : modules.Contains(a.Value.Family)
                                    from tag in tagged ? a.Value.Tags : a.Value.Tags.Take(1)
                                    where !pretrained || a.Value.HasWeights(tag)
                                    let name = tagged && tag.Length > 0 ? $"{a.Key}.{tag}" : a.Key
                                    where wanted is null || wanted.Any(w => w.IsMatch(name))
                                    where !unwanted.Any(u => u.IsMatch(name))
                                    select name;
        return [.. names.Order(NaturalOrder.Instance)];
    }

    private static Regex[] Compile(IEnumerable<string> filters, bool tagged)
        => [.. filters.SelectMany(f => tagged && Split(f).Tag.Length == 0 ? [Split(f).Architecture + ".*", f] : new[] { f }).Select(Wildcard.Compile)];

    private static RegistryData.Architecture Find(string architecture, IReadOnlyCollection<string>? localNames = null)
    {
        if (Data.Architectures.TryGetValue(architecture, out RegistryData.Architecture? found))
        {
            return found;
        }
        IReadOnlyList<string> nearest = NearestName.Find(architecture, Data.Architectures.Keys.Concat(localNames?.Select(n => Split(n).Architecture) ?? []).Distinct());
        throw OtherKindOf(architecture) is { } other
            ? new UnknownModelException(architecture, $"'{architecture}' is {other}", [])
            : new UnknownModelException(architecture, $"Unknown model '{architecture}'.", nearest);
    }

    /// <summary>What a model of torchvision's is that is no backbone, and who has it; null where it is none.</summary>
    private static string? OtherKindOf(string architecture)
    {
        string name = architecture.StartsWith(ModelName.TorchvisionPrefix, StringComparison.Ordinal) ? architecture[ModelName.TorchvisionPrefix.Length..] : architecture;
        return name.Split('_')[0] switch
        {
            "fasterrcnn" or "maskrcnn" or "keypointrcnn" or "retinanet" or "fcos" or "ssd300" or "ssdlite320" => "a detector and no backbone: Detector.Create of the package Backbones.Detection makes those.",
            "fcn" or "deeplabv3" or "lraspp" => "a segmentation model and no backbone: SegmentationModel.Create of the package Backbones.Detection makes those.",
            _ => null,
        };
    }

    private static UnknownModelException UnknownTag(ModelName name, IReadOnlyCollection<string> folders, IReadOnlyList<string> tags)
    {
        string known = (tags.Count == 0 ? " It has no tags." : $" Known tags: {string.Join(", ", tags)}.")
            + (folders.Count == 0 ? "" : $" Nor are there weights of that name in {string.Join(", ", folders.Select(f => $"'{f}'"))}.");
        return new UnknownModelException($"{name.Id}.{name.Tag}", $"Unknown tag '{name.Tag}' of '{name.Id}'.", [.. NearestName.Find(name.Tag, tags).Select(t => $"{name.Id}.{t}")], known);
    }

    private static (string Architecture, string Tag) Split(string name)
    {
        int dot = name.IndexOf('.');
        return dot < 0 ? (name, "") : (name[..dot], name[(dot + 1)..]);
    }
}
