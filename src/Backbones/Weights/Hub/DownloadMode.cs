namespace Backbones.Weights.Hub;

/// <summary>Whether weights that are not on this machine are downloaded.</summary>
public enum DownloadMode
{
    /// <summary>Yes, as timm's <c>pretrained=True</c> does, unless the environment forbids it (<see cref="HubOptions.Offline"/>).</summary>
    WhenMissing,

    /// <summary>No: what is not on this machine is an error.</summary>
    Never,
}
