using System.CommandLine;
using Backbones.Engines;
using Backbones.Graphs;
using TimmFeatures.Extraction;

namespace TimmFeatures.Cli.Options;

/// <summary><c>--precision</c>: number formats as they are typed and as reports have them, such as <c>float16-weights</c>.</summary>
internal static class PrecisionOption
{
    private static readonly Precision[] s_all = Enum.GetValues<Precision>();

    public static Option<Precision> Create()
    {
        var option = new Option<Precision>("--precision")
        {
            Description = "Number format: auto, float32, float16, bfloat16 or float16-weights. The CPU's engine computes in float32; with float16-weights it keeps weights in half the memory.",
            HelpName = "NAME",
            CustomParser = result =>
            {
                string text = result.Tokens[^1].Value;
                int found = Array.FindIndex(s_all, p => PrecisionName.Of(p).Equals(text, StringComparison.OrdinalIgnoreCase));
                if (found >= 0)
                    return s_all[found];
                result.AddError($"--precision '{text}' is not valid; expected {string.Join(", ", s_all.Select(PrecisionName.Of))}.{NearestName.Suggest(text, s_all.Select(PrecisionName.Of))}");
                return default;
            },
        };
        return option;
    }
}
