using Backbones.Engines;
using Backbones.Engines.Reference;
using Backbones.Engines.Torch;
using Backbones.Graphs;
using Backbones.Weights;

namespace Backbones.Tests.Torch;

/// <summary>Runs graphs on the TorchSharp engine and compares with the reference engine.</summary>
internal static class TorchComparison
{
    /// <summary>Relative L2 error allowed in float32: sums in another order.</summary>
    public const double Tolerance = 5e-6;

    /// <summary>The test is inconclusive where the native package cannot be loaded.</summary>
    public static void RequireNativePackage()
    {
        if (NativePackage.Problem is { } problem)
            Assert.Inconclusive($"{problem.Message}.");
    }

    /// <summary>The engine on the CPU.</summary>
    public static TorchSharpEngine Engine(bool? channelsLast = null, params ReadOnlySpan<string> devices)
    {
        RequireNativePackage();
        var options = new TorchSharpOptions { Device = "cpu", ChannelsLast = channelsLast };
        return devices.Length == 0 ? new TorchSharpEngine(options) : new TorchSharpEngine(options, [.. devices.ToArray().Select(_ => new TorchSharp.torch.Device(TorchSharp.DeviceType.CPU))]);
    }

    /// <summary>Compares all outputs in float32, in both layouts of maps, twice: the second run finds the first one's slots.</summary>
    public static void Check(Graph graph, int batch = 2, double tolerance = Tolerance, string? what = null)
    {
        float[][] inputs = Inputs(graph, batch);
        float[][] expected = Run(new ReferenceEngine(), graph, batch, inputs);
        foreach (bool channelsLast in (bool[])[false, true])
        {
            using ParameterStore store = Store(graph);
            using IPlan plan = Engine(channelsLast: channelsLast).Compile(graph, store, EngineOptions.Default);
            for (int run = 0; run < 2; run++)
            {
                float[][] actual = Run(plan, batch, inputs);
                for (int i = 0; i < expected.Length; i++)
                {
                    double error = RelativeError(expected[i], actual[i]);
                    Assert.IsLessThanOrEqualTo(tolerance, error, $"{what} output {graph.Outputs[i]}, batch {batch}, {(channelsLast ? "channels last" : "NCHW")}, run {run}");
                }
            }
        }
    }

    public static ParameterStore Store(Graph graph, double gain = 1) => ParameterStore.FromRecipe(graph.Parameters, gain);

    public static float[][] Inputs(Graph graph, int batch)
    {
        var random = new Random(5);
        return [.. graph.Inputs.Select(n => Enumerable.Range(0, batch * (int)n.Shape.Length).Select(_ => random.NextSingle() * 4 - 2).ToArray())];
    }

    public static float[][] Run(IEngine engine, Graph graph, int batch, float[][] inputs, Precision precision = Precision.Auto, double gain = 1)
    {
        using ParameterStore store = Store(graph, gain);
        using IPlan plan = engine.Compile(graph, store, new EngineOptions { Precision = precision });
        return Run(plan, batch, inputs);
    }

    public static float[][] Run(IPlan plan, int batch, float[][] inputs)
    {
        float[][] outputs = [.. plan.Graph.Outputs.Select(o => Enumerable.Repeat(float.NaN, batch * (int)o.Shape.Length).ToArray())];
        plan.Run(batch, [.. inputs.Select(a => new ReadOnlyMemory<float>(a))], [.. outputs.Select(a => new Memory<float>(a))]);
        return outputs;
    }

    public static double RelativeError(float[] expected, float[] actual)
    {
        double difference = 0, norm = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            double d = (double)expected[i] - actual[i];
            difference += double.IsFinite(d) ? d * d : double.PositiveInfinity;
            norm += (double)expected[i] * expected[i];
        }
        return Math.Sqrt(difference) / Math.Max(Math.Sqrt(norm), 1e-20);
    }

    public static double Cosine(float[] a, float[] b)
        => a.Zip(b, (x, y) => (double)x * y).Sum() / Math.Sqrt(a.Sum(x => (double)x * x) * b.Sum(y => (double)y * y));
}
