using System.CommandLine;
using TimmFeatures.Extraction;
using TimmFeatures.Orleans;

namespace TimmFeatures.Cli.Options;

/// <summary>Which cluster. Orleans is loaded when the address is read, and by no other command.</summary>
internal sealed class ClusterOptionSet
{
    private readonly Option<string> _cluster = new("--cluster")
    {
        Description = "local (this process alone), redis://HOST:PORT or postgres://USER:PASSWORD@HOST:PORT/DATABASE; ?cluster=NAME where several share a server. TIMM_FEATURES_CLUSTER unless given.",
        HelpName = "CLUSTER",
        DefaultValueFactory = _ => Environment.GetEnvironmentVariable("TIMM_FEATURES_CLUSTER") is { Length: > 0 } set ? set : "local",
    };

    /// <summary>The option itself.</summary>
    public Option Option => _cluster;

    public void AddTo(Command command) => command.Options.Add(_cluster);

    /// <exception cref="UsageException">It is no cluster.</exception>
    public ClusterAddress Read(ParseResult result)
    {
        try
        {
            return ClusterAddress.Parse(result.GetValue(_cluster)!);
        }
        catch (FormatException e)
        {
            throw new UsageException(e.Message);
        }
    }

    /// <summary>A cluster that outlives this process.</summary>
    /// <exception cref="UsageException">It is none.</exception>
    public ClusterAddress ReadShared(ParseResult result) => Read(result) is { Kind: not ClusterKind.Local } address ? address
        : throw new UsageException("A cluster 'local' is the process of 'submit' alone: there is nothing to ask from outside. Give --cluster redis://… or postgres://…, or set TIMM_FEATURES_CLUSTER.");
}
