using System.Text.RegularExpressions;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>torchvision's EfficientNet and MobileNetV3 files, whose blocks are timm's with layers numbered: <c>features.2.0.block.1.0.weight</c>, <c>features.4.block.2.fc1.weight</c>.</summary>
internal static class TorchvisionMobileNet
{
    private const float Eps = 1e-5f, LargerEps = 1e-3f;

    public static void Remap(Checkpoint c, EfficientNetConfig config)
    {
        // TensorFlow's padding would make other features of them.
        if (!c.Has("features.0.0.weight") || config.Pad != PadType.Symmetric)
            return;
        // MobileNetV3 and the larger EfficientNets, which are deeper from the first stage on.
        bool hasLargerEps = c.HasMatch(@"^features\.1\.block\.") || c.HasMatch(@"^features\.1\.2\.");
        string[] blocks = [.. c.ModelKeys.Select(k => Regex.Match(k, @"^blocks\.\d+\.\d+")).Where(m => m.Success).Select(m => m.Value).Distinct()];
        Dictionary<string, string> places = Places(c, blocks);
        c.RenameMatches(@"^(features\.\d+(?:\.\d+)?)\.block\.(\d+)\.(fc\d|\d)\.", m => Layer(c, places[m.Groups[1].Value], m));
        int last = c.Keys.Select(k => Regex.Match(k, @"^features\.(\d+)\.")).Where(m => m.Success).Max(m => Checkpoint.Number(m.Groups[1]));
        bool endsInBlock = c.ModelShape($"{blocks[^1]}.conv.weight") is not null;
        (string conv, string norm) = endsInBlock ? ($"{blocks[^1]}.conv.", $"{blocks[^1]}.bn1.") : ("conv_head.", "bn2.");
        c.Rename(("features.0.0.", "conv_stem."), ("features.0.1.", "bn1."), ($"features.{last}.0.", conv), ($"features.{last}.1.", norm));
        c.RenameMatches((@"^classifier\.[13]\.", "classifier."), (@"^classifier\.0\.", "conv_head."));
        c.TakeModelShapes();
        if (hasLargerEps)
            c.Change(@"\.?running_var$", v => c.Ops.Affine(v, 1, LargerEps - Eps));
    }

    /// <summary>The model's block of each of the file's, in order.</summary>
    private static Dictionary<string, string> Places(Checkpoint c, string[] blocks)
    {
        var there = c.Keys.Select(k => Regex.Match(k, @"^(features\.(\d+)(?:\.(\d+))?)\.block\.")).Where(m => m.Success)
            .DistinctBy(m => m.Groups[1].Value).OrderBy(m => Checkpoint.Number(m.Groups[2])).ThenBy(m => m.Groups[3].Success ? Checkpoint.Number(m.Groups[3]) : 0);
        return there.Zip(blocks).ToDictionary(p => p.First.Groups[1].Value, p => p.Second);
    }

    /// <summary>A layer of a block by its number, from which the squeeze-excite between the convolutions is left out.</summary>
    private static string Layer(Checkpoint c, string block, Match key)
    {
        string[] convs = c.ModelShape($"{block}.conv_pwl.weight") is null ? ["conv_dw", "conv_pw"] : ["conv_pw", "conv_dw", "conv_pwl"];
        string prefix = $"{key.Groups[1].Value}.block.";
        int number = Checkpoint.Number(key.Groups[2]);
        int conv = Enumerable.Range(0, number).Count(i => !c.Has($"{prefix}{i}.fc1.weight"));
        return block + key.Groups[3].Value switch
        {
            "fc1" => ".se.conv_reduce.",
            "fc2" => ".se.conv_expand.",
            "0" => $".{convs[conv]}.",
            _ => $".bn{conv + 1}.",
        };
    }
}
