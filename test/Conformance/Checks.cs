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
    public void Close(string what, JsonElement sample, Node node, ReadOnlyMemory<float> values)
    {
        try
        {
            Sample.CheckShape(sample, Batch, node.Shape);
            if (values.IsEmpty)
                return;
            double error = Sample.Error(sample, values.Span);
            Worst = Math.Max(Worst, error);
            if (!(error <= _tolerance))
                Fail(what, $"relative error {error:0.0e-0} > {_tolerance:0.0e-0}");
            else
                Done.Add($"{what} {error.ToString("0.0e-0", CultureInfo.InvariantCulture)}");
        }
        catch (MismatchException e)
        {
            Fail(what, e.Message);
        }
    }

    /// <summary>Runs a graph on the recipe's input with recipe weights; without an engine the results are empty.</summary>
    public float[][] Run(Graph graph, IEngine? engine)
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
        float[][] outputs = [.. graph.Outputs.Select(o => new float[batch * o.Shape.Length])];
        plan.Run(batch, [input], outputs.Select(o => o.AsMemory()).ToArray());
        return outputs;
    }
}
