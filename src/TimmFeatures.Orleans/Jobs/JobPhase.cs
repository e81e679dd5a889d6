namespace TimmFeatures.Orleans;

/// <summary>How far a job is.</summary>
public enum JobPhase
{
    /// <summary>Parts are waiting or being done.</summary>
    Computing,

    /// <summary>All parts are done and are being joined.</summary>
    Merging,

    /// <summary>The file is there.</summary>
    Done,

    /// <summary>A part, or the joining, failed again and again.</summary>
    Failed,

    /// <summary>Somebody cancelled it.</summary>
    Cancelled,
}
