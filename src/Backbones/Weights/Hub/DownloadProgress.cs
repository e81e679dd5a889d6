using System.Globalization;

namespace Backbones.Weights.Hub;

/// <summary>What a download is doing.</summary>
public enum DownloadStage
{
    /// <summary>Size, license and source are known; bytes follow.</summary>
    Started,
    /// <summary>Bytes arrive.</summary>
    Receiving,
    /// <summary>Something went wrong and is tried again.</summary>
    Retrying,
    /// <summary>Another process downloads the same file.</summary>
    Waiting,
    /// <summary>The file is whole, checked, and in its place.</summary>
    Completed,
}

/// <summary>The state of a download; as text, a line for a log.</summary>
/// <param name="File">What is downloaded, such as <c>timm/resnet50.a1_in1k/model.safetensors</c>.</param>
/// <param name="Source">The server, such as <c>https://huggingface.co</c>.</param>
/// <param name="Stage">What is going on.</param>
/// <param name="Received">Bytes that are here, those of an earlier, broken off download included.</param>
/// <param name="Total">Bytes of the file, where the server says it.</param>
/// <param name="License">The license of the weights, such as <c>apache-2.0</c>, where it is known.</param>
/// <param name="Note">What went wrong, or where the file is.</param>
public sealed record DownloadProgress(string File, string Source, DownloadStage Stage, long Received, long? Total, string? License = null, string? Note = null)
{
    /// <inheritdoc/>
    public override string ToString() => Stage switch
    {
        DownloadStage.Started => $"Downloading {File} ({SizeOf(Total)}, license {License ?? "unknown"}) from {Source}{(Received > 0 ? $", from byte {Received.ToString(CultureInfo.InvariantCulture)} on" : "")}",
        DownloadStage.Receiving => $"Downloading {File}: {SizeOf(Received)} of {SizeOf(Total)}",
        DownloadStage.Retrying => $"Downloading {File}: {Note} Trying again.",
        DownloadStage.Waiting => $"Waiting for another process that downloads {File}",
        _ => $"Downloaded {File} ({SizeOf(Total)}) to {Note}",
    };

    private static string SizeOf(long? bytes) => bytes switch
    {
        null => "unknown size",
        < 1_000_000 => $"{bytes / 1e3:0.#} kB",
        _ => $"{bytes / 1e6:0.#} MB",
    };
}
