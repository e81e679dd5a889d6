using System.Net;
using Backbones;
using Backbones.Engines;

namespace TimmFeatures.Service;

/// <summary>How the service listens and whom it answers.</summary>
public sealed record ServiceOptions
{
    /// <summary>Where it listens; this machine alone unless said otherwise.</summary>
    public IPAddress Address { get; init; } = IPAddress.Loopback;

    /// <summary>The port; 0 for one that is free.</summary>
    public int Port { get; init; } = 8080;

    /// <summary>What clients have to send as <c>Authorization: Bearer …</c>; null for none.</summary>
    public string? ApiKey { get; init; }

    /// <summary>What requests may ask for.</summary>
    public ServiceLimits Limits { get; init; } = new();

    /// <summary>How long requests that are under way have when the service is told to stop.</summary>
    public TimeSpan DrainTime { get; init; } = TimeSpan.FromSeconds(30);
}

/// <summary>A model and the name that clients know it by.</summary>
/// <param name="Name">What clients ask for.</param>
/// <param name="Model">What <see cref="Backbone.Create"/> takes.</param>
public sealed record ServedModel(string Name, string Model);

/// <summary>What this process serves, and with what.</summary>
public sealed record LocalBackendOptions
{
    /// <summary>The models. All are loaded at the start, so that a wrong one shows; where memory is too small for them together, the last ones stay.</summary>
    public required IReadOnlyList<ServedModel> Models { get; init; }

    /// <summary>Serve every model of timm by its name, downloads included. For clients that are trusted.</summary>
    public bool AnyModel { get; init; }

    /// <summary>Where weights are, image size and so on, for all models.</summary>
    public BackboneOptions Backbone { get; init; } = new();

    /// <summary>What computes; null for the CPU's engine.</summary>
    public DeviceEngine? Engine { get; init; }

    /// <summary>Threads of the engine; 0 for all cores.</summary>
    public int Threads { get; init; }

    /// <summary>Turn photographs upright by their EXIF orientation; timm does not.</summary>
    public bool Exif { get; init; }

    /// <summary>Pictures computed together at most.</summary>
    public int MaxBatch { get; init; } = 16;

    /// <summary>How long a picture waits for others that are being decoded; nothing waits where there are none.</summary>
    public TimeSpan MaxWait { get; init; } = TimeSpan.FromMilliseconds(5);

    /// <summary>Bytes that loaded models may take; 0 for half of what the process may have.</summary>
    public long Memory { get; init; }

    /// <summary>The largest picture, see <see cref="ServiceLimits.MaxPixels"/>.</summary>
    public long MaxPixels { get; init; } = new ServiceLimits().MaxPixels;
}
