using Backbones.Engines.Managed;

namespace Backbones.Detection;

/// <summary>The memory of SSD.</summary>
internal sealed class SsdWorkspace(WorkerPool pool) : Workspace(pool)
{
    /// <summary>Scores of an image's anchors, <c>[anchors, classes]</c>.</summary>
    public Grown<float> Scores { get; } = new();
}
