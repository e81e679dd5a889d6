using System.Net;

namespace TimmFeatures.Orleans;

/// <summary>How one machine takes part in a cluster. Every machine has the same <see cref="Lease"/> and <see cref="Probe"/>.</summary>
public sealed class WorkerOptions
{
    /// <summary>The port of <see cref="SiloPort"/> unless said otherwise.</summary>
    public const int DefaultSiloPort = 11111;

    /// <summary>The port of <see cref="GatewayPort"/> unless said otherwise.</summary>
    public const int DefaultGatewayPort = 30000;

    /// <summary>What it computes on: <c>auto</c>, <c>cpu</c>, <c>cuda</c> or <c>cuda:N</c>. With a GPU it takes jobs for the CPU, too.</summary>
    public string Device { get; set; } = "auto";

    /// <summary>Threads of the CPU; all cores unless given.</summary>
    public int Threads { get; set; } = Environment.ProcessorCount;

    /// <summary>Parts that are done at once, on equal shares of the threads: one for each 16 unless given, so that a part's beginning and end leave few cores idle.</summary>
    public int? Parts { get; set; }

    /// <summary>The address that the other machines reach this one at; null for the machine's own, or loopback where the cluster's server is on this machine.</summary>
    public IPAddress? Address { get; set; }

    /// <summary>The port for other workers.</summary>
    public int SiloPort { get; set; } = DefaultSiloPort;

    /// <summary>The port for clients (<c>submit</c>, <c>status</c>, <c>serve --cluster</c>).</summary>
    public int GatewayPort { get; set; } = DefaultGatewayPort;

    /// <summary>How long a part waits for a sign of life from its worker before another gets it.</summary>
    public TimeSpan Lease { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>How long workers wait for each other's answers before they suspect each other; after three such times a machine is taken for dead.</summary>
    public TimeSpan Probe { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>The port of Orleans' dashboard on loopback; null for none.</summary>
    public int? DashboardPort { get; set; }

    /// <summary>Where metrics and traces go by OTLP; null for nowhere.</summary>
    public Uri? Telemetry { get; set; }

    /// <summary>Name, address and cluster come from the pod (POD_NAME, POD_NAMESPACE, POD_IP), and pods that Kubernetes deletes are taken for dead at once.</summary>
    public bool Kubernetes { get; set; }

    /// <summary>Kinds of object storage that jobs can be written to beside shared folders; none unless given. The same everywhere: a worker refuses jobs for a storage that it does not have.</summary>
    public IList<ObjectStorage> Storages { get; } = [];

    /// <summary>Parts at once.</summary>
    internal int Slots => Parts ?? Math.Max(1, Threads / 16);
}
