namespace Backbones.Registry;

/// <summary>torchvision's own names of weights, as <c>torchvision.models.get_weight</c> takes them: <c>ResNet50_Weights.IMAGENET1K_V2</c>.</summary>
internal static class TorchvisionWeightsName
{
    private const string Prefix = RegistryData.TorchvisionFamily + "/", Suffix = "_Weights", Default = "default";

    /// <summary>The registry's name for <c>ResNet50_Weights.IMAGENET1K_V2</c>, <c>torchvision/resnet50.ResNet50_Weights.IMAGENET1K_V2</c> and
    /// <c>torchvision/resnet50.IMAGENET1K_V2</c>; <c>DEFAULT</c> is the default tag. Other names are given back.</summary>
    /// <exception cref="ArgumentException">The weights are another model's.</exception>
    public static string Resolve(string name)
    {
        bool hasPrefix = name.StartsWith(Prefix, StringComparison.Ordinal);
        string[] parts = (hasPrefix ? name[Prefix.Length..] : name).Split('.');
        int enumeration = Array.FindIndex(parts, p => p.Length > Suffix.Length && p.EndsWith(Suffix, StringComparison.OrdinalIgnoreCase));
        string model = parts[0];
        if (enumeration < 0 && !hasPrefix)
        {
            return name;
        }
        if (enumeration >= 0)
        {
            string owner = parts[enumeration][..^Suffix.Length].ToLowerInvariant();
            if (enumeration > 1 || (enumeration == 1 && (!hasPrefix || model != owner)))
            {
                throw new ArgumentException($"'{name}' asks for weights of '{Prefix}{owner}' for another model; write '{Prefix}{owner}' or '{string.Join('.', parts[enumeration..])}'.", nameof(name));
            }
            model = owner;
        }
        string tag = string.Join('.', parts[(Math.Max(enumeration, 0) + 1)..]).ToLowerInvariant();
        return tag.Length == 0 || tag == Default ? Prefix + model : $"{Prefix}{model}.{tag}";
    }
}
