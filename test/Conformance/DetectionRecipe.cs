using System.Text.Json;
using Backbones.Detection;
using Backbones.Graphs;
using Backbones.Weights;

namespace Backbones.Conformance;

/// <summary>Weights and inputs of the detection cases: the recipe's, with gains for some prefixes, and images of blocks.</summary>
internal static class DetectionRecipe
{
    /// <summary>v in [0, 1) of a name.</summary>
    public static float[] V(string name, int count) => Make(name, count, t => t * (1f / (1 << 24)));

    /// <summary>w in [-1, 1) of a name.</summary>
    public static float[] W(string name, int count) => Make(name, count, t => (t - (1 << 23)) * (1f / (1 << 23)));

    /// <summary>w, or v where the entry says so, in the entry's shape.</summary>
    public static float[] Input(JsonElement entry)
    {
        int count = DetectionChecks.Ints(entry.GetProperty("shape")).Aggregate(1, (n, d) => n * d);
        string name = entry.GetProperty("name").GetString()!;
        return entry.TryGetProperty("kind", out JsonElement kind) && kind.GetString() == "v" ? V(name, count) : W(name, count);
    }

    /// <summary>Boxes that begin in 100 × 100 pixels and have sides up to 40.</summary>
    public static Box[] Boxes(string name, int count)
    {
        float[] a = V(name, 4 * count);
        return [.. Enumerable.Range(0, count).Select(i => (X: a[4 * i] * 100, Y: a[4 * i + 1] * 100, I: i)).Select(b => new Box(b.X, b.Y, b.X + a[4 * b.I + 2] * 40, b.Y + a[4 * b.I + 3] * 40))];
    }

    /// <summary>An image of blocks.</summary>
    public static ImageTensor Image(JsonElement entry)
    {
        int[] shape = DetectionChecks.Ints(entry.GetProperty("shape"));
        int block = entry.TryGetProperty("block", out JsonElement given) ? given.GetInt32() : 1, rows = (shape[1] + block - 1) / block, columns = (shape[2] + block - 1) / block;
        float[] grid = V(entry.GetProperty("name").GetString()!, 3 * rows * columns), values = new float[3 * shape[1] * shape[2]];
        for (int i = 0; i < values.Length; i++)
            values[i] = grid[(i / (shape[1] * shape[2]) * rows + i / shape[2] % shape[1] / block) * columns + i % shape[2] / block];
        return new(values, shape[1], shape[2]);
    }

    /// <summary>SSD's boxes by the arguments of torchvision's generator.</summary>
    public static DefaultBoxGenerator DefaultBoxes(JsonElement item)
    {
        double? Number(string name) => item.TryGetProperty(name, out JsonElement value) ? value.GetDouble() : null;
        double[]? List(string name) => item.TryGetProperty(name, out JsonElement value) ? [.. value.EnumerateArray().Select(v => v.GetDouble())] : null;
        return new([.. item.GetProperty("aspect_ratios").EnumerateArray().Select(list => list.EnumerateArray().Select(v => v.GetDouble()).ToArray())], Number("min_ratio") ?? 0.15, Number("max_ratio") ?? 0.9,
            List("scales"), List("steps")?.Select(s => (int)s).ToArray(), !item.TryGetProperty("clip", out JsonElement clip) || clip.GetBoolean());
    }

    /// <summary>The recipe's weights with gains.</summary>
    public static ParameterStore Weights(IEnumerable<ParameterSpec> specs, JsonElement gains)
    {
        (string Prefix, double Gain)[] list = [.. gains.EnumerateArray().Select(g => (g[0].GetString()!, g[1].GetDouble()))];
        return ParameterStore.FromTensors(specs.SelectMany(spec =>
        {
            (string? prefix, double gain) = list.FirstOrDefault(g => spec.Name.StartsWith(g.Prefix, StringComparison.Ordinal));
            if (prefix is null || spec.Shape.Rank < 2 || !spec.Name.EndsWith(".weight", StringComparison.Ordinal))
                return RecipeWeights.Tensors([spec], 1);
            // The recipe's gain counts for three dimensions and more; one more of size 1 changes no value.
            var values = new float[spec.Shape.Length];
            RecipeWeights.Fill(spec with { Shape = [.. spec.Shape, 1] }, gain, values);
            return [new MemoryTensor(spec.Name, spec.Shape, values)];
        }));
    }

    private static float[] Make(string name, int count, Func<int, float> value)
    {
        ulong seed = RecipeWeights.Fnv1a(name);
        return [.. Enumerable.Range(0, count).Select(i => value((int)(RecipeWeights.Mix(seed + (ulong)i) >>> 40)))];
    }
}
