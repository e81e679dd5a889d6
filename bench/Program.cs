using Backbones.Engines.Torch;
using Bench;
using Bench.Torch;

BenchOptions options;
try
{
    if (args is ["fuzz", .. var rest])
        return FuzzCommand.Run(rest);
    if (args is ["describe", .. var filter])
        return DescribeCommand.Run(filter);
    if (args is [FirstPredictionBenchmark.Argument, var savedModel, var picture])
    {
        FirstPredictionBenchmark.Measure(savedModel, picture);
        return 0;
    }
    if (args is [FreshModel.Argument, var network, var file, .. var numbers])
    {
        FreshModel.Measure(network, file, numbers);
        return 0;
    }
    if (args is [BusyCore.Argument])
    {
        BusyCore.Spin();
        return 0;
    }
    options = BenchOptions.Parse(args);
}
catch (ArgumentException e)
{
    Console.Error.WriteLine(e.Message);
    Console.Error.WriteLine(BenchOptions.Usage);
    Console.Error.WriteLine(FuzzCommand.Usage);
    Console.Error.WriteLine(DescribeCommand.Usage);
    return 2;
}
try
{
    foreach (string model in options.Models)
    {
        switch (options.Command)
        {
            case "kernels": new KernelBenchmark(options).Run(model); break;
            case "pipeline": new PipelineBenchmark(options).Run(model); break;
            case "peers": new PeersBenchmark(options).Run(model); break;
            case "extract": new ExtractBenchmark(options).Run(model); break;
            case "cluster": new ClusterBenchmark(options).Run(model); break;
            case "serve": new ServeBenchmark(options).Run(model); break;
            case "first-prediction": new FirstPredictionBenchmark(options).Run(model); break;
            case "detection": new DetectionBenchmark(options).Run(model); break;
            case "hold": new HoldBenchmark(options).Run(model); break;
            case "torchsharp": new TorchSharpBenchmark(options).Run(model); break;
            default: new ModelBenchmark(options).Run(model); break;
        }
    }
    return 0;
}
catch (Exception e) when (e is KeyNotFoundException or ArgumentException or TorchSharpUnavailableException)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}
