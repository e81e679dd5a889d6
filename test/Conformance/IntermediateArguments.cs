using System.Text.Json;

namespace Backbones.Conformance;

/// <summary>timm's keyword arguments of <c>forward_intermediates</c> as a selection.</summary>
internal static class IntermediateArguments
{
    public static FeatureSelection Parse(JsonElement args, bool intermediatesOnly)
    {
        int[]? indices = null;
        bool norm = false, prefix = false, stopEarly = false;
        FeatureFormat format = FeatureFormat.Nchw;
        foreach (JsonProperty arg in args.EnumerateObject())
        {
            switch (arg.Name)
            {
                case "indices" when arg.Value.ValueKind == JsonValueKind.Array: indices = [.. arg.Value.EnumerateArray().Select(i => i.GetInt32())]; break;
                case "indices" when arg.Value.ValueKind == JsonValueKind.Number: indices = [.. Enumerable.Range(-arg.Value.GetInt32(), arg.Value.GetInt32())]; break;
                case "indices": break;
                case "norm": norm = arg.Value.GetBoolean(); break;
                case "return_prefix_tokens": prefix = arg.Value.GetBoolean(); break;
                case "stop_early": stopEarly = arg.Value.GetBoolean(); break;
                case "output_fmt": format = Enum.Parse<FeatureFormat>(arg.Value.GetString()!, ignoreCase: true); break;
                case "intermediates_only": intermediatesOnly = arg.Value.GetBoolean(); break;
                default: throw new NotSupportedException($"The runner does not know the argument '{arg.Name}'.");
            }
        }
        return FeatureSelection.Intermediates(indices, norm, prefix, format, stopEarly, intermediatesOnly);
    }
}
