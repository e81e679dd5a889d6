using System.Globalization;
using System.Text.Json;
using Backbones.Engines;
using Backbones.Graphs;
using Backbones.Weights;

namespace Backbones.Conformance;

/// <summary>Collects what was compared for one line and what differed.</summary>
internal sealed class Checks
{
    private readonly double _tolerance;

    public Checks(JsonElement root, IEngine? engine)
    {
        Root = root;
        // A result is right within 50 times PyTorch's own float32 noise, at least 1e-4; in half types within 2e-2 (which keeps the cosine above 0.999).
        _tolerance = engine is PrecisionEngine { IsHalf: true } ? 2e-2
            : Math.Max(1e-4, root.TryGetProperty("f32_vs_f64", out JsonElement noise) ? 50 * (noise.ValueKind == JsonValueKind.Object ? noise.EnumerateObject().Max(n => n.Value.GetDouble()) : noise.GetDouble()) : 0);
        Batch = root.TryGetProperty("batch", out JsonElement batch) ? batch.GetInt32() : root.TryGetProperty("input", out JsonElement input) && input.ValueKind == JsonValueKind.Array ? input[0].GetInt32() : 2;
        ConvGain = root.TryGetProperty("conv_gain", out JsonElement gain) ? gain.GetDouble() : 1;
    }

    public JsonElement Root { get; }

    public int Batch { get; }

    public double ConvGain { get; }

    public double Worst { get; private set; }

    public List<string> Done { get; } = [];

    public List<string> Failures { get; } = [];

    /// <summary>The mechanisms that were compared: what stands before the level, mode or error in each entry.</summary>
    public IReadOnlyCollection<string> Mechanisms => [.. Done.Select(d => d.StartsWith("node names", StringComparison.Ordinal) ? "node names" : d.Split([' ', '[', '.'])[0]).Distinct()];

    public void Fail(string what, string why) => Failures.Add($"{what}: {why}");

    /// <summary>Compares two values by their text.</summary>
    public void Equal(string what, object? expected, object? actual)
    {
        string e = Convert.ToString(expected, CultureInfo.InvariantCulture) ?? "", a = Convert.ToString(actual, CultureInfo.InvariantCulture) ?? "";
        if (e != a)
            Fail(what, $"expected {e}, got {a}");
    }

    /// <summary>Compares an output with a reference sample; its shape alone where nothing was run.</summary>
    /// <param name="what">What it is.</param>
    /// <param name="sample">The sample.</param>
    /// <param name="node">The output's node.</param>
    /// <param name="values">Its values; empty where nothing was run.</param>
    /// <param name="noise">Measures how much of the output is float32 noise, where the line does not say; asked only if the output is not close.</param>
    public void Close(string what, JsonElement sample, Node node, ReadOnlyMemory<float> values, Func<double>? noise = null)
    {
        try
        {
            // What depends on no input is the same for each image; torchvision's has no batch.
            Sample.CheckShape(sample, node.IsBatched ? Batch : null, node.Shape);
            if (values.IsEmpty)
                return;
            double error = Sample.Error(sample, values.Span[..(node.IsBatched ? values.Length : (int)node.Shape.Length)]);
            Worst = Math.Max(Worst, error);
            double tolerance = error > _tolerance && noise is not null ? Math.Max(_tolerance, 50 * noise()) : _tolerance;
            if (!(error <= tolerance))
                Fail(what, $"relative error {error:0.0e-0} > {tolerance:0.0e-0}");
            else
                Done.Add($"{what} {error.ToString("0.0e-0", CultureInfo.InvariantCulture)}");
        }
        catch (MismatchException e)
        {
            Fail(what, e.Message);
        }
    }

    /// <summary>Runs a graph on the recipe's input with recipe weights; without an engine the results are empty.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="engine">What runs it.</param>
    /// <param name="rounded">Every value of the input is the next float32 above or below the recipe's: what differs then is noise.</param>
    public float[][] Run(Graph graph, IEngine? engine, bool rounded = false)
    {
        if (engine is null)
            return [.. graph.Outputs.Select(_ => Array.Empty<float>())];
        int batch = Batch;
        if (MixedBatch.IsOf(Root))
            (graph, batch) = (MixedBatch.Of(graph, batch), 1);
        using ParameterStore store = ParameterStore.FromRecipe(graph.Parameters, ConvGain);
        using IPlan plan = engine.Compile(graph, store, EngineOptions.Default);
        var input = new float[batch * graph.Inputs[0].Shape.Length];
        RecipeWeights.FillInput(input);
        for (int i = 0; rounded && i < input.Length; i++)
            input[i] = i % 2 == 0 ? MathF.BitIncrement(input[i]) : MathF.BitDecrement(input[i]);
        float[][] outputs = [.. graph.Outputs.Select(o => new float[batch * o.Shape.Length])];
        plan.Run(batch, [input], outputs.Select(o => o.AsMemory()).ToArray());
        return outputs;
    }
}
