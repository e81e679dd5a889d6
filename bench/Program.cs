using Bench;

BenchOptions options;
try
{
    options = BenchOptions.Parse(args);
}
catch (ArgumentException e)
{
    Console.Error.WriteLine(e.Message);
    Console.Error.WriteLine(BenchOptions.Usage);
    return 2;
}
foreach (string model in options.Models)
{
    if (options.Command == "kernels")
        new KernelBenchmark(options).Run(model);
    else
        new ModelBenchmark(options).Run(model);
}
return 0;
