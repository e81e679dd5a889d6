namespace Backbones.Engines.Managed;

/// <summary>A step, the node it computes, and the storages it reads and writes.</summary>
internal sealed record PlannedStep(Step Step, string Node, Storage[] Reads, Storage Writes)
{
    /// <summary>Floats of one batch item that the step touches, weights not counted.</summary>
    public long ItemFloats => Reads.Append(Writes).Distinct().Sum(s => s.ItemSize);
}

/// <summary>Consecutive steps that run together for <paramref name="Slice"/> batch items at a time.</summary>
/// <param name="First">First step.</param>
/// <param name="End">Past the last step.</param>
/// <param name="Slice">Items that go through these steps before the next ones follow.</param>
/// <param name="ItemSize">Floats per item of the storages that live inside this segment only.</param>
internal sealed record Segment(int First, int End, int Slice, long ItemSize);

/// <summary>
/// Cuts the steps into segments and places their storages. Large maps at the start of a network go through a segment one image after
/// the other, so that what one step wrote is in the cache for the next; small maps at the end go through in larger slices, so that
/// weights are read once for several images. Storages that are alive at the same time do not overlap, others share memory.
/// </summary>
internal static class MemoryPlanner
{
    /// <summary>Bytes that the activations of a slice may take: they stay in a usual third-level cache beside weights.</summary>
    private const long SliceBytes = 8 << 20;

    /// <summary>Largest slice.</summary>
    private const int MaxSlice = 64;

    /// <summary>Sets every storage's place. Returns the segments and the floats per batch item of the storages that several segments use.</summary>
    public static (Segment[] Segments, long SharedItemSize) Place(IReadOnlyList<PlannedStep> steps, int threads)
    {
        int[] slices = Slices(steps, threads);
        int[] segmentOf = new int[steps.Count];
        for (int i = 1; i < steps.Count; i++)
            segmentOf[i] = segmentOf[i - 1] + (slices[i] == slices[i - 1] ? 0 : 1);

        var lives = new Dictionary<Storage, Life>();
        for (int i = 0; i < steps.Count; i++)
        {
            foreach (Storage storage in steps[i].Reads.Append(steps[i].Writes).Where(s => s.Kind == StorageKind.Arena))
            {
                if (lives.TryGetValue(storage, out Life? life))
                    life.Last = i;
                else
                    lives[storage] = new Life(storage, i, i);
            }
        }
        var segments = new List<Segment>();
        for (int first = 0, end; first < steps.Count; first = end)
        {
            end = first + 1;
            while (end < steps.Count && segmentOf[end] == segmentOf[first])
                end++;
            segments.Add(new(first, end, slices[first], Place(lives.Values.Where(l => l.First >= first && l.Last < end))));
        }

        // What crosses a border is there for all slices of the segments that use it.
        Life[] shared = [.. lives.Values.Where(l => segmentOf[l.First] != segmentOf[l.Last])];
        foreach (Life life in shared)
        {
            life.Storage.SpansSegments = true;
            (life.First, life.Last) = (segments[segmentOf[life.First]].First, segments[segmentOf[life.Last]].End - 1);
        }
        return ([.. segments], Place(shared));
    }

    /// <summary>For each step the slice that its own and all later steps' activations allow: slices only grow along the network.</summary>
    private static int[] Slices(IReadOnlyList<PlannedStep> steps, int threads)
    {
        var slices = new int[steps.Count];
        long largest = 1, budget = SliceBytes * Math.Max(1, threads / 4) / sizeof(float);
        for (int i = steps.Count - 1; i >= 0; i--)
        {
            largest = Math.Max(largest, steps[i].ItemFloats);
            slices[i] = 1;
            while (slices[i] < MaxSlice && 2 * slices[i] * largest <= budget)
                slices[i] *= 2;
        }
        return slices;
    }

    /// <summary>Places storages by the range of steps in which they live; returns the size of them all.</summary>
    private static long Place(IEnumerable<Life> lives)
    {
        // The largest first: they decide the size, the small ones fit between them.
        var placed = new List<Life>();
        long size = 0;
        foreach (Life life in lives.OrderByDescending(l => l.Storage.ItemSize).ThenBy(l => l.First))
        {
            long offset = 0;
            foreach (Life other in placed.Where(p => p.First <= life.Last && life.First <= p.Last).OrderBy(p => p.Storage.ArenaOffset))
            {
                if (other.Storage.ArenaOffset - offset >= life.Storage.ItemSize)
                    break;
                offset = Math.Max(offset, other.Storage.ArenaOffset + other.Storage.ItemSize);
            }
            life.Storage.ArenaOffset = offset;
            size = Math.Max(size, offset + life.Storage.ItemSize);
            placed.Add(life);
        }
        return size;
    }

    /// <summary>The steps in which a storage is used. A class, as what LINQ does with structs .NET compiles anew, in the time of a first output.</summary>
    private sealed class Life(Storage storage, int first, int last)
    {
        public Storage Storage { get; } = storage;

        public int First { get; set; } = first;

        public int Last { get; set; } = last;
    }
}
