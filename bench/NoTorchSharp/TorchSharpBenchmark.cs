namespace Bench.Torch;

/// <summary>In the place of the real one where the embedded subset stands for TorchSharp: it has no modules to compare with.</summary>
internal sealed class TorchSharpBenchmark
{
    public TorchSharpBenchmark(BenchOptions options)
        => throw new ArgumentException($"'{options.Command}' needs the real TorchSharp with its native package, not the embedded subset: build with MLSTACK=nuget where the package feeds have it.");

    public void Run(string model) => throw new NotSupportedException(model);
}
