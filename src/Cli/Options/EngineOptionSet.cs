using System.CommandLine;
using Backbones.Engines;

namespace TimmFeatures.Cli.Options;

/// <summary>On what a model runs.</summary>
internal sealed class EngineOptionSet
{
    // More than any machine's cores, and fewer than make starting them a burden.
    private const int MaxThreads = 256;

    private readonly Option<int?> _threads = CommonOptions.Count("--threads", "Threads; all cores unless given.", most: MaxThreads);
    private readonly Option<string> _device = new("--device") { Description = "auto, cpu, cuda or cuda:N.", HelpName = "NAME", DefaultValueFactory = _ => "auto" };
    private readonly Option<Precision> _precision = PrecisionOption.Create();

    public void AddTo(Command command, bool withPrecision = true)
    {
        command.Options.Add(_threads);
        command.Options.Add(_device);
        if (withPrecision)
            command.Options.Add(_precision);
    }

    /// <summary>The device as it was asked for.</summary>
    public string Device(ParseResult result) => result.GetValue(_device)!;

    /// <summary>Threads asked for, or all cores.</summary>
    public int Threads(ParseResult result) => result.GetValue(_threads) ?? Math.Min(Environment.ProcessorCount, MaxThreads);

    /// <summary>The engine for the device asked for.</summary>
    /// <exception cref="NotSupportedException">There is no such device, or not in that precision.</exception>
    public DeviceEngine Engine(ParseResult result) => EngineProvider.For(result.GetValue(_device)!, result.GetValue(_precision));
}
