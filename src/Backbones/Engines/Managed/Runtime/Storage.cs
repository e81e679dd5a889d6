namespace Backbones.Engines.Managed;

/// <summary>Where the memory of a value comes from.</summary>
internal enum StorageKind
{
    /// <summary>A range of the run's arena.</summary>
    Arena,
    /// <summary>The caller's input, row-major.</summary>
    Input,
    /// <summary>The caller's output, row-major.</summary>
    Output,
    /// <summary>A constant made at compile time, the same for every batch item.</summary>
    Constant,
}

/// <summary>
/// Memory of one or more values. Sizes and offsets in an arena are for one batch item and multiplied at run time by the number of items
/// there: item i of a storage lies at (ArenaOffset · items + ItemSize · i).
/// </summary>
internal sealed class Storage(StorageKind kind, long itemSize)
{
    public StorageKind Kind { get; } = kind;

    /// <summary>Floats from one batch item to the next; 0 for constants.</summary>
    public long ItemSize { get; } = itemSize;

    /// <summary>Floats per batch item before this storage in the arena; set by the memory planner.</summary>
    public long ArenaOffset { get; set; } = -1;

    /// <summary>Whether several segments of the plan use it, so that all items of the batch have their place; otherwise those of a slice.</summary>
    public bool SpansSegments { get; set; }

    /// <summary>Which input or output of the caller.</summary>
    public int ExternalIndex { get; init; }

    public AlignedBuffer? Constant { get; init; }
}
